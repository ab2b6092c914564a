from pathlib import Path

import pytest
import torch

from base.errors import InputError
from refine.named import load_named, named_file
from refine.normalise import Normalise
from refine.refiner import Refiner, refiner_content
from refine.shipped.registry import SHIPPED, Shipped
from tests.refine.conftest import make_net


def test_names_come_before_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("steady/checkpoints").mkdir(parents=True)
    described = refiner_content({"window": 8}, Normalise(), 30.0, ["h36m_fcn_3D"])
    torch.save({"state_dict": make_net().state_dict(), **described}, Path("steady/checkpoints/best.pt"))
    named, run = load_named(Path("steady")), load_named(tmp_path / "steady")
    assert isinstance(named, Shipped)
    assert isinstance(run, Refiner)
    assert named_file(Path("steady")) == SHIPPED["steady"].weights
    assert named_file(tmp_path / "steady") == tmp_path / "steady/checkpoints/best.pt"


@pytest.mark.parametrize("name", ["steadi", "Steady", ""])
def test_a_name_that_is_not_shipped(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as told:
        load_named(Path(name))
    assert str(told.value).startswith(f"{Path(name)}: no")
    assert "\n" not in str(told.value)
