from typing import Any

import torch

from data.skeletons.layouts import Layout
from recognition.config import ModelSection
from recognition.nets.graph import skeleton_graph
from recognition.nets.stgcn import STGCN

PLUS_PLUS: dict[str, Any] = {"adjacency": "learned", "spatial_residual": True, "temporal": "multi_branch"}
"""What makes an ST-GCN an ST-GCN++ (Duan et al., "PYSKL", ACM Multimedia 2022)."""


def build_model(section: ModelSection, layout: Layout, channels: int, classes: int) -> STGCN:
    """Make the network; its first weights come from torch's global generator.

    Parameters
    ----------
    section
        Which network, and its size.
    layout
        The joints and bones.
    channels
        Values per joint: the coordinates, and the confidence where there is one.
    classes
        Number of actions.
    """
    with torch.device("cpu"):  # the graph is looked at while it is made, also where the network is but sketched
        graph = skeleton_graph(layout, section.partition)
    return STGCN(
        graph,
        channels=channels,
        classes=classes,
        width=section.width,
        blocks=section.blocks,
        temporal_kernel=section.temporal_kernel,
        dropout=section.dropout,
        **(PLUS_PLUS if section.name == "stgcn++" else {}),
    )
