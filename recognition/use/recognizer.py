"""A trained recogniser, as its checkpoint describes it."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from base.config import read_kept
from base.errors import InputError
from base.shown import cut, one_line
from base.words import plural
from data.skeletons.labels import LONGEST
from data.skeletons.layouts import LAYOUTS, Layout, layouts_of
from data.skeletons.store import ClipStore, StoreInfo
from recognition.config import InputSection, ModelSection, TestSection
from recognition.nets.registry import build_model
from recognition.use.first import shipped
from training.checkpoints import load_checkpoint, weights_of
from training.published import CONFIG, PARTS, SCORES
from training.runs import read_json
from training.weights_file import WEIGHTS

MOST_ACTIONS = 10_000
MOST_PARTS = 1_000


@dataclass(frozen=True)
class Recognizer:
    """A trained network and all that is needed to feed it.

    Parameters
    ----------
    net
        The network in evaluation mode, on its device.
    view
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
    names
        What the clips' owner calls the actions; nothing for NTU RGB+D's.
    fps
        Frames per second of the clips that it was trained on; None if its checkpoint is too old to say it.
    image
        Width and height of the image that their joints lay in; None for joints in space.
    """

    net: nn.Module
    view: InputSection
    layout: Layout
    confidence: bool
    actions: np.ndarray
    samplings: int
    path: Path
    names: tuple[str, ...] = ()
    fps: float | None = None
    image: tuple[int, int] | None = None

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.net.parameters()).device

    @property
    def channels(self) -> int:
        """Values per joint."""
        return self.layout.dims + self.confidence


def load_recognizer(path: Path, device: torch.device | str = "cpu") -> Recognizer:
    """Load a recogniser from a run's folder, its `best.pt`, or a folder of `python run.py publish`.

    Raises
    ------
    InputError
        There is none, it is no recogniser's checkpoint, or its parts contradict each other.
    """
    path = shipped(Path(path))
    if (path / WEIGHTS).is_file():
        path = path / WEIGHTS
    elif path.is_dir():
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
    state = weights_of(path, content)
    damaged = f"{path}: damaged checkpoint of a recogniser"
    try:
        section = ModelSection.model_validate(content["model"])
        view = InputSection.model_validate(content["input"])
        layout = _layout(content["layout"], str(path))
        actions = np.array(content["actions"], np.int64).reshape(-1)
        samplings = TestSection.model_validate({"clips": (content.get("test") or {}).get("clips", 1)}).clips
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = f"{cut('.'.join(map(str, first['loc'])), 100)}: {cut(first['msg'], 200)}"
        raise InputError(f"{damaged} ({reason}); train it again") from error
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise InputError(f"{damaged} ({cut(str(error), 200)}); train it again") from error
    if not 1 <= len(actions) <= MOST_ACTIONS or len(np.unique(actions)) < len(actions) or actions.min() < 1:
        raise InputError(f"{damaged} (actions: expected different numbers from 1); train it again")
    confidence = content.get("confidence", False) is True
    _check_shapes(path, state, section, layout, layout.dims + confidence, len(actions))
    net = build_model(section, layout, layout.dims + confidence, len(actions))
    try:
        net.load_state_dict(state)
    except (RuntimeError, AttributeError, TypeError) as error:
        raise InputError(_no_fit(path, len(actions))) from error
    names = content.get("names")
    if names is not None and not (
        isinstance(names, list) and len(names) == len(actions) and all(isinstance(name, str) for name in names)
    ):
        raise InputError(f"{damaged} (names: expected one text per action); train it again")
    called = tuple(one_line(name)[:LONGEST] for name in names) if names is not None else ()
    fps, image = _trained_on(content, damaged)
    net = net.to(device).eval().requires_grad_(False)  # explaining needs the inputs' gradients alone
    return Recognizer(net, view, layout, confidence, actions, samplings, path, called, fps=fps, image=image)


def _trained_on(content: dict[str, Any], damaged: str) -> tuple[float | None, tuple[int, int] | None]:
    """Return the rate and the size of the image of the clips that a checkpoint was trained on."""
    try:
        said = StoreInfo.model_validate({key: content[key] for key in ("fps", "image") if content.get(key) is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{damaged} ({first['loc'][0]}: {cut(first['msg'], 200)}); train it again") from error
    return (said.fps if content.get("fps") is not None else None), said.image


def _layout(said: Any, where: str) -> Layout:
    """Return the layout that a checkpoint names, or describes where it is its owner's own."""
    if isinstance(said, dict):
        described = {key: value for key, value in said.items() if key != "name"}
        return layouts_of(cut(str(said.get("name", "own")), 60), described, f"{where}: layout")[0]
    return LAYOUTS[said]


def _check_shapes(
    path: Path, state: dict[str, Tensor], section: ModelSection, layout: Layout, channels: int, classes: int
) -> None:
    """Refuse weights that are not those of the network described, before room is made for that."""
    try:
        with torch.device("meta"), _Undrawn():
            net = build_model(section, layout, channels, classes)
    except Exception:  # somebody's network that looks at its numbers while it is made: compared when it is there
        return
    if {name: value.shape for name, value in net.state_dict().items()} != {
        name: value.shape for name, value in state.items()
    }:
        raise InputError(_no_fit(path, classes))


