import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from base.config import load_config
from base.errors import InputError
from data.skeletons.metrics import mpjpe
from refine import train
from refine.config import BenchmarksSection, ModelSection, RefineConfig, TrainSection
from refine.normalise import Normalise
from refine.refiner import load_refiner, refine_poses
from tests.refine.conftest import moving_poses, write_benchmark
from training.runs import Run

CPU = torch.device("cpu")
MODEL = ModelSection(window=8, hidden=32, res_hidden=8, blocks=1, dropout=0.3)
SECTION = TrainSection(on=("h36m_fcn_3D",), epochs=3, windows=200, batch=32, lr=3e-3, validation=0.3)
NORMALISE = Normalise("channel", "body")


@pytest.fixture
def materials(tmp_path, rng):
    write_benchmark(tmp_path, *moving_poses(rng, (60, 5, 40, 8, 70)))
    return train.read_material(BenchmarksSection(root=tmp_path), SECTION, NORMALISE, 8, CPU, seed=0)


def learn(folder, materials, section=SECTION, model=MODEL):
    folder.mkdir(exist_ok=True)
    run = Run(folder, finished=False)
    return train.train_refiner(materials, model, NORMALISE, section, run=run, device=CPU, seed=0)


def drawn_in_an_epoch(materials, section, monkeypatch):
    """Give the numbers of the windows that an epoch draws of each benchmark."""
    drawn = {id(material.pool): [] for material in materials}
    original = train.WindowPool.cut

    def cut(pool, index):
        drawn[id(pool)] += index.tolist()
        return original(pool, index)

    monkeypatch.setattr(train.WindowPool, "cut", cut)
    loss = train.BatchLoss(train.build_net(MODEL), 1.0, 0.1)
    for _ in train.batch_losses(loss, materials, NORMALISE, section, torch.Generator().manual_seed(0)):
        pass
    return list(drawn.values())


def two_benchmarks(folder, rng, section):
    write_benchmark(folder, *moving_poses(rng, (30, 5, 30)))
    others = [[x + 1 for x in side] for side in moving_poses(rng, (30, 12, 30), joints=14)]  # roots elsewhere than at 0
    write_benchmark(folder, *others, name="aist_vibe_3D", dataset="aist")
    return train.read_material(BenchmarksSection(root=folder), section, NORMALISE, 8, CPU, seed=0)


def test_whole_sequences_are_held_out(materials):
    [material] = materials
    held = {len(x) for x in material.held_out.detected}
    windows = {60: 53, 5: 1, 40: 33, 8: 1, 70: 63}
    assert len(material.held_out.number) == 2
    assert len(material.pool.starts) == sum(count for length, count in windows.items() if length not in held)


def test_every_window_is_drawn_once_per_epoch(materials, monkeypatch):
    [drawn] = drawn_in_an_epoch(materials, SECTION.model_copy(update={"windows": None}), monkeypatch)
    pool = materials[0].pool
    assert sorted(drawn) == list(range(len(pool.starts)))
    # The sequences lie one after another, so each one's last window ends where the next begins.
    lengths = [max(len(x), 8) for x in (moving_poses(np.random.default_rng(0), (60, 5, 40, 8, 70))[0])]
    held = {max(len(x), 8) for x in materials[0].held_out.detected}
    ends = np.cumsum([length for length in lengths if length not in held])
    assert set(ends) <= {int(pool.starts[i]) + 8 for i in drawn}


def test_weights_are_shares_of_the_windows(tmp_path, rng, monkeypatch):
    section = SECTION.model_copy(update={"on": {"h36m_fcn_3D": 1.0, "aist_vibe_3D": 3.0}, "windows": None})
    materials = two_benchmarks(tmp_path, rng, section)
    first, second = drawn_in_an_epoch(materials, section, monkeypatch)
    total = sum(len(material.pool.starts) for material in materials)
    assert len(first) + len(second) == total
    assert abs(len(first) - total / 4) < 1
    assert len(set(first)) == len(first)
    counts = np.bincount(second, minlength=len(materials[1].pool.starts))  # more than there are: gone through again
    assert len(second) > len(counts)
    assert set(counts) == {1, 2}


