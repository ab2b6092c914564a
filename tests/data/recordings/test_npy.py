import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from base.errors import InputError
from data.recordings.npy import guess, read
from tests.data.recordings.checks import check_damaged, check_same, read_known, rewritten


def poses(*shape, seed=0):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def saved(folder, array):
    path = folder / "a.npy"
    np.save(path, array)
    return path


def test_positions_in_space_are_read_as_they_are(tmp_path):
    array = poses(9, 5, 3)
    recording = check_same(saved(tmp_path, array), "npy")
    np.testing.assert_array_equal(recording.joints, array)
    assert recording.frame.tolist() == list(range(9))
    assert set(recording.person.tolist()) == {0}
    assert recording.confidence is None
    assert recording.fps is None
    assert recording.notes == ("read as 9 frames of 5 joints of 3 coordinates, by its shape and numbers",)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<f4", ">f8", "<f2", "<i4", ">i2"])
def test_only_the_number_that_changes_becomes_another(tmp_path, kind, order):
    array = np.asarray(np.arange(1, 1 + 4 * 3 * 2).reshape(4, 3, 2), kind, order=order)
    path = saved(tmp_path, array)
    recording = read_known(path, "npy")

    def change(joints):
        joints[2, 1, 0] = -7.6

    output = rewritten(path, recording, change)
    wanted = array.copy(order)
    wanted[2, 1, 0] = -8 if kind[1] == "i" else -7.6  # NumPy rounds to the kind
    np.testing.assert_array_equal(np.load(output), wanted)
    assert output.stat().st_size == path.stat().st_size
    changed = np.frombuffer(output.read_bytes(), np.uint8) != np.frombuffer(path.read_bytes(), np.uint8)
    assert 0 < changed.sum() <= array.itemsize
    assert any("rounded" in note for note in recording.notes) == (kind[1] == "i" or kind[2] == "2")


def test_whole_numbers_stay_within_their_kind(tmp_path):
    path = saved(tmp_path, np.full((3, 2, 2), 100, np.int8))
    output = rewritten(path, read(path), lambda joints: joints.__setitem__((0, 0), [1000, -1000]))
    assert np.load(output)[0, 0].tolist() == [127, -128]


@pytest.mark.parametrize(
    ("shape", "people", "first"), [((2, 9, 5, 3), 2, 0), ((9, 2, 5, 3), 2, 1), ((1, 9, 5, 2), 1, 0)]
)
def test_people_are_the_shorter_of_two_axes(tmp_path, shape, people, first):
    array = poses(*shape)
    recording = check_same(saved(tmp_path, array), "npy")
    assert np.bincount(recording.person).tolist() == [9] * people
    assert recording.frame.tolist() == list(range(9)) * people
    np.testing.assert_array_equal(
        recording.joints[9 * (people - 1)], array[people - 1, 0] if first == 0 else array[0, -1]
    )
    output = rewritten(tmp_path / "a.npy", recording, lambda joints: joints.__iadd__(1))
    np.testing.assert_allclose(np.load(output), array + 1, atol=1e-6)


def test_a_third_number_from_0_to_1_beside_pixels_is_a_score_and_stays(tmp_path):
    array = np.concatenate([500 * np.abs(poses(6, 4, 2)), np.linspace(0, 1.01, 24).reshape(6, 4, 1)], -1).astype("f4")
    recording = check_same(saved(tmp_path, array), "npy")
    assert recording.joints.shape == (6, 4, 2)
    np.testing.assert_array_equal(recording.confidence, np.minimum(array[..., 2], 1))
    output = rewritten(tmp_path / "a.npy", recording, lambda joints: joints.__iadd__(1))
    np.testing.assert_array_equal(np.load(output)[..., 2], array[..., 2])
    assert "and a score" in recording.notes[0]


@pytest.mark.parametrize("xy", [1, 500])
def test_heights_of_0_are_no_scores(tmp_path, xy):
    array = np.concatenate([xy * poses(6, 4, 2), np.zeros((6, 4, 1), "f4")], -1)
    assert read(saved(tmp_path, array)).joints.shape == (6, 4, 3)


def test_a_fourth_number_must_be_a_score(tmp_path):
    array = np.concatenate([poses(6, 4, 3), np.full((6, 4, 1), 0.5, "f4")], -1)
    assert read(saved(tmp_path, array)).joints.shape == (6, 4, 3)
    turned = np.abs(array) / np.linalg.norm(array, axis=-1, keepdims=True)
    with pytest.raises(InputError, match="quaternions"):
        read(saved(tmp_path, turned))


def test_what_is_missing_stays_so(tmp_path):
    array = poses(6, 4, 3)
    array[1, 2] = np.nan
    array[3, 0] = 0
    recording = check_same(saved(tmp_path, array), "npy")
    missing = np.isnan(recording.joints)
    assert np.argwhere(missing[..., 0]).tolist() == [[1, 2], [3, 0]]
    output = rewritten(tmp_path / "a.npy", recording, lambda joints: joints.__iadd__(1))
    np.testing.assert_array_equal(np.load(output)[missing], array[missing])


def test_a_root_at_0_throughout_is_there(tmp_path):
    array = poses(6, 4, 3)
    array[:, 0] = 0
    assert not np.isnan(read(saved(tmp_path, array)).joints).any()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((5, 34)),
        np.zeros((5, 2, 17)),
        np.ones((3, 300, 25, 2)),
        np.ones((60, 70, 17, 3)),
        np.zeros((5, 4, 3), complex),
        np.zeros((0, 4, 3)),
        np.zeros((5, 4, 3), "S3"),
        np.array([{"a": 1}], object),
        np.full((5, 4, 4), 3.0),
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(tmp_path, array):
    with pytest.raises(InputError, match=r"a\.npy: (found|holds).*(expected|save)") as told:
        read(saved(tmp_path, array))
    assert "\n" not in str(told.value)


def test_a_file_that_ends_too_early_is_refused(tmp_path):
    path = saved(tmp_path, poses(5, 4, 3))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match="237 bytes for an array of float32"):
        read(path)


def test_damaged_files_are_refused_in_one_line(tmp_path):
    check_damaged(saved(tmp_path, poses(5, 4, 3)), read)


def test_other_files_are_not_its(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"1,2,3")
    assert not guess(tmp_path / "a.npy")
    assert not guess(tmp_path)


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from(["<f4", "<f8", ">f4", "<f2", "<i2"]),
        st.tuples(st.integers(1, 5), st.integers(2, 4), st.integers(2, 3)),
        elements=st.integers(-200, 200),
        fill=st.nothing(),
    )
)
def test_any_array_that_is_read_comes_back_byte_for_byte(tmp_path_factory, array):
    path = saved(tmp_path_factory.mktemp("npy"), array)
    recording = read(path)
    assert rewritten(path, recording).read_bytes() == path.read_bytes()