class _Undrawn(TorchFunctionMode):
    """Draws no first weights: a sketch has none, and what PyTorch draws them with there takes a second to import."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(function, "__name__", "") == "normal_":  # both the method and `nn.init`'s
            return args[0] if args else kwargs["tensor"]
        return function(*args, **(kwargs or {}))


def _no_fit(path: Path, classes: int) -> str:
    actions = plural(classes, "action")
    return f"{path}: its weights do not fit the network of {actions} that it describes; train it again"


def load_ensemble(path: Path, device: torch.device | str = "cpu") -> list[tuple[float, Recognizer]]:
    """Load the recognisers of a run, or of a published folder, and the weight of each one's scores.

    A run of one stream has one recogniser. A run of several has those of its last ensemble, as its results do, or its
    first stream's where it names no ensemble. A run of folds has each fold's, all of one weight.

    Raises
    ------
    InputError
        See `load_recognizer`; or the recognisers tell different actions apart.
    """
    path = shipped(Path(path))
    parts = parts_of(path)
    if not parts:
        return [(1.0, load_recognizer(path, device))]
    found = []
    for part, weight in parts.values():
        inner = load_ensemble(part, device)
        total = sum(share for share, _ in inner)  # a fold of several streams counts as much as one of one
        found += [(weight * share / total, one) for share, one in inner]
    check_same_task(*(one for _, one in found))
    return found


def check_same_task(first: Recognizer, *others: Recognizer) -> None:
    """Make sure that the scores of recognisers can be added up.

    Raises
    ------
    InputError
        Their actions or joint layouts differ.
    """
    for other in others:
        if not np.array_equal(first.actions, other.actions):
            raise InputError(
                f"{other.path}: tells {plural(len(other.actions), 'action')} apart, and {first.path} "
                f"{len(first.actions)}, or others; give recognisers of the same actions"
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
            + (
                "give the files that the store was made from, which are brought to that, or train on a store like it"
                if store.layout == recognizer.layout
                else "give clips of its kind"
            )
        )


def _kind(recognizer: Recognizer) -> str:
    return recognizer.layout.name + (" with confidence" if recognizer.confidence else "")


def parts_of(folder: Path) -> dict[str, tuple[Path, float]]:
    """Return the runs, or published folders, that a run of several consists of, with their weights, by their names.

    Empty where it is a single recogniser.

    Raises
    ------
    InputError
        There is no recogniser, or the configuration is damaged.
    """
    if not folder.is_dir() or (folder / "checkpoints").exists() or (folder / WEIGHTS).exists():
        return {}
    published, kept = (folder / SCORES).is_file(), folder / CONFIG
    if not published and not (kept.is_file() and (folder / "results.json").is_file()):
        raise InputError(
            f"{folder}: no trained recogniser (checkpoints/best.pt is missing); "
            "give the folder of a finished `python run.py recognize`"
        )
    results = read_json(folder / (SCORES if published else "results.json"), "train it again")
    config: Any = read_kept(folder) if kept.is_file() else None
    try:
        if published:
            found = {_inside(name): (folder / name, float(weight)) for name, weight in results[PARTS].items()}
        elif "folds" in results:
            found = {_inside(name): (folder / name, 1.0) for name in results["folds"]}
        else:
            ensemble = config.get("ensemble") or {}
            runs = {name: Path(run) for name, run in (ensemble.get("runs") or {}).items()}
            runs |= {name: folder / name for name in config.get("streams") or ()}
            weights = ensemble.get("weights") or {}
            chosen = list(weights.values())[-1] if weights else {next(iter(runs)): 1.0}
            found = {name: (runs[name], float(weight)) for name, weight in chosen.items()}
    except (AttributeError, TypeError, ValueError, KeyError, StopIteration) as error:
        if published and PARTS not in results:
            reason = f"{WEIGHTS} is missing, and {SCORES} names no parts; give the whole of the published folder"
            raise InputError(f"{folder}: {reason}") from error
        raise InputError(f"{kept}: no configuration of a run of several streams; train it again") from error
    found = {name: (path, weight) for name, (path, weight) in found.items() if 0 < weight < math.inf}
    if not found or len(found) > MOST_PARTS:
        raise InputError(
            f"{kept}: {len(found)} recognisers of its ensemble have a weight above 0, expected 1 to {MOST_PARTS}; "
            "train it again"
        )
    if any(folder.resolve().is_relative_to(path.resolve()) for path, _ in found.values()):
        raise InputError(f"{kept}: names its own folder as a part; train it again")
    return found


def _inside(name: str) -> str:
    """Return the name of a folder within another, or raise a ValueError: files from outside must not lead elsewhere."""
    if not re.fullmatch(r"[\w-][\w .-]{0,99}", name):
        raise ValueError(name)
    return name
