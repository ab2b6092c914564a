import numpy as np

from data.recordings.anipose import read
from data.recordings.guessing import guess_recording
from tests.data.recordings.checks import check_damaged, content_after

TEXT = """tip_x,tip_y,tip_z,tip_error,tip_ncams,tip_score,base_x,base_y,base_z,base_error,base_score,M_00,center_0,fnum
1.5,2.25,-3.125,0.4,3.0,0.9,4,5,6,0.5,0.8,1.0,0.0,0
,,,,,,4.5,5.5,6.5,0.5,0.7,1.0,0.0,1
"""


def test_points_scores_and_frames(tmp_path):
    path = tmp_path / "pose.csv"
    path.write_text(TEXT)
    assert guess_recording(path) == "anipose"
    recording = read(path)
    np.testing.assert_array_equal(recording.joints[0], [[1.5, 2.25, -3.125], [4, 5, 6]])
    np.testing.assert_array_equal(recording.joints[1], [[np.nan] * 3, [4.5, 5.5, 6.5]])
    np.testing.assert_array_equal(recording.confidence, np.float32([[0.9, 0.8], [0, 0.7]]))
    assert recording.names == ("tip", "base")
    assert recording.frame.tolist() == [0, 1]
    assert content_after(path) == TEXT.encode()


def test_only_what_changes_is_written(tmp_path):
    def change(joints):
        joints[0, 0, 2] = -3

    path = tmp_path / "pose.csv"
    path.write_text(TEXT)
    assert content_after(path, change).decode() == TEXT.replace("-3.125", "-3.000")


def test_damage(tmp_path):
    path = tmp_path / "pose.csv"
    path.write_text(TEXT)
    check_damaged(path, read)
