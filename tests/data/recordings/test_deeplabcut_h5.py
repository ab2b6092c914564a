import pickle

import numpy as np
import pytest

from base.errors import InputError
from data.recordings.deeplabcut_h5 import read
from data.recordings.guessing import guess_recording, read_recording
from tests.data.recordings.checks import check_damaged, content_after

h5py = pytest.importorskip("h5py")
pd = pytest.importorskip("pandas")
pytest.importorskip("tables")

NAMES = ["scorer", "individuals", "bodyparts", "coords"]
CASES = [(format, people) for format in ("table", "fixed") for people in ([], ["one", "two"])]


@pytest.fixture(scope="module")
def frames():
    """By layout and people: what pandas writes, the file's bytes beside it."""
    found = {}
    for format, people in CASES:
        levels = [["net"], *([people] if people else []), ["nose", "tail"], ["x", "y", "likelihood"]]
        columns = pd.MultiIndex.from_product(levels, names=[name for name in NAMES if people or name != "individuals"])
        values = np.random.default_rng(0).random((5, len(columns)))
        values[1, :2] = np.nan
        found[format, bool(people)] = pd.DataFrame(values, np.arange(5) + 100, columns)
    return found


@pytest.fixture
def write(tmp_path, frames):
    def make(format, people, change=lambda frame: frame):
        path = tmp_path / "a.h5"
        frame = change(frames[format, people])
        frame.to_hdf(path, key="df_with_missing", format=format, mode="w")
        return path, frame

    return make


@pytest.mark.parametrize(("format", "people"), [(format, bool(people)) for format, people in CASES])
def test_what_pandas_writes_is_read_and_what_is_written_pandas_reads(write, format, people):
    path, frame = write(format, people)
    assert guess_recording(path) == "deeplabcut_h5"
    recording = read(path)
    values = frame.to_numpy().reshape(5, -1, 2, 3)  # frame, animal, part, x y likelihood
    joints, sure = np.moveaxis(values[..., :2], 1, 0), np.moveaxis(values[..., 2], 1, 0)
    order = np.lexsort((recording.frame, recording.person))
    np.testing.assert_array_equal(recording.joints[order], joints.reshape(-1, 2, 2))
    np.testing.assert_array_equal(recording.confidence[order], sure.reshape(-1, 2).astype(np.float32))
    assert recording.names == ("nose", "tail")
    assert sorted(set(recording.frame.tolist())) == [100, 101, 102, 103, 104]
    assert len(set(recording.person.tolist())) == 1 + people
    assert content_after(path) == path.read_bytes()

    output = path.with_name("new.h5")
    recording.write(recording.joints + 1, output)
    expected = frame.copy()
    moved = frame.columns.get_level_values("coords") != "likelihood"
    expected.loc[:, moved] += 1
    pd.testing.assert_frame_equal(pd.read_hdf(output), expected)


def test_whole_numbers_are_rounded_and_it_is_said(write):
    def whole(frame):
        return (frame.fillna(0.5) * 100).astype(np.int32)

    path, frame = write("fixed", True, whole)
    recording = read(path)
    assert "rounded" in recording.notes[0]
    assert content_after(path) == path.read_bytes()
    recording.write(recording.joints + 0.6, path.with_name("new.h5"))
    found = pd.read_hdf(path.with_name("new.h5"))
    assert (found.dtypes == np.int32).all()
    assert (found.xs("x", axis=1, level="coords") == frame.xs("x", axis=1, level="coords") + 1).all(axis=None)
    assert (found.xs("likelihood", axis=1, level="coords") == frame.xs("likelihood", axis=1, level="coords")).all(
        axis=None
    )


@pytest.mark.parametrize("format", ["table", "fixed"])
def test_a_part_at_zero_is_missing_and_stays(write, format):
    def zeroed(frame):
        frame = frame.copy()
        frame.iloc[2, 3:5] = 0.0
        return frame

    path, _ = write(format, False, zeroed)
    recording = read(path)
    assert np.isnan(recording.joints[2, 1]).all()
    assert np.isnan(recording.joints).all(-1).sum() == 2
    recording.write(recording.joints + 1, path.with_name("new.h5"))
    assert pd.read_hdf(path.with_name("new.h5")).iloc[2, 3:5].tolist() == [0, 0]


def test_columns_of_several_kinds_and_no_likelihood(write):
    def mixed(frame):
        return frame.drop(columns="likelihood", level="coords").astype({("net", "tail", "x"): np.float32})

    for format in ("table", "fixed"):
        path, frame = write(format, False, mixed)
        recording = read(path)
        assert recording.confidence is None
        np.testing.assert_array_equal(
            recording.joints[:, list(recording.names).index("tail"), 0], frame["net", "tail", "x"]
        )
        recording.write(recording.joints + 1, path.with_name("new.h5"))
        pd.testing.assert_frame_equal(pd.read_hdf(path.with_name("new.h5")), frame + 1)


def _with_pickle(path, content):
    """Replace the pickled names of columns in a file."""
    with h5py.File(path, "r+") as file:
        file["df_with_missing/table"].attrs["values_block_0_kind"] = np.bytes_(content)
    return path


def test_names_that_python_2_pickled_are_read(write):
    path, frame = write("table", False)
    lines = b"".join(b"(S'net'\nS'%s'\nS'%s'\nta" % (part.encode(), kind.encode()) for _, part, kind in frame.columns)
    assert read(_with_pickle(path, b"(lp0\n" + lines + b".")).names == ("nose", "tail")


def test_a_pickle_with_code_in_it_is_refused_and_not_run(write, tmp_path):
    class Harmful:
        def __reduce__(self):
            return (open, (str(tmp_path / "written"), "w"))

    path, _ = write("table", False)
    with pytest.raises(InputError, match="refused to unpickle"):
        read(_with_pickle(path, pickle.dumps(Harmful(), 0)))
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize("content", [b"(lp0\n.", b"I5\n.", b"nonsense", b"(lp0\n(I1\nI2\nI3\nta(I1\nI2\nI3\nta."])
def test_names_that_are_none_are_refused(write, content):
    path, _ = write("table", False)
    with pytest.raises(InputError, match=r"a\.h5: "):
        read(_with_pickle(path, content))


def test_a_table_without_rows_has_nobody(write):
    path, _ = write("fixed", False, lambda frame: frame[:0])
    with pytest.raises(InputError, match=r"a\.h5: "):
        read_recording(path)
    path, _ = write("table", False)
    with h5py.File(path, "r+") as file:
        file["df_with_missing/table"].resize((0,))
    with pytest.raises(InputError, match="no joint has a position"):
        read_recording(path)


def test_several_tables_are_refused(write):
    path, frame = write("fixed", False)
    frame.to_hdf(path, key="more", mode="a")
    with pytest.raises(InputError, match="holds 2 tables"):
        read(path)


def test_labels_that_lead_nowhere_are_refused(write):
    path, _ = write("fixed", False)
    with h5py.File(path, "r+") as file:
        file["df_with_missing/block0_items_label1"][0] = 100
    with pytest.raises(InputError, match="a column without a name"):
        read(path)


def test_damage(write):
    for format in ("table", "fixed"):
        check_damaged(write(format, True)[0], read, 40)