@given(
    available=st.lists(st.integers(1, 500), min_size=1, max_size=5), windows=st.none() | st.integers(1, 2000),
    weights=st.lists(st.floats(0.01, 100), min_size=5, max_size=5),
)  # fmt: skip
def test_windows_per_epoch(available, windows, weights):
    names = [f"b{i}" for i in range(len(available))]
    plain = TrainSection(on=names, windows=windows)
    counts = train.windows_per_epoch(available, plain)
    total = sum(available)
    assert all(1 <= count <= most for count, most in zip(counts, available, strict=True))
    if windows is None or windows >= total:
        assert counts == available
    weighted = TrainSection(on=dict(zip(names, weights, strict=False)), windows=windows)
    counts = train.windows_per_epoch(available, weighted)
    wanted = windows or total
    exact = [wanted * weight / sum(weights[: len(names)]) for weight in weights[: len(names)]]
    assert all(count == 1 or abs(count - value) < 1 + 1e-6 for count, value in zip(counts, exact, strict=True))
    assert min(counts) >= 1
    if min(exact) >= 1:
        assert sum(counts) == wanted


@given(available=st.integers(1, 60), wanted=st.integers(1, 300), seed=st.integers(0, 1000))
def test_no_window_is_drawn_again_before_all_were(available, wanted, seed):
    drawn = train.draw_windows(available, wanted, torch.Generator().manual_seed(seed))
    assert len(drawn) == wanted
    for first in range(0, wanted, available):
        part = drawn[first : first + available].tolist()
        assert len(set(part)) == len(part)
        assert set(part) <= set(range(available))


def test_every_window_is_equally_likely_when_some_are_drawn():
    generator = torch.Generator().manual_seed(0)
    counts = torch.stack([torch.bincount(train.draw_windows(20, 7, generator), minlength=20) for _ in range(4000)])
    share = counts.double().mean(0)
    assert (share - 7 / 20).abs().max() < 4.5 * (0.35 * 0.65 / 4000) ** 0.5


@pytest.mark.parametrize(
    "weights", ["{h36m_fcn_3D: 0}", "{h36m_fcn_3D: -1}", "{h36m_fcn_3D: .nan}", "{h36m_fcn_3D: x}"]
)
def test_weights_that_are_none_are_told_in_one_line(tmp_path, weights):
    path = tmp_path / "c.yaml"
    path.write_text(f"run: {{dir: x}}\nbenchmarks: {{root: x}}\ntrain: {{on: {weights}}}\n")
    with pytest.raises(InputError, match=r"train\.on\.weights\.h36m_fcn_3D: found .*; input should be") as caught:
        load_config(RefineConfig, path)
    assert "\n" not in str(caught.value)


def test_names_and_shares():
    assert (TrainSection(on=["a", "b"]).names, TrainSection(on=["a", "b"]).shares) == (("a", "b"), None)
    section = TrainSection(on={"a": 1, "b": 3})
    assert (section.names, section.shares) == (("a", "b"), (0.25, 0.75))
    assert tuple(TrainSection.model_validate(section.model_dump()).names) == ("a", "b")


def test_a_resumed_training_ends_in_the_same_weights(tmp_path, materials, monkeypatch):
    whole, fitted = learn(tmp_path / "whole", materials)
    assert [figures["mpjpe"] for figures in fitted.history][fitted.best_epoch - 1] == fitted.best
    losses, calls = train.batch_losses, []

    def stop_in_the_second_epoch(*arguments):
        calls.append(1)
        for step, loss in enumerate(losses(*arguments)):
            if len(calls) == 2 and step == 1:
                raise KeyboardInterrupt
            yield loss

    monkeypatch.setattr(train, "batch_losses", stop_in_the_second_epoch)
    with pytest.raises(KeyboardInterrupt):
        learn(tmp_path / "stopped", materials)
    torch.rand(17)  # whatever else has been drawn in between
    resumed, again = learn(tmp_path / "stopped", materials)
    assert again.history == fitted.history
    for name, tensor in whole.net.state_dict().items():
        assert torch.equal(tensor, resumed.net.state_dict()[name])


