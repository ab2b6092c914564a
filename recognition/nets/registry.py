"""The kinds of recognisers: each is one file of this folder that adds itself here, `docs/adding.md` shows how."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from base.registry import Registry
from data.skeletons.layouts import Layout

if TYPE_CHECKING:  # the configuration asks this registry which names there are
    from recognition.config import ModelSection

Build = Callable[["ModelSection", Layout, int, int], nn.Module]


@dataclass(frozen=True)
class NetKind:
    """One kind of recogniser.

    Parameters
    ----------
    build
        Makes the network from the section `model`, the layout of the joints, the channels per joint (coordinates, and
        the confidence where there is one) and the number of actions; its first weights come from torch's global
        generator. A second one, on the device `meta`, shows the shapes of its weights when a checkpoint is read. The
        network maps x float [A, T, V, C] (a row per actor), clip int64 [A] and the number of clips N to scores before
        the softmax [N, classes].
    check
        Refuses, with a ValueError, a section `model` that cannot be built.
    """

    build: Build
    check: Callable[["ModelSection"], None] = lambda section: None


NETS: Registry[NetKind] = Registry(__package__ or "", "network", "steady.recognizers")
"""All kinds by the names that `model.name` takes."""


def build_model(section: "ModelSection", layout: Layout, channels: int, classes: int) -> nn.Module:
    """Make the network that a configuration names, see `NetKind.build`.

    Parameters
    ----------
    section
        Which network, and its size.
    layout
        The joints and bones.
    channels
        Values per joint.
    classes
        Number of actions.
    """
    return NETS[section.name].build(section, layout, channels, classes)
