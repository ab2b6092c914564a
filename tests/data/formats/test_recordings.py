"""Folders of recordings become stores: a folder per class, or a table of labels; what is wrong is told or skipped."""

import json
import os
import shutil

import numpy as np
import pytest

from base.errors import InputError
from data.formats.guessing import guess_format
from data.formats.importing import ImportOptions, import_store
from data.skeletons.store import open_store
from tests.data.formats.steps import refused

RNG = np.random.default_rng(11)
BODY = RNG.uniform([-40, -180], [40, 0], (25, 2))
SPACE = RNG.uniform(-0.7, 0.7, (25, 3))


def write_openpose(folder, people, score=0.75, start=0):
    """Write people [P, T, 25, 2] as OpenPose's files; NaN is 0, 0, 0."""
    folder.mkdir(parents=True)
    for frame, here in enumerate(np.asarray(people).transpose(1, 0, 2, 3)):
        listed = []
        for joints in here:
            seen = np.isfinite(joints).all(-1)
            rows = np.concatenate([np.nan_to_num(joints), np.where(seen, score, 0)[:, None]], 1)
            listed.append({"person_id": [-1], "pose_keypoints_2d": rows.ravel().tolist()})
        text = json.dumps({"version": 1.3, "people": listed})
        (folder / f"clip_{start + frame:012d}_keypoints.json").write_text(text)


def walk(x, frames=6):
    """Walk to the right from a place in the image, [1, T, 25, 2]."""
    return (BODY + np.array([x, 300.0]))[None, None] + np.arange(frames)[None, :, None, None] * np.array([2.0, 0])


def write_npy(path, frames=6, joints=25):
    path.parent.mkdir(parents=True, exist_ok=True)
    poses = SPACE[:joints] + 0.01 * np.arange(frames)[:, None, None]
    np.save(path, poses)
    return poses


@pytest.fixture
def classes(tmp_path):
    """Two classes of OpenPose's folders: 2 and 1 clips."""
    folder = tmp_path / "clips"
    for at, name in enumerate(("wave/b 10", "wave/b 2", "bow/a")):
        write_openpose(folder / name, walk(100 * (1 + at)))
    return folder


def bring(folder, store, **options):
    lines = import_store(folder, store, ImportOptions(**options))
    return lines, open_store(store)


def test_a_folder_per_class(classes, tmp_path):
    (classes / "readme.txt").write_text("mine")
    (classes / ".DS_Store").write_text("")
    assert guess_format(classes) == "recordings"
    lines, store = bring(classes, tmp_path / "store", fps=25)
    assert [store.title(name) for name in store.clips.name] == ["bow/a", "wave/b 2", "wave/b 10"]
    assert store.labels.actions == ("bow", "wave")
    assert store.clips.action.tolist() == [1, 2, 2]
    assert (store.layout.name, store.info.fps, store.info.confidence) == ("body25", 25, True)
    np.testing.assert_allclose(store.joints[:6], walk(300)[0], rtol=1e-6)
    assert (np.asarray(store.confidence) == 0.75).all()
    far = walk(300)[0].max((0, 1))
    assert store.info.image == (int(np.ceil(far[0])), int(np.ceil(far[1])))
    said = "\n".join(lines)
    assert "3 clips from recordings files, joints of body25" in lines[0]
    assert f"taken for {store.info.image[0]} x {store.info.image[1]}, as far as the joints reach" in said
    assert "left out: 1 file beside the classes' folders, such as 'readme.txt'" in said


def test_a_file_per_clip_in_space_with_units(tmp_path):
    poses = [write_npy(tmp_path / "clips" / name) for name in ("sit/1.npy", "sit/2.npy", "up/1.npy")]
    np.save(tmp_path / "clips/up/2.npy", 1000 * poses[0])
    with pytest.raises(InputError, match=r"2.npy: its bodies measure .* look like millimetres"):
        bring(tmp_path / "clips", tmp_path / "store", fps=30)
    _, store = bring(tmp_path / "clips", tmp_path / "store", fps=30, on_error="skip")
    assert [store.title(name) for name in store.clips.name] == ["sit/1", "sit/2", "up/1"]
    np.testing.assert_array_equal(store.joints[:6], poses[0].astype(np.float32))
    assert store.info.image is None


