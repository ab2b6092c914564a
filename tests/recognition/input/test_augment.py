import dataclasses

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from data.ntu.names import ClipName
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from recognition.config import InputSection, TrainSection
from recognition.input.augment import Draws, draw, random_scales, still
from recognition.input.batches import gather_batch, steps_per_epoch, training_batches
from recognition.input.loading import load_clips
from training.distributed import Workers

SEEN = InputSection(frames=8)


def pair(folder, order=(0, 1)):
    """A store of a clip with two actors, one with one, and one with none."""
    rng = np.random.default_rng(0)
    with StoreWriter(folder, StoreInfo()) as writer:
        for number, actors in enumerate((2, 1, 0)):
            shapes = [rng.normal(size=(20, 25, 3)).astype(np.float32) for _ in range(actors)]
            actor = order if actors == 2 else (0, 1)
            tracks = [Track(actor[n], n, joints, np.full((20, 25), 2, np.uint8)) for n, joints in enumerate(shapes)]
            writer.add(ClipName(1, 1, 1, number + 1, 1), 24, tracks)
    store = open_store(folder)
    return load_clips(store, np.arange(3), np.array([1]), "cpu")


def drawn(recipe, seen=SEEN, count=400, dims=3):
    return draw(count, dims, seen, recipe, torch.Generator().manual_seed(0))


def test_actors_that_change_places_are_those_of_a_store_that_has_them_so(tmp_path):
    chosen = torch.arange(3)
    offset = torch.rand(3, 8, dtype=torch.float64)
    swap = torch.ones(3, dtype=torch.bool)
    found = gather_batch(pair(tmp_path / "one"), chosen, SEEN, Draws(offset, swap=swap))
    expected = gather_batch(pair(tmp_path / "other", (1, 0)), chosen, SEEN, Draws(offset))
    assert_close(found.x, expected.x)
    clips = pair(tmp_path / "third")
    kept = gather_batch(clips, chosen, SEEN, Draws(offset, swap=~swap))
    assert_close(kept.x, gather_batch(clips, chosen, SEEN, Draws(offset)).x, rtol=0, atol=0)
    assert not torch.equal(kept.x[0], found.x[1])


def test_scaling_is_about_the_origin_and_within_its_limit(tmp_path):
    clips = pair(tmp_path / "one")
    offset = torch.rand(3, 8, dtype=torch.float64)
    scale = torch.tensor([0.8, 1.1, 1.0])
    found = gather_batch(clips, torch.arange(3), SEEN, Draws(offset, transform=scale[:, None, None] * torch.eye(3)))
    plain = gather_batch(clips, torch.arange(3), SEEN, Draws(offset))
    assert_close(found.x, plain.x * scale[plain.clip][:, None, None, None])
    factors = random_scales(2000, 0.2, torch.Generator().manual_seed(0))
    assert 0.8 <= float(factors.min()) < 0.81
    assert 1.19 < float(factors.max()) <= 1.2
    both = drawn(TrainSection(rotation=0.3, scaling=0.2)).transform
    size = torch.linalg.det(both) ** (1 / 3)
    assert_close(both.mT @ both, size.square()[:, None, None] * torch.eye(3), rtol=0, atol=1e-5)


def test_nothing_is_drawn_that_is_not_asked_for():
    plain = drawn(TrainSection(rotation=0))
    assert (plain.share, plain.place, plain.transform, plain.swap) == (None, None, None, None)
    assert drawn(TrainSection(), SEEN.model_copy(update={"sampling": "pad"})).offset is None
    first, more = drawn(TrainSection()), drawn(TrainSection(swap=0.5))
    assert_close(first.offset, more.offset, rtol=0, atol=0)
    assert 0.4 < float(more.swap.float().mean()) < 0.6


def test_windows_are_of_the_share_that_is_allowed():
    found = drawn(TrainSection(), InputSection(frames=8, crop=(0.5, 0.9)))
    assert 0.5 <= float(found.share.min()) < 0.52
    assert 0.88 < float(found.share.max()) <= 0.9
    assert found.least == 8
    scored = still(5, InputSection(frames=8, crop=(0.5, 0.9), test_crop=0.75), 0.5)
    assert (scored.share.unique().tolist(), scored.least) == ([0.75], 1)


