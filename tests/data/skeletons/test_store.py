import errno

import numpy as np
import pytest

from base.errors import InputError
from data.ntu.names import ClipName, parse_name
from data.skeletons.layouts import LAYOUTS
from data.skeletons.store import StoreInfo, StoreWriter, Track, derive_store, open_store, to_block, track_of
from tests.data.skeletons.small_store import NAMES, tracks


def test_what_is_added_is_read_back(store):
    assert store.clips.name.tolist() == [str(name) for name in NAMES]
    assert store.clips.action.tolist() == [1, 2, 60]
    assert store.clips.frames.tolist() == [20, 21, 22]
    assert (store.info.clips, store.info.tracks, store.info.frames) == (3, 4, len(store.joints))
    track = tracks(1, [11, 5])[1]
    assert (store.tracks.clip[2], store.tracks.actor[2], store.tracks.first_frame[2]) == (1, 1, 1)
    rows = slice(store.tracks.first_row[2], store.tracks.first_row[2] + store.tracks.length[2])
    np.testing.assert_array_equal(store.joints[rows], track.joints)
    np.testing.assert_array_equal(store.tracked[rows], track.tracked)


def write_and_fail(folder):
    with StoreWriter(folder, StoreInfo()) as writer:
        writer.add(NAMES[0], 20, tracks(0, [10]))
        raise RuntimeError


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError):
        write_and_fail(tmp_path / "store")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_store_is_not_overwritten_unless_asked(store):
    with pytest.raises(InputError, match="already exists"), StoreWriter(store.folder, StoreInfo()):
        pass
    assert len(open_store(store.folder).clips) == 3
    with StoreWriter(store.folder, StoreInfo(), replace=True) as writer:
        writer.add(NAMES[0], 20, tracks(0, [10]))
    assert len(open_store(store.folder).clips) == 1
    assert [path.name for path in store.folder.parent.iterdir()] == ["store"]


def test_a_derived_store_differs_in_joints_only(store, tmp_path):
    blocks = (store.joints[at : at + 7] + 1 for at in range(0, len(store.joints), 7))
    derive_store(store, tmp_path / "derived", lambda done: blocks, StoreInfo(kind="refined"))
    derived = open_store(tmp_path / "derived")
    np.testing.assert_array_equal(derived.joints, store.joints + 1)
    np.testing.assert_array_equal(derived.tracked, store.tracked)
    assert derived.clips.name.tolist() == store.clips.name.tolist()
    assert derived.info.kind == "refined"


def test_names_are_read_and_written():
    assert parse_name("S001C002P003R002A013") == ClipName(1, 2, 3, 2, 13)
    assert str(ClipName(17, 3, 40, 2, 60)) == "S017C003P040R002A060"


@pytest.mark.parametrize(
    "name", ["S001C002P003R002", "S001C002P003R002A013_x", "s001c002p003r002a013", "S000C001P001R001A001"]
)
def test_other_names_are_refused(name):
    with pytest.raises(InputError, match="not an NTU RGB\\+D clip name"):
        parse_name(name)


def test_a_store_in_an_image_keeps_confidences(tmp_path):
    random = np.random.default_rng(0)
    joints = random.uniform(0, 1000, (4, 17, 2)).astype(np.float32)
    confidence = random.uniform(size=(4, 17)).astype(np.float32)
    info = StoreInfo(layout="coco17", image=(1920, 1080), confidence=True)
    with StoreWriter(tmp_path / "store", info) as writer:
        writer.add(NAMES[0], 4, [Track(0, 0, joints, np.full((4, 17), 2, np.uint8), confidence)])
    store = open_store(tmp_path / "store")
    assert store.layout == LAYOUTS["coco17"]
    assert store.info.image == (1920, 1080)
    np.testing.assert_array_equal(store.confidence, confidence)
    derive_store(store, tmp_path / "derived", lambda done: [joints[done:] + 1], store.info)
    np.testing.assert_array_equal(open_store(tmp_path / "derived").confidence, confidence)


def test_a_store_has_the_confidence_of_all_tracks_or_of_none(tmp_path):
    track = Track(0, 0, np.zeros((4, 25, 3), np.float32), np.full((4, 25), 2, np.uint8), np.ones((4, 25), np.float32))
    with pytest.raises(ValueError, match="confidence"), StoreWriter(tmp_path / "store", StoreInfo()) as writer:
        writer.add(NAMES[0], 4, [track])
    assert not (tmp_path / "store").exists()


