import numpy as np
import pytest

from base.errors import InputError
from data.recordings.guessing import guess_recording
from data.recordings.parquet import read
from tests.data.recordings.checks import check_damaged, content_after

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pd = pytest.importorskip("pandas")


def poses():
    return {
        "frame": pa.array([3, 5, 6], pa.int32()),
        "time": pa.array([0.1, 0.2, 0.25]),
        "nose_x": pa.array([10.5, None, 11], pa.float32()),
        "nose_y": pa.array([20.25, None, 21], pa.float32()),
        "nose_score": pa.array([0.9, None, 1.5]),
        "tail_x": pa.array([1, 2, 0], pa.int16()),
        "tail_y": pa.array([3, 4, 0], pa.int16()),
        "label": pa.array(["walk", "walk", None]),
    }


def joints():
    return {
        "type": ["body", "hand", "body", "body"],
        "landmark_index": pa.array([0, 0, 1, 1], pa.int16()),
        "x": [0.5, 0.25, np.nan, 0.75],
        "y": [1.5, 1.25, np.nan, 1.75],
        "frame": [1, 1, 1, 4],
    }


@pytest.fixture
def write(tmp_path):
    def make(columns, **options):
        path = tmp_path / "a.parquet"
        pq.write_table(pa.table(columns), path, **options)
        return path

    return make


def test_a_row_per_frame(write):
    path = write(poses())
    assert guess_recording(path) == "parquet"
    recording = read(path)
    nan = [np.nan] * 2
    np.testing.assert_array_equal(recording.joints, [[[10.5, 20.25], [1, 3]], [nan, [2, 4]], [[11, 21], nan]])
    np.testing.assert_array_equal(recording.confidence, np.float32([[0.9, 0], [0, 0], [1, 0]]))
    assert recording.frame.tolist() == [3, 5, 6]
    assert recording.seconds.tolist() == [0.1, 0.2, 0.25]
    assert recording.names == ("nose", "tail")
    assert ["rounded" in note for note in recording.notes] == [False, True]


def test_a_row_per_joint(write):
    recording = read(write(joints()))
    nan = [np.nan] * 2
    np.testing.assert_array_equal(recording.joints, [[[0.5, 1.5], [0.25, 1.25], nan], [nan, nan, [0.75, 1.75]]])
    assert recording.names == ("body 0", "hand 0", "body 1")
    assert recording.groups == ((0, 2), (1,))
    assert recording.frame.tolist() == [1, 4]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_people_by_their_names(write, kind):
    columns = {"frame": [0, 0, 1], "player": pa.array(["x", "y", "x"], kind), "a_x": [1.0, 2, 3], "a_y": [1.0, 2, 3]}
    assert read(write(columns)).person.tolist() == [0, 1, 0]


def test_dates_are_times(write):
    when = pa.array([1_600_000_000_000, 1_600_000_000_040, 1_600_000_000_080], pa.timestamp("ms"))
    recording = read(write({"timestamp": when, "a_x": [1.0, 2, 3], "a_y": [1.0, 2, 3]}))
    np.testing.assert_allclose(np.diff(recording.seconds), 0.04, atol=1e-6)


def test_a_file_that_nothing_has_changed_in_is_the_same(write):
    for columns in (poses(), joints()):
        path = write(columns)
        assert content_after(path) == path.read_bytes()


@pytest.mark.parametrize(
    "options", [{}, {"compression": {"frame": "gzip", "nose_x": "zstd"}, "row_group_size": 2, "version": "1.0"}]
)
def test_only_what_changes_is_written_and_in_the_same_way(write, options):
    path = write(poses(), **options)
    recording = read(path)
    new = recording.joints.copy()
    new[0] = [[12.125, 20.25], [4.6, 3]]
    output = path.with_name("new.parquet")
    recording.write(new, output)
    expected = pa.table(
        poses() | {"nose_x": pa.array([12.125, None, 11], pa.float32()), "tail_x": pa.array([5, 2, 0], pa.int16())}
    )
    found = pq.read_table(output)
    assert found.equals(expected, check_metadata=True)
    before, after = pq.ParquetFile(path).metadata, pq.ParquetFile(output).metadata
    assert after.num_row_groups == before.num_row_groups
    assert after.format_version == before.format_version
    for at in range(before.num_columns):
        assert after.row_group(0).column(at).compression == before.row_group(0).column(at).compression


def test_pandas_finds_its_own_kinds_and_index_again(tmp_path):
    frame = pd.DataFrame({"a_x": [1.5, 2.5], "a_y": [3.5, 4.5], "who": pd.Categorical(["u", "v"])}, index=[4, 9])
    path, output = tmp_path / "a.parquet", tmp_path / "new.parquet"
    frame.to_parquet(path)
    recording = read(path)
    recording.write(recording.joints + 1, output)
    frame[["a_x", "a_y"]] += 1
    pd.testing.assert_frame_equal(pd.read_parquet(output), frame)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1.0]}, "its columns name no coordinates"),
        ({"a_x": [1.0], "a_y": ["one"]}, "its column a_y holds no numbers"),
        (
            {"frame": [0.5], "a_x": [1.0], "a_y": [1.0]},
            "row 0, column frame: found 0.5, expected the number of a frame",
        ),
        ({"frame": ["one"], "a_x": [1.0], "a_y": [1.0]}, "its column frame holds no numbers"),
        (joints() | {"landmark_index": [0, 0, 0, 0]}, "found a joint twice in frame 1"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(write, columns, message):
    with pytest.raises(InputError, match=message):
        read(write(columns))


def test_more_cells_than_memory_is_for_are_refused(write, monkeypatch):
    path = write({"a_x": [1.0] * 9, "a_y": [1.0] * 9})
    monkeypatch.setattr("data.recordings.parquet.MOST_CELLS", 10)
    monkeypatch.setattr("data.recordings.parquet.do_apart", lambda work, *arguments, where, seconds: work(*arguments))
    with pytest.raises(InputError, match="more than 10 cells"):
        read(path)


def test_damage(write):
    check_damaged(write(poses()), read)
