"""What `pre_transform` and `pre_filter` have made of a data set's graphs, in one file, written once."""

import io
import re
import sqlite3
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

from base.errors import InputError
from base.files import atomic_file
from base.progress import progress

_STORED = (torch.Tensor, str, int, float, bool, type(None))


@dataclass(frozen=True)
class Preprocessing:
    """What is done once to each graph, before it is saved, as PyTorch Geometric's data sets do it.

    Parameters
    ----------
    transform
        Called with each graph that is kept; what it returns is saved instead.
    keep
        Called with each graph; says whether it is in the data set at all.
    """

    transform: Callable[[Data], Data] | None = None
    keep: Callable[[Data], bool] | None = None

    @property
    def names(self) -> dict[str, str]:
        """What the two are called, without the addresses of functions, as PyTorch Geometric compares them."""
        found = {"pre_transform": str(self.transform), "pre_filter": str(self.keep)}
        return {key: re.sub(r"(<.*?)\s.*(>)", r"\1\2", value) for key, value in found.items()}


@dataclass(frozen=True)
class ProcessedGraphs:
    """Graphs in a file, read one at a time.

    Parameters
    ----------
    path
        The file.
    rows
        int64 [N]: which of the graphs that there were each one is.
    changed
        Whether the graphs themselves are in the file, or only which are kept.
    """

    path: Path
    rows: np.ndarray
    changed: bool

    def __getitem__(self, at: int) -> Data:
        """Return a graph.

        Raises
        ------
        InputError
            The file has been damaged or removed.
        """
        try:
            with closing(_connect(self.path)) as file:
                [content] = file.execute("SELECT content FROM graphs WHERE number = ?", (at,)).fetchone()
            return Data.from_dict(torch.load(io.BytesIO(content), weights_only=True))
        except Exception as error:  # what stands in for a graph can fail in any way
            raise InputError(f"{self.path}: damaged ({error}); make it again with force_reload=True") from error


def process(
    path: Path,
    made_of: str,
    graphs: Sequence[Data],
    work: Preprocessing,
    again: bool = False,
    log: bool = True,
) -> ProcessedGraphs:
    """Return the processed graphs; they are processed if they have not been yet, or from other graphs.

    Parameters
    ----------
    path
        The file that keeps them.
    made_of
        Says what the graphs are; another text, and they are processed again.
    graphs
        The graphs as they are.
    work
        What is done to them.
    again
        Process them in any case.
    log
        Whether to show the progress.

    Raises
    ------
    InputError
        `pre_transform` returns what cannot be saved, or `pre_filter` keeps nothing.
    """
    about = _read(path) if path.is_file() and not again else {}
    if about.get("made_of") != made_of:
        _write(path, made_of, graphs, work, log)
        about = _read(path)
    for key, name in work.names.items():
        if about[key] != name:
            warnings.warn(
                f"The `{key}` argument differs from the one used in the pre-processed version of this dataset, {path}. "
                "If you want to make use of another one, pass `force_reload=True`.",
                stacklevel=4,
            )
    with closing(_connect(path)) as file:
        rows = [row for (row,) in file.execute("SELECT row FROM graphs ORDER BY number")]
    return ProcessedGraphs(path.absolute(), np.array(rows, np.int64), about["changed"] == "True")


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _read(path: Path) -> dict[str, str]:
    """Return what a file says of itself; nothing if it is none of ours, or damaged."""
    try:
        with closing(_connect(path)) as file:
            return dict(file.execute("SELECT key, value FROM about"))
    except sqlite3.Error:
        return {}


def _write(path: Path, made_of: str, graphs: Sequence[Data], work: Preprocessing, log: bool) -> None:
    try:
        _write_whole(path, made_of, graphs, work, log)
    except (OSError, sqlite3.Error) as error:
        raise InputError(f"{path}: cannot be written ({error}); check the folder and the room on the disk") from error


def _write_whole(path: Path, made_of: str, graphs: Sequence[Data], work: Preprocessing, log: bool) -> None:
    with atomic_file(path) as temporary, closing(sqlite3.connect(temporary)) as file, progress(log) as bar:
        file.execute("PRAGMA journal_mode = OFF")  # the file is in its place when it is whole, and not before
        file.execute("CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT)")
        file.execute("CREATE TABLE graphs (number INTEGER PRIMARY KEY, row INTEGER, content BLOB)")
        about = {"made_of": made_of, "changed": str(work.transform is not None), **work.names}
        file.executemany("INSERT INTO about VALUES (?, ?)", about.items())
        task, number = bar.add_task("processing graphs", total=len(graphs)), 0
        for row in range(len(graphs)):
            graph = graphs[row]
            if work.keep is None or work.keep(graph):
                content = None if work.transform is None else _as_bytes(work.transform(graph))
                file.execute("INSERT INTO graphs VALUES (?, ?, ?)", (number, row, content))
                number += 1
            bar.advance(task)
        if not number:
            raise InputError(f"pre_filter: keeps none of the {len(graphs)} graphs; keep at least one")
        file.commit()


def _as_bytes(graph: Any) -> bytes:
    if not isinstance(graph, Data):
        raise InputError(f"pre_transform: returned {type(graph).__name__}, expected torch_geometric.data.Data")
    content: dict[str, Any] = graph.to_dict()
    for key, value in content.items():
        if not isinstance(value, _STORED):
            raise InputError(
                f"pre_transform: made {key} a {type(value).__name__}, which is not saved; expected tensors, numbers or "
                "text; use it as transform instead"
            )
    stream = io.BytesIO()
    torch.save({key: _own(value) for key, value in content.items()}, stream)
    return stream.getvalue()


def _own(value: Any) -> Any:
    """Return a tensor without the rest of the memory that it is a part of: all of it would be saved."""
    return value.clone() if isinstance(value, torch.Tensor) and not value.is_sparse else value
