import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from base.errors import InputError
from base.files import resumable_folder
from data.ntu import prepare as stage
from data.ntu import read_clips as reading
from data.ntu.prepare import describe
from data.ntu.text import Body, Skeleton, write_skeleton
from data.skeletons.store import open_store
from tests.data.ntu.recordings import FOLDER, clip, content, names, pack, run, same


def test_zip_and_folder_give_the_same_store_in_the_order_of_names(folder, zipped, tmp_path):
    summary = run(folder, tmp_path / "a")
    run(zipped, tmp_path / "b")
    same(open_store(tmp_path / "a"), open_store(tmp_path / "b"))
    assert open_store(tmp_path / "a").clips.name.tolist() == sorted(names(12))
    assert (summary["clips"], summary["frames"], summary["skipped"]) == (12, 180, [])


def test_the_302_incomplete_samples_are_left_out_and_counted(folder, tmp_path):
    (folder / FOLDER / "S001C002P005R002A008.skeleton").write_bytes(b"damaged")
    summary = run(folder, tmp_path / "store")
    assert summary["clips"] == 12
    assert [skipped["reason"] for skipped in summary["skipped"]] == [
        "one of the samples that are incomplete by its authors' list"
    ]


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


def run_and_end_after(batches, raw, store, monkeypatch, **options):
    """Prepare, and be interrupted when so many batches have been written."""
    real = reading.read_clips

    def interrupted(*args):
        for number, batch in enumerate(real(*args)):
            if number == batches:
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(reading, "BATCH", 2)
    with monkeypatch.context() as patch:
        patch.setattr(stage, "read_clips", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(raw, store, **options)


@pytest.fixture
def read(monkeypatch):
    """The clips that later runs read."""
    seen = []
    real = reading.read_clips

    def watched(raw, entries, *options):
        seen.extend(str(entry.name) for entry in entries)
        return real(raw, entries, *options)

    monkeypatch.setattr(stage, "read_clips", watched)
    return seen


def test_an_interrupted_run_goes_on_where_it_was_and_ends_in_the_same_bytes(folder, tmp_path, monkeypatch, read):
    (folder / FOLDER / "walking.skeleton").write_bytes(clip(0))
    run(folder, tmp_path / "whole", on_error="skip")
    (tmp_path / "a").mkdir()
    run_and_end_after(3, folder, tmp_path / "a" / "store", monkeypatch, on_error="skip")
    assert [path.name for path in (tmp_path / "a").iterdir()] == [".store.part"]
    for left in (tmp_path / "a" / "store", tmp_path / "a" / ".store.part"):
        with pytest.raises(InputError, match="no clip store"):
            open_store(left)
    read.clear()
    summary = run(folder, tmp_path / "a" / "store", on_error="skip")
    assert read == [*sorted(names(12))[6:], "None"]
    assert content(tmp_path / "a" / "store") == content(tmp_path / "whole")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["store"]
    assert (summary["clips"], len(summary["skipped"])) == (12, 1)


def cut_joints(part):
    (part / "joints.npy").write_bytes((part / "joints.npy").read_bytes()[:-1])


def lose_a_page(part):
    whole = bytearray((part / "joints.npy").read_bytes())
    whole[20000:24096] = bytes(4096)
    (part / "joints.npy").write_bytes(whole)


def write_on(part):
    with (part / "tracked.npy").open("ab") as tracked, (part / "clips.csv").open("ab") as clips:
        tracked.write(bytes(1000))
        clips.write(b"S001C001")


def tear_journal(part):
    (part / "journal.jsonl").write_bytes((part / "journal.jsonl").read_bytes()[:-9])


def spoil_journal(part):
    (part / "journal.jsonl").write_bytes(b"\xff\x00[")


def remove_table(part):
    (part / "clips.csv").unlink()


@pytest.mark.parametrize("harm", [cut_joints, lose_a_page, write_on, tear_journal, spoil_journal, remove_table])
def test_what_was_lost_of_an_ended_run_is_read_again(zipped, tmp_path, monkeypatch, read, harm):
    run(zipped, tmp_path / "whole")
    run_and_end_after(4, zipped, tmp_path / "store", monkeypatch)
    harm(tmp_path / ".store.part")
    read.clear()
    run(zipped, tmp_path / "store")
    assert len(read) == {cut_joints: 6, lose_a_page: 8, write_on: 4, tear_journal: 6}.get(harm, 12)
    assert content(tmp_path / "store") == content(tmp_path / "whole")


def test_an_ended_run_of_another_source_is_forgotten(folder, zipped, tmp_path, monkeypatch, read):
    run_and_end_after(4, zipped, tmp_path / "store", monkeypatch)
    read.clear()
    run(folder, tmp_path / "store")
    assert len(read) == 12
    run_and_end_after(4, folder, tmp_path / "other", monkeypatch)
    (folder / FOLDER / f"{names(1)[0]}.skeleton").write_bytes(clip(99, frames=20))
    read.clear()
    assert run(folder, tmp_path / "other")["frames"] == 12 * 15 + 5
    assert len(read) == 12


def test_after_a_bad_file_has_stopped_it_skipping_goes_on_there(folder, tmp_path, monkeypatch, read):
    bad = sorted(names(12))[7]
    (folder / FOLDER / f"{bad}.skeleton").write_bytes(b"damaged")
    monkeypatch.setattr(reading, "BATCH", 2)
    with pytest.raises(InputError, match=bad):
        run(folder, tmp_path / "store")
    read.clear()
    run(folder, tmp_path / "store", on_error="skip")
    assert read == sorted(names(12))[6:]
    run(folder, tmp_path / "whole", on_error="skip")
    assert content(tmp_path / "store") == content(tmp_path / "whole")


def test_after_skipping_a_bad_file_a_run_that_stops_does_stop(folder, tmp_path, monkeypatch):
    bad = sorted(names(12))[1]
    (folder / FOLDER / f"{bad}.skeleton").write_bytes(b"damaged")
    run_and_end_after(4, folder, tmp_path / "store", monkeypatch, on_error="skip")
    with pytest.raises(InputError, match=bad):
        run(folder, tmp_path / "store")


KILLED = """
import os, signal, sys
from multiprocessing import active_children
from pathlib import Path
from data.ntu import prepare as stage, read_clips as reading
reading.BATCH, reading.IN_PROCESS = 1, 0
real = reading.read_clips
def killed(*args):
    for number, batch in enumerate(real(*args)):
        if number == 5:
            print(*(child.pid for child in active_children()), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        yield batch
stage.read_clips = killed
if __name__ == "__main__":
    raw, store = map(Path, sys.argv[1:])
    stage.prepare(stage.PrepareConfig(data=stage.DataSection(raw=raw, store=store, workers=2)))
"""


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_a_killed_run_goes_on_where_it_was_and_leaves_no_processes(zipped, tmp_path, read):
    run(zipped, tmp_path / "whole")
    (tmp_path / "killed.py").write_text(KILLED)
    command = [sys.executable, tmp_path / "killed.py", zipped, tmp_path / "store"]
    killed = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(Path.cwd())})
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    children = list(map(int, killed.stdout.split()))
    assert len(children) == 2
    read.clear()
    run(zipped, tmp_path / "store")
    assert len(read) == 7
    assert content(tmp_path / "store") == content(tmp_path / "whole")
    until = time.monotonic() + 20
    while any(map(is_running, children)):
        assert time.monotonic() < until, "the killed run's processes are still there"
        time.sleep(0.05)


