"""A trained recogniser, as its checkpoint describes it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import nn

from base.config import read_kept
from base.errors import InputError
from data.skeletons.layouts import LAYOUTS, Layout
from data.skeletons.store import ClipStore
from recognition.config import InputSection, ModelSection
from recognition.nets.registry import build_model
from training.checkpoints import load_checkpoint


@dataclass(frozen=True)
class Recognizer:
    """A trained network and all that is needed to feed it.

    Parameters
    ----------
    net
        The network in evaluation mode, on its device.
    seen
        What it sees of a clip.
    layout
        The joints and bones of its clips.
    confidence
        Whether its last channel is the confidence in a joint.
    actions
        int64 [classes], NTU's number of each class.
    samplings
        How often each clip was sampled when the run was tested.
    path
        The checkpoint.
    """

    net: nn.Module
    seen: InputSection
    layout: Layout
    confidence: bool
    actions: np.ndarray
    samplings: int
    path: Path

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.net.parameters()).device

    @property
    def channels(self) -> int:
        """Values per joint."""
        return self.layout.dims + self.confidence


def load_recognizer(path: Path, device: torch.device | str = "cpu") -> Recognizer:
    """Load a recogniser from a run's folder or from its `best.pt`.

    Raises
    ------
    InputError
        There is none, it is no recogniser's checkpoint, or its parts contradict each other.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "checkpoints" / "best.pt"
        if not path.is_file():
            raise InputError(
                f"{path.parents[1]}: no trained recogniser (checkpoints/best.pt is missing); "
                "give the folder of a finished `python run.py recognize`"
            )
    content = load_checkpoint(path)
    if missing := [key for key in ("state_dict", "model", "input", "layout", "actions") if key not in content]:
        raise InputError(
            f"{path}: not a recogniser's checkpoint ({missing[0]!r} is missing); "
            "give a best.pt of `python run.py recognize`"
        )
    try:
        section = ModelSection.model_validate(content["model"])
        seen = InputSection.model_validate(content["input"])
        layout = LAYOUTS[content["layout"]]
        actions = np.array(content["actions"], np.int64).reshape(-1)
        samplings = int(content.get("test", {}).get("clips", 1))
    except (ValidationError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: damaged checkpoint of a recogniser ({reason}); train it again") from error
    confidence = bool(content.get("confidence", False))
    net = build_model(section, layout, layout.dims + confidence, len(actions))
    try:
        net.load_state_dict(content["state_dict"])
    except (RuntimeError, AttributeError, TypeError) as error:
        raise InputError(
            f"{path}: its weights do not fit the network of {len(actions)} actions that it describes; train it again"
        ) from error
    return Recognizer(net.to(device).eval(), seen, layout, confidence, actions, samplings, path)


def load_ensemble(path: Path, device: torch.device | str = "cpu") -> list[tuple[float, Recognizer]]:
    """Load the recognisers of a run and the weight of each one's scores.

    A run of one stream has one recogniser. A run of several has those of its last ensemble, as its results do, or its
    first stream's where it names no ensemble.

    Raises
    ------
    InputError
        See `load_recognizer`; or the recognisers tell different actions apart.
    """
    path = Path(path)
    parts = _parts(path) if path.is_dir() and not (path / "checkpoints").exists() else {path: 1.0}
    found = [(weight, load_recognizer(part, device)) for part, weight in parts.items() if weight > 0]
    first = found[0][1]
    for _, other in found[1:]:
        check_same_task(first, other)
    return found


def check_same_task(first: Recognizer, other: Recognizer) -> None:
    """Make sure that the scores of two recognisers can be added up.

    Raises
    ------
    InputError
        Their actions or joint layouts differ.
    """
    if not np.array_equal(first.actions, other.actions):
        raise InputError(
            f"{other.path}: tells {len(other.actions)} actions apart, and {first.path} {len(first.actions)}, or "
            "others; give recognisers of the same actions"
        )
    if (first.layout, first.confidence) != (other.layout, other.confidence):
        raise InputError(f"{other.path}: is for {_kind(other)}, and {first.path} for {_kind(first)}; give one kind")


def check_store(recognizer: Recognizer, store: ClipStore) -> None:
    """Make sure that a recogniser can score the clips of a store.

    Raises
    ------
    InputError
        The store has other joints, or a confidence that the recogniser does not know or lacks.
    """
    confidence = store.layout.dims == 2 and store.confidence is not None
    if (store.layout, confidence) != (recognizer.layout, recognizer.confidence):
        given = store.layout.name + (" with confidence" if confidence else "")
        raise InputError(
            f"{store.folder}: has skeletons of {given}, and {recognizer.path} is for {_kind(recognizer)}; "
            "give clips of its kind"
        )


def _kind(recognizer: Recognizer) -> str:
    return recognizer.layout.name + (" with confidence" if recognizer.confidence else "")


def _parts(folder: Path) -> dict[Path, float]:
    """Return the runs that a run of several streams consists of, with their weights."""
    config: Any = read_kept(folder) if (folder / "config.yaml").is_file() else None
    if not isinstance(config, dict) or not (folder / "results.json").is_file():
        raise InputError(
            f"{folder}: no trained recogniser (checkpoints/best.pt is missing); "
            "give the folder of a finished `python run.py recognize`"
        )
    ensemble = config.get("ensemble") or {}
    runs = {name: Path(run) for name, run in (ensemble.get("runs") or {}).items()}
    runs |= {name: folder / name for name in config.get("streams") or ()}
    weights = ensemble.get("weights") or {}
    chosen = list(weights.values())[-1] if weights else {next(iter(runs)): 1.0}
    return {runs[name]: float(weight) for name, weight in chosen.items()}
