import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import InputError
from data.recordings.videopose3d import read
from tests.data.recordings.checks import check_damaged, check_same, rewritten


def poses(*shape):
    return np.random.default_rng(shape[0]).uniform(10, 300, shape).astype(np.float32)


def positions(folder, **videos):
    np.savez_compressed(folder / "a.npz", positions_2d=videos, metadata={"layout_name": "coco"})
    return folder / "a.npz"


def test_every_camera_of_every_video_is_a_sequence(tmp_path):
    arrays = [poses(7, 4, 2), poses(5, 4, 2), poses(3, 4, 2)]
    path = positions(tmp_path, S1={"walk": arrays[:2]}, S2={"run": arrays[2:]})
    recording = check_same(path, "videopose3d")
    assert recording.person.tolist() == [0] * 7 + [1] * 5 + [2] * 3
    np.testing.assert_array_equal(recording.joints, np.concatenate(arrays))
    output = rewritten(path, recording, lambda joints: joints.__setitem__(slice(7, 12), 1.5))
    with np.load(output, allow_pickle=True) as new:
        again = new["positions_2d"].item()
        assert (again["S1"]["walk"][1] == 1.5).all()
        np.testing.assert_array_equal(again["S2"]["run"][0], arrays[2])
        assert new["metadata"].item() == {"layout_name": "coco"}


def detections(folder):
    rng = np.random.default_rng(0)
    cells = np.empty((4, 2), object)
    for frame, people in enumerate((1, 0, 2, 1)):
        cells[frame, 0] = []
        found = rng.uniform(1, 100, (people, 4, 5)).astype(np.float32)
        found[:, 3] /= 200
        cells[frame, 1] = found if people else []
    np.savez_compressed(folder / "a.npz", boxes=cells, segments=np.array([None] * 4), keypoints=cells)
    return folder / "a.npz", cells


def test_detections_of_each_frame_are_rows_without_identities(tmp_path):
    path, cells = detections(tmp_path)
    recording = check_same(path, "videopose3d")
    assert recording.frame.tolist() == [0, 2, 2, 3]
    assert recording.person is None
    np.testing.assert_array_equal(recording.joints[2], cells[2, 1][1, :2].T)
    np.testing.assert_array_equal(recording.confidence[2], cells[2, 1][1, 3])
    output = rewritten(path, recording, lambda joints: joints.__setitem__((2, 4), [7, 8]))
    with np.load(output, allow_pickle=True) as new:
        cells[2, 1][1, :2, 4] = [7, 8]
        for frame in (0, 2, 3):
            np.testing.assert_array_equal(new["keypoints"][frame, 1], cells[frame, 1])


@pytest.mark.parametrize("videos", [{}, {"S1": {"walk": [np.zeros((5, 4, 3))]}}, {"S1": {"walk": ["text"]}}])
def test_what_holds_no_positions_is_refused(tmp_path, videos):
    with pytest.raises(InputError, match="expected tables of videos"):
        read(positions(tmp_path, **videos))


def test_damaged_files_are_refused_in_one_line(tmp_path):
    check_damaged(positions(tmp_path, S1={"walk": [poses(3, 4, 2)]}), read, 40)
    check_damaged(detections(tmp_path)[0], read, 40)


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.sampled_from(["S1", "S5"]), st.lists(st.integers(1, 4), min_size=1, max_size=3), min_size=1))
def test_any_videos_come_back_byte_for_byte(tmp_path_factory, videos):
    arrays = {name: {"walk": [poses(count, 4, 2) for count in frames]} for name, frames in videos.items()}
    path = positions(tmp_path_factory.mktemp("videopose3d"), **arrays)
    assert rewritten(path, read(path)).read_bytes() == path.read_bytes()
