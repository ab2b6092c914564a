"""NTU RGB+D 60 and 120 as data sets of PyTorch Geometric."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
from torch_geometric.data import Data

from base.errors import InputError
from data.ntu.actions import ACTIONS, ACTIONS_120
from data.skeletons.division import divide
from data.skeletons.store import ClipStore, open_store
from recognition.dataset import SkeletonGraphs
from recognition.nets.graph import Partition
from recognition.processed_graphs import Preprocessing, ProcessedGraphs, process

Subset = Literal["train", "test"]
Skeletons = Literal["raw", "refined"]

UNPACKED = "nturgb+d_skeletons"
PROCESSED = "processed"


class NTURGBD60(SkeletonGraphs):
    """The clips of NTU RGB+D 60 as graphs over joints and frames, raw or refined.

    The data set is licensed by its authors and is not downloaded. `root` is a folder with

    ============  ====================================================================================================
    `raw/`        the clip store that `python run.py prepare data.store=ROOT/raw` makes, or, as in other data sets of
                  PyTorch Geometric, the zip of `.skeleton` files or the folder `nturgb+d_skeletons`
    `processed/`  what was made here: the clip store `processed/raw` of a zip in `raw/` (minutes, once), and what
                  `pre_transform` and `pre_filter` made of the graphs
    `refined/`    the clip store of `python run.py refine apply.input=ROOT/raw apply.output=ROOT/refined`
    ============  ====================================================================================================

    The zip or the folder may also lie in `root` itself; the store is then made in `raw/`.

    Each item is a `Data` as `SkeletonGraphs` gives it (`x` and `pos` [n, 3] in metres, `edge_index`, `edge_type`,
    `edge_weight`, `frame`, `actor`, `joint`, `tracked`, `name`) with

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
    pre_transform
        Called once with each item, before any `transform`; what it returns, a `Data` of tensors, numbers and text, is
        saved in `processed/` and read from there ever after.
    pre_filter
        Called once with each item; those for which it says False are left out.
    force_reload
        Call `pre_transform` and `pre_filter` again, and prepare the store in `processed/` again.
    log
        Whether to show the progress of that.

    Raises
    ------
    InputError
        An argument is none of the above, or the store is missing, damaged, of other joints or actions, or has no clip
        of that subset.
    """

    splits: ClassVar[dict[str, str]] = {"xsub": "xsub", "xview": "xview"}
    """The evaluation protocols, and what `data.ntu.splits` calls them."""
    count: ClassVar[int] = len(ACTIONS)
    zips: ClassVar[int] = 1
    """In how many zips it is released."""

    def __init__(
        self,
        root: str | Path,
        split: str = "xsub",
        subset: Subset = "train",
        skeletons: Skeletons = "raw",
        transform: Callable[[Data], Any] | None = None,
        partition: Partition = "spatial",
        pre_transform: Callable[[Data], Data] | None = None,
        pre_filter: Callable[[Data], bool] | None = None,
        force_reload: bool = False,
        log: bool = True,
    ) -> None:
        for name, value, kind in (
            ("split", split, tuple(self.splits)),
            ("subset", subset, get_args(Subset)),
            ("skeletons", skeletons, get_args(Skeletons)),
        ):
            if value not in kind:
                raise InputError(f"{name}: found {value!r}, expected {' or '.join(map(repr, kind))}")
        folder = Path(root).expanduser()
        store = _open(folder, skeletons, force_reload, self.count, self.zips)
        order = np.argsort(store.clips.name, kind="stable")
        rows = order[divide(store, self.splits[split]).train[order] == (subset == "train")]
        if not len(rows):
            raise InputError(
                f"{store.folder}: none of its {len(store.clips)} clips is for {subset} by {split}; use the other split"
            )
        super().__init__(store, rows, np.arange(1, self.count + 1), partition, transform)
        self.root = str(folder)
        self.split, self.subset, self.skeletons = split, subset, skeletons
        self.pre_transform, self.pre_filter = pre_transform, pre_filter
        self.force_reload, self.log = force_reload, log
        self._processed: ProcessedGraphs | None = None
        if pre_transform is not None or pre_filter is not None:
            path = folder / PROCESSED / f"{skeletons}_{split}_{subset}.graphs"
            work, graphs = Preprocessing(pre_transform, pre_filter), _AsStored(self)
            self._processed = process(path, _identity(store, partition), graphs, work, force_reload, log)
            self.rows = self.rows[self._processed.rows]

    @property
    def raw_dir(self) -> str:
        """Where the data set's own files are: the zip or unpacked folder, or else the store that was made of them."""
        sources = _sources(Path(self.root))
        return str(sources[0].parent if sources else self.store.folder)

    @property
    def raw_file_names(self) -> list[str]:
        """The files in `raw_dir`."""
        return [source.name for source in _sources(Path(self.root))] or _files(self.store)

    @property
    def processed_dir(self) -> str:
        """Where the files are that are read: the clip store, or what was made of its graphs."""
        return str(self.store.folder if self._processed is None else self._processed.path.parent)

    @property
    def processed_file_names(self) -> list[str]:
        """The files in `processed_dir`."""
        return _files(self.store) if self._processed is None else [self._processed.path.name]

    def get(self, idx: int) -> Data:
        """Return one clip as a graph, as `pre_transform` has left it."""
        if self._processed is not None and self._processed.changed:
            return self._processed[idx]
        return self.as_stored(idx)

    def as_stored(self, idx: int) -> Data:
        """Return one clip as a graph, untransformed."""
        data = super().get(idx)
        data.timestamps = data.frame.to(torch.float32) / self.store.info.fps
        data.seen = data.tracked > 0
        data.inferred = data.tracked == 1
        return data


