import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from base.errors import InputError
from data.recordings.phalp import read
from tests.data.recordings.checks import check_damaged, check_same, rewritten

joblib = pytest.importorskip("joblib")


def content(images=((1,), (), (1, 4), (4, 1))):
    rng = np.random.default_rng(0)
    found = {}
    for time, people in enumerate(images):
        turns = [Rotation.random(24, rng=rng).as_matrix().astype(np.float32) for _ in people]
        found[f"img/{time:06}.jpg"] = {
            "time": time,
            "tracked_ids": list(people),
            "tid": list(people),
            "bbox": [rng.random(4) for _ in people],
            "smpl": [
                {"global_orient": t[:1], "body_pose": t[1:].copy(), "betas": rng.random(10, np.float32)} for t in turns
            ],
            "3d_joints": [rng.random((45, 3), np.float32) for _ in people],
        }
    return found


def saved(folder, value, compress=3):
    joblib.dump(value, folder / "a.pkl", compress=compress)
    return folder / "a.pkl"


def test_people_are_rows_by_their_numbers_in_frames_that_may_be_empty(tmp_path):
    value = content()
    recording = check_same(saved(tmp_path, value), "phalp")
    assert recording.frame.tolist() == [0, 2, 2, 3, 3]
    assert recording.person.tolist() == [1, 1, 4, 4, 1]
    assert recording.groups == ((0, 1), tuple(range(2, 48)))
    wanted = value["img/000002.jpg"]["smpl"][1]["body_pose"][0]
    np.testing.assert_array_equal(recording.joints[2, 2:4], wanted[:, :2].T)


def test_only_the_matrix_that_changes_is_another(tmp_path):
    value = content()
    path = saved(tmp_path, value)
    turned = Rotation.from_rotvec([0.3, -0.4, 0.5]).as_matrix()
    output = rewritten(path, read(path), lambda joints: joints.__setitem__((2, slice(2, 4)), turned[:, :2].T * 0.9))
    again = joblib.load(output)
    found = again["img/000002.jpg"]["smpl"][1]["body_pose"]
    np.testing.assert_allclose(found[0], turned, atol=1e-6)
    value["img/000002.jpg"]["smpl"][1]["body_pose"][0] = found[0]
    np.testing.assert_equal(again, value)


def without(value, key):
    value["img/000000.jpg"][key] = []
    return value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (content(((), ())), "nobody was found"),
        (without(content(), "tid"), "found 1 of smpl and 0 of tid"),
        ({"tracked_ids tid": [1]}, "expected a table of what was found"),
        ({"a": {"tid": ["x"], "smpl": [content()["img/000000.jpg"]["smpl"][0]]}}, "found 'x', expected a whole number"),
        ({"a": {"tid": [1], "smpl": [{"global_orient": np.eye(3)}]}}, r"expected matrices global_orient \(1, 3, 3\)"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, value, told):
    with pytest.raises(InputError, match=told):
        read(saved(tmp_path, value))


def test_damaged_files_are_refused_in_one_line(tmp_path):
    check_damaged(saved(tmp_path, content(((1,), (1,))), compress=0), read, 40)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sets(st.integers(0, 9), max_size=2), min_size=1, max_size=3).filter(any), st.sampled_from([0, 3]))
def test_any_images_come_back_byte_for_byte(tmp_path_factory, images, compress):
    path = saved(tmp_path_factory.mktemp("phalp"), content(images), compress)
    assert rewritten(path, read(path)).read_bytes() == path.read_bytes()
