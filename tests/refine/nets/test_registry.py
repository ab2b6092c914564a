import pytest
import torch
from pydantic import ValidationError

from base.errors import InputError
from refine.config import CompareSection
from refine.nets.motion_aware import MotionAwareSmoothNet
from refine.nets.registry import NETS, ModelSection, NetKind, at_rest, build_net
from refine.nets.smoothnet import SmoothNet
from refine.normalise import Normalise
from refine.refiner import fingerprint, load_refiner, refiner_content
from tests.refine.conftest import new_net


class Wave(torch.nn.Module):
    """Has weights, a buffer that is kept, and one that is computed and not kept."""

    def __init__(self, window, hidden):
        super().__init__()
        self.inner, self.outer = torch.nn.Linear(window, hidden), torch.nn.Linear(hidden, window)
        self.register_buffer("steps", torch.tensor(3))
        self.register_buffer("wave", torch.linspace(0, 1, window).sin(), persistent=False)

    def forward(self, x):
        return self.outer(self.inner(x).tanh()) + self.wave


@pytest.fixture
def wave():
    NETS.add("wave", NetKind(lambda section: Wave(section.window, section.hidden)))
    yield ModelSection(kind="wave", window=8, hidden=6)
    NETS.remove("wave")


def test_the_kinds_of_the_paper():
    assert isinstance(new_net("basic"), SmoothNet)
    assert isinstance(new_net("motion_aware"), MotionAwareSmoothNet)
    assert [new_net(kind).kind for kind in ("basic", "motion_aware")] == ["basic", "motion_aware"]
    assert fingerprint(new_net("basic")) != fingerprint(new_net("motion_aware"))


def test_a_kind_that_there_is_not_is_told_with_the_nearest():
    for section, given in ((ModelSection, {"kind": "basik"}), (CompareSection, {"kind": ["basik"]})):
        with pytest.raises(ValidationError, match="no kind of refiner is called 'basik'; did you mean 'basic'"):
            section(**given)


def test_a_kind_says_what_cannot_be_built():
    def check(section):
        if section.hidden % 2:
            raise ValueError("hidden must be even")

    NETS.add("even", NetKind(lambda section: torch.nn.Identity(), check))
    try:
        with pytest.raises(ValidationError, match="hidden must be even"):
            ModelSection(kind="even", hidden=5)
    finally:
        NETS.remove("even")


def test_of_any_kind_rest_comes_out_as_rest(wave):
    torch.manual_seed(0)
    net = build_net(wave)
    still, x = at_rest(net), torch.randn(5, 8)
    torch.testing.assert_close(still(torch.zeros(2, 8)), torch.zeros(2, 8))
    torch.testing.assert_close(still(x), net(x) - net(torch.zeros(8)))
    assert still.window == 8


def test_any_kind_is_loaded_by_what_its_checkpoint_says(tmp_path, wave):
    net = build_net(wave)
    net.steps += 4
    content = refiner_content(wave.model_dump(), Normalise(), 30.0, ["a"])
    torch.save({"state_dict": net.state_dict(), **content}, tmp_path / "a.pt")
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    refiner = load_refiner(tmp_path / "a.pt")
    assert torch.equal(torch.rand(1), expected)  # loading draws nothing
    x = torch.randn(4, 8)
    assert torch.equal(refiner.net(x), net(x))
    assert (int(refiner.net.steps), refiner.net.steps.dtype) == (7, torch.int64)
    assert refiner.describe()["kind"] == "wave"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": "wafe"}, "'refiner' entry is damaged .*no kind of refiner is called 'wafe'"),
        ({"hidden": 7}, "inner.weight has shape"),
        ({"blocks": 10**12}, "'refiner' entry is damaged .*blocks"),
    ],
)
def test_a_checkpoint_that_says_something_else_is_told_in_one_line(tmp_path, wave, change, text):
    content = refiner_content({**wave.model_dump(), **change}, Normalise(), None, [])
    torch.save({"state_dict": build_net(wave).state_dict(), **content}, tmp_path / "a.pt")
    with pytest.raises(InputError, match=text) as caught:
        load_refiner(tmp_path / "a.pt")
    assert "\n" not in str(caught.value)
