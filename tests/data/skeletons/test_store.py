import errno
import json
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from base.errors import InputError
from data.ntu.names import ClipName, parse_name
from data.skeletons.layouts import LAYOUTS
from data.skeletons.store import StoreInfo, StoreWriter, Track, derive_store, open_store, to_block
from tests.fuzz.skeletons import refused

NAMES = [ClipName(1, 1, 1, 1, 1), ClipName(1, 2, 3, 1, 2), ClipName(2, 1, 3, 2, 60)]


def tracks(seed, lengths):
    rng = np.random.default_rng(seed)
    return [
        Track(
            actor, actor, rng.normal(size=(n, 25, 3)).astype(np.float32), rng.integers(0, 3, (n, 25)).astype(np.uint8)
        )
        for actor, n in enumerate(lengths)
    ]


@pytest.fixture
def store(tmp_path):
    with StoreWriter(tmp_path / "store", StoreInfo(source="made up")) as writer:
        for number, name in enumerate(NAMES):
            writer.add(name, 20 + number, tracks(number, [10 + number, 5][: 1 + number % 2]))
    return open_store(tmp_path / "store")


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


def test_joints_are_mapped_not_loaded(store):
    assert isinstance(store.joints, np.memmap)


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


def test_a_missing_store_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match=r"no clip store .* run\.py prepare"):
        open_store(tmp_path)


def damage_joints(folder):
    path = folder / "joints.npy"
    path.write_bytes(path.read_bytes()[:-100])


def damage_table(folder):
    path = folder / "tracks.csv"
    path.write_text(path.read_text().rsplit("\n", 2)[0] + "\n")


def damage_info(folder):
    (folder / "store.json").write_text(json.dumps({"format": 2}))


def damage_rows(folder):
    path = folder / "tracks.csv"
    path.write_text(path.read_text().replace("2,0,0,12,26", "2,0,0,12,99"))


@pytest.mark.parametrize("damage", [damage_joints, damage_table, damage_info, damage_rows])
def test_a_damaged_store_is_refused_in_one_line(store, damage):
    damage(store.folder)
    with pytest.raises(InputError, match="damaged clip store") as caught:
        open_store(store.folder)
    assert "\n" not in str(caught.value)


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


def test_tables_written_otherwise_are_read_the_same(store):
    for name in ("clips.csv", "tracks.csv"):
        path = store.folder / name
        lines = path.read_text().splitlines()
        path.write_text("\n".join([lines[0], *(f'"{cell}"'.replace(",", '","') for cell in lines[1:])]))
    again = open_store(store.folder)
    for table in ("clips", "tracks"):
        for column in fields(getattr(store, table)):
            one, other = (getattr(getattr(opened, table), column.name) for opened in (store, again))
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("tracks.csv", "1,0,0,11,10", "1,0,0,11,-10"),
        ("tracks.csv", "1,0,0,11,10", "1,0,0,11,1e1"),
        ("tracks.csv", "1,0,0,11,10", "1,0,0,11,10.0"),
        ("tracks.csv", "1,0,0,11,10", "1,0,0,11,"),
        ("tracks.csv", "1,0,0,11,10", "1,0,0,11,10#"),
        ("tracks.csv", "1,0,0,11,10", "1,0,0,11"),
        ("tracks.csv", "1,0,0,11,10", "1,0,0,11,10,9"),
        ("tracks.csv", "1,0,0,11,10", "9,0,0,11,10"),
        ("tracks.csv", "1,0,0,11,10", "1,0,0,11,99999999999999999999"),
        ("clips.csv", "S001C002P003R001A002,1,2", "S001C002P003R001A002,1,x"),
        ("clips.csv", "name,setup", "setup,name"),
        ("clips.csv", "name", "\x00"),
    ],
)
def test_a_damaged_table_is_refused(store, name, before, after):
    path = store.folder / name
    text = path.read_bytes()
    assert before.encode() in text
    path.write_bytes(text.replace(before.encode(), after.encode("utf-8"), 1))
    with pytest.raises(InputError, match="damaged clip store"):
        open_store(store.folder)