def test_a_table_names_clips_by_their_paths(classes, tmp_path):
    write_npy(tmp_path / "flat/deep/x.npy")
    write_npy(tmp_path / "flat/y.v2.npy")
    table = tmp_path / "flat" / "labels.csv"
    table.write_text("clip,action,subject,split\ndeep/x,wave,Ann,train\ny.v2.npy,bow,Bob,test\n")
    lines, store = bring(tmp_path / "flat", tmp_path / "store", fps=30, labels=table)
    assert sorted(store.labels.clips.values()) == ["deep/x", "y.v2.npy"]
    assert store.labels.subjects == ("Ann", "Bob")
    assert "left out: 1 file of no known tool, such as 'labels.csv'" in "\n".join(lines)
    table.write_text("clip,action\nwave/b 10,x\nwave/b 2,x\nbow/a,y\n")
    _, store = bring(classes, tmp_path / "other", fps=30, labels=table)
    assert store.labels.actions == ("x", "y")
    table.write_text("clip,action\nwave/b 10,x\nwave/b 2,x\n")
    refused(classes, tmp_path / "third", r"clip 'bow/a' is not in the table of --labels", fps=30, labels=table)
    table.write_text("clip,action\nwave/b 10,x\nwave/b 2,x\nbow/a,y\nbow/b,y\n")
    refused(classes, tmp_path / "third", r"1 of its clips is not in .*'bow/b'", fps=30, labels=table)


def test_clips_of_another_rate_are_resampled(tmp_path):
    """The rate of files that say it: a straight motion is the same line at any rate."""
    time = {25: np.arange(26) / 25, 50: np.arange(51) / 50}
    for at, fps in enumerate((25, 25, 50)):
        path = tmp_path / f"clips/walk/{at}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        poses = SPACE + time[fps][:, None, None] * np.array([0.5, 0, 0])
        np.savez(path, poses=poses, fps=np.array(fps))
    lines, store = bring(tmp_path / "clips", tmp_path / "store")
    assert store.info.fps == 25
    assert store.clips.frames.tolist() == [26, 26, 26]
    np.testing.assert_allclose(store.joints[52:], store.joints[:26], atol=1e-5)
    assert "  resampled to 25 frames a second: 1 clip of another rate" in lines


def test_hands_and_a_face_are_left_out_when_asked(tmp_path):
    for name in ("a/1.npy", "b/1.npy"):
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True)
        np.save(path, RNG.uniform(20, 400, (6, 137, 2)))
    advice = "--layout coco17 or openpose18 or body25 or .* takes the first joints, without hands and face"
    refused(tmp_path / "clips", tmp_path / "store", f"most clips: has 137 joints with 2 .*{advice}", fps=30)
    _, store = bring(tmp_path / "clips", tmp_path / "store", fps=30, layout="body25")
    np.testing.assert_allclose(store.joints[:6], np.load(tmp_path / "clips/a/1.npy")[:, :25], rtol=1e-6)


def test_what_cannot_be_used_is_told_or_skipped(classes, tmp_path):
    def told(message, **options):
        refused(classes, tmp_path / "store", message, **{"fps": 25, **options})

    told(r"b 10: does not say how many frames a second|a: does not say how many frames", fps=None)
    (classes / "nothing").mkdir()
    told(r"nothing: holds no clip of its class; remove the folder; go on without such clips with --on-error skip")
    (classes / "bow/notes.txt").write_text("notes")
    np.save(classes / "wave/odd.npy", RNG.uniform(20, 400, (6, 18, 2)))
    lines, store = bring(classes, tmp_path / "some", fps=25, on_error="skip")
    assert len(store.clips) == 3
    reasons = {one["file"]: one["reason"] for one in store.info.skipped}
    assert "content is of no known tool" in reasons["bow/notes"]
    assert "has 18 joints with 2 coordinates, expected 25 with 2 (body25)" in reasons["wave/odd"]
    assert "holds no clip of its class" in reasons["nothing"]
    assert "skipped: 3 of 6 clips" in "\n".join(lines)


def test_folders_that_are_arranged_otherwise_are_told(classes, tmp_path):
    refused(classes / "wave", tmp_path / "store", "all of its clips have one frame; if its folders are rec", fps=25)
    refused(classes / "bow/a", tmp_path / "store", "holds no folder, expected one folder per class", fps=25)
    shutil.rmtree(classes / "bow")
    shutil.rmtree(classes / "wave")
    refused(classes, tmp_path / "store", "found nothing in it; import reads", fps=25)


