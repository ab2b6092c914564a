"""Skeletons in an image: COCO's and OpenPose's joints, with and without confidence."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from base.errors import InputError
from data.ntu.names import ClipName
from data.skeletons.layouts import COCO17, LAYOUTS
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from recognition.config import InputSection, ModelSection
from recognition.input.augment import Draws, random_rotations
from recognition.input.batches import gather_batch
from recognition.input.loading import load_clips
from recognition.input.streams import to_stream
from recognition.nets.registry import build_model

SEEN = InputSection(frames=30, sampling="pad")


def make(folder, layout="coco17", confidence=True, image=(200, 100)):
    joints = len(LAYOUTS[layout].joints)
    rng = np.random.default_rng(0)
    at = (rng.random((20, joints, 2)) * (200, 100)).astype(np.float32)
    tracked = np.full((20, joints), 2, np.uint8)
    tracked[4:6, 3] = 0
    at[4:6, 3] = 0
    trust = rng.uniform(0.2, 1, (20, joints)).astype(np.float32) if confidence else None
    with StoreWriter(folder, StoreInfo(layout=layout, image=image, confidence=confidence)) as writer:
        writer.add(ClipName(1, 1, 1, 1, 1), 26, [Track(0, 3, at, tracked, trust)])
    return open_store(folder), at, trust


def load(store, **settings):
    return load_clips(store, np.arange(1), np.array([1]), "cpu", **settings)


@pytest.mark.parametrize("layout", ["coco17", "openpose18"])
def test_pixels_become_shares_of_the_picture_and_keep_their_place(tmp_path, layout):
    store, at, trust = make(tmp_path / "store", layout)
    clips = load(store)
    assert (clips.channels, clips.confidence, clips.origin) == (3, True, None)
    expected = torch.from_numpy((at - (100, 50)) / (100, 50)).float()
    expected[4, 3], expected[5, 3] = expected[3, 3], expected[6, 3]
    assert_close(clips.joints[..., :2], expected)
    seen = torch.ones(20, len(store.layout.joints))
    seen[4:6, 3] = 0
    assert_close(clips.joints[..., 2], torch.from_numpy(trust) * seen)


def test_no_confidence_outside_the_track(tmp_path):
    clips = load(make(tmp_path / "store")[0])
    found = gather_batch(clips, torch.arange(1), SEEN, Draws()).x[0]
    assert not found[:3, :, 2].any()
    assert_close(found[3:23], clips.joints)
    assert not found[23:, :, 2].any()
    assert_close(found[24, :, :2], clips.joints[19, :, :2])
    assert not found[26:].any()


def test_turned_in_the_plane_confidences_stay(tmp_path):
    clips = load(make(tmp_path / "store")[0])
    turn = random_rotations(1, 0.5, 2, torch.Generator().manual_seed(0))
    found, plain = (gather_batch(clips, torch.arange(1), SEEN, Draws(transform=t)).x for t in (turn, None))
    assert_close(found[..., 2], plain[..., 2], rtol=0, atol=0)
    assert_close(found[..., :2], plain[..., :2] @ turn[0].T)
    assert_close(found[..., :2].norm(dim=-1), plain[..., :2].norm(dim=-1))


def test_confidence_of_bones_and_motions_is_the_mean_of_two():
    x = torch.rand(2, 5, 17, 3)
    bone = to_stream(x, "bone", COCO17, confidence=True)
    assert_close(bone[..., 0, :], torch.cat([torch.zeros(2, 5, 2), x[..., 0, 2:]], -1))
    for joint, parent in COCO17.bones:
        assert_close(bone[..., joint, :2], x[..., joint, :2] - x[..., parent, :2])
        assert_close(bone[..., joint, 2], (x[..., joint, 2] + x[..., parent, 2]) / 2)
    motion = to_stream(x, "bone_motion", COCO17, confidence=True)
    assert_close(motion[:, :4, :, :2], bone[:, 1:, :, :2] - bone[:, :4, :, :2])
    assert_close(motion[:, :4, :, 2], (bone[:, 1:, :, 2] + bone[:, :4, :, 2]) / 2)
    assert not motion[:, 4].any()


@pytest.mark.parametrize("confidence", [True, False])
def test_the_network_takes_them(tmp_path, confidence):
    clips = load(make(tmp_path / "store", confidence=confidence)[0])
    assert clips.channels == 2 + confidence
    model = build_model(ModelSection(width=4, blocks=3), clips.layout, clips.channels, 5).eval()
    batch = gather_batch(clips, torch.arange(1), InputSection(frames=8), Draws(torch.rand(1, 8, dtype=torch.float64)))
    assert model(batch.x, batch.clip, 1).isfinite().all()


def test_refuses_what_has_no_size_and_what_cannot_be_turned(tmp_path):
    with pytest.raises(InputError, match="does not say how large"):
        load(make(tmp_path / "a", image=None)[0])
    with pytest.raises(InputError, match="set it to false"):
        load(make(tmp_path / "b")[0], rotate_to_body=True)
