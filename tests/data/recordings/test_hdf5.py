import numpy as np
import pytest

from base.errors import InputError
from data.recordings import hdf5
from data.recordings.hdf5 import patched_array, read_hdf5, write_hdf5

h5py = pytest.importorskip("h5py")
VALUES = np.arange(24.0).reshape(6, 4)


@pytest.fixture
def file(tmp_path):
    def make(fill):
        with h5py.File(tmp_path / "a.h5", "w") as made:
            fill(made)
        return tmp_path / "a.h5"

    return make


def test_arrays_and_texts_beside_them(file):
    def fill(made):
        made["group/values"] = VALUES
        made["group/names"] = np.array([b"one", b"two"])
        made["else"] = VALUES
        made["group"].attrs["kind"] = np.bytes_("frame")
        made["group"].attrs["number"] = 7
        made["group"].attrs["any"] = "a text of any length"

    found = read_hdf5(file(fill), "group/.*")
    assert sorted(found.arrays) == ["group/names", "group/values"]
    np.testing.assert_array_equal(found.arrays["group/values"], VALUES)
    assert found.arrays["group/names"].tolist() == [b"one", b"two"]
    assert found.attributes["group"] == {"kind": b"frame"}


@pytest.mark.parametrize(
    "options", [{}, {"chunks": (2, 4)}, {"chunks": (4, 2), "compression": "gzip", "shuffle": True}]
)
def test_other_values_take_the_place_of_those_there(file, options):
    def fill(made):
        made.create_dataset("before", data=VALUES, **options)
        made["beside"] = np.arange(5)

    path = file(fill)
    output = path.with_name("new.h5")
    write_hdf5(path, output, {})
    assert output.read_bytes() == path.read_bytes()
    write_hdf5(path, output, {"before": VALUES + 0.5})
    with h5py.File(output) as found:
        np.testing.assert_array_equal(found["before"], VALUES + 0.5)
        np.testing.assert_array_equal(found["beside"], np.arange(5))
    if "compression" not in options:
        old, new = (np.frombuffer(each.read_bytes(), np.uint8) for each in (path, output))
        assert (old != new).sum() <= VALUES.nbytes


def test_what_changes_is_written_in_the_files_own_kind():
    before = np.array([[1.0, 2], [3, np.nan]])
    after = np.array([[1.6, np.nan], [400, 7]])
    np.testing.assert_array_equal(
        patched_array(np.array([[1, 2], [3, 0]], np.uint8), before, after), [[2, 2], [255, 7]]
    )
    np.testing.assert_array_equal(
        patched_array(before.astype(np.float32), before, after), [[np.float32(1.6), 2], [400, 7]]
    )
    assert patched_array(before, before, before) is None
    assert np.isfinite(patched_array(np.zeros(1, np.float16), np.zeros(1), np.full(1, 1e9))).all()
    assert patched_array(np.array([1]), np.array([1.0]), np.array([1.2])) is None


def test_nothing_is_followed_out_of_the_file(file, tmp_path):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as made:
        made["secret"] = VALUES
    layout = h5py.VirtualLayout(VALUES.shape, "f8")
    layout[:] = h5py.VirtualSource(str(other), "secret", VALUES.shape)
    (tmp_path / "raw").write_bytes(VALUES.tobytes())

    def external(made):
        made["values"] = h5py.ExternalLink(str(other), "secret")

    def soft(made):
        made["real"] = VALUES
        made["values"] = h5py.SoftLink("/real")

    def virtual(made):
        made.create_virtual_dataset("values", layout)

    def raw(made):
        made.create_dataset("values", VALUES.shape, "f8", external=[(str(tmp_path / "raw"), 0, VALUES.nbytes)])

    for fill, message in (
        (external, "is a link"),
        (soft, "is a link"),
        (virtual, "another file"),
        (raw, "another file"),
    ):
        with pytest.raises(InputError, match=f"values:? is.*{message[3:]}"):
            read_hdf5(file(fill), "values")


def test_references_objects_and_nested_records_are_refused(file):
    def references(made):
        made["group"] = 1
        made.create_dataset("values", (1,), h5py.ref_dtype)[0] = made["group"].ref

    def texts(made):
        made["values"] = ["any length"]

    def nested(made):
        made["values"] = np.zeros(2, [("a", [("b", "f8")])])

    for fill in (references, texts, nested):
        with pytest.raises(InputError, match="expected numbers or texts of a fixed length"):
            read_hdf5(file(fill), "values")


def test_more_memory_than_the_bytes_warrant_is_refused(file):
    def empty(made):
        made.create_dataset("values", (1 << 40,), "f8", chunks=(1024,))

    def chunk(made):
        made.create_dataset("values", (4,), "f8", maxshape=(None,), chunks=(1 << 28,))

    for fill in (empty, chunk):
        with pytest.raises(InputError, match="takes far more memory than there are bytes"):
            read_hdf5(file(fill), "values")


def test_a_filter_that_loads_a_plugin_is_refused(file):
    def fill(made):
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((6, 4))
        plist.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (0,))
        h5py.h5d.create(made.id, b"values", h5py.h5t.NATIVE_DOUBLE, h5py.h5s.create_simple((6, 4)), plist)

    with pytest.raises(InputError, match="HDF5's filter 32001"):
        read_hdf5(file(fill), "values")


def test_groups_in_a_circle_and_without_number_have_an_end(file, monkeypatch):
    def circle(made):
        made["group/values"] = VALUES
        made["group/again"] = made["group"]

    assert list(read_hdf5(file(circle), "group/values").arrays) == ["group/values"]
    monkeypatch.setattr(hdf5, "_MOST_OBJECTS", 3)
    monkeypatch.setattr(hdf5, "do_apart", lambda work, *arguments, where, seconds: work(*arguments))
    with pytest.raises(InputError, match="more than 3 groups"):
        read_hdf5(file(circle), "x")


@pytest.mark.parametrize("content", [b"", b"text", hdf5.MAGIC, hdf5.MAGIC + bytes(2000)])
def test_what_is_no_such_file_is_refused(tmp_path, content):
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.h5: "):
        read_hdf5(tmp_path / "a.h5", ".*")