FULL = """
import resource, sys
from pathlib import Path
from base.errors import InputError
from data.ntu import prepare as stage, read_clips as reading
reading.BATCH = 2
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))
try:
    stage.prepare(stage.PrepareConfig(data=stage.DataSection(raw=Path(sys.argv[1]), store=Path(sys.argv[2]))))
except InputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no such limits")
def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(zipped, tmp_path, read):
    run(zipped, tmp_path / "whole")
    command = [sys.executable, "-c", FULL, zipped, tmp_path / "store"]
    full = subprocess.run(command, capture_output=True, text=True)
    assert (full.stderr, full.returncode) == ("", 0)
    assert full.stdout.startswith(f"{tmp_path / 'store'}: cannot be written (File too large); make room")
    assert full.stdout.count("\n") == 1
    assert not (tmp_path / "store").exists()
    read.clear()
    run(zipped, tmp_path / "store")
    assert 0 < len(read) < 12
    assert content(tmp_path / "store") == content(tmp_path / "whole")


def test_a_second_run_into_the_same_store_is_told(zipped, tmp_path):
    with resumable_folder(tmp_path / "store"):
        with pytest.raises(InputError, match="another run is writing it"):
            run(zipped, tmp_path / "store")
        (tmp_path / ".store.part" / "file").touch()
    with pytest.raises(InputError, match="no clip store"):
        run(zipped, tmp_path / "store")


def test_a_store_that_cannot_be_written_is_told(zipped, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/store: cannot be written \(File exists\)"):
        run(zipped, tmp_path / "file" / "store")


def test_the_summary_says_what_is_in_the_store_and_what_is_not(folder, tmp_path):
    for number, name in enumerate(sorted(names(12))[:3]):
        (folder / FOLDER / f"{name}.skeleton").write_bytes(clip(number).replace(b"\n25\r", b"\n24\r"))
    (folder / FOLDER / f"{sorted(names(12))[3]}.skeleton").write_bytes(b"")
    (folder / FOLDER / "S001C002P005R002A008.skeleton").write_bytes(b"")
    summary = run(folder, tmp_path / "store", on_error="skip")
    store = open_store(tmp_path / "store")
    assert summary["inferred share"] == round(float((store.tracked == 1).mean()), 4)
    assert summary["clips by actors"] == {"1": 8}
    cameras = [name[5:8] for name in store.clips.name.tolist()]
    assert summary["clips by split"]["xview"] == {"train": 8 - cameras.count("001"), "test": cameras.count("001")}
    assert summary["skipped by reason"] == {
        "found …, expected … joints": 3,
        "one of the samples that are incomplete by its authors' list": 1,
        "found an empty file, expected the number of frames": 1,
    }
    text = describe(summary)
    assert "skipped: 3: found …, expected … joints" in text
    assert "clips a second" in text


def test_the_store_says_when_each_frame_was_recorded(tmp_path):
    """Frames in which nobody is seen are dropped, as everybody does; the others keep their times, at the given rate."""
    frames = np.array([0, 1, 2, 53, 54])
    joints = np.random.default_rng(0).normal(3, 0.3, (5, 25, 3)).astype(np.float32)
    text = write_skeleton(Skeleton(60, (Body(1, frames, joints, np.full((5, 25), 2, np.uint8)),)))
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "S001C001P001R001A001.skeleton").write_bytes(text)
    run(tmp_path / "raw", tmp_path / "store", fps=25.0)
    store = open_store(tmp_path / "store")
    assert (store.clips.frames.tolist(), store.tracks.length.tolist(), store.info.times) == ([5], [5], True)
    np.testing.assert_allclose(store.times, frames / 25)


def test_what_macos_and_windows_put_beside_the_clips_is_passed_over(folder, tmp_path):
    run(folder, tmp_path / "clean")
    with zipfile.ZipFile(tmp_path / "mac.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((folder / FOLDER).iterdir()):
            archive.write(path, f"{FOLDER}/{path.name}")
            archive.writestr(f"__MACOSX/{FOLDER}/._{path.name}", b"\0\5\x16\7")
            archive.writestr(f"{FOLDER}/._{path.name}", b"\0\5\x16\7")
        archive.writestr(f"{FOLDER}/.DS_Store", b"\0")
    (folder / "__MACOSX").mkdir()
    for name in (f"{FOLDER}/._{names(1)[0]}", f"__MACOSX/{names(1)[0]}", "__MACOSX/._x"):
        (folder / f"{name}.skeleton").write_bytes(b"\0\5\x16\7")
    (folder / "Thumbs.db").touch()
    for source in ("mac.zip", folder):
        run(tmp_path / source, tmp_path / "store", again=True)
        for file in ("joints.npy", "clips.csv", "tracks.csv", "tracked.npy"):
            assert (tmp_path / "store" / file).read_bytes() == (tmp_path / "clean" / file).read_bytes()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes in folders")
def test_pipes_and_devices_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(InputError, match=f"{path}: is no regular file"):
            run(path, tmp_path / "store")
        with pytest.raises(InputError, match="no clip store"):
            run(tmp_path, path)


def test_what_was_begun_beside_the_store_is_not_emptied_if_it_is_somebodys(zipped, tmp_path):
    (tmp_path / ".store.part").mkdir()
    (tmp_path / ".store.part" / "thesis.txt").write_text("dear")
    with pytest.raises(InputError, match=r"\.store\.part: holds thesis\.txt, which no clip store has"):
        run(zipped, tmp_path / "store")
    assert (tmp_path / ".store.part" / "thesis.txt").read_text() == "dear"
