"""Several stores read as one, beside what `join` writes of them."""

import pickle

import numpy as np
import pytest

from base.errors import InputError
from data.skeletons.division import divide
from data.skeletons.join_stores import join_stores
from data.skeletons.labels import OwnClip, code_clips
from data.skeletons.several import EndToEnd, open_several
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from recognition.input.loading import load_clips


def write(folder, clips, seed, **entries):
    names, labels = code_clips(clips)
    rng = np.random.default_rng(seed)
    layout = {"layout": "coco17", "image": (640, 480), "fps": 20.0, "confidence": True, **entries}
    with StoreWriter(folder, StoreInfo(**layout), labels=labels) as writer:
        for length, name in enumerate(names, 9):
            tracks = [
                Track(
                    actor,
                    actor,
                    rng.uniform(0, 480, (length, 17, 2)).astype(np.float32),
                    rng.integers(0, 3, (length, 17)).astype(np.uint8),
                    rng.random((length, 17)).astype(np.float32) if layout["confidence"] else None,
                )
                for actor in range(1 + length % 2)
            ]
            writer.add(name, length + 1, tracks)
    return folder


@pytest.fixture
def three(tmp_path):
    def own(name, action, who, part):
        return OwnClip(name, action, who, parts={"mine": part})

    return [
        write(tmp_path / "a", [own("1", "wave", "Ann", "train"), own("2", "fall", "Bo", "test")], 1),
        write(tmp_path / "b", [own("1", "wave", "Ann", "test"), own("x", "jump", "Cy", "train")], 2),
        write(tmp_path / "c", [own("y", "fall", "Cy", "train")], 3),
    ]


@pytest.mark.parametrize("same_people", [False, True])
def test_they_are_what_join_writes(three, tmp_path, same_people):
    join_stores(three, tmp_path / "all", same_people=same_people)
    joined, found = open_store(tmp_path / "all"), open_several(three, same_people)
    assert found.labels == joined.labels
    for table in ("clips", "tracks"):
        for key, column in vars(getattr(joined, table)).items():
            assert np.array_equal(getattr(getattr(found, table), key), column), key
    for part in ("train", "test"):
        assert np.array_equal(getattr(divide(found, "mine"), part), getattr(divide(joined, "mine"), part))
    rows, actions = np.array([4, 0, 2, 3, 1]), np.array([1, 2, 3])
    one, other = (load_clips(store, rows, actions, "cpu") for store in (joined, found))
    for key in ("joints", "label", "first_frame", "length", "first_row", "track_of"):
        assert getattr(one, key).equal(getattr(other, key)), key
    assert one.confidence
    assert other.confidence
    again = pickle.loads(pickle.dumps(found))
    assert np.array_equal(again.joints[:], joined.joints)


def test_rows_of_arrays_end_to_end():
    parts = [np.arange(6).reshape(3, 2), np.arange(6, 8).reshape(1, 2), np.arange(8, 12).reshape(2, 2)]
    whole, rows = EndToEnd(parts), np.concatenate(parts)
    assert (len(whole), whole.shape, whole.dtype) == (6, (6, 2), rows.dtype)
    for at in (slice(None), slice(2, 5), slice(4, 100), np.array([5, 0, 3, 3, 2]), np.array([], np.int64)):
        assert np.array_equal(whole[at], rows[at])


@pytest.mark.parametrize("change", [{"fps": 30.0}, {"image": (320, 240)}, {"confidence": False}])
def test_what_join_would_have_to_change_is_refused(three, tmp_path, change):
    other = write(tmp_path / "d", [OwnClip("z", "fall", "Di")], 4, **change)
    with pytest.raises(InputError, match=r"data\.more: .*/d and .*/a differ in frame rate, image or confidences; make"):
        open_several([three[0], other])
    with pytest.raises(InputError, match=r"data\.more: found .*; expected two stores or more, of other names each"):
        open_several([three[0], three[0]])
