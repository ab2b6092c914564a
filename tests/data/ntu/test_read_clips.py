import os
import re
import signal
from functools import partial

import numpy as np
import pytest

from base.executors.registry import Pool, spread
from data.ntu import read_clips as reading
from data.ntu.archive import list_entries
from data.ntu.read_clips import read_clips
from data.ntu.text import Body, Skeleton, write_skeleton
from data.skeletons.store import open_store
from tests.data.ntu.recordings import FOLDER, clip, names, run, same


def test_several_processes_give_the_same_store(zipped, tmp_path, monkeypatch):
    run(zipped, tmp_path / "a", workers=1)
    monkeypatch.setattr(reading, "IN_PROCESS", 0)
    monkeypatch.setattr(reading, "BATCH", 2)
    monkeypatch.setattr(reading, "LARGE", sorted(entry.size for entry in list_entries(zipped).entries)[6])
    run(zipped, tmp_path / "b", workers=2)
    same(open_store(tmp_path / "a"), open_store(tmp_path / "b"))


def die_once(note, function, item):
    """End this process at the first item, as the system does when memory is short."""
    if not note.exists():
        note.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return function(item)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal")
def test_a_process_that_is_killed_changes_nothing(zipped, tmp_path, monkeypatch):
    run(zipped, tmp_path / "a", workers=1)
    for name, value in (("IN_PROCESS", 0), ("BATCH", 5)):
        monkeypatch.setattr(reading, name, value)
    note = tmp_path / "killed"
    monkeypatch.setattr(reading, "spread", lambda work, *given: spread(partial(die_once, note, work), *given))
    run(zipped, tmp_path / "b", workers=2)
    assert note.exists()
    same(open_store(tmp_path / "a"), open_store(tmp_path / "b"))


def test_batches_are_in_order_and_hold_every_clip_once(zipped, monkeypatch):
    monkeypatch.setattr(reading, "BATCH", 5)
    entries = list_entries(zipped).entries
    batches = list(read_clips(zipped, entries, Pool()))
    assert [batch.entries for batch in batches] == [5, 5, 2]
    assert [str(name) for batch in batches for name, _ in batch.block.clips] == sorted(names(12))
    assert all(frames == 15 for batch in batches for _, frames in batch.block.clips)
    # what the recordings are made of, to float32
    rng = np.random.default_rng(0)
    made = rng.normal(0, 0.1, (15, 25, 3)).astype(np.float32) + np.float32([0, 0, 3])
    first = next(row for row, entry in enumerate(entries) if str(entry.name) == names(1)[0])
    found = np.concatenate([batch.block.joints for batch in batches])[15 * first : 15 * first + 15]
    np.testing.assert_allclose(found, made, rtol=1e-6)


def test_files_that_are_no_clips_are_told_and_the_others_are_read(folder):
    bad, nobody = sorted(names(12))[2:4]
    (folder / FOLDER / f"{bad}.skeleton").write_bytes(clip(0)[:5000])
    (folder / FOLDER / f"{nobody}.skeleton").write_bytes(b"2\n0\n0\n")
    (folder / FOLDER / "walking.skeleton").write_bytes(clip(0))
    (batch,) = read_clips(folder, list_entries(folder).entries, Pool())
    assert (batch.entries, len(batch.block.clips)) == (13, 10)
    told = {re.split(r"[/.]", path)[-2]: reason for path, reason in batch.faults}
    assert set(told) == {bad, nobody, "walking"}
    assert "nobody is seen in any frame" in told[nobody]
    assert "not an NTU RGB+D clip name" in told["walking"]


def test_large_files_are_read_here_alone(folder, monkeypatch):
    given = []

    def watched(work, batches, pool):
        found = list(batches)
        given.append((pool.executor, [len(batch) for batch in found]))
        yield from map(work, found)

    entries = list_entries(folder).entries
    largest = max(range(12), key=lambda at: entries[at].size)
    monkeypatch.setattr(reading, "spread", watched)
    monkeypatch.setattr(reading, "LARGE", sorted(entry.size for entry in entries)[-2])
    batches = list(read_clips(folder, entries, Pool("ray")))
    assert [str(name) for batch in batches for name, _ in batch.block.clips] == sorted(names(12))
    expected = [("ray", largest), ("here", 1), ("ray", 11 - largest)]
    assert given == [(who, [count]) for who, count in expected if count]


def test_millimetres_become_metres(tmp_path, rng):
    joints = rng.normal([0, 0, 3], 0.1, (4, 25, 3)).astype(np.float32)
    body = Body(1, np.arange(4), joints * 1000, np.full((4, 25), 2, np.uint8))
    (tmp_path / f"{names(1)[0]}.skeleton").write_bytes(write_skeleton(Skeleton(4, (body,))))
    (batch,) = read_clips(tmp_path, list_entries(tmp_path).entries, Pool(), "mm")
    np.testing.assert_allclose(batch.block.joints, joints, rtol=1e-5)
