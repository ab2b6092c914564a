from dataclasses import replace

import numpy as np
import pytest
import torch

from refine.steady import fitting
from refine.steady.ntu25 import train as training
from refine.steady.ntu25.material import Sample
from refine.steady.ntu25.net import apply, load_network
from refine.steady.ntu25.train import Batch, Material, Recipe, TorchNetwork, errors, loss, make_batch, train
from refine.steady.ntu25.view import COLUMNS, JOINTS, POSITIONS
from tests.refine.steady.interrupted import same_when_interrupted

TINY = Recipe(examples=6, places=3, place_batch=4, stretches=3, stretch_batch=2, own=4, width=4)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(fitting, "SHARD", 6)
    monkeypatch.setattr(training, "SHARD", 2)
    monkeypatch.setattr(fitting, "SAVE_EVERY", 2)


def test_the_same_command_gives_the_same_bytes_also_when_interrupted(tmp_path):
    network = load_network(same_when_interrupted(train, tmp_path, TINY, "step 4"))
    assert network.about["recipe"]["stretches"] == 3
    assert network.arrays["own.weight"].shape == (COLUMNS, 4)


def sample(rng, frames, joints=JOINTS):
    known = np.arange(JOINTS) < joints
    return Sample(
        rng.normal(size=(frames, POSITIONS)).astype(np.float32),
        rng.normal(size=(frames, COLUMNS - POSITIONS)).astype(np.float16),
        rng.normal(size=(frames, POSITIONS)).astype(np.float16),
        rng.uniform(size=frames).astype(np.float32),
        known,
        0.1,
    )


@pytest.mark.parametrize("frames", [12, 13, 61])
def test_stretches_are_learnt_from_as_they_will_be_seen(frames, monkeypatch):
    """Wherever they lie in a recording, also at its ends."""
    rng = np.random.default_rng(0)
    one = sample(rng, frames)
    torch.manual_seed(0)
    net = TorchNetwork(5, 6, torch.randn(COLUMNS), torch.rand(COLUMNS) + 0.5)
    torch.nn.init.normal_(net.out.weight)
    material = Material([one])
    batch = make_batch(material, 60, rng, mirror=0)
    alone = make_batch(material, 60, rng, frames=1, mirror=0)
    with torch.inference_mode():
        found, by_place = errors(net, batch).numpy(), errors(net, alone).numpy()
    choices = one.numbers[:, POSITIONS : 4 * POSITIONS].reshape(frames, 3, 3, JOINTS)
    change = apply(net.plain({}), one.numbers, choices, one.gate)
    expected = one.error.astype(np.float32).reshape(frames, 3, JOINTS) + change
    base = one.base.reshape(frames, 3, JOINTS)
    starts = [int(np.flatnonzero((base == stretch[0]).all((1, 2)))[0]) for stretch in batch.base.numpy()]
    assert set(starts) >= {0, (frames - 12) // 2 * 2}  # the first and the last there is
    assert np.abs(change).max() > 0.01
    for start, stretch in zip(starts, found, strict=True):
        np.testing.assert_allclose(stretch, expected[start : start + 12], atol=2e-3)  # places are float16
    # What is said at a place reaches the frames blended with what is said around it.
    monkeypatch.setattr(
        "refine.steady.ntu25.net.blend", lambda values, frames, step: np.repeat(values[1:], 2, 0)[:frames]
    )
    change = apply(net.plain({}), one.numbers, choices, one.gate)
    expected = one.error.astype(np.float32).reshape(frames, 3, JOINTS) + change
    for stretch, place in zip(alone.base.numpy(), by_place, strict=True):
        start = int(np.flatnonzero((base == stretch[0]).all((1, 2)))[0])
        np.testing.assert_allclose(place[0], expected[start], atol=2e-3)


def test_some_are_seen_in_a_mirror():
    rng = np.random.default_rng(0)
    material = Material([sample(rng, 12, joints=6)])
    batch = make_batch(material, 200, rng)
    (plain,), (turned,) = (make_batch(material, 1, rng, mirror=share).base for share in (0, 1))
    as_it_is = [bool((one == plain).all()) for one in batch.base]
    assert 0.4 < np.mean(as_it_is) < 0.6
    assert all((one == turned).all() for one, same in zip(batch.base, as_it_is, strict=True) if not same)
    assert not (plain == turned).all()
    for known, same in zip(batch.known, as_it_is, strict=True):
        assert known.nonzero()[:, 0].tolist() == (list(range(6)) if same else [0, 1, 2, 3, 8, 9])


def test_long_recordings_are_drawn_more_often():
    rng = np.random.default_rng(0)
    short, long = sample(rng, 12), sample(rng, 108)
    batch = make_batch(Material([short, replace(long, raw=7.0)]), 1000, rng, frames=1)
    assert 0.85 < float((batch.raw == 7.0).float().mean()) < 0.95


def batch_of(rng, error, known, moving=0.0):
    """A batch of one; the observation and the base are truth plus error."""
    frames = len(error)
    truth = np.cumsum(rng.normal(0, moving, (frames, 3, JOINTS)), axis=0)
    parts = (truth + error, np.zeros((frames, 3, 3, JOINTS)), error, np.ones(frames))
    tensors = [torch.from_numpy(np.asarray(part[None], np.float32)) for part in parts]
    rest = (torch.from_numpy(known[None]), torch.tensor([0.08]), *[torch.zeros(0)] * 3)
    return Batch(*tensors, *rest), truth


def test_loss_is_that_of_what_is_known():
    rng = np.random.default_rng(0)
    known = np.arange(JOINTS) != 7
    error = 0.01 * rng.normal(size=(40, 3, JOINTS))
    batch, _ = batch_of(rng, error, known)
    recipe = Recipe(root=0.25, velocity=2.0, acceleration=3.0, gain=0.0, even=1.0)
    expected = 0.0
    for share, off in ((0.25, error - error[..., :1]), (0.75, error)):
        length = []
        for order, small in enumerate((0.0, 0.005, 0.004)):
            norm = np.linalg.norm(np.diff(off, order, axis=0), axis=1)[:, known]
            length.append((np.hypot(norm, small) - small).mean())
        expected += share * (length[0] + 2 * length[1] + 3 * length[2]) / (0.08 + 0.02)
    found = loss(torch.from_numpy(error[None]).float(), batch, recipe)
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_lost_movement_is_paid_for_but_not_what_was_never_there():
    recipe = Recipe(velocity=0.0, acceleration=0.0, gain=1.0, even=0.0)
    paid = []
    for kept in (1.0, 0.8, 0.5):
        # The observation, which is what `steady` has here, shows 80% of the movement.
        _, truth = batch_of(np.random.default_rng(1), np.zeros((60, 3, JOINTS)), np.ones(JOINTS, bool), 0.1)
        batch, _ = batch_of(np.random.default_rng(1), -0.2 * truth, np.ones(JOINTS, bool), 0.1)
        parts = {}
        loss(torch.from_numpy((kept - 1) * truth[None]).float(), batch, recipe, parts)
        paid.append(parts["lost"])
    assert paid[0] == paid[1] == pytest.approx(0, abs=1e-6)
    assert paid[2] == pytest.approx(0.3**2, abs=0.01)
