import json
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from base.errors import InputError
from data.ntu.names import ClipName
from data.skeletons.labels import OwnClip, code_clips
from data.skeletons.opening import StoreInfo, open_store
from data.skeletons.store import StoreWriter, Track
from tests.fuzz.skeletons import refused


def test_joints_are_mapped_not_loaded(store):
    assert isinstance(store.joints, np.memmap)


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
    with pytest.raises(InputError, match=r"damaged clip store.*; prepare or import it again") as caught:
        open_store(store.folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["clips.csv", "tracks.csv", "joints.npy", "tracked.npy"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe{]", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_none_is_named_and_nobody_is_told_to_trust_it(store, name, content):
    (store.folder / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"damaged clip store: {name} (has columns|cannot be read)") as caught:
        open_store(store.folder)
    assert "pickle" not in str(caught.value)


def test_a_cell_that_is_no_number_is_told_with_its_file(store):
    path = store.folder / "tracks.csv"
    path.write_text(path.read_text().replace("2,0,0,12,26", "2,0,0,twelve,26"))
    with pytest.raises(InputError, match=r"tracks\.csv has a cell that is no whole number .*'twelve'"):
        open_store(store.folder)


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
        ("tracks.csv", "1,1,1,5,21", "1,1000000,1,5,21", "more than 32 actors"),
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


@pytest.fixture
def labelled(tmp_path):
    names, labels = code_clips([OwnClip("a", "wave", "Ann", parts={"mine": "train"}), OwnClip("b", "bow", "Bo")])
    with StoreWriter(tmp_path / "own", StoreInfo(), labels=labels) as writer:
        for name in names:
            writer.add(name, 3, [Track(0, 0, np.ones((3, 25, 3), np.float32), np.full((3, 25), 2, np.uint8))])
    return open_store(tmp_path / "own")


def test_clips_are_found_by_both_their_names(labelled):
    for name in ("a", "b"):
        (row,) = labelled.called(name)
        code = labelled.clips.name[row].item()
        assert labelled.labels.clips[code] == name
        assert labelled.called(code).tolist() == [row]
    assert not len(labelled.called("c"))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("clips", {}, "names for 0 clips, other than the 2 of clips.csv"),
        ("actions", ["bow"], "names for 1 action, and clips.csv numbers others"),
        ("subjects", ["Ann"], "names for 1 subject, and clips.csv numbers others"),
        ("splits", {"mine": {"train": ["a"]}}, "split 'mine' names other clips, or a clip in two of its parts"),
        ("splits", {"mine": {"train": ["S001C001P001R001A002"] * 2}}, "names other clips, or a clip in two"),
        ("splits", {"mine": {"dev": []}}, "labels.json: splits: mine: dev"),
    ],
)
def test_labels_of_other_clips_are_refused(labelled, key, value, message):
    assert labelled.title("S001C001P001R001A002") == "a"
    path = labelled.folder / "labels.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(InputError, match=f"damaged clip store: .*{message}"):
        open_store(labelled.folder)
