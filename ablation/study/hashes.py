"""Names for what has been computed: the hash of all that determines it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from base.files import sha256
from data.skeletons.store import LABELS, ClipStore

LENGTH = 16
"""Hexadecimal digits of a name."""


def name_of(kind: str, what: Mapping[str, Any]) -> str:
    """Return the name of something that is determined by JSON-like content."""
    text = json.dumps([kind, what], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


def content_of(store: ClipStore) -> str:
    """Return the hash of a store's clips and skeletons, wherever it lies and however it was made."""
    names = ["joints.npy", "tracked.npy", "tracks.csv", "clips.csv"]
    names += [f"{name}.npy" for name in ("confidence", "times") if getattr(store.info, name)]
    names += [LABELS] if store.info.labels else []  # splits are in it
    layout = store.info.layout if store.info.own_layout is None else store.info.own_layout
    about = {"layout": layout, "fps": store.info.fps, "image": store.info.image}
    return name_of("store", about | {name: sha256(store.folder / name) for name in names})


def content_of_files(paths: Iterable[Path]) -> list[str]:
    """Return the hashes of files; one that is not there has none."""
    return [sha256(path) if path.is_file() else "absent" for path in paths]
