"""One bad clip can be skipped on import, a wrong unit is told, and unknown files are called what they are."""

import json
import pickle
import sys

import numpy as np
import pytest

import run
from base.errors import InputError
from data.formats import clips
from data.formats.convert import ExportOptions, ImportOptions, export_store, import_store
from data.ntu import read_clips
from data.ntu.prepare import DataSection, PrepareConfig, prepare
from data.ntu.text import Body, Skeleton, read_skeleton, write_skeleton
from data.skeletons.store import open_store
from data.skeletons.units import body_extent, check_metres

NAMES = [f"S001C001P00{number}R001A00{number}" for number in range(1, 6)]


def person(frames=4, actors=1, seed=0, scale=1.0):
    """Somebody 1.7 m tall, three metres from the camera; [M, T, 25, 3]."""
    rng = np.random.default_rng(seed)
    joints = np.array([0.2, 0.1, 3]) + rng.uniform(-0.3, 0.3, (actors, frames, 25, 3))
    joints[:, :, 3, 1], joints[:, :, 15, 1] = 0.95, -0.75
    return (scale * joints).astype(np.float32)


def annotation(number, **changes):
    keypoint = changes.get("keypoint", person(seed=number))
    item = {"frame_dir": NAMES[number], "label": number, "keypoint": keypoint, "total_frames": keypoint.shape[1]}
    return item | changes


def flat(number, shape=(1080, 1920)):
    keypoint = np.random.default_rng(number).uniform(1, 1000, (1, 4, 17, 2))
    return annotation(number, keypoint=keypoint, img_shape=shape, keypoint_score=np.ones((1, 4, 17)))


def save(path, items, split=None):
    path.write_bytes(pickle.dumps({"split": split or {}, "annotations": items}))
    return path


def with_nan():
    joints = person()
    joints[0, 2, 7, 1] = np.nan
    return joints


BAD = {
    "three actors": annotation(2, keypoint=person(actors=3)),
    "NaN": annotation(2, keypoint=with_nan()),
    "another label": annotation(2, label=7),
    "another number of joints": annotation(2, keypoint=person()[:, :, :24]),
    "no keypoint": {"frame_dir": NAMES[2], "label": 2},
    "another name": annotation(2, frame_dir="my own clip"),
    "too long": annotation(2, keypoint=np.ones((1, 20_001, 25, 3), np.float16)),
    "millimetres": annotation(2, keypoint=person(scale=1000)),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("at", [0, 2])
def test_one_bad_clip_stops_or_is_skipped_and_counted(tmp_path, bad, at):
    items = [annotation(0), annotation(1), annotation(3)]
    items.insert(at, bad)
    split = {"xsub_train": [item["frame_dir"] for item in items]}
    path = save(tmp_path / "a.pkl", items, split)
    with pytest.raises(InputError, match="go on without such clips with --on-error skip") as caught:
        import_store(path, tmp_path / "store", ImportOptions())
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "store").exists()
    lines = import_store(path, tmp_path / "store", ImportOptions(on_error="skip"))
    assert "3 clips from pyskl files" in lines[0]
    assert "skipped: 1 of 4 clips, which cannot be used" in " ".join(lines)
    store = open_store(tmp_path / "store")
    assert store.clips.name.tolist() == [NAMES[0], NAMES[1], NAMES[3]]
    for row, number in enumerate((0, 1, 3)):
        np.testing.assert_array_equal(store.joints[4 * row : 4 * row + 4], person(seed=number)[0])
    [skipped] = json.loads((tmp_path / "store/store.json").read_text())["skipped"]
    assert skipped["file"] == (f"annotations[{at}]" if bad["frame_dir"] == "my own clip" else NAMES[2])
    assert str(caught.value).startswith(skipped["reason"])


