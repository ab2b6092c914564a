from pathlib import Path

import pytest

from base.errors import InputError
from base.files import sha256
from refine.nets.registry import NETS, known_kind
from refine.shipped.registry import SHIPPED, Shipped, load_shipped, say_not_trained, shipped_name


@pytest.mark.parametrize("name", SHIPPED.names())
def test_what_is_shipped_is_there_and_says_what_it_is(name):
    kind, refiner = SHIPPED[name], load_shipped(name)
    assert kind.weights.stat().st_size < 2e6
    assert refiner.describe()["kind"] == refiner.name == name
    assert refiner.sha256 == refiner.describe()["sha256"] == sha256(kind.weights)
    assert (refiner.window, refiner.fps, refiner.trained_on) == (None, None, ())


def test_steady_is_shipped():
    assert SHIPPED.names()[:2] == ("steady", "steady_ntu25")
    assert not set(SHIPPED.names()) & set(NETS.names())  # which model.kind names


@pytest.mark.parametrize(("path", "name"), [("steady", "steady"), ("./steady", "steady"), ("runs/steady", None)])
def test_a_name_stands_alone(path, name):
    assert shipped_name(Path(path)) == name
    assert shipped_name(Path("/steady")) is shipped_name(None) is None


def test_a_kind_of_network_it_is_not():
    with pytest.raises(ValueError, match="steady is shipped with its weights") as told:
        known_kind("steady")
    assert str(told.value) == say_not_trained("steady")
    assert "python -m refine.steady.train" in str(told.value)


def test_other_joints_are_refused():
    refiner = Shipped("mine", "mine", lambda poses, fps, confidence, bones: poses, "", ("ntu25",))
    refiner.check_layout("ntu25", "here")
    with pytest.raises(InputError, match="here: its joints are coco17, and mine is for ntu25; take steady or"):
        refiner.check_layout("coco17", "here")
