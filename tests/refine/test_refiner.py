import numpy as np
import pytest
import torch

from base.errors import InputError
from base.files import sha256
from refine.normalise import Normalise
from refine.refiner import load_refiner, refine_poses, refine_sequences, refiner_content
from tests.refine.conftest import make_net, make_refiner, new_net


def walks(rng, lengths=(40, 9, 5, 1), joints=6):
    return [rng.normal(size=(n, joints, 3)).cumsum(0) * 0.1 + rng.normal(size=(1, joints, 3)) for n in lengths]


@pytest.mark.parametrize("centre", ["root", "channel"])
def test_position_and_size_make_no_difference(rng, centre):
    refiner = make_refiner(centre)
    sequences = walks(rng)
    refined = refine_poses(refiner, sequences, root=(0, 1))
    moved = [3.5 * x + np.array([1.0, -2.0, 4.0]) for x in sequences]
    again = refine_poses(refiner, moved, root=(0, 1))
    for x, y in zip(refined, again, strict=True):
        assert x.dtype == np.float32
        np.testing.assert_allclose(y, 3.5 * x + np.array([1.0, -2.0, 4.0]), atol=1e-4)


def test_without_normalisation_they_do(rng):
    refiner = make_refiner("none", "none")
    sequences = walks(rng)
    refined = refine_sequences(refiner, sequences, root=(0,))
    moved = refine_sequences(refiner, [x + 3 for x in sequences], root=(0,))
    assert np.abs(moved[0] - refined[0] - 3).max() > 0.1


def test_length_is_kept_and_company_does_not_matter(rng):
    refiner = make_refiner()
    sequences = walks(rng)
    together = refine_poses(refiner, sequences, root=(0,), stride=3)
    for x, refined in zip(sequences, together, strict=True):
        [alone] = refine_poses(refiner, [x], root=(0,), stride=3)
        assert refined.shape == x.shape
        np.testing.assert_allclose(refined, alone, atol=1e-5)
    assert refine_poses(refiner, [], root=(0,)) == []


def test_another_frame_rate_is_resampled(rng):
    """A network that returns its input shows what resampling alone does."""
    refiner = make_refiner("none", "none", fps=50.0, blocks=0)
    with torch.no_grad():
        for tensor in refiner.net.parameters():
            tensor.zero_()
        eye = torch.eye(8)
        refiner.net.encoder[0].weight.copy_(torch.cat([eye, -eye]))
        refiner.net.decoder.weight.copy_(torch.cat([eye, -eye], 1) / 1.1)
    for length in (1, 2, 3, 4, 30, 61):
        time = np.arange(length)[:, None, None] / 30
        x = np.sin(2 * np.pi * 0.5 * time + rng.uniform(0, 6, (1, 4, 3)))
        [refined] = refine_poses(refiner, [x], root=(0,), fps=30.0)
        np.testing.assert_allclose(refined, x, atol=2e-3)
        assert np.abs(refined[[0, -1]] - x[[0, -1]]).max() < 1e-5


def test_frame_rate_is_what_the_network_sees(rng):
    """The same motion, recorded at 25 and at 50 frames a second, is refined alike."""
    refiner = make_refiner(fps=50.0)

    def motion(fps):
        time = np.arange(0, 4, 1 / fps)[:, None, None]
        return np.sin(2 * np.pi * 0.4 * time + np.arange(12).reshape(1, 4, 3))

    [fast] = refine_poses(refiner, [motion(50)], root=(0,), fps=50.0)
    [slow] = refine_poses(refiner, [motion(25)], root=(0,), fps=25.0)
    [ignored] = refine_poses(refiner, [motion(25)], root=(0,))
    inner = slice(10, -10)
    assert np.abs(slow - fast[::2])[inner].max() < 0.003
    assert np.abs(ignored - fast[::2])[inner].max() > 0.03


def test_released_checkpoint(tmp_path):
    net = make_net(window=32, hidden=64, res_hidden=16, blocks=3)
    optimizer = torch.optim.Adam(net.parameters(), amsgrad=True)
    path = tmp_path / "checkpoint_32.pth.tar"
    content = {
        "epoch": 70,
        "state_dict": net.state_dict(),
        "performance": [{"mpjpe": torch.tensor(52.7), "accel": torch.tensor(1.0)}],
        "optimizer": optimizer.state_dict(),
    }
    torch.save(content, path)
    refiner = load_refiner(path)
    x = torch.randn(4, 32)
    assert torch.equal(refiner.net(x), net(x))
    assert (refiner.window, refiner.fps, refiner.normalise) == (32, None, Normalise("none", "none"))
    assert refiner.sha256 == sha256(path)
    content["state_dict"] = {f"module.{name}": tensor for name, tensor in net.state_dict().items()}
    torch.save(content, path)
    assert torch.equal(load_refiner(path).net(x), net(x))


def test_own_checkpoint(tmp_path):
    net = make_net()
    described = refiner_content({"window": 8}, Normalise("root", "body"), 50.0, ["h36m_fcn_3D"])
    torch.save(
        {"epoch": 3, "state_dict": net.state_dict(), "performance": {"mpjpe": 1.0}, **described}, tmp_path / "a.pt"
    )
    refiner = load_refiner(tmp_path / "a.pt")
    assert (refiner.fps, refiner.trained_on) == (50.0, ("h36m_fcn_3D",))
    assert refiner.normalise == Normalise("root", "body")
    assert refiner.describe()["window"] == 8
    assert refiner.describe()["kind"] == "basic"


