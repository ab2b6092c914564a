import numpy as np
import pytest

from base.errors import InputError
from recognition.scores import Scores, add_scores, aligned, check_paired, read_scores, stack_scores, write_scores

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


def part(names, label, right):
    score = np.where(np.eye(2, dtype=bool)[np.where(right, label, 1 - np.asarray(label))], 0.9, 0.1)
    return Scores(np.array(names), np.array(label), score, np.array([1, 2]))


def test_clips_are_paired_by_name_whatever_their_order():
    first = stack_scores({"a": part(["x", "y", "z"], [0, 1, 0], [True, True, False])})
    second = stack_scores({"b": part(["z", "x", "y"], [0, 0, 1], [True, True, False])})
    check_paired(first, second, "a", "b")
    differences = second.correct.astype(int) - first.correct
    assert first.clip.tolist() == ["x", "y", "z"]
    assert differences.tolist() == [[0, -1, 1]]


def test_seeds_and_arms_on_other_clips_are_refused():
    first, other = part(["x", "y"], [0, 1], [True, True]), part(["x", "w"], [0, 1], [True, True])
    with pytest.raises(InputError, match=r"b: not scored on the same test clips as a .*first is w"):
        stack_scores({"a": first, "b": other})
    relabelled = stack_scores({"c": part(["x", "y"], [1, 1], [True, True])})
    with pytest.raises(InputError, match="has other classes"):
        check_paired(stack_scores({"a": first}), relabelled, "a", "c")
    with pytest.raises(InputError, match="scored twice"):
        stack_scores({"d": part(["x", "x"], [0, 0], [True, True])})


def test_damaged_scores_are_told_in_one_line(tmp_path):
    file = tmp_path / "scores.npz"
    file.write_bytes(b"PK\x03\x04 not a zip")
    for path in (file, tmp_path / "absent.npz"):
        with pytest.raises(InputError, match=r"cannot read the scores"):
            read_scores(path)
    np.savez(file, **{**vars(part(["x", "y"], [0, 1], [True, True])), "label": np.array([0])})
    with pytest.raises(InputError, match="do not fit together"):
        read_scores(file)
    write_scores(file, part(["x", "y"], [0, 1], [True, True]))
    write_scores(tmp_path / "other.npz", part(["y", "x"], [1, 0], [True, False]))
    parts = {name: read_scores(tmp_path / name) for name in ("scores.npz", "other.npz")}
    assert stack_scores(parts).correct.tolist() == [[True, True], [False, True]]