def test_training_helps_and_the_checkpoint_says_how_to_use_it(tmp_path, materials, rng):
    section = SECTION.model_copy(update={"epochs": 12, "windows": None, "lr_decay": 0.9})
    refiner, _ = learn(tmp_path / "run", materials, section)
    loaded = load_refiner(tmp_path / "run" / "checkpoints" / "best.pt")
    assert (loaded.fps, loaded.trained_on, loaded.normalise) == (50.0, ("h36m_fcn_3D",), NORMALISE)
    detected, truth = ([x.reshape(len(x), 17, 3) for x in side] for side in moving_poses(rng, (50, 6)))
    refined = refine_poses(refiner, detected, root=(0,))
    assert mpjpe(refined, truth, (0,)) < 0.8 * mpjpe(detected, truth, (0,))
    for x, y in zip(refined, refine_poses(loaded, detected, root=(0,)), strict=True):
        np.testing.assert_array_equal(x, y)


def test_rates_that_differ_are_not_matched(tmp_path, rng):
    section = SECTION.model_copy(update={"on": {"h36m_fcn_3D": 1.0, "aist_vibe_3D": 0.5}, "epochs": 1})
    materials = two_benchmarks(tmp_path, rng, section)
    refiner, _ = learn(tmp_path / "run", materials, section)
    assert (refiner.fps, refiner.trained_on) == (None, ("h36m_fcn_3D", "aist_vibe_3D"))


def test_one_sequence_is_too_few(tmp_path, rng):
    write_benchmark(tmp_path, *moving_poses(rng, (30,)))
    with pytest.raises(InputError, match="h36m_fcn_3D has 1 usable training sequence"):
        train.read_material(BenchmarksSection(root=tmp_path), SECTION, NORMALISE, 8, CPU, seed=0)


def test_the_motion_aware_net_learns_and_resumes_as_one(tmp_path, materials):
    model = MODEL.model_copy(update={"kind": "motion_aware"})
    refiner, fitted = learn(tmp_path / "run", materials, SECTION.model_copy(update={"epochs": 6}), model)
    assert refiner.describe()["kind"] == "motion_aware"
    losses = [figures["loss"] for figures in fitted.history]
    assert losses[-1] < 0.7 * losses[0]
    again, _ = learn(tmp_path / "run", materials, SECTION.model_copy(update={"epochs": 6}), model)
    x = torch.randn(3, 8)
    assert torch.equal(again.net(x), refiner.net(x))


class ReleasedBlock(nn.Module):
    """Written from the table of the released checkpoints' layers, without any of the code under test."""

    def __init__(self, hidden, narrow):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(hidden, narrow), nn.Linear(narrow, hidden)
        self.dropout, self.act = nn.Dropout(0.25), nn.LeakyReLU(0.2)

    def forward(self, x):
        y = self.act(self.dropout(self.linear1(x)))
        return self.act(self.dropout(self.linear2(y))) + x


class ReleasedNet(nn.Module):
    def __init__(self, window, hidden, narrow, blocks):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(window, hidden), nn.LeakyReLU(0.1))
        self.res_blocks = nn.Sequential(*(ReleasedBlock(hidden, narrow) for _ in range(blocks)))
        self.decoder = nn.Linear(hidden, window)

    def forward(self, x):
        return self.decoder(self.res_blocks(self.encoder(x)))


def test_the_released_code_takes_our_checkpoint(tmp_path, materials):
    refiner, _ = learn(tmp_path / "run", materials, SECTION.model_copy(update={"epochs": 1}))
    content = torch.load(tmp_path / "run" / "checkpoints" / "best.pt", weights_only=True)
    net = ReleasedNet(8, 32, 8, 1).eval()
    net.load_state_dict(content["state_dict"], strict=True)
    x = torch.randn(5, 51, 8)
    torch.testing.assert_close(net(x), refiner.net(x))


def test_we_take_a_checkpoint_of_the_released_code(tmp_path):
    net = ReleasedNet(8, 32, 16, 3)
    optimizer = torch.optim.Adam(net.parameters(), amsgrad=True)
    net(torch.randn(4, 8)).sum().backward()
    optimizer.step()
    performance = [{"MPJPE": torch.tensor(52.7), "ACCEL": torch.tensor(1.0)}]
    path = tmp_path / "checkpoint_8.pth.tar"
    content = {"epoch": 3, "state_dict": net.state_dict(), "performance": performance}
    torch.save({**content, "optimizer": optimizer.state_dict()}, path)
    x = torch.randn(5, 51, 8)
    torch.testing.assert_close(load_refiner(path).net(x), net.eval()(x))
