"""NTU RGB+D 60 as a data set of PyTorch Geometric."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch_geometric.data import Data

from base.errors import InputError
from data.ntu.splits import Split, in_training
from data.skeletons.layouts import ACTIONS
from data.skeletons.store import ClipStore, open_store
from recognition.dataset import SkeletonGraphs
from recognition.nets.graph import Partition

Subset = Literal["train", "test"]
Skeletons = Literal["raw", "refined"]

UNPACKED = "nturgb+d_skeletons"


class NTURGBD60(SkeletonGraphs):
    """The clips of NTU RGB+D 60 as graphs over joints and frames, raw or refined.

    The data set is licensed by its authors and is not downloaded. `root` is a folder with

    ============  ====================================================================================================
    `raw/`        the clip store that `python run.py prepare data.store=ROOT/raw` makes; if there is none, it is made
                  from the one zip in `root`, or from the folder `nturgb+d_skeletons` (minutes, once)
    `refined/`    the clip store of `python run.py refine apply.input=ROOT/raw apply.output=ROOT/refined`
    ============  ====================================================================================================

    Each item is a `Data` as `SkeletonGraphs` gives it (`x` [n, 3] in metres, `edge_index`, `edge_type`, `edge_weight`,
    `frame`, `actor`, `joint`, `tracked`, `name`) with

    ============  ====================================================================================================
    `y`           int64 [1], the class from 0 to 59, as everywhere in the field
    `timestamps`  float32 [n], seconds from the clip's beginning
    `seen`        bool [n]: the camera saw the joint or inferred it; where False, `x` means nothing
    `inferred`    bool [n]: the camera inferred the joint
    ============  ====================================================================================================

    Clips are read from disk when they are asked for; pickling the data set (as a `DataLoader` with workers may) takes
    the path along and not the clips.

    Parameters
    ----------
    root
        The folder.
    split
        `xsub` or `xview`, the two evaluation protocols.
    subset
        `train` or `test`.
    skeletons
        `raw` or `refined`.
    transform
        Called with each item; what it returns is the item instead.
    partition
        How the edges are divided into types.

    Raises
    ------
    InputError
        An argument is none of the above, or the store is missing, damaged, of other joints or actions, or has no clip
        of that subset.
    """

    def __init__(
        self,
        root: str | Path,
        split: Split = "xsub",
        subset: Subset = "train",
        skeletons: Skeletons = "raw",
        transform: Callable[[Data], Any] | None = None,
        partition: Partition = "spatial",
    ) -> None:
        for name, value, kind in (
            ("split", split, Split),
            ("subset", subset, Subset),
            ("skeletons", skeletons, Skeletons),
        ):
            if value not in get_args(kind):
                raise InputError(f"{name}: found {value!r}, expected {' or '.join(map(repr, get_args(kind)))}")
        folder = Path(root)
        store = _open(folder, skeletons)
        order = np.argsort(store.clips.name, kind="stable")
        rows = order[in_training(store.clips, split)[order] == (subset == "train")]
        if not len(rows):
            raise InputError(
                f"{store.folder}: none of its {len(store.clips)} clips is for {subset} by {split}; use the other split"
            )
        super().__init__(store, rows, np.arange(1, len(ACTIONS) + 1), partition, transform)
        self.root = str(folder)
        self.split, self.subset, self.skeletons = split, subset, skeletons

    @property
    def raw_dir(self) -> str:
        """Where the data set's own files are looked for."""
        return self.root

    @property
    def processed_dir(self) -> str:
        """The clip store that is read."""
        return str(self.store.folder)

    def get(self, idx: int) -> Data:
        """Return one clip as a graph."""
        data = super().get(idx)
        data.timestamps = data.frame.to(torch.float32) / self.store.info.fps
        data.seen = data.tracked > 0
        data.inferred = data.tracked == 1
        return data


def _open(root: Path, skeletons: Skeletons) -> ClipStore:
    folder = root / skeletons
    if not folder.exists():
        if skeletons == "refined":
            raise InputError(
                f"{folder}: no refined clips; make them with `python run.py refine apply.input={root / 'raw'} "
                f"apply.output={folder}`"
            )
        _prepare(root, folder)
    store = open_store(folder)
    if store.info.layout != "ntu25":
        raise InputError(f"{folder}: has the joints of {store.info.layout}, expected those of NTU RGB+D, ntu25")
    outside = np.flatnonzero((store.clips.action < 1) | (store.clips.action > len(ACTIONS)))
    if len(outside):
        raise InputError(
            f"{folder}: clip {store.clips.name[outside[0]]} has action {store.clips.action[outside[0]]}, expected 1 to "
            f"{len(ACTIONS)}; use SkeletonGraphs for other data sets"
        )
    return store


def _prepare(root: Path, folder: Path) -> None:
    from data.ntu.prepare import DataSection, PrepareConfig, prepare

    sources = [*sorted(root.glob("*.zip")), *(path for path in [root / UNPACKED] if path.is_dir())]
    if len(sources) != 1:
        raise InputError(
            f"{folder}: no clip store, and {root} holds {len(sources)} zips or folders of .skeleton files to make it "
            f"from; make it with `python run.py prepare data.raw=ZIP_OR_FOLDER data.store={folder}`"
        )
    # In this process: others would run a caller's script again that does not guard its main part.
    prepare(PrepareConfig(data=DataSection(raw=sources[0], store=folder, workers=1)))