@pytest.mark.parametrize("at", [0, 1])
def test_a_clip_of_another_image_size_is_skipped_and_not_the_others(tmp_path, at):
    items = [flat(0), flat(1), flat(3)]
    items.insert(at, flat(2, (240, 320)))
    path = save(tmp_path / "a.pkl", items)
    with pytest.raises(InputError, match=r"img_shape is \(240, 320\), expected \(1080, 1920\) as of most clips"):
        import_store(path, tmp_path / "store", ImportOptions())
    import_store(path, tmp_path / "store", ImportOptions(on_error="skip"))
    store = open_store(tmp_path / "store")
    assert (store.info.image, store.clips.name.tolist()) == ((1920, 1080), [NAMES[0], NAMES[1], NAMES[3]])


def test_clips_are_skipped_in_every_format(store, tmp_path):
    for format in ("ctrgcn", "stgcn"):
        export_store(store.folder, tmp_path / format, ExportOptions(format, split="xsub"))
    with np.load(tmp_path / "ctrgcn/NTU60_CS.npz") as packed:
        arrays = dict(packed)
    arrays["x_train"][1, 5, 7] = np.nan
    np.savez(tmp_path / "ctrgcn/NTU60_CS.npz", **arrays)
    data = np.load(tmp_path / "stgcn/xsub/train_data_joint.npy", mmap_mode="r+")
    data[1, 0, 5, 3, 0] = np.inf
    data.flush()
    names, labels = pickle.loads((tmp_path / "stgcn/xsub/train_label.pkl").read_bytes())
    labels[2] += 1
    names[3] = "walking.skeleton"
    (tmp_path / "stgcn/xsub/train_label.pkl").write_bytes(pickle.dumps((names, labels)))
    export_store(store.folder, tmp_path / "npy", ExportOptions("npy"))
    np.save(tmp_path / f"npy/{store.clips.name[0]}.skeleton.npy", np.array({"njoints": 25}))
    np.save(tmp_path / "npy/walking.skeleton.npy", np.array({"njoints": 25}))
    export_store(store.folder, tmp_path / "skeleton", ExportOptions("skeleton"))
    (tmp_path / f"skeleton/{store.clips.name[0]}.skeleton").write_bytes(b"5\r\n1\r\n")
    (tmp_path / "skeleton/walking.skeleton").write_bytes(b"1\r\n0\r\n")
    for format, source, faults in (
        ("ctrgcn", "ctrgcn/NTU60_CS.npz", 1),
        ("stgcn", "stgcn", 3),
        ("npy", "npy", 2),
        ("skeleton", "skeleton", 2),
    ):
        with pytest.raises(InputError, match="with --on-error skip"):
            import_store(tmp_path / source, tmp_path / f"{format}-store", ImportOptions(format))
        import_store(tmp_path / source, tmp_path / f"{format}-store", ImportOptions(format, on_error="skip"))
        read = open_store(tmp_path / f"{format}-store")
        total = len(store.clips) + (format in ("npy", "skeleton"))
        assert (len(read.info.skipped), len(read.clips)) == (faults, total - faults)


def test_the_command_takes_both_options(tmp_path, monkeypatch, capsys):
    in_mm = [annotation(number, keypoint=person(seed=number, scale=1000)) for number in range(2)]
    path = save(tmp_path / "a.pkl", [*in_mm, annotation(2, keypoint=person(actors=3))])
    words = ["run.py", "import", str(path), str(tmp_path / "store")]
    monkeypatch.setattr(sys, "argv", [*words, "--units", "mm"])
    assert run.main() == 2
    assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.setattr(sys, "argv", [*words, "--units", "mm", "--on-error", "skip"])
    assert run.main() == 0
    assert "skipped: 1 of 3 clips, which cannot be used" in capsys.readouterr().out
    np.testing.assert_allclose(open_store(tmp_path / "store").joints[:4], person(seed=0)[0], rtol=1e-6)


