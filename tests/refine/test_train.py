import numpy as np
import pytest
import torch

from data.errors import InputError
from refine import train
from refine.config import BenchmarksSection, ModelSection, TrainSection
from refine.metrics import mpjpe
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


def learn(folder, materials, section=SECTION):
    folder.mkdir(exist_ok=True)
    run = Run(folder, finished=False)
    return train.train_refiner(materials, MODEL, NORMALISE, section, run=run, device=CPU, seed=0)


def test_whole_sequences_are_held_out(materials):
    [material] = materials
    held = {len(x) for x in material.held_out.detected}
    windows = {60: 53, 5: 1, 40: 33, 8: 1, 70: 63}
    assert len(material.held_out.number) == 2
    assert len(material.pool.starts) == sum(count for length, count in windows.items() if length not in held)


def test_every_window_is_drawn_once_per_epoch(materials, monkeypatch):
    drawn = []
    original = train.WindowPool.cut
    monkeypatch.setattr(train.WindowPool, "cut", lambda pool, index: (drawn.append(index), original(pool, index))[1])
    section = SECTION.model_copy(update={"windows": None})
    loss = train.BatchLoss(train.new_net(**MODEL.model_dump()), 1.0, 0.1)
    for _ in train._losses(loss, materials, NORMALISE, section, torch.Generator().manual_seed(0)):
        pass
    assert sorted(torch.cat(drawn).tolist()) == list(range(len(materials[0].pool.starts)))


def test_a_resumed_training_ends_in_the_same_weights(tmp_path, materials, monkeypatch):
    whole, fitted = learn(tmp_path / "whole", materials)
    assert [figures["mpjpe"] for figures in fitted.history][fitted.best_epoch - 1] == fitted.best
    losses, calls = train._losses, []

    def stop_in_the_second_epoch(*arguments):
        calls.append(1)
        for step, loss in enumerate(losses(*arguments)):
            if len(calls) == 2 and step == 1:
                raise KeyboardInterrupt
            yield loss

    monkeypatch.setattr(train, "_losses", stop_in_the_second_epoch)
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
    write_benchmark(tmp_path, *moving_poses(rng, (30, 30)))
    others = [[x + 1 for x in side] for side in moving_poses(rng, (30, 30), joints=14)]  # roots elsewhere than at 0
    write_benchmark(tmp_path, *others, name="aist_vibe_3D", dataset="aist")
    section = SECTION.model_copy(update={"on": ("h36m_fcn_3D", "aist_vibe_3D"), "epochs": 1})
    materials = train.read_material(BenchmarksSection(root=tmp_path), section, NORMALISE, 8, CPU, seed=0)
    refiner, _ = learn(tmp_path / "run", materials, section)
    assert (refiner.fps, refiner.trained_on) == (None, ("h36m_fcn_3D", "aist_vibe_3D"))


def test_one_sequence_is_too_few(tmp_path, rng):
    write_benchmark(tmp_path, *moving_poses(rng, (30,)))
    with pytest.raises(InputError, match="h36m_fcn_3D has 1 usable training sequence"):
        train.read_material(BenchmarksSection(root=tmp_path), SECTION, NORMALISE, 8, CPU, seed=0)
