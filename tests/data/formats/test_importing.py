"""Clips that cannot be used stop an import or are skipped, a wrong unit is told, and nothing half-written is left."""

import json
import os
import pickle
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import run
from base.errors import InputError
from data.formats.exporting import ExportOptions, export_store
from data.formats.importing import ImportOptions, import_store
from data.ntu import read_clips
from data.ntu.prepare import DataSection, PrepareConfig, prepare
from data.skeletons.store import open_store
from tests.data.formats.made_files import NAMES, annotation, as_text, flat, person, save, with_nan
from tests.data.formats.steps import NAMES as OF_STORE
from tests.data.formats.steps import refused

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


def test_inputs_and_options_that_do_not_fit(tmp_path):
    save(tmp_path / "a.pkl", [annotation(0)])
    refused(tmp_path / "absent", tmp_path / "store", "no such file or folder")
    (tmp_path / "a.txt").write_text("")
    refused(tmp_path / "a.txt", tmp_path / "store", "found .txt in its name; import reads CTR-GCN's .npz, .* PYSKL's")
    refused(tmp_path, tmp_path / "store", "found a.pkl, a.txt; import reads CTR-GCN's .npz")
    refused(tmp_path / "a.pkl", tmp_path / "store", "--fps nan: expected a number from 1 to 1000", fps=float("nan"))
    refused(tmp_path / "a.pkl", tmp_path / "store", "--fps 1e-05: expected a number from 1 to 1000", fps=1e-5)
    refused(tmp_path / "a.pkl", tmp_path / "store", "--split xsub: does not go with --format pyskl", split="xsub")
    refused(tmp_path / "a.pkl", tmp_path / "store", "--names x: does not go with --format pyskl", names=Path("x"))
    refused(tmp_path / "a.pkl", tmp_path / "store", "expected a folder for --format npy", format="npy")
    refused(tmp_path, tmp_path / "store", "expected a file for --format pyskl", format="pyskl")


def test_only_a_store_is_replaced_by_a_store(tmp_path):
    save(tmp_path / "a.pkl", [annotation(0)])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="no clip store"):
        import_store(tmp_path / "a.pkl", tmp_path / "mine", ImportOptions(), again=True)
    assert (tmp_path / "mine/thesis.txt").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes in folders")
def test_pipes_and_devices_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for format in ("pyskl", "ctrgcn", "skeleton"):
        refused(tmp_path / "pipe", tmp_path / "store", "is a pipe, expected a regular file", format=format)
        refused(Path("/dev/zero"), tmp_path / "store", "is a device, expected a regular file", format=format)


def test_where_nobody_is_seen_at_all_nothing_is_written(tmp_path):
    save(tmp_path / "a.pkl", [annotation(number, keypoint=person() * 0) for number in range(2)])
    refused(
        tmp_path / "a.pkl", tmp_path / "store", "a.pkl: no clip can be used; the first: nobody is seen in any frame"
    )


def test_clips_in_which_nobody_is_seen_are_left_out_and_counted(tmp_path):
    empty = annotation(1, keypoint=person() * 0)
    save(tmp_path / "a.pkl", [annotation(0), empty])
    lines = import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions())
    assert f"left out: 1 clip in which nobody is seen, the first {NAMES[1]}" in " ".join(lines)


@pytest.mark.parametrize("format", ["pyskl", "ctrgcn", "stgcn", "npy", "skeleton"])
def test_random_damage_gives_one_line_or_a_store(store, tmp_path, format):
    output = tmp_path / ("whole.pkl" if format == "pyskl" else "whole.zip" if format == "skeleton" else "whole")
    export_store(store.folder, output, ExportOptions(format, split="xsub" if format in ("ctrgcn", "stgcn") else None))
    rng = np.random.default_rng(0)
    files = [output] if output.is_file() else [path for path in sorted(output.rglob("*")) if path.is_file()]
    tries = int(os.environ.get("DAMAGES", "12"))
    for _ in range(tries):
        file = files[rng.integers(len(files))]
        whole = file.read_bytes()
        content = bytearray(whole)
        span = len(content) if rng.random() < 0.3 else min(len(content), 400)  # most of what matters stands in front
        for at in rng.integers(0, span, rng.integers(1, 5)):
            content[at] = rng.integers(256)
        if rng.random() < 0.2:
            del content[rng.integers(len(content)) :]
        file.write_bytes(content)
        source = output / "NTU60_CS.npz" if format == "ctrgcn" else output
        said = ""
        try:
            import_store(source, tmp_path / "store", ImportOptions(format))
            shutil.rmtree(tmp_path / "store")
        except InputError as error:
            said = str(error)
        assert said.isprintable()
        assert sorted(path.name for path in tmp_path.iterdir()) == [output.name]
        file.write_bytes(whole)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["S001C001P001R001A001,a"], "is not in the table of --labels; add a line for it"),
        ([*(f"{name},a" for name in OF_STORE), "other,b"], "1 of its clips is not in .*, the first is 'other'"),
    ],
)
def test_labels_of_other_clips_are_refused(store, tmp_path, lines, message):
    export_store(store.folder, tmp_path / "files", ExportOptions("skeleton"))
    (tmp_path / "labels.csv").write_text("\n".join(["clip,action", *lines]))
    refused(tmp_path / "files", tmp_path / "store", message, labels=tmp_path / "labels.csv")