def test_hostile_folders_stop_nothing_and_leave_one_line_each(tmp_path):
    folder = tmp_path / "clips"
    write_npy(folder / "good/1.npy")
    os.mkfifo(folder / "good/pipe.npy")
    (folder / "good/loop").symlink_to(folder)
    (folder / "good/gone.npy").symlink_to(tmp_path / "absent")
    write_npy(folder / "two\nlines/1.npy")
    (folder / os.fsdecode(b"good/\xff.npy")).write_bytes(b"x")
    lines, store = bring(folder, tmp_path / "store", fps=30, on_error="skip")
    assert store.labels.clips == {"S001C001P001R001A001": "good/1"}
    assert len(store.info.skipped) == 5
    for text in (*lines, *(one["reason"] for one in store.info.skipped)):
        assert text.isprintable()
    table = tmp_path / "labels.csv"
    table.write_text("clip,action\ngood/1,x\n")
    _, store = bring(folder, tmp_path / "other", fps=30, labels=table, on_error="skip")
    assert list(store.labels.clips.values()) == ["good/1"]


def test_the_size_of_the_image_is_given_or_in_the_files(classes, tmp_path):
    """YOLO's labels are parts of the image: of 640 x 480, a joint at 0.5, 0.25 lies at 320, 120."""
    lines, store = bring(classes, tmp_path / "reach", fps=25)
    size = f"taken for {store.info.image[0]} x {store.info.image[1]}, as far as the joints reach; --image-size"
    assert any(size in line for line in lines)
    lines, store = bring(classes, tmp_path / "said", fps=25, image_size=(1920, 1080))
    assert store.info.image == (1920, 1080)
    assert not any("of the image" in line for line in lines)
    lines, _ = bring(classes, tmp_path / "small", fps=25, image_size=(100, 1080))
    assert any(line.startswith("  joints reach to ") and line.endswith(" in an image of 100 x 1080") for line in lines)
    labels = tmp_path / "parts/wave/a"
    labels.mkdir(parents=True)
    for frame in range(3):
        points = " ".join(f"0.5 {0.25 + at / 100:.2f} 0.9" for at in range(17))
        (labels / f"a_{frame}.txt").write_text(f"0 0.5 0.5 0.2 0.2 {points}\n")
    _, store = bring(tmp_path / "parts", tmp_path / "yolo", fps=25, image_size=(640, 480))
    assert store.info.image == (640, 480)
    np.testing.assert_allclose(store.joints[0, :2], [[320, 120], [320, 124.8]], rtol=1e-6)
    with pytest.raises(InputError, match="--image-size 640x480: does not go with --format npy, whose files say it or"):
        bring(tmp_path / "parts", tmp_path / "npy", format="npy", image_size=(640, 480))


def test_more_than_two_people_are_kept_if_asked_for(tmp_path):
    crowd = np.concatenate([walk(x) for x in (100, 400, 700, 1000)])
    crowd[2, 4:] = np.nan
    crowd[0, 5:] = np.nan
    write_openpose(tmp_path / "clips/wave/a", crowd)
    for people, places in ((2, [400, 1000]), (3, [400, 1000, 100]), (4, [400, 1000, 100, 700])):
        lines, store = bring(tmp_path / "clips", tmp_path / str(people), fps=25, people=people)
        nose = [store.joints[store.rows_of(track)][0, 0, 0] - BODY[0, 0] for track in store.tracks_of(0)]
        np.testing.assert_allclose(nose, places, rtol=1e-5)
        assert any("some clips have more than" in line for line in lines) == (people < 4)


def test_joints_are_converted_on_the_way(classes, tmp_path):
    lines, store = bring(classes, tmp_path / "coco", fps=25, convert="coco17")
    _, whole = bring(classes, tmp_path / "whole", fps=25)
    assert (store.layout.name, store.joints.shape[1:]) == ("coco17", (17, 2))
    np.testing.assert_array_equal(store.joints[:, [0, 5, 16]], whole.joints[:, [0, 5, 11]])
    assert lines[0].endswith("joints of coco17")
    assert lines[1].startswith("  converted body25 to coco17: 17 of 17 joints; lost: neck, ")
    with pytest.raises(InputError, match=r"joints of body25 are no halpe26: head cannot be had from them; --missing"):
        bring(classes, tmp_path / "halpe", fps=25, convert="halpe26")
    with pytest.raises(InputError, match=r"--convert coco16: expected a .yaml file, or one of"):
        bring(classes, tmp_path / "no", fps=25, convert="coco16")
    assert not (tmp_path / "halpe").exists()
