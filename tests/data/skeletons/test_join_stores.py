"""`python run.py join`: several stores as one."""

import numpy as np
import pytest

from base.errors import InputError
from data.skeletons.division import divide
from data.skeletons.join_stores import join_stores
from data.skeletons.labels import OwnClip, code_clips
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store


def write(folder, clips, place, confidence=True, **entries):
    """Write clips with own names: at `place`, going one pixel to the right in a frame, the second joint unseen."""
    names, labels = code_clips(clips)
    layout = {"layout": "coco17", "image": (640, 480), "fps": 20.0, "confidence": confidence, **entries}
    with StoreWriter(folder, StoreInfo(**layout), labels=labels) as writer:
        for name in names:
            joints = np.zeros((9, 17, 2), np.float32) + place
            joints[..., 0] += np.arange(9)[:, None]
            tracked = np.full((9, 17), 2, np.uint8)
            joints[:, 1], tracked[:, 1] = 0, 0
            sure = tracked / np.float32(4) if confidence else None
            writer.add(name, 9, [Track(0, 0, joints, tracked, sure)])
    return folder


@pytest.fixture
def two(tmp_path):
    first = [OwnClip("1", "wave", "Ann", parts={"mine": "train"}), OwnClip("2", "fall", "Bo", parts={"mine": "test"})]
    second = [OwnClip("1", "wave", "Ann", parts={"mine": "test"}), OwnClip("x", "jump", "Cy", parts={"mine": "train"})]
    a = write(tmp_path / "a", first, (320.0, 240.0))
    return a, write(tmp_path / "b", second, (160.0, 130.0), False, image=(320, 240), fps=40.0)


def by_title(store):
    return {store.title(str(name)): row for row, name in enumerate(store.clips.name)}


def test_names_actions_people_and_splits_are_joined(two, tmp_path):
    lines = join_stores(two, tmp_path / "both")
    both = open_store(tmp_path / "both")
    rows = by_title(both)
    assert sorted(rows) == ["2", "a/1", "b/1", "x"]
    assert both.labels.actions == ("fall", "jump", "wave")
    assert both.labels.subjects == ("Bo", "Cy", "a/Ann", "b/Ann")
    titles = {part: {both.title(clip) for clip in clips} for part, clips in both.labels.splits["mine"].items()}
    assert titles == {"train": {"a/1", "x"}, "test": {"2", "b/1"}}
    assert lines[0] == f"{tmp_path / 'both'}: 4 clips of 3 actions"
    assert "  named by their stores: 1 clip of one name in several, such as '1', now 'a/1'" in lines
    assert "  not in every store: 2 actions of 3, 'fall', 'jump'" in lines
    join_stores(two, tmp_path / "people", same_people=True)
    assert open_store(tmp_path / "people").labels.subjects == ("Ann", "Bo", "Cy")


def test_rate_image_and_confidence_are_the_first_stores(two, tmp_path):
    lines = join_stores(two, tmp_path / "both")
    both, a = open_store(tmp_path / "both"), open_store(two[0])
    rows = by_title(both)
    kept = both.rows_of(both.tracks_of(rows["2"])[0])
    assert np.array_equal(both.joints[kept], a.joints[a.rows_of(a.tracks_of(by_title(a)["2"])[0])])
    brought = both.rows_of(both.tracks_of(rows["x"])[0])
    joints = both.joints[brought]
    assert both.clips.frames[rows["x"]] == len(joints) == 5  # nine frames at half the rate
    # twice as large an image: twice as far from its middle; half the rate, so four pixels a frame
    assert joints[:, 0] == pytest.approx(np.stack([320.0 + 4 * np.arange(5), np.full(5, 260.0)], -1), abs=1e-3)
    assert not joints[:, 1].any()
    assert both.confidence[brought][:, :2].tolist() == [[1, 0]] * 5
    assert "  b: brought from an image of 320 x 240 to one of 640 x 480 pixels" in lines


def test_who_is_in_clips_that_do_not_say_it_is_one_person(two, tmp_path):
    other = write(tmp_path / "c", [OwnClip("c1", "wave"), OwnClip("c2", "fall")], (1.0, 1.0))
    lines = join_stores([two[0], other], tmp_path / "both")
    assert open_store(tmp_path / "both").labels.subjects == ("Ann", "Bo", "somebody of c")
    assert "  c: does not say who is in its clips, who count as one person" in lines
    join_stores([other, write(tmp_path / "d", [OwnClip("d1", "wave")], (1.0, 1.0))], tmp_path / "nobody")
    assert open_store(tmp_path / "nobody").labels.subjects == ()
    with pytest.raises(InputError, match="does not say who is in its clips; import them with --labels"):
        divide(open_store(tmp_path / "nobody"), "subjects 3")


def test_what_does_not_go_together_is_refused(two, tmp_path):
    a, _ = two
    clips = [OwnClip("1", "wave")]
    with StoreWriter(tmp_path / "ntu", StoreInfo(layout="coco17", image=(640, 480))) as writer:
        writer.add(
            code_clips(clips)[0][0], 1, [Track(0, 0, np.ones((1, 17, 2), np.float32), np.ones((1, 17), np.uint8))]
        )
    for name, entries, message in (
        ("body", {"kind": "refined"}, "holds refined clips, and .*a raw ones"),
        ("late", {"times": True}, "frames are missing in between"),
        ("large", {"image": None}, r"large: its store.json does not say how large the image is, as that of \S+/a does"),
    ):
        with pytest.raises(InputError, match=message):
            join_stores([a, write(tmp_path / name, clips, (1.0, 1.0), **entries)], tmp_path / "new")
    names, labels = code_clips(clips)
    with StoreWriter(tmp_path / "op", StoreInfo(layout="openpose18", image=(9, 9)), labels=labels) as writer:
        writer.add(names[0], 1, [Track(0, 0, np.ones((1, 18, 2), np.float32), np.ones((1, 18), np.uint8))])
    for others, message in (
        ([a], "expected two stores or more"),
        ([a, a], "of other names each"),
        ([a, tmp_path / "ntu"], "import them with --labels to join them"),
        ([a, tmp_path / "op"], "run.py convert .*op NEW --layout coco17"),
    ):
        with pytest.raises(InputError, match=message):
            join_stores(others, tmp_path / "new")
    assert not (tmp_path / "new").exists()
