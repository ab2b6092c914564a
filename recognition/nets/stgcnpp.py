"""ST-GCN++ (Duan et al., "PYSKL", ACM Multimedia 2022): ST-GCN with three changes.

A learnable adjacency, a residual in the spatial module, and a temporal module of several branches.
"""

from typing import TYPE_CHECKING

from data.skeletons.layouts import Layout
from recognition.nets.graph import skeleton_graph
from recognition.nets.registry import NETS, NetKind
from recognition.nets.stgcn import STGCN

if TYPE_CHECKING:
    from recognition.config import ModelSection


def _build(section: "ModelSection", layout: Layout, channels: int, classes: int) -> STGCN:
    return STGCN(
        skeleton_graph(layout, section.partition),
        channels=channels,
        classes=classes,
        width=section.width,
        blocks=section.blocks,
        dropout=section.dropout,
        adjacency="learned",
        spatial_residual=True,
        temporal="multi_branch",
    )


def _check(section: "ModelSection") -> None:
    if section.width < 6:
        raise ValueError(f"width must be at least 6, a channel for each branch of stgcn++, found {section.width}")


NETS.add("stgcn++", NetKind(_build, _check))
