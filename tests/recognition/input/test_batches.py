import numpy as np
import pytest
import torch
from torch.testing import assert_close

from recognition.config import InputSection, TrainSection
from recognition.input.augment import Draws, random_rotations
from recognition.input.batches import gather_batch, scoring_batches, training_batches
from recognition.input.loading import load_clips
from recognition.input.sampling import sample_frames

ACTIONS = np.array([1, 23])
SEEN = InputSection(frames=8)


def epoch(clips, seed=0, number=0, **changes):
    recipe = TrainSection(**{"batch": 4, "rotation": 0.3, **changes})
    return list(training_batches(clips, SEEN, recipe, seed=seed, epoch=number))


@pytest.fixture(scope="module")
def clips(make_store):
    store = make_store(second_actor=True)
    return load_clips(store, np.arange(len(store.clips)), ACTIONS, "cpu")


@pytest.mark.parametrize("offset", [0.0, 0.3, 0.5, 1 - 2**-53])
@pytest.mark.parametrize("segments", [1, 7, 64])
def test_frames_lie_in_their_segments(offset, segments):
    lengths = torch.arange(1, 301)
    frames = sample_frames(lengths, torch.full((300, segments), offset, dtype=torch.float64))
    index = torch.arange(segments)
    first = torch.div(index * lengths[:, None], segments, rounding_mode="floor")
    last = torch.div((index + 1) * lengths[:, None] - 1, segments, rounding_mode="floor")
    assert bool(((frames >= first) & (frames <= last)).all())
    assert bool((frames < lengths[:, None]).all())
    assert bool((frames.diff(dim=1) >= 0).all())


def test_every_frame_of_a_segment_is_drawn():
    offset = torch.rand(4000, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    frames = sample_frames(torch.full((4000,), 20), offset)
    assert [frames[:, segment].unique().tolist() for segment in range(4)] == [
        list(range(5 * segment, 5 * segment + 5)) for segment in range(4)
    ]


@pytest.mark.parametrize("dims", [2, 3])
def test_rotations_are_rotations_within_the_limit(dims):
    turns = random_rotations(500, 0.3, dims, torch.Generator().manual_seed(0))
    assert_close(turns @ turns.mT, torch.eye(dims).expand(500, -1, -1), rtol=0, atol=1e-5)
    assert_close(torch.linalg.det(turns), torch.ones(500))
    assert turns.std(0).min() > 0.01
    assert_close(random_rotations(2, 0.0, dims, torch.Generator()), torch.eye(dims).expand(2, -1, -1))


def test_gather_against_a_loop(clips):
    chosen = torch.tensor([5, 2, 9])
    offset = torch.rand(3, 8, dtype=torch.float64)
    turn = random_rotations(3, 0.5, 3, torch.Generator().manual_seed(1))
    batch = gather_batch(clips, chosen, SEEN, Draws(offset, transform=turn))
    assert batch.clip.tolist() == [0, 0, 1, 1, 2, 2]
    assert batch.label.tolist() == clips.label[chosen].tolist()
    frames = sample_frames(clips.frames[chosen], offset)
    for row, (place, actor) in enumerate([(p, a) for p in range(3) for a in range(2)]):
        track = int(clips.track_of[chosen[place]]) + actor
        for time, frame in enumerate(frames[place].tolist()):
            within = min(max(frame - int(clips.first_frame[track]), 0), int(clips.length[track]) - 1)
            skeleton = clips.joints[int(clips.first_row[track]) + within]
            assert_close(batch.x[row, time], skeleton @ turn[place].T)


def test_an_epoch_shows_every_clip_once_in_batches_of_nearly_equal_size(clips):
    batches = epoch(clips, batch=7)
    sizes = [len(batch.label) for batch in batches]
    assert sum(sizes) == len(clips)
    assert max(sizes) <= 7
    assert max(sizes) - min(sizes) <= 1


def test_draws_come_from_seed_and_epoch(clips):
    torch.manual_seed(1)
    first = epoch(clips)
    torch.manual_seed(2)
    for one, same in zip(first, epoch(clips), strict=True):
        assert_close(one.x, same.x, rtol=0, atol=0)
    assert not torch.equal(first[0].x, epoch(clips, seed=1)[0].x)
    assert not torch.equal(first[0].x, epoch(clips, number=1)[0].x)


def test_other_skeletons_get_the_same_draws(make_store):
    """Two stores that differ by a constant factor must give batches that differ by it and by nothing else."""
    one, other = (load_clips(store, np.arange(30), ACTIONS, "cpu") for store in (make_store(), make_store()))
    other.joints.mul_(2)
    for first, second in zip(epoch(one), epoch(other), strict=True):
        assert_close(2 * first.x, second.x)
        assert_close(first.label, second.label)


@pytest.mark.parametrize("sampling", ["uniform", "resize", "pad"])
def test_batches_of_clips_in_a_file_are_those_of_clips_in_memory(make_store, clips, tmp_path, sampling):
    store = make_store(second_actor=True)
    there = load_clips(store, np.arange(len(store.clips)), ACTIONS, "cpu", folder=tmp_path)
    view = InputSection(frames=8, sampling=sampling, crop=(0.5, 1))
    recipe = TrainSection(batch=4, rotation=0.3, scaling=0.1, swap=0.5)
    pairs = zip(*(training_batches(one, view, recipe, seed=1, epoch=2) for one in (clips, there)), strict=True)
    for here, found in pairs:
        assert torch.equal(here.x, found.x)
        assert torch.equal(here.clip, found.clip)
        assert torch.equal(here.label, found.label)


def test_scoring_is_in_order_and_not_random(clips):
    seen = InputSection(frames=8, stream="bone")
    parts = list(scoring_batches(clips, seen, batch=4))
    assert torch.cat([part.label for part in parts]).tolist() == clips.label.tolist()
    again = list(scoring_batches(clips, seen, batch=4))
    assert_close(parts[-1].x, again[-1].x, rtol=0, atol=0)
    elsewhere = list(scoring_batches(clips, seen, batch=4, place=0.1))
    assert not torch.equal(parts[-1].x, elsewhere[-1].x)
