import io
import pickle
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from base.errors import InputError
from data.recordings.pickled import PickleFile, array_of, object_array, objects_of, pickle_head, read_placed
from data.recordings.stored import spliced

joblib = pytest.importorskip("joblib")

POSE = np.arange(24, dtype=np.float32).reshape(4, 6)


def dumped(value, protocol):
    return pickle.dumps(value, protocol)


def by_joblib(value, **how):
    target = io.BytesIO()
    joblib.dump(value, target, **how)
    return target.getvalue()


def loaded(content):
    return joblib.load(io.BytesIO(content))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_in_a_pickle_is_replaced_in_its_place(protocol, order):
    value = {"pose": np.asarray(POSE, order=order), "twin": POSE.copy(), "name": "x", "n": [np.float64(2.5), (1, None)]}
    content = dumped(value, protocol)
    root = read_placed(content, "a.pkl")
    stored = array_of(root["pose"])
    np.testing.assert_array_equal(stored.value, POSE)
    assert root["name"] == "x"
    assert root["n"] == [2.5, (1, None)]
    changed = POSE.copy()
    changed[1, 2] = -1e9  # whose bytes are others, and longer, as text
    new = spliced(content, [(stored, changed)])
    again = pickle.loads(new)
    np.testing.assert_array_equal(again["pose"], changed)
    np.testing.assert_array_equal(again["twin"], POSE)
    assert again["n"] == value["n"]
    assert (len(new) == len(content)) == (protocol > 2)
    assert spliced(content, [(stored, POSE)]) == content


@pytest.mark.parametrize("compress", [0, ("zlib", 3), ("zlib", 9)])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_joblibs_files_are_read_and_written(tmp_path, compress, protocol):
    value = {1: {"pose": POSE, "verts": np.asfortranarray(POSE[::2]), "n": 3}, "x": [POSE + 1, np.int64(7)]}
    packed = by_joblib(value, compress=compress, protocol=protocol)
    file = PickleFile(packed, tmp_path)
    assert file.replaced([]) is packed
    stored = array_of(file.root["x"][0])
    np.testing.assert_array_equal(stored.value, POSE + 1)
    np.testing.assert_array_equal(array_of(file.root[1]["verts"]).value, POSE[::2])
    again = loaded(file.replaced([(stored, POSE * 2)]))
    np.testing.assert_array_equal(again["x"][0], POSE * 2)
    np.testing.assert_array_equal(again[1]["verts"], POSE[::2])
    assert again["x"][1] == 7


def test_arrays_in_an_array_of_objects_know_their_places():
    target = io.BytesIO()
    array = np.empty(3, object)
    array[:] = [POSE, [], POSE + 1]
    np.save(target, array)
    found = list(objects_of(object_array(target.getvalue(), "a.npy")))
    assert found[1] == []
    stored = array_of(found[2])
    assert target.getvalue()[stored.start : stored.end] == (POSE + 1).tobytes()


class Evil:
    def __reduce__(self):
        return print, ("ran",)


@pytest.mark.parametrize("pack", [pickle.dumps, by_joblib, lambda value: zlib.compress(by_joblib(value))])
def test_code_is_refused_and_not_run(tmp_path, capsys, pack):
    with pytest.raises(InputError, match=r"refused to unpickle builtins\.print"):
        PickleFile(pack({"pose": POSE, "evil": Evil()}), tmp_path)
    assert capsys.readouterr().out == ""


def test_objects_in_joblibs_arrays_are_refused(tmp_path):
    with pytest.raises(InputError, match="an array of objects"):
        PickleFile(by_joblib({"a": np.array([{}, 1], object)}), tmp_path)


def test_states_are_given_to_nothing_else(tmp_path):
    hostile = b"\x80\x04\x8c\x13joblib.numpy_pickle0c_codecs\nencode\n}\x8c\x0c__defaults__K\x01sb."
    with pytest.raises(InputError, match="a state of what has none"):
        PickleFile(hostile, tmp_path)


def test_keys_nested_without_end_are_refused(tmp_path):
    deep = b"\x80\x04}\x8c\x14joblib.numpy_pickle)" + b"\x85" * 200_000 + b"Ns" + b"s."
    with pytest.raises(InputError, match="neither text nor number"):
        PickleFile(deep, tmp_path)


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("data.recordings.pickled.ANY_TIMES", 1 << 10)
    with pytest.raises(InputError, match="unpacks to far more"):
        PickleFile(zlib.compress(bytes(1 << 20), 9), tmp_path)


@pytest.mark.parametrize("cut", [1, 40, 200])
@pytest.mark.parametrize("pack", [pickle.dumps, by_joblib, lambda value: by_joblib(value, compress=3)])
def test_what_ends_too_early_is_refused(tmp_path, pack, cut):
    with pytest.raises(InputError, match=r"too early|damaged"):
        PickleFile(pack({"pose": np.random.default_rng(0).random((4, 60))})[:-cut], tmp_path)


def test_heads_of_pickles(tmp_path):
    path = tmp_path / "a.pkl"
    for content in (by_joblib({"pose": POSE}, compress=3), by_joblib({"pose": POSE}), dumped({"a": POSE}, 2)):
        path.write_bytes(content)
        assert b"numpy" in pickle_head(path)
    for content in (b"x\x9c nothing", b"{}", b""):
        path.write_bytes(content)
        assert pickle_head(path) == b""
    assert pickle_head(tmp_path) == b""


values = st.recursive(
    st.none()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | hnp.arrays(st.sampled_from(["<f4", ">f8", "<i2", "u1"]), hnp.array_shapes(max_dims=3, max_side=3)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=8,
)


def plain(value):
    stored = array_of(value)
    if stored is not None:
        return stored.value
    if isinstance(value, dict):
        return {plain(key): plain(part) for key, part in value.items()}
    if isinstance(value, str):
        return str(value)
    return [plain(part) for part in value] if isinstance(value, list) else value


@settings(max_examples=40, deadline=None)
@given(values, st.sampled_from([2, 3, 4, 5]), st.booleans())
def test_whatever_is_pickled_is_read_as_python_reads_it(value, protocol, by):
    content = by_joblib(value, protocol=protocol) if by else dumped(value, protocol)
    np.testing.assert_equal(plain(read_placed(content, "x")), loaded(content) if by else pickle.loads(content))
