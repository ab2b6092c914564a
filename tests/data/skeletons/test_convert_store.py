"""`python run.py convert`: a store with the joints of another layout."""

import numpy as np
import pytest

from base.errors import InputError
from data.ntu.names import ClipName
from data.skeletons.convert_store import convert_store
from data.skeletons.labels import OwnClip, code_clips
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store

TITLES = ["wave/1", "wave/2"]


@pytest.fixture
def store(tmp_path):
    """Two clips with own names in OpenPose's joints and times of their own; of the second only toes are seen."""
    names, labels = code_clips([OwnClip(title, "wave") for title in TITLES])
    info = StoreInfo(layout="body25", image=(640, 480), confidence=True, times=True, fps=25.0)
    rng = np.random.default_rng(0)
    with StoreWriter(tmp_path / "store", info, labels=labels) as writer:
        for number, name in enumerate(names):
            tracked = np.full((4, 25), 2, np.uint8)
            tracked[:, : 19 * number] = 0
            joints = rng.uniform(1, 400, (4, 25, 2)).astype(np.float32)
            sure = rng.random((4, 25)).astype(np.float32)
            writer.add(name, 9, [Track(0, 1, joints, tracked, sure, np.array([1.0, 2, 5, 8]))])
    return tmp_path / "store"


def test_a_store_keeps_all_but_its_joints(store, tmp_path):
    lines = convert_store(store, tmp_path / "coco", "coco17")
    before, after = open_store(store), open_store(tmp_path / "coco")
    assert after.layout.name == "coco17"
    assert (after.info.fps, after.info.image, after.info.kind) == (25.0, (640, 480), "raw")
    assert list(after.labels.clips.values()) == TITLES[:1]
    order = [0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11]  # OpenPose's documentation of BODY_25
    assert np.array_equal(after.joints, before.joints[:4][:, order])
    assert np.array_equal(after.confidence, before.confidence[:4][:, order])
    assert np.array_equal(after.times, before.times[:4])
    assert lines[0] == f"{tmp_path / 'coco'}: 1 clip"
    assert lines[1].startswith("  converted body25 to coco17: 17 of 17 joints; lost: neck, ")
    assert lines[2] == "  left out: 1 clip of which no joint that is kept is seen, the first wave/2"
    assert after.info.skipped == [{"file": "wave/2", "reason": "no joint of coco17 is seen in any frame"}]


def test_bad_requests_write_nothing(store, tmp_path):
    for layout, message in (
        ("halpe26", "joints of body25 are no halpe26: head cannot be had from them; --missing leaves them out"),
        ("ntu25", "with 2 coordinates, expected ntu25 with 3"),
        ("coco18", "--layout coco18: expected a .yaml file, or one of ntu25, coco17"),
    ):
        with pytest.raises(InputError, match=message):
            convert_store(store, tmp_path / "new", layout)
    with pytest.raises(InputError, match="--again"):
        convert_store(store, store, "coco17")
    assert not (tmp_path / "new").exists()
    lines = convert_store(store, tmp_path / "new", "halpe26", missing=True)
    assert "missing, as never seen: head" in lines[1]
    at = open_store(tmp_path / "new").layout.joints.index("head")
    assert not open_store(tmp_path / "new").tracked[:, at].any()
    name = ClipName(1, 1, 1, 1, 1)
    with StoreWriter(tmp_path / "toes", StoreInfo(layout="body25", image=(9, 9))) as writer:
        tracked = np.zeros((2, 25), np.uint8)
        tracked[:, 20:] = 2
        writer.add(name, 2, [Track(0, 0, np.ones((2, 25, 2), np.float32), tracked)])
    with pytest.raises(InputError, match="no joint of coco17 is seen in any of its clips"):
        convert_store(tmp_path / "toes", tmp_path / "none", "coco17")
    assert not (tmp_path / "none").exists()
