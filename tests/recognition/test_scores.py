import numpy as np
import pytest

from base.errors import InputError
from recognition.scores import Scores, add_scores, aligned, read_scores, write_scores

NAMES = np.array(["c", "a", "b"])


def make(seed=0, clip=NAMES, label=(0, 1, 1), action=(1, 23)):
    score = np.random.default_rng(seed).dirichlet(np.ones(len(action)), len(clip)).astype(np.float32)
    return Scores(np.asarray(clip), np.asarray(label), score, np.asarray(action))


def test_scores_come_back(tmp_path):
    write_scores(tmp_path / "scores.npz", make())
    found = read_scores(tmp_path / "scores.npz")
    for name in ("clip", "label", "score", "action"):
        np.testing.assert_array_equal(getattr(found, name), getattr(make(), name))


def test_a_sum_is_the_weighted_mean():
    parts = {"joint": make(0), "bone": make(1), "joint_motion": make(2)}
    found = add_scores(parts, {"joint": 2, "joint_motion": 1})
    np.testing.assert_allclose(found.score, (2 * parts["joint"].score + parts["joint_motion"].score) / 3, rtol=1e-6)
    np.testing.assert_allclose(found.score.sum(1), 1, rtol=1e-6)
    np.testing.assert_array_equal(add_scores(parts, {"bone": 7.0}).score, parts["bone"].score)


def test_clips_are_matched_by_name():
    one, other = make(), make(clip=("a", "b", "c"), label=(1, 1, 0))
    found = aligned(other, one, "other", "one")
    assert found.clip.tolist() == one.clip.tolist()
    np.testing.assert_array_equal(found.score, other.score[[2, 0, 1]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"clip": ("c", "a", "d")},
            r"clips as one \(2 clips in one only, the first is b",
        ),
        ({"clip": ("c", "a"), "label": (0, 1)}, "1 clip in one only"),
        ({"clip": ("c", "a", "a")}, "not scored on the same clips"),
        ({"label": (1, 1, 1)}, "other classes"),
        ({"action": (1, 24)}, "other classes"),
    ],
)
def test_scores_of_something_else_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        aligned(make(**changes), make(), "other", "one")


def test_a_file_that_holds_no_scores_is_refused(tmp_path):
    (tmp_path / "scores.npz").write_bytes(b"no zip")
    with pytest.raises(InputError, match=r"scores\.npz: cannot read the scores"):
        read_scores(tmp_path / "scores.npz")
    np.savez(tmp_path / "odd.npz", clip=NAMES, label=np.zeros(2), score=np.zeros((3, 2)), action=np.zeros(2))
    with pytest.raises(InputError, match="do not fit together"):
        read_scores(tmp_path / "odd.npz")
    np.savez(tmp_path / "code.npz", clip=np.array([print], object), label=[0], score=[[1.0]], action=[1])
    with pytest.raises(InputError, match=r"code\.npz"):
        read_scores(tmp_path / "code.npz")
