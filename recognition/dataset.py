"""Clip stores as a data set of PyTorch Geometric: one graph per clip, for any of its models."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data, Dataset

from data.skeletons.store import ClipStore
from recognition.nets.graph import Partition, repeat_edges, skeleton_graph


class SkeletonGraphs(Dataset):
    """The clips of a store as graphs, for any model of PyTorch Geometric and its `DataLoader`.

    A node is one joint of one actor in one frame; frames in which an actor is not on record have no nodes. Edges join
    the joints of one skeleton; `edge_type` and `edge_weight` are the partition and the normalised adjacency, as
    `torch_geometric.nn.RGCNConv` and `SpatialGraphConv` take them. Frames are read from the store when a clip is asked
    for; nothing is filled, moved or sampled. (Training uses `recognition.input`, which does all of this for a whole
    batch at once on the device.)

    Each item is a `Data` with

    ================  =========================================================================
    `x`               float32 [n, C], positions as stored (metres; pixels of layouts in an image)
    `pos`             float32 [n, C], the same positions, for transforms that move or measure them
    `edge_index`      int64 [2, E]
    `edge_type`       int64 [E]
    `edge_weight`     float32 [E]
    `y`               int64 [1], the class from 0
    `frame`           int64 [n], the clip's frame, from 0
    `actor`           int64 [n], from 0
    `joint`           int64 [n]
    `tracked`         uint8 [n]: 0 not seen, 1 inferred, 2 tracked
    `name`            the clip's name
    ================  =========================================================================

    Parameters
    ----------
    store
        The clip store.
    rows
        Which rows of its clip table; all in the order of their names if None.
    actions
        The 1-based action of each class; those that the store has if None.
    partition
        How the edges are divided.
    transform
        Called with each item; what it returns is the item instead.
    """

    def __init__(
        self,
        store: ClipStore,
        rows: Sequence[int] | np.ndarray | None = None,
        actions: Sequence[int] | np.ndarray | None = None,
        partition: Partition = "spatial",
        transform: Callable[[Data], Any] | None = None,
    ) -> None:
        super().__init__(transform=transform)
        self.store = store
        self.rows = np.argsort(store.clips.name, kind="stable") if rows is None else np.asarray(rows)
        self.actions = np.unique(store.clips.action) if actions is None else np.asarray(actions)
        self.graph = skeleton_graph(store.layout, partition)

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.actions)

    def len(self) -> int:
        """Return the number of clips."""
        return len(self.rows)

    def get(self, idx: int) -> Data:
        """Return one clip as a graph."""
        store, row = self.store, int(self.rows[idx])
        tracks = store.tracks_of(row)
        length = store.tracks.length[tracks]
        skeletons = int(length.sum())
        within = np.arange(skeletons) - np.repeat(np.cumsum(length) - length, length)
        at = np.repeat(store.tracks.first_row[tracks], length) + within
        joints = self.graph.joints
        frame = np.repeat(store.tracks.first_frame[tracks], length) + within
        x = torch.from_numpy(np.asarray(store.joints[at])).flatten(0, 1)
        return Data(
            x=x,
            pos=x.clone(),
            edge_index=repeat_edges(self.graph.edge_index, skeletons, joints, joints),
            edge_type=self.graph.partition.repeat(skeletons),
            edge_weight=self.graph.weight.repeat(skeletons),
            y=torch.tensor([int(np.searchsorted(self.actions, store.clips.action[row]))]),
            frame=torch.from_numpy(frame).repeat_interleave(joints),
            actor=torch.from_numpy(np.repeat(store.tracks.actor[tracks], length)).repeat_interleave(joints),
            joint=torch.arange(joints).repeat(skeletons),
            tracked=torch.from_numpy(np.asarray(store.tracked[at])).flatten(),
            name=str(store.clips.name[row]),
        )
