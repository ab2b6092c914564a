import errno
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from base.errors import InputError
from data.ntu.names import ClipName
from data.skeletons.layouts import NTU25, content_of
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from recognition.input import loading
from recognition.input.loading import body_axes, hold_nearest, load_clips, too_large

ACTIONS = np.array([1, 23])


def write(folder, *tracks, frames=20):
    with StoreWriter(folder, StoreInfo()) as writer:
        writer.add(ClipName(1, 1, 1, 1, 1), frames, tracks)
    return open_store(folder)


def load(store, **settings):
    return load_clips(store, np.arange(len(store.clips)), ACTIONS, "cpu", **settings)


def track(actor=0, first=0, frames=20, shift=0.0, seed=0):
    joints = np.random.default_rng(seed).normal(size=(frames, 25, 3)).astype(np.float32) + np.float32(shift)
    return Track(actor, first, joints, np.full((frames, 25), 2, np.uint8))


def test_hold_nearest_against_a_loop():
    rng = np.random.default_rng(0)
    lengths = [7, 1, 12, 5]
    joints, seen = torch.from_numpy(rng.normal(size=(25, 4, 3))), torch.from_numpy(rng.random((25, 4)) < 0.4)
    seen[8:20, 1] = False
    seen[20:] = True
    held, ever = hold_nearest(joints, seen, torch.tensor(lengths))
    start = 0
    for number, length in enumerate(lengths):
        for joint in range(4):
            known = [frame for frame in range(length) if seen[start + frame, joint]]
            assert bool(ever[number, joint]) == bool(known)
            for frame in range(length):
                nearest = min(known, key=lambda k, frame=frame: (abs(k - frame), k), default=None)
                expected = torch.zeros(3) if nearest is None else joints[start + nearest, joint]
                assert_close(held[start + frame, joint], expected.double(), rtol=0, atol=0)
        start += length


def test_centred_on_actor_one_wherever_the_clip_is(tmp_path):
    near = load(write(tmp_path / "near", track(), track(1, 4, 10, seed=1)))
    assert_close(near.joints[0, 1], torch.zeros(3))
    far = load(write(tmp_path / "far", track(shift=5), track(1, 4, 10, shift=5, seed=1)))
    assert_close(near.joints, far.joints, rtol=0, atol=1e-5)
    raw = track(1, 4, 10, seed=1).joints - track().joints[0, 1]
    assert_close(near.joints[20:], torch.from_numpy(raw))


def test_order_of_tracks_in_the_store_does_not_matter(tmp_path):
    one = load(write(tmp_path / "one", track(), track(1, 4, 10, seed=1)))
    other = load(write(tmp_path / "other", track(1, 4, 10, seed=1), track()))
    assert_close(one.joints, other.joints, rtol=0, atol=0)
    assert one.first_frame.tolist() == other.first_frame.tolist() == [0, 4]


def test_unseen_and_broken_joints_change_nothing_else(tmp_path):
    broken = track()
    broken.tracked[3:6, 7] = 0
    broken.joints[3:6, 7] = 0
    broken.joints[9, 2] = np.nan
    broken.tracked[:, 24] = 0
    found = load(write(tmp_path / "broken", broken))
    clean = load(write(tmp_path / "clean", track()))
    expected = clean.joints.clone()
    expected[3:5, 7], expected[5, 7] = expected[2, 7], expected[6, 7]
    expected[4, 7] = expected[2, 7]
    expected[9, 2] = expected[8, 2]
    expected[:, 24] = 0
    assert_close(found.joints, expected)


def test_track_that_shows_nothing_is_no_actor(tmp_path):
    empty = track(1, 2, 10, seed=1)
    empty.tracked[:] = 0
    found = load(write(tmp_path / "two", track(), empty))
    alone = load(write(tmp_path / "one", track()))
    assert found.track_of.tolist() == [0, 1]
    assert_close(found.joints, alone.joints)


def test_clip_without_actors_is_kept(tmp_path):
    found = load(write(tmp_path / "none"))
    assert len(found) == 1
    assert found.track_of.tolist() == [0, 0]


def test_body_axes():
    torch.manual_seed(0)
    skeleton = torch.randn(50, 25, 3)
    axes = body_axes(skeleton[:, [0, 1, 4, 8]])
    assert_close(axes @ axes.mT, torch.eye(3).expand(50, -1, -1), rtol=0, atol=1e-5)
    assert_close(torch.linalg.det(axes), torch.ones(50))
    turned = torch.einsum("nvc,ndc->nvd", skeleton, axes)
    spine, shoulders = turned[:, 1] - turned[:, 0], turned[:, 8] - turned[:, 4]
    assert_close(spine[:, :2], torch.zeros(50, 2), rtol=0, atol=1e-5)
    assert bool((spine[:, 2] > 0).all())
    assert_close(shoulders[:, 1], torch.zeros(50), rtol=0, atol=1e-5)
    assert bool((shoulders[:, 0] > 0).all())
    assert_close(body_axes(torch.zeros(1, 4, 3)), torch.eye(3).unsqueeze(0))