class NTURGBD120(NTURGBD60):
    """The clips of NTU RGB+D 120 as graphs, as `NTURGBD60`; `raw/` may be a folder of the two official zips.

    `split` is `xsub` or `xset`; `y` is from 0 to 119.
    """

    splits: ClassVar[dict[str, str]] = {"xsub": "xsub120", "xset": "xset120"}
    count: ClassVar[int] = len(ACTIONS_120)
    zips: ClassVar[int] = 2


class _AsStored(Sequence[Data]):
    """The graphs of a data set before anything is done to them."""

    def __init__(self, clips: NTURGBD60) -> None:
        self._clips = clips

    def __len__(self) -> int:
        return len(self._clips.rows)

    def __getitem__(self, at: Any) -> Any:
        return self._clips.as_stored(at)


def _identity(store: ClipStore, partition: Partition) -> str:
    """Return a text that is another one when the graphs are others."""
    about = (store.folder / "store.json").read_bytes()
    written = (store.folder / "joints.npy").stat().st_mtime_ns
    return hashlib.sha256(repr((about, written, partition)).encode()).hexdigest()


def _files(store: ClipStore) -> list[str]:
    return sorted(path.name for path in store.folder.iterdir() if path.suffix in (".npy", ".csv", ".json"))


def _sources(root: Path) -> list[Path]:
    """Return the zips and unpacked folders in `root/raw`, as PyTorch Geometric has it, or else in `root`."""
    for folder in (root / "raw", root):
        unpacked = folder / UNPACKED
        found = [*sorted(folder.glob("*.zip")), *([unpacked] if unpacked.is_dir() else [])]
        if not found and folder != root and next(folder.glob("*.skeleton"), None):
            found = [folder]
        if found:
            return found
    return []


def _raw_store(root: Path) -> Path:
    """Return where the clips as recorded are or shall be: `raw`, unless other files than a store's are in it."""
    folder = root / "raw"
    return root / PROCESSED / "raw" if folder.is_dir() and not (folder / "store.json").is_file() else folder


def _open(root: Path, skeletons: Skeletons, again: bool, actions: int, zips: int) -> ClipStore:
    raw = _raw_store(root)
    folder = raw if skeletons == "raw" else root / "refined"
    if not folder.exists():
        if skeletons == "refined":
            raise InputError(
                f"{folder}: no refined clips; make them with `python run.py refine apply.input={raw} "
                f"apply.output={folder}`"
            )
        _prepare(root, folder, zips)
    elif again and folder == root / PROCESSED / "raw":
        _prepare(root, folder, zips, again)  # elsewhere a store may be anybody's, of other settings
    store = open_store(folder)
    if store.info.layout != "ntu25":
        raise InputError(f"{folder}: has the joints of {store.info.layout}, expected those of NTU RGB+D, ntu25")
    outside = np.flatnonzero((store.clips.action < 1) | (store.clips.action > actions))
    if len(outside):
        raise InputError(
            f"{folder}: clip {store.clips.name[outside[0]]} has action {store.clips.action[outside[0]]}, expected 1 to "
            f"{actions}; use SkeletonGraphs for other data sets"
        )
    return store


def _prepare(root: Path, folder: Path, zips: int, again: bool = False) -> None:
    from data.ntu.prepare import DataSection, PrepareConfig, prepare

    sources = _sources(root)
    if len(sources) == zips > 1 and all(source.suffix == ".zip" for source in sources):
        sources = [sources[0].parent]
    if len(sources) != 1:
        raise InputError(
            f"{folder}: no clip store, and {root} and {root / 'raw'} hold {len(sources)} zips or folders of .skeleton "
            f"files to make it from, expected one; make it with `python run.py prepare data.raw=ZIP_OR_FOLDER "
            f"data.store={folder}`"
        )
    # In this process: others would run a caller's script again that does not guard its main part.
    prepare(PrepareConfig(data=DataSection(raw=sources[0], store=folder, workers=1)), again)
