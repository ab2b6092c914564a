import json
import struct

import numpy as np
import pytest
import torch
from safetensors.numpy import save
from scipy.interpolate import BSpline

from base.errors import InputError
from refine.steady.ntu25.net import FURTHEST, OUTPUTS, Network, apply, load_network, save_network, says_ntu25, shapes
from refine.steady.ntu25.train import TorchNetwork
from refine.steady.ntu25.view import CHOICES, COLUMNS, JOINTS


def random_network(rng, own=6, width=8, size=3.0):
    """Widths are small, so that tests are quick."""
    arrays = {}
    for name, shape in shapes(own, width).items():
        spread = 1.0 if len(shape) == 1 else size / np.sqrt(shape[0])
        arrays[name] = (spread * rng.normal(size=shape)).astype(np.float16).astype(np.float32)
    arrays["scale"] = np.abs(arrays["scale"]).clip(0.5)
    return Network(arrays, {"seed": 3})


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("frames", [1, 2, 15, 700])
def test_as_trained(rng, frames):
    """More frames than go through at a time come out as if they had all gone together."""
    torch.manual_seed(0)
    trained = TorchNetwork(6, 8, torch.randn(COLUMNS), torch.rand(COLUMNS) + 0.5)
    for parameter in trained.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    x = rng.normal(size=(frames, COLUMNS)).astype(np.float32)
    # Worked out by the definition: means of three frames, zeros beyond the ends, a cubic B-spline.
    ends = np.pad(x, ((1, 1), (0, 0)), mode="edge")
    seen = (ends[:-2] + 2 * ends[1:-1] + ends[2:])[::2] / 4
    count = len(seen)
    there = np.pad(np.ones(count, np.float32), FURTHEST)
    padded = np.pad(seen, ((FURTHEST, FURTHEST), (0, 0)))
    with torch.inference_mode():
        at = trained(torch.from_numpy(padded)[None], torch.from_numpy(there)[None])[0].numpy()
    spline = BSpline(np.arange(-5, count + 5), at[np.clip(np.arange(-3, count + 3), 0, count - 1)], 3)
    expected = spline(np.arange(frames) / 2)
    found = trained.plain({})(x)
    assert found.shape == (frames, OUTPUTS)
    assert expected.std() > 0.03
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-5)


def test_it_sees_as_far_as_it_says(rng):
    network = random_network(rng)
    x = rng.normal(size=(401, COLUMNS)).astype(np.float32)
    other = x.copy()
    other[200] += 1
    changed = np.flatnonzero(np.abs(network(other) - network(x)).max(axis=1))
    assert changed.min() >= 200 - network.reach
    assert changed.max() <= 200 + network.reach
    assert changed.max() - changed.min() > 60  # it does see seconds


@pytest.mark.parametrize("frames", [1, 3, 7])
def test_any_number_of_frames(rng, frames):
    found = random_network(rng)(rng.normal(size=(frames, COLUMNS)).astype(np.float32))
    assert found.shape == (frames, OUTPUTS)
    assert np.isfinite(found).all()


def test_a_change_and_shares_of_what_there_is_to_choose_from(rng):
    network = random_network(rng)
    numbers = rng.normal(size=(20, COLUMNS)).astype(np.float32)
    choices = rng.normal(size=(20, len(CHOICES), 3, JOINTS)).astype(np.float32)
    gate = rng.uniform(0, 1, 20).astype(np.float32)
    raw, found = network(numbers), apply(network, numbers, choices, gate)
    for t, axis, joint in ((0, 0, 0), (7, 2, 13), (19, 1, 24)):
        shares = raw[t, 75 + joint :: JOINTS]
        expected = gate[t] * (raw[t, axis * JOINTS + joint] + shares @ choices[t, :, axis, joint])
        assert found[t, axis, joint] == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_a_file_comes_back(rng, tmp_path):
    network = random_network(rng)
    path = tmp_path / "a.safetensors"
    content = save_network(network)
    assert content == save_network(network)
    path.write_bytes(content)
    found = load_network(path)
    assert found.about == {"seed": 3}
    assert says_ntu25(path)
    x = rng.normal(size=(6, COLUMNS)).astype(np.float32)
    np.testing.assert_array_equal(found(x), network(x))
    # Any reader of the format can read it: a header of JSON and the numbers.
    (length,) = struct.unpack("<Q", content[:8])
    place = json.loads(content[8 : 8 + length])["again.weight"]
    assert place["shape"] == [8, 8]
    assert place["dtype"] == "F16"
    learnt = sum(int(np.prod(shape)) for name, shape in shapes(6, 8).items() if name not in ("mean", "scale"))
    assert network.parameters == learnt


def test_other_files_are_refused(rng, tmp_path):
    path = tmp_path / "a.safetensors"
    good = random_network(rng)
    short = Network({name: array for name, array in good.arrays.items() if name != "again.bias"}, {})
    wrong = Network({**good.arrays, "again.weight": np.zeros((8, 7))}, {})
    for content, words in (
        (b"no weights", "safetensors"),
        (save_network(good)[:-9], "safetensors"),
        (save({"x": np.zeros(3)}), "expected .steady_ntu25 1."),
        (save({"x": np.zeros(3)}, {"steady_ntu25 1": "{}"}), "missing"),
        (save_network(short), "missing"),
        (save_network(wrong), "does not fit"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=words):
            load_network(path)
    assert not says_ntu25(tmp_path / "nowhere")
    with pytest.raises(InputError, match="nowhere"):
        load_network(tmp_path / "nowhere")