def test_where_no_clip_can_be_used_nothing_is_written(tmp_path):
    path = save(tmp_path / "a.pkl", [annotation(0, keypoint=with_nan()), annotation(1, label=5)])
    with pytest.raises(InputError, match=r"no clip can be used; the first: .* found NaN or infinity"):
        import_store(path, tmp_path / "store", ImportOptions(on_error="skip"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.pkl"]


def as_text(scale=1.0, seed=0):
    joints = person(seed=seed, scale=scale)[0]
    return write_skeleton(Skeleton(4, (Body(2**56, np.arange(4), joints, np.full((4, 25), 2, np.uint8)),)))


@pytest.mark.parametrize(("unit", "scale"), [("mm", 1000), ("cm", 100)])
def test_another_unit_is_told_and_taken(tmp_path, monkeypatch, unit, scale):
    """The same people in three units give the same store."""
    save(tmp_path / "a.pkl", [annotation(number, keypoint=person(seed=number, scale=scale)) for number in range(3)])
    (tmp_path / "files").mkdir()
    for number in range(3):
        (tmp_path / f"files/{NAMES[number]}.skeleton").write_bytes(as_text(scale, number))
    expected = np.concatenate([person(seed=number)[0] for number in range(3)])
    for source in ("a.pkl", "files"):
        store = tmp_path / f"{source}-store"
        with pytest.raises(InputError, match=rf"bodies measure 1[67]\d*.* if that is their unit, pass --units {unit};"):
            import_store(tmp_path / source, store, ImportOptions())
        import_store(tmp_path / source, store, ImportOptions(units=unit))
        np.testing.assert_allclose(open_store(store).joints, expected, rtol=1e-6)
    config = {"raw": tmp_path / "files", "store": tmp_path / "prepared"}
    with pytest.raises(InputError, match=rf"if that is their unit, pass data\.units={unit}; go on .* data\.on_error"):
        prepare(PrepareConfig(data=DataSection(**config)))
    if unit == "mm":
        monkeypatch.setattr(read_clips, "IN_PROCESS", 0)  # the processes are told the unit, too
    prepare(PrepareConfig(data=DataSection(**config, units=unit, workers=2)))
    np.testing.assert_allclose(open_store(tmp_path / "prepared").joints, expected, rtol=1e-6)
    with pytest.raises(InputError, match="already prepared"):
        prepare(PrepareConfig(data=DataSection(**config)))


def test_metres_taken_for_millimetres_are_told(tmp_path):
    path = save(tmp_path / "a.pkl", [annotation(0)])
    with pytest.raises(InputError, match=r"measure 0\.0017 m, expected 0\.05 to 20 m; write the positions in metres"):
        import_store(path, tmp_path / "store", ImportOptions(units="mm"))
    with pytest.raises(InputError, match=r"--units mm: .* in an image, in pixels"):
        import_store(save(tmp_path / "b.pkl", [flat(0)]), tmp_path / "store", ImportOptions(units="mm"))


def test_the_extent_of_a_body_is_the_longest_side_of_the_median_frame():
    joints = np.zeros((3, 25, 3))
    joints[:, 3, 1], joints[:, 15, 1] = [0.9, 0.9, 50], [-0.8, -0.9, -0.8]
    seen = np.ones((3, 25), bool)
    assert body_extent(joints, seen) == pytest.approx(1.8)
    seen[2, 3] = False  # what is not seen may hold anything
    seen[0, 3] = False
    assert body_extent(joints, seen) == pytest.approx(0.8)
    long = np.repeat(joints[:1], 1000, 0) * np.linspace(0.5, 1.5, 1000)[:, None, None]
    assert body_extent(long, np.ones((1000, 25), bool)) == pytest.approx(1.7, rel=0.15)
    assert body_extent(joints, np.zeros((3, 25), bool)) == 0
    check_metres(np.ones((3, 25, 3)), seen, "all joints at one place tell nothing of the unit")


def test_a_file_in_metres_reads_the_same_with_and_without_the_unit():
    ours = read_skeleton(as_text(), "clip")
    np.testing.assert_array_equal(ours.bodies[0].joints, read_skeleton(as_text(), "clip", "m").bodies[0].joints)
    far = as_text().replace(b"\r\n25\r\n", b"\r\n25\r\n9999", 1)  # one joint of one frame is no matter of the unit
    with pytest.raises(InputError, match="found a position beyond 1000 m"):
        read_skeleton(far, "clip")


@pytest.mark.parametrize("frames", [0, 20_001])
def test_the_limit_of_frames_is_said(tmp_path, frames):
    assert clips.LONGEST == 20_000
    message = f"has {frames} frames, expected 1 to 20000"
    keypoint = np.ones((1, frames, 25, 3), np.float16)
    save(tmp_path / "a.pkl", [annotation(0, keypoint=keypoint)])
    x, y = np.zeros((1, frames, 150), np.float32), np.eye(60)
    np.savez(tmp_path / "NTU60_CS.npz", x_train=x, y_train=y[:1], x_test=x, y_test=y[1:2])
    (tmp_path / "agcn").mkdir()
    np.save(tmp_path / "agcn/train_data_joint.npy", np.zeros((1, 3, frames, 25, 2), np.float32))
    (tmp_path / "agcn/train_label.pkl").write_bytes(pickle.dumps(([NAMES[0]], [0])))
    (tmp_path / "npy").mkdir()
    np.save(tmp_path / f"npy/{NAMES[0]}.skeleton.npy", np.array({"skel_body0": np.zeros((frames, 25, 3))}))
    for source in ("a.pkl", "NTU60_CS.npz", "agcn", "npy"):
        with pytest.raises(InputError, match=message):
            import_store(tmp_path / source, tmp_path / "store", ImportOptions())


def test_unknown_files_are_called_what_they_are(tmp_path):
    def refused(message, source, **options):
        with pytest.raises(InputError, match=message) as caught:
            import_store(source, tmp_path / "store", ImportOptions(**options))
        assert "\n" not in str(caught.value)
        assert "pass --" not in str(caught.value)

    np.savez(tmp_path / "amass.npz", poses=np.zeros(3), trans=np.zeros(3))
    refused("found poses, trans, expected x_train, .* no other .npz can be imported", tmp_path / "amass.npz")
    refused("found poses, trans, expected x_train", tmp_path / "amass.npz", split="xsub")
    (tmp_path / "spin.pkl").write_bytes(pickle.dumps({"pose": 1, "betas": 2}))
    refused("found a dict of 'pose', 'betas', expected .* no other .pkl can be imported", tmp_path / "spin.pkl")
    (tmp_path / "clip.json").write_text("{}")
    refused("found .json in its name; import reads PYSKL's .pkl", tmp_path / "clip.json")
    (tmp_path / f"{NAMES[0]}.skeleton").write_bytes(as_text())
    refused("is one file of a set; give the folder", tmp_path / f"{NAMES[0]}.skeleton")
    np.save(tmp_path / "poses.npy", np.zeros((5, 17, 3)))
    refused("found .npy in its name; import reads", tmp_path / "poses.npy")
    (tmp_path / "empty").mkdir()
    refused("found nothing in it; import reads", tmp_path / "empty")
    refused("found no .npz file but nothing in it", tmp_path / "empty", format="ctrgcn")
    (tmp_path / "openpose").mkdir()
    for frame in range(5):
        (tmp_path / f"openpose/{frame}_keypoints.json").write_text("{}")
    refused("found 0_keypoints.json, 1_keypoints.json, 2_.* and more; import reads", tmp_path / "openpose")


def test_several_formats_in_one_folder_are_named(tmp_path):
    (tmp_path / "a").mkdir()
    np.savez(tmp_path / "a/NTU60_CS.npz", x=1)
    (tmp_path / f"a/{NAMES[0]}.skeleton").write_bytes(as_text())
    with pytest.raises(InputError, match=r"holds files of skeleton, ctrgcn; say which with --format skeleton\|ctrgcn"):
        import_store(tmp_path / "a", tmp_path / "store", ImportOptions())