@pytest.mark.parametrize(
    ("name", "before", "after", "message"),
    [
        ("tracks.csv", "1,1,1,5,21", "1,1000000,1,5,21", "more than two actors"),
        ("tracks.csv", "1,1,1,5,21", "1,0,1,5,21", "S001C002P003R001A002 has two tracks of one actor"),
        ("tracks.csv", "1,1,1,5,21", "1,1,17,5,21", "first_frame 17"),
        ("tracks.csv", "1,1,1,5,21", "1,1,1,0,21", "length 0"),
        ("tracks.csv", "1,1,1,5,21", "1,1,1,20,10", "tracks share rows|length 20"),
        ("tracks.csv", "1,1,1,5,21", "1,1,9000000000000000000,5,21", "first_frame 9000000000000000000"),
        ("clips.csv", "2,60,22", "2,60,1000000000", "1000000000 frames"),
        ("clips.csv", "2,60,22", "2,60,11", "length 12"),
        ("clips.csv", "S002C001P003R002A060,2", "S002C001P003R002A060,3", "S003C001P003R002A060 by the columns"),
        ("clips.csv", "S002C001P003R002A060,", "=HYPERLINK(A1)A00060,", "found the name '=HYPERLINK.A1.A00060'"),
        ("clips.csv", "S002C001P003R002A060,2,1,3,2,60", "S001C001P001R001A001,1,1,1,1,1", "a clip is there twice"),
        ("clips.csv", "S002C001P003R002A060", "S002C001P003R002A060" * 10, "more than 100 characters|20 characters"),
        ("store.json", '"fps": 30.0', '"fps": NaN', "fps"),
        ("store.json", '"fps": 30.0', '"fps": 1e9', "fps"),
        ("store.json", '"fps": 30.0', '"fps": 0.001', "fps"),
        ("store.json", '"image": null', '"image": [0, -5]', "image"),
        ("store.json", '"config": {}', '"config": ' + '{"a":' * 5000 + "1" + "}" * 5000, "recursion limit"),
        ("store.json", '"frames": 38', '"frames": ' + "9" * 5000, "number out of range"),
    ],
)
def test_a_store_that_makes_no_sense_is_refused(store, name, before, after, message):
    path = store.folder / name
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1), newline="")
    with pytest.raises(InputError, match=f"damaged clip store: .*({message})") as caught:
        open_store(store.folder)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500 + len(str(store.folder))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["clips.csv", "tracks.csv", "store.json", "joints.npy"]), data=st.data())
def test_a_store_damaged_anywhere_is_refused_or_opened(store, name, data):
    path = store.folder / name
    whole = path.read_bytes()
    damaged = bytearray(whole)
    at = data.draw(st.integers(0, min(len(damaged), 1000) - 1))
    damaged[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        path.write_bytes(damaged)
        open_store(store.folder)
    except InputError as error:
        refused(error)
    finally:
        path.write_bytes(whole)


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


def test_the_tracks_of_clips(tmp_path):
    """Whatever the order of the table: clip by clip as asked for, and within a clip by actor."""
    shape = (25, 3)
    with StoreWriter(tmp_path / "s", StoreInfo()) as writer:
        for action, actors in ((1, (1, 0)), (2, ()), (3, (0,))):
            tracks = [
                Track(actor, 0, np.full((actor + 2, *shape), 10 * action + actor, np.float32), np.ones((actor + 2, 25)))
                for actor in actors
            ]
            writer.add(ClipName(1, 1, 1, 1, action), 9, tracks)
    store = open_store(tmp_path / "s")
    assert store.tracks_per_clip.tolist() == [2, 0, 1]
    assert store.tracks_of(0).tolist() == [1, 0]
    assert store.tracks_of(1).tolist() == []
    assert store.tracks_of(np.array([2, 1, 0])).tolist() == [2, 1, 0]
    first = [float(store.joints[store.rows_of(track)].mean()) for track in store.tracks_of(np.array([0, 2]))]
    assert first == [10, 11, 30]
    assert [len(store.joints[store.rows_of(track)]) for track in range(3)] == [3, 2, 2]


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