def test_turned_to_the_body_a_turned_clip_is_the_same(tmp_path):
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    turn = (turn * np.sign(np.linalg.det(turn))).astype(np.float32)
    turned = Track(0, 0, track().joints @ turn, track().tracked)
    one = load(write(tmp_path / "one", track()), rotate_to_body=True)
    other = load(write(tmp_path / "other", turned), rotate_to_body=True)
    assert_close(one.joints, other.joints, rtol=0, atol=1e-4)


@pytest.mark.parametrize("turned", [False, True])
def test_joints_are_known_by_their_names_and_not_by_the_layouts(tmp_path, turned):
    """NTU's joints under another name are the same to the bit, and 20 of them the same 20."""
    expected = load(write(tmp_path / "ntu", track()), rotate_to_body=turned)
    kept = [at for at in range(25) if at not in (2, 21, 22, 23, 24)]
    bones = [(child, 20 if parent == 2 else parent) for child, parent in NTU25.bones]
    place = {joint: at for at, joint in enumerate(kept)}
    layouts = {
        "all": (content_of(NTU25), list(range(25))),
        "twenty": (
            {
                "joints": [NTU25.joints[at] for at in kept],
                "bones": [[place[child], place[parent]] for child, parent in bones if child in place],
                "centre": place[20],
                "dims": 3,
            },
            kept,
        ),
    }
    for name, (content, joints) in layouts.items():
        with StoreWriter(tmp_path / name, StoreInfo(layout=name, own_layout=content)) as writer:
            one = track()
            writer.add(ClipName(1, 1, 1, 1, 1), 20, [Track(0, 0, one.joints[:, joints], one.tracked[:, joints])])
        found = load(open_store(tmp_path / name), rotate_to_body=turned)
        assert_close(found.joints, expected.joints[:, joints], rtol=0, atol=0)


def test_refuses_actors_that_it_cannot_place(tmp_path):
    with pytest.raises(InputError, match="S001C001P001R001A001 has two tracks of one actor"):
        load(write(tmp_path / "store", track(1), track(1)))


def fields(clips):
    names = ("label", "frames", "joints", "first_frame", "length", "first_row", "track_of")
    return {name: getattr(clips, name) for name in names}


@pytest.mark.parametrize("rows", [1, 30, 1 << 20])
def test_clips_in_a_file_are_those_in_memory_to_the_bit(make_store, tmp_path, monkeypatch, rows):
    store = make_store(second_actor=True)
    chosen = np.random.default_rng(0).permutation(len(store.clips))
    expected = load_clips(store, chosen, ACTIONS, "cpu", rotate_to_body=True)
    monkeypatch.setattr(loading, "ROWS", rows)  # so many at a time
    found = load_clips(store, chosen, ACTIONS, "cpu", rotate_to_body=True, folder=tmp_path)
    for name, tensor in fields(found).items():
        assert torch.equal(tensor, fields(expected)[name]), name
    assert not list(tmp_path.iterdir())  # the file has no name


def test_a_file_of_nobody(tmp_path):
    nobody = Track(0, 0, np.zeros((20, 25, 3), np.float32), np.zeros((20, 25), np.uint8))
    found = load(write(tmp_path / "store", nobody), folder=tmp_path)
    assert found.joints.shape == (0, 25, 3)
    assert found.track_of.tolist() == [0, 0]


def test_too_little_room_for_the_file(make_store, tmp_path, monkeypatch):
    monkeypatch.setattr(loading.shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(InputError, match=r"take \d+\.\d MB, and its disk has 0\.0 MB left; give data\.clips=memory"):
        load(make_store(), folder=tmp_path)


def test_a_folder_that_cannot_be_written(make_store, tmp_path, monkeypatch):
    def refused(**_):
        raise OSError(errno.EROFS, "Read-only file system", "/tmp1")

    monkeypatch.setattr(loading.tempfile, "TemporaryFile", refused)
    with pytest.raises(InputError) as told:
        load(make_store(), folder=tmp_path)
    assert str(told.value).startswith(f"{tmp_path}: cannot be written (Read-only file system); check the path")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no such device")
def test_a_disk_that_is_full_before_all_is_written(make_store, tmp_path, monkeypatch):
    full = partial(Path.open, Path("/dev/full"), "wb")
    monkeypatch.setattr(loading.tempfile, "TemporaryFile", lambda **_: full())
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\); make room") as told:
        load(make_store(), folder=tmp_path)
    assert str(told.value).startswith(f"{tmp_path}: ")


def test_what_is_too_large_for_the_memory(make_store, monkeypatch):
    store = make_store()
    size, rows = store.joints.nbytes, np.arange(len(store.clips))
    monkeypatch.setattr(loading.os, "sysconf", lambda name: 1 if name == "SC_PAGE_SIZE" else 2 * size)
    assert not too_large(store, rows, torch.device("cpu"))
    monkeypatch.setattr(loading.os, "sysconf", lambda name: 1 if name == "SC_PAGE_SIZE" else 2 * size - 1)
    assert too_large(store, rows, torch.device("cpu"))
    assert not too_large(store, rows[:-1], torch.device("cpu"))