def test_a_block_that_does_not_fit_is_refused(tmp_path):
    joints, tracked = np.zeros((4, 25, 3), np.float32), np.zeros((4, 25), np.uint8)
    for frames, track, message in (
        (4, Track(0, 0, joints[:, :24], tracked), "shape"),
        (4, Track(0, 0, joints, tracked[:3]), "shape"),
        (4, Track(0, 1, joints, tracked), "outside"),
        (4, Track(0, 0, joints[:0], tracked[:0]), "outside"),
    ):
        with pytest.raises(ValueError, match=message):
            to_block([(NAMES[0], frames, [track])], LAYOUTS["ntu25"])


def test_a_full_disk_leaves_no_store(tmp_path, monkeypatch):
    def full(folder, info):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("data.skeletons.store._write_info", full)
    with pytest.raises(OSError, match="No space left"), StoreWriter(tmp_path / "store", StoreInfo()) as writer:
        writer.add(NAMES[0], 10, tracks(0, [10]))
    assert list(tmp_path.iterdir()) == []


def test_a_store_keeps_times(tmp_path):
    """Seconds since the clip's first frame; of tracks that say nothing of it, frames follow each other evenly."""
    joints, tracked = np.ones((4, 25, 3), np.float32), np.full((4, 25), 2, np.uint8)
    with StoreWriter(tmp_path / "store", StoreInfo(fps=25.0, times=True)) as writer:
        writer.add(
            NAMES[0], 9, [Track(0, 5, joints, tracked), Track(1, 0, joints, tracked, frames=np.array([0, 1, 2.5, 60]))]
        )
    store = open_store(tmp_path / "store")
    np.testing.assert_allclose(store.times, [0.2, 0.24, 0.28, 0.32, 0, 0.04, 0.1, 2.4])
    assert store.times.dtype == np.float64
    derive_store(store, tmp_path / "derived", lambda done: [store.joints[done:]], StoreInfo(fps=25.0, kind="refined"))
    np.testing.assert_array_equal(open_store(tmp_path / "derived").times, store.times)
    (tmp_path / "store" / "times.npy").unlink()
    with pytest.raises(InputError, match=r"times.npy"):
        open_store(tmp_path / "store")


def test_a_track_comes_out_as_it_was_stored(tmp_path):
    random = np.random.default_rng(0)
    joints, confidence = random.normal(size=(3, 25, 3)).astype(np.float32), random.random((3, 25)).astype(np.float32)
    given = Track(1, 2, joints, random.integers(0, 3, (3, 25)).astype(np.uint8), confidence, np.array([2, 2.5, 7]))
    with StoreWriter(tmp_path / "store", StoreInfo(fps=25.0, times=True, confidence=True)) as writer:
        writer.add(NAMES[0], 5, [given])
    found = track_of(open_store(tmp_path / "store"), 0)
    assert (found.actor, found.first_frame) == (1, 2)
    for key in ("joints", "tracked", "confidence"):
        np.testing.assert_array_equal(getattr(found, key), getattr(given, key))
        assert not isinstance(getattr(found, key), np.memmap)
    np.testing.assert_allclose(found.frames, given.frames)


def test_a_store_without_times_has_none(store):
    assert store.times is None
    assert not (store.folder / "times.npy").exists()


def test_numbers_of_frames_rise(tmp_path):
    joints, tracked = np.ones((3, 25, 3), np.float32), np.full((3, 25), 2, np.uint8)
    for frames in ([0, 2, 1], [0, 1]):
        track = Track(0, 0, joints, tracked, frames=np.array(frames))
        with pytest.raises(ValueError, match="numbers of frames"):
            to_block([(NAMES[0], 3, [track])], LAYOUTS["ntu25"])


def test_a_store_is_replaced_by_one_of_its_kind_alone(tmp_path):
    def write(kind, replace):
        with StoreWriter(tmp_path / "s", StoreInfo(kind=kind), replace) as writer:
            joints = np.ones((2, 25, 3), np.float32)
            writer.add(NAMES[0], 2, [Track(0, 0, joints, np.full((2, 25), 2, np.uint8))])

    write("truth", False)
    write("truth", True)
    before = (tmp_path / "s" / "store.json").read_bytes()
    for kind in ("raw", "refined", "filtered"):
        with pytest.raises(InputError, match=f"holds truth clips, and these will be {kind}"):
            write(kind, True)
    assert (tmp_path / "s" / "store.json").read_bytes() == before
    (tmp_path / "s" / "store.json").write_text("{")  # nobody can tell, and nothing can read it
    write("raw", True)
    assert open_store(tmp_path / "s").info.kind == "raw"
