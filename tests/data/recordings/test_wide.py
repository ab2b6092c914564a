import numpy as np
import pytest

from base.errors import InputError
from data.recordings.table_text import read_table
from data.recordings.wide import frame_numbers, missing_in, table_recording


def test_rows_of_a_table_become_rows_of_people(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("frame,ax,ay,ac,bx,by\n3,1,2,7,,5\n5,3,,nan,6,7\n")
    table = read_table(path)
    columns, sure = np.array([[[1, 2]], [[4, 5]]]), np.array([[3], [-1]])
    recording = table_recording(
        table, np.array([1, 2]), columns, sure, np.array([3, 5]), seconds=np.array([0.1, 0.3]), names=("a",)
    )
    np.testing.assert_array_equal(recording.joints, [[[1, 2]], [[6, 7]]])
    np.testing.assert_array_equal(recording.confidence, [[1], [0]])
    assert recording.frame.tolist() == [3, 5]
    assert recording.person.tolist() == [0, 1]
    assert recording.seconds.tolist() == [0.1, 0.3]
    recording.write(np.array([[[1, 2.5]], [[8, 7]]]), path.with_name("new"))
    assert path.with_name("new").read_text() == "frame,ax,ay,ac,bx,by\n3,1,2.50,7,,5\n5,3,,nan,8.00,7\n"


def test_zero_is_missing_but_for_a_root_that_is_always_there():
    values = np.ones((2, 1, 3, 2))
    values[:, 0, 0] = 0
    values[0, 0, 1] = 0
    values[1, 0, 2] = 5, np.nan
    np.testing.assert_array_equal(missing_in(values, True)[:, 0], [[False, True, False], [False, False, True]])
    np.testing.assert_array_equal(missing_in(values, False)[:, 0], [[False, False, False], [False, False, True]])


@pytest.mark.parametrize("cell", ["", "1.5", "1e30", "30000000"])
def test_what_numbers_no_frame_is_refused(tmp_path, cell):
    path = tmp_path / "a.csv"
    path.write_text(f"frame,x\n7,1\n{cell},1\n")
    table = read_table(path)
    assert frame_numbers(table, table.slots(np.array([1]), np.array([0]))[:, 0]).tolist() == [7]
    with pytest.raises(InputError, match=f"line 3, column 1: found '{cell}', expected the number of a frame"):
        frame_numbers(table, table.slots(slice(1, None), np.array([0]))[:, 0])
