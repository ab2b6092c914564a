import zipfile

import numpy as np
import pytest

from data.errors import InputError
from data.ntu import read_clips as reading
from data.ntu.prepare import DataSection, PrepareConfig, prepare
from data.ntu.skeleton import Body, Skeleton, write_skeleton
from data.ntu.store import open_store

FOLDER = "nturgb+d_skeletons"


def clip(seed, frames=15):
    rng = np.random.default_rng(seed)
    joints = rng.normal(0, 0.1, (frames, 25, 3)).astype(np.float32) + np.float32([0, 0, 3])
    body = Body(2**56 + seed, np.arange(frames), joints, rng.integers(1, 3, (frames, 25)).astype(np.uint8))
    return write_skeleton(Skeleton(frames, (body,)))


def names(count):
    return [f"S001C{1 + i % 3:03d}P{1 + i // 3:03d}R001A{1 + i % 5:03d}" for i in range(count)]


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "unpacked" / FOLDER
    folder.mkdir(parents=True)
    for seed, name in enumerate(names(12)):
        (folder / f"{name}.skeleton").write_bytes(clip(seed))
    (folder / "README.txt").write_text("not a clip")
    return folder.parent


def pack(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in entries.items():
            packed.writestr(name, text)
    return path


@pytest.fixture
def zipped(folder):
    files = sorted(folder.rglob("*.skeleton"), reverse=True)
    return pack(folder.parent / "skeletons.zip", {f"{FOLDER}/{file.name}": file.read_bytes() for file in files})


def run(raw, store, again=False, **options):
    return prepare(PrepareConfig(data=DataSection(raw=raw, store=store, **options)), again)


def same(left, right):
    assert left.clips.name.tolist() == right.clips.name.tolist()
    np.testing.assert_array_equal(left.joints, right.joints)
    np.testing.assert_array_equal(left.tracked, right.tracked)


def test_zip_and_folder_give_the_same_store_in_the_order_of_names(folder, zipped, tmp_path):
    summary = run(folder, tmp_path / "a")
    run(zipped, tmp_path / "b")
    same(open_store(tmp_path / "a"), open_store(tmp_path / "b"))
    assert open_store(tmp_path / "a").clips.name.tolist() == sorted(names(12))
    assert (summary["clips"], summary["frames"], summary["skipped"]) == (12, 180, [])


def test_several_processes_give_the_same_store(zipped, tmp_path, monkeypatch):
    run(zipped, tmp_path / "a", workers=1)
    monkeypatch.setattr(reading, "IN_PROCESS", 0)
    monkeypatch.setattr(reading, "BATCH", 2)
    run(zipped, tmp_path / "b", workers=2)
    same(open_store(tmp_path / "a"), open_store(tmp_path / "b"))


def test_the_302_incomplete_samples_are_left_out_and_counted(folder, tmp_path):
    (folder / FOLDER / "S001C002P005R002A008.skeleton").write_bytes(b"damaged")
    summary = run(folder, tmp_path / "store")
    assert summary["clips"] == 12
    assert [skipped["reason"] for skipped in summary["skipped"]] == ["one of the 302 incomplete samples"]


FAULTS = {
    "truncated": (f"{names(1)[0]}.skeleton", clip(0)[:5000], "expected"),
    "binary": (f"{names(1)[0]}.skeleton", bytes(range(256)), "line 1"),
    "name": ("walking.skeleton", clip(0), "not an NTU RGB+D clip name"),
    "nobody": (f"{names(1)[0]}.skeleton", b"2\n0\n0\n", "nobody is seen"),
}


@pytest.mark.parametrize(("name", "text", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_one_bad_file_stops_or_is_skipped_and_counted(folder, tmp_path, name, text, message):
    (folder / FOLDER / name).write_bytes(text)
    with pytest.raises(InputError) as caught:
        run(folder, tmp_path / "store")
    assert message in str(caught.value)
    assert name.removesuffix(".skeleton") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["unpacked"], "something half-written is left"
    summary = run(folder, tmp_path / "store", on_error="skip")
    assert message in summary["skipped"][0]["reason"]
    assert summary["clips"] == (12 if name == "walking.skeleton" else 11)


def test_a_damaged_zip_entry_is_told(zipped, tmp_path):
    content = bytearray(zipped.read_bytes())
    at = content.index(f"{names(12)[-1]}".encode()) + 200
    content[at : at + 50] = bytes(50)
    zipped.write_bytes(content)
    with pytest.raises(InputError, match=r"skeletons\.zip: .* (cannot be read|damaged)"):
        run(zipped, tmp_path / "store")
    assert run(zipped, tmp_path / "store", on_error="skip")["clips"] == 11


@pytest.mark.parametrize(
    "entry", ["../S001C001P001R001A001.skeleton", "/etc/S001C001P001R001A001.skeleton", "C:\\x.skeleton"]
)
def test_a_zip_that_leads_out_of_its_folder_is_refused(tmp_path, entry):
    with pytest.raises(InputError, match="leads out of the folder"):
        run(pack(tmp_path / "evil.zip", {entry: clip(0)}), tmp_path / "store", on_error="skip")


def test_a_clip_that_occurs_twice_is_refused(tmp_path):
    name = f"{names(1)[0]}.skeleton"
    with pytest.raises(InputError, match="twice"):
        run(pack(tmp_path / "x.zip", {f"a/{name}": clip(0), f"b/{name}": clip(1)}), tmp_path / "store")


def test_sources_that_are_none(tmp_path):
    for path, message in ((tmp_path / "absent.zip", "no such file"), (tmp_path, "found no .skeleton file")):
        with pytest.raises(InputError, match=message):
            run(path, tmp_path / "store")
    (tmp_path / "x.zip").write_text("no zip")
    with pytest.raises(InputError, match="not a readable zip"):
        run(tmp_path / "x.zip", tmp_path / "store")


def test_a_finished_store_is_kept_unless_asked(folder, tmp_path):
    first = run(folder, tmp_path / "store")
    before = (tmp_path / "store" / "store.json").stat().st_mtime_ns
    assert first.items() >= run(folder, tmp_path / "store").items()
    assert (tmp_path / "store" / "store.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="already prepared"):
        run(folder, tmp_path / "store", on_error="skip")
    assert run(folder, tmp_path / "store", again=True, on_error="skip")["clips"] == 12