@pytest.mark.parametrize("sampling", ["resize", "pad"])
def test_samplings_against_loops(tmp_path, sampling):
    clips = pair(tmp_path / "one")
    found = gather_batch(clips, torch.arange(3), InputSection(frames=30, sampling=sampling), Draws())
    for row, first in enumerate((0, 1, 0)):
        for time in range(30):
            at = min(max((time + 0.5) * 24 / 30 - 0.5, 0), 23) if sampling == "resize" else time
            sides = [clips.joints[20 * row + min(max(int(frame) - first, 0), 19)] for frame in (at, min(at + 1, 23))]
            expected = (1 - at % 1) * sides[0] + (at % 1) * sides[1]
            if sampling == "pad" and time >= 24:
                expected = torch.zeros(25, 3)
            assert_close(found.x[row, time], expected, rtol=0, atol=1e-5)


def test_motion_does_not_jump_where_padding_begins(tmp_path):
    clips = pair(tmp_path / "one")
    seen = InputSection(frames=30, sampling="pad", stream="joint_motion")
    found = gather_batch(clips, torch.arange(3), seen, Draws())
    assert_close(found.x[0, :19], clips.joints[1:20] - clips.joints[:19])
    assert not found.x[:, 23:].any()


def test_a_clip_of_one_frame_is_one_still_skeleton(tmp_path):
    with StoreWriter(tmp_path / "store", StoreInfo()) as writer:
        joints = np.random.default_rng(0).normal(size=(1, 25, 3)).astype(np.float32)
        writer.add(ClipName(1, 1, 1, 1, 1), 1, [Track(0, 0, joints, np.full((1, 25), 2, np.uint8))])
    clips = load_clips(open_store(tmp_path / "store"), np.arange(1), np.array([1]), "cpu")
    for sampling in ("uniform", "resize", "pad"):
        seen = InputSection(frames=5, sampling=sampling, crop=(0.5, 1))
        found = gather_batch(clips, torch.arange(1), seen, drawn(TrainSection(rotation=0), seen, count=1)).x[0]
        assert_close(found[0], clips.joints[0])
        assert_close(found[-1], torch.zeros(25, 3) if sampling == "pad" else clips.joints[0])
        moving = seen.model_copy(update={"stream": "joint_motion"})
        assert not gather_batch(clips, torch.arange(1), moving, drawn(TrainSection(), moving, count=1)).x.any()


def test_an_epoch_shows_every_clip_as_often_as_asked(tmp_path):
    clips = pair(tmp_path / "one")
    clips = dataclasses.replace(clips, label=torch.arange(3))
    recipe = TrainSection(batch=4, repeat=5)
    batches = list(training_batches(clips, SEEN, recipe, seed=0, epoch=0))
    assert [len(batch.label) for batch in batches] == [4, 4, 4, 3]
    assert len(batches) == steps_per_epoch(3, recipe)
    shown = torch.cat([batch.label for batch in batches])
    assert [sorted(part.tolist()) for part in shown.split(3)] == [[0, 1, 2]] * 5


def test_processes_divide_the_batch_of_one(make_store):
    store = make_store(second_actor=True)
    clips = load_clips(store, np.arange(len(store.clips)), np.array([1, 23]), "cpu")
    recipe = TrainSection(batch=7, repeat=2, scaling=0.1, swap=0.5)
    seen = InputSection(frames=8, sampling="resize", crop=(0.5, 1))
    settings = {"seed": 3, "epoch": 1}
    parts = [list(training_batches(clips, seen, recipe, workers=Workers(rank, 3), **settings)) for rank in range(3)]
    for whole, *shares in zip(training_batches(clips, seen, recipe, **settings), *parts, strict=True):
        assert_close(torch.cat([share.x for share in shares]), whole.x, rtol=0, atol=0)
        assert_close(torch.cat([share.label for share in shares]), whole.label)
        assert {share.whole for share in shares} == {len(whole.label)}
        starts = np.cumsum([0, *(len(share.label) for share in shares[:2])])
        clip = torch.cat([share.clip + int(start) for share, start in zip(shares, starts, strict=True)])
        assert_close(clip, whole.clip)


def test_draws_go_to_a_device_and_are_no_copy_where_they_are():
    drawn = draw(5, 3, InputSection(frames=8, crop=(0.5, 0.9)), TrainSection(swap=0.5), torch.Generator())
    here, there = drawn.to(torch.device("cpu")), drawn.to(torch.device("meta"))
    for name in ("offset", "share", "place", "transform", "swap"):
        assert getattr(here, name) is getattr(drawn, name)
        assert getattr(there, name).device.type == "meta"
    assert there.least == drawn.least == 8