def test_motion_aware_checkpoint(tmp_path):
    torch.manual_seed(1)
    net = new_net("motion_aware", 8, 16, 4, 2).eval()
    path = tmp_path / "a.pt"
    torch.save({"state_dict": net.state_dict(), **refiner_content({}, Normalise(), 30.0, ["a"])}, path)
    refiner = load_refiner(path)
    x = torch.randn(5, 8)
    assert torch.equal(refiner.net(x), net(x))
    assert refiner.describe()["kind"] == "motion_aware"
    lengths = [len(x) for x in refine_poses(refiner, walks(np.random.default_rng(0)), root=(0,))]
    assert lengths == [40, 9, 5, 1]


def motion_aware_state(**changes):
    state = new_net("motion_aware", 8, 16, 4, 2).state_dict()
    for name, tensor in changes.items():
        state[name.replace("__", ".")] = tensor
    return {name: tensor for name, tensor in state.items() if tensor is not None}


def state(**changes):
    state = make_net().state_dict()
    for name, tensor in changes.items():
        state[name.replace("__", ".")] = tensor
    return {name: tensor for name, tensor in state.items() if tensor is not None}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"weights": {}}, "no 'state_dict', only weights"),
        ({"state_dict": {"conv.weight": torch.zeros(3)}}, "not a SmoothNet: its tensors are conv.weight"),
        ({"state_dict": state(decoder__weight=torch.zeros(8, 15))}, r"decoder.weight has shape \(8, 15\)"),
        ({"state_dict": state(decoder__bias=None)}, "decoder.bias has shape none"),
        ({"state_dict": state(fusion__weight=torch.zeros(2, 2))}, "fusion.weight has shape"),
        ({"state_dict": motion_aware_state(fusion__weight=None)}, "fusion.weight has shape none"),
        ({"state_dict": motion_aware_state(velocity__decoder__bias=torch.zeros(8))}, "velocity.decoder.bias has shape"),
        ({"state_dict": {"position.encoder.0.weight": torch.zeros(16, 2)}}, "motion-aware net over 2 frames"),
        ({"state_dict": state(), "refiner": {"fps": 3}}, "'refiner' entry is damaged"),
    ],
)
def test_foreign_checkpoints(tmp_path, content, text):
    path = tmp_path / "a.pt"
    torch.save(content, path)
    with pytest.raises(InputError, match=text) as caught:
        load_refiner(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


MMPOSE = ("encoder.0.weight", "res_blocks.0.linear1.weight", "res_blocks.1.linear2.bias", "decoder.bias")
"""Names as MMPose's own network has them (its SmoothNetFilter, version 0.29)."""


@pytest.mark.parametrize(
    "packed",
    [
        lambda state: state,
        lambda state: {"state_dict": state},
        lambda state: {"meta": {"mmcv_version": "1.5.0", "epoch": 70}, "state_dict": state},
        lambda state: {"meta": {}, "state_dict": {f"smoothnet.{name}": x for name, x in state.items()}},
        lambda state: {f"smoothnet.{name}": x for name, x in state.items()},
        lambda state: {"state_dict": {f"module.smoothnet.{name}": x for name, x in state.items()}},
    ],
    ids=["bare", "plain", "MMPose", "MMPose with its filter", "bare with a prefix", "several devices"],
)
def test_checkpoints_of_other_projects_load(tmp_path, rng, packed):
    """The output is that of the layers written down: linear, LeakyReLU 0.1, residual blocks with 0.2, linear."""
    torch.manual_seed(3)
    state = {"encoder.0.weight": torch.randn(12, 8), "encoder.0.bias": torch.randn(12)}
    for block in range(2):
        state |= {
            f"res_blocks.{block}.linear1.weight": torch.randn(5, 12),
            f"res_blocks.{block}.linear1.bias": torch.randn(5),
            f"res_blocks.{block}.linear2.weight": torch.randn(12, 5),
            f"res_blocks.{block}.linear2.bias": torch.randn(12),
        }
    state |= {"decoder.weight": torch.randn(8, 12), "decoder.bias": torch.randn(8)}
    assert set(MMPOSE) <= set(state)
    torch.save(packed(state), tmp_path / "smoothnet_ws8_h36m.pth")
    refiner = load_refiner(tmp_path / "smoothnet_ws8_h36m.pth")
    assert refiner.window == 8

    def leaky(x, slope):
        return np.where(x > 0, x, slope * x)

    def linear(x, name):
        return x @ state[f"{name}.weight"].numpy().T + state[f"{name}.bias"].numpy()

    x = rng.normal(size=(6, 8)).astype(np.float32)
    hidden = leaky(linear(x, "encoder.0"), 0.1)
    for block in range(2):
        inner = leaky(linear(hidden, f"res_blocks.{block}.linear1"), 0.2)
        hidden = hidden + leaky(linear(inner, f"res_blocks.{block}.linear2"), 0.2)
    with torch.no_grad():
        found = refiner.net(torch.from_numpy(x)[None]).numpy()[0]
    np.testing.assert_allclose(found, linear(hidden, "decoder"), rtol=1e-4, atol=1e-4)
