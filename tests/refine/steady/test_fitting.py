import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from base.errors import InputError
from base.executors.registry import Pool
from refine.steady import fitting
from refine.steady.bank import blend
from refine.steady.fitting import begin, fading_weights_are_zero, fit, from_command_line, make_material, spread


@dataclass(frozen=True)
class Recipe:
    seed: int = 1
    lr: float = 0.5


@pytest.mark.parametrize("written", ["{", "[]", '{"seed": 2, "lr": 0.5}'])
def test_a_folder_in_which_something_else_was_begun_is_refused(tmp_path, written):
    begin(tmp_path, Recipe(), print)
    begin(tmp_path, Recipe(), print)
    path = tmp_path / "recipe.json"
    path.write_text(written)
    with pytest.raises(InputError, match="another recipe"):
        begin(tmp_path, Recipe(), print)
    assert path.read_text() == written


def test_material_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "SHARD", 2)
    made, said = [], []

    def make(number):
        made.append(number)
        return number**2

    for _ in range(2):
        assert list(make_material(tmp_path, "squares", 5, make, said.append)) == [0, 1, 4, 9, 16]
    (tmp_path / "squares_00002.pickle").unlink()
    assert list(make_material(tmp_path, "squares", 5, make, said.append)) == [0, 1, 4, 9, 16]
    assert made == [0, 1, 2, 3, 4, 2, 3]
    assert said == ["squares: 2 of 5", "squares: 4 of 5", "squares: 5 of 5", "squares: 4 of 5"]


def test_material_is_the_same_whoever_makes_it(tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "SHARD", 2)
    (tmp_path / "alone").mkdir()
    (tmp_path / "shared").mkdir()
    pool, said = Pool("here", 2), []
    alone = list(make_material(tmp_path / "alone", "roots", 7, math.sqrt, said.append))
    assert list(make_material(tmp_path / "shared", "roots", 7, math.sqrt, said.append, pool)) == alone
    assert said[4:] == said[:4] == [f"roots: {count} of 7" for count in (2, 4, 6, 7)]
    for path in (tmp_path / "alone").iterdir():
        assert path.read_bytes() == (tmp_path / "shared" / path.name).read_bytes()


def test_steps_follow_the_rate_and_go_on_from_the_checkpoint(tmp_path, monkeypatch):
    """Plain gradient descent on a slope of 0.1: every step goes down by the rate times the slope."""
    monkeypatch.setattr(fitting, "SAVE_EVERY", 2)

    def run(steps):
        net, told = torch.nn.Linear(1, 1, bias=False), []
        torch.nn.init.zeros_(net.weight)

        def backward(step):
            (0.1 * net.weight.sum()).backward()
            return float(step)

        optimizer = torch.optim.SGD(net.parameters(), 1.0)
        fit(net, optimizer, lambda step: step + 1.0, steps, backward, tmp_path / "a.pt", lambda *x: told.append(x))
        return net.weight.item(), told

    assert run(3) == (pytest.approx(-0.1 * (1 + 2 + 3)), [(2, 0.5), (3, 2.0)])
    assert run(5) == (pytest.approx(-0.1 * (1 + 2 + 3 + 4 + 5)), [(4, 3.0), (5, 4.0)])


def test_a_steep_slope_is_clipped(tmp_path):
    net = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(net.weight)

    def backward(step):
        (100 * net.weight.sum()).backward()
        return 0.0

    fit(net, torch.optim.SGD(net.parameters(), 1.0), lambda _: 1.0, 1, backward, tmp_path / "a.pt", lambda *_: None)
    assert net.weight.item() == pytest.approx(-1, abs=1e-4)


def test_weights_are_spread_as_when_refining():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(14, 3, 8)).astype(np.float32)
    found = spread(torch.from_numpy(weights).flatten(1), 31, 3).numpy()
    np.testing.assert_allclose(found, blend(weights, 31, 3).reshape(31, -1), atol=1e-6)


def test_the_processors_settings_are_as_they_were_after_an_error():
    """1e-310 is below the smallest normal double."""

    @fading_weights_are_zero()
    def stopped():
        raise KeyboardInterrupt(float(np.float64(1e-310) * 1.0))

    with pytest.raises(KeyboardInterrupt) as told:
        stopped()
    assert told.value.args == (0.0,)
    assert float(np.float64(1e-310) * 1.0) > 0


def test_the_command_line_changes_the_recipe(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["train", str(tmp_path), "--lr", "0.25", "--workers", "3"])
    from_command_line("About.", Recipe(), lambda folder, recipe, pool: (folder, recipe, pool))
    assert capsys.readouterr().out == f"{(tmp_path, Recipe(1, 0.25), Pool('processes', 3))}\n"
