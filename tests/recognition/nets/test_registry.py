import pytest
import torch
from torch import nn

from data.skeletons.layouts import COCO17, NTU25
from recognition.config import ModelSection
from recognition.nets.registry import NETS, NetKind, build_model


def refuse_deep_ones(section):
    if section.blocks > 20:
        raise ValueError("too deep for it")


@pytest.fixture
def mean_kind():
    """Somebody's network, which knows what it was built with."""

    def build(section, layout, channels, classes):
        net = nn.Linear(channels, classes)
        net.told = section, layout, channels, classes
        return net

    NETS.add("mean", NetKind(build, refuse_deep_ones))
    yield
    NETS.remove("mean")


def test_a_kind_is_built_from_what_is_given(mean_kind):
    section = ModelSection(name="mean", width=7)
    torch.manual_seed(0)
    net = build_model(section, COCO17, 2, 5)
    assert net.told == (section, COCO17, 2, 5)
    torch.manual_seed(0)
    assert torch.equal(net.weight, nn.Linear(2, 5).weight)  # the first weights are those of torch's generator


def test_a_kind_may_refuse_a_section(mean_kind):
    with pytest.raises(ValueError, match="too deep for it"):
        ModelSection(name="mean", blocks=21)
    assert ModelSection(name="stgcn", blocks=21).blocks == 21


def test_an_unknown_name_is_told_with_the_nearest_one():
    with pytest.raises(ValueError, match=r"no network is called 'stgnc'; did you mean 'stgcn'\?"):
        ModelSection(name="stgnc")
    with pytest.raises(ValueError, match=r"no network is called 'mean'; there are .*stgcn.*stgcn\+\+"):
        ModelSection(name="mean")


@pytest.mark.parametrize("name", ["stgcn", "stgcn++"])
@pytest.mark.parametrize(("layout", "channels"), [(NTU25, 3), (COCO17, 2)])
def test_every_kind_maps_actors_to_clips_and_shows_its_shapes_without_memory(name, layout, channels):
    section = ModelSection(name=name, width=6, blocks=3)
    net = build_model(section, layout, channels, 11).eval()
    x = torch.randn(3, 5, len(layout.joints), channels)
    assert net(x, torch.tensor([0, 0, 2]), 4).shape == (4, 11)
    with torch.device("meta"):
        empty = build_model(section, layout, channels, 11).state_dict()
    assert {key: value.shape for key, value in empty.items()} == {
        key: value.shape for key, value in net.state_dict().items()
    }
    graph = ("importance", "adjacency")  # a number for each pair of joints, which the layout has already
    assert {value.device.type for key, value in empty.items() if not key.endswith(graph)} == {"meta"}
