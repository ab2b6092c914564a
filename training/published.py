"""The folders that `python run.py publish` writes of trained networks: what is in them, and which may be replaced."""

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import yaml

from base.files import atomic_folder
from base.replacing import Kind
from training.weights_file import WEIGHTS

CARD, CONFIG, SCORES = "card.md", "config.yaml", "scores.json"

PARTS = "parts"
"""In the scores of several recognisers, the weight of each one's, by the name of its folder."""

FILES = (WEIGHTS, CONFIG, "layout.yaml", "actions.yaml", SCORES, CARD)
"""Of which a refiner has no joints and actions, and several recognisers no weights but those in their own folders."""


def publishing(folder: Path, again: bool, sources: Sequence[Path]) -> AbstractContextManager[Path]:
    """Give a folder to write into, which takes the place of `folder` whole or not at all; see `atomic_folder`."""
    return atomic_folder(folder, Kind("published folder", _fault) if again else None, sources)


def write_yaml(file: Path, values: Any, flow: bool | None = None) -> None:
    """Write plain values for readers."""
    text = yaml.safe_dump(values, sort_keys=False, default_flow_style=flow, width=120, allow_unicode=True)
    file.write_text(text, encoding="utf-8")


def write_scores(folder: Path, scores: Any) -> None:
    """Write what was measured."""
    (folder / SCORES).write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")


def _fault(folder: Path) -> str:
    """Say why a folder is none that was published here."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            if fault := _fault(path):
                return f"has a folder {path.name} that {fault}"
        elif path.name not in FILES:
            return f"holds {path.name}"
    with suppress(OSError):
        if (folder / CARD).read_text(encoding="utf-8").startswith("# "):
            return ""
    return f"has no {CARD}"
