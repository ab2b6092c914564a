import json
import struct
from itertools import pairwise

import numpy as np
import pytest
import torch

from base.errors import InputError
from refine.steady.learning import TorchNetwork
from refine.steady.net import Network, Networks, load_networks, save_networks, softmax


def random_network(rng, *widths):
    layers = []
    for number, (before, after) in enumerate(pairwise(widths)):
        own, bias = rng.normal(size=(before, after)) / 4, rng.normal(size=after)
        others = rng.normal(size=(before, after)) / 4 if number else None
        layers.append(tuple(None if x is None else x.astype(np.float32) for x in (own, others, bias)))
    return Network(tuple(layers))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_joint_by_joint(rng):
    net = random_network(rng, 3, 5, 4)
    x = rng.normal(size=(3, 900, 7)).astype(np.float32)  # more than goes through at a time
    (first, _, bias), (own, others, last) = net.layers
    for t, j in ((0, 0), (450, 3), (899, 6)):
        hidden = np.array([np.maximum(x[:, t, i] @ first + bias, 0) for i in range(7)])
        expected = hidden[j] @ own + hidden.mean(0) @ others + last
        np.testing.assert_allclose(net(x)[:, t, j], expected, rtol=1e-4, atol=1e-4)


def test_as_trained(rng):
    torch.manual_seed(0)
    trained = TorchNetwork((6, 8, 8, 3), torch.randn(6), torch.rand(6) + 0.5)
    for parameter in trained.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randn(20, 5, 6)
    expected = trained(x).detach().numpy().transpose(2, 0, 1)
    np.testing.assert_allclose(trained.plain()(x.numpy().transpose(2, 0, 1)), expected, rtol=1e-3, atol=1e-3)


def test_softmax(rng):
    weights = softmax(rng.normal(size=(4, 3)) * 300)
    np.testing.assert_allclose(weights.sum(0), 1)
    assert np.isfinite(weights).all()


def test_a_file_comes_back(rng, tmp_path):
    networks = Networks(random_network(rng, 4, 3, 1), random_network(rng, 5, 6, 6, 2), {"seed": 3})
    content = save_networks(networks)
    assert content == save_networks(networks)
    (tmp_path / "a.safetensors").write_bytes(content)
    found = load_networks(tmp_path / "a.safetensors")
    assert found.about == {"seed": 3}
    for kind in ("judge", "mixer"):
        x = rng.normal(size=(4 if kind == "judge" else 5, 6, 2)).astype(np.float32)
        np.testing.assert_array_equal(getattr(found, kind)(x), getattr(networks, kind)(x))
    # Any reader of the format can read it: a header of JSON and the numbers.
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    place = header["mixer.1.others"]
    assert place["shape"] == [6, 6]
    assert place["dtype"] == "F32"
    start, stop = (8 + length + at for at in place["data_offsets"])
    numbers = np.frombuffer(content[start:stop], "<f4").reshape(6, 6)
    np.testing.assert_array_equal(numbers, networks.mixer.layers[1][1])


def test_other_files_are_refused(rng, tmp_path):
    from safetensors.numpy import save

    path = tmp_path / "a.safetensors"
    good = Networks(random_network(rng, 4, 3, 1), random_network(rng, 5, 6, 2))
    broken = Networks(good.judge, Network((good.mixer.layers[0], good.judge.layers[1])))
    for content, words in (
        (b"no weights", "safetensors"),
        (save_networks(good)[:-9], "safetensors"),
        (save({"x": np.zeros(3)}), "expected .steady 1."),
        (save_networks(Networks(good.judge, Network(()))), "missing"),
        (save_networks(broken), "damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=words):
            load_networks(path)
    with pytest.raises(InputError, match="nowhere"):
        load_networks(tmp_path / "nowhere")
