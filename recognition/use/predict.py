"""`python run.py predict`: what a trained recogniser sees in clips."""

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import yaml

from base.config import read_yaml_file
from base.errors import InputError
from base.files import atomic_file
from base.progress import progress
from base.replacing import check_output
from base.settings import FPS
from base.shown import one_line, shown
from base.tables import write_csv
from base.words import plural
from data.ntu.actions import ACTIONS, ACTIONS_120
from data.skeletons.store import ClipStore
from recognition.evaluate import score
from recognition.input.loading import load_clips
from recognition.use.clip_files import Fitting, Refine, each_once, read_chunks
from recognition.use.recognizer import Recognizer, check_same_task, check_store, load_ensemble
from training.devices import explain_out_of_memory, pick_device

TOP = 5


@dataclass(frozen=True)
class Prediction:
    """The likeliest actions of a clip, the first most so: NTU's numbers, what they are called, and probabilities."""

    clip: str
    actions: tuple[int, ...]
    names: tuple[str, ...]
    probabilities: tuple[float, ...]


def predict(
    recognizers: Sequence[tuple[float, Recognizer]],
    store: ClipStore,
    rows: np.ndarray,
    *,
    samplings: int | None = None,
    batch: int = 32,
) -> np.ndarray:
    """Score clips of a store with recognisers of the same actions.

    Parameters
    ----------
    recognizers
        Weights and recognisers; their softmax scores are added up by weight.
    store
        The clips; their action numbers are not looked at.
    rows
        int64 [N], rows of the clip table.
    samplings
        How often each clip is sampled; as in the recogniser's own test if None.
    batch
        Clips at a time.

    Returns
    -------
    float64 [N, classes], probabilities

    Raises
    ------
    InputError
        The store has other skeletons than the recognisers know.
    """
    actions = recognizers[0][1].actions
    total, weights = np.zeros((len(rows), len(actions))), 0.0
    for weight, recognizer in recognizers:
        check_store(recognizer, store)
        clips = load_clips(store, rows, None, recognizer.device, recognizer.view.rotate_to_body, recognizer.view.people)
        found = score(recognizer.net, clips, recognizer.view, batch=batch, samplings=samplings or recognizer.samplings)
        total += weight * found.double().cpu().numpy()
        weights += weight
        if not np.isfinite(total).all():
            raise InputError(f"{recognizer.path}: gives scores that are no numbers; its weights make no sense")
    return total / weights


def predict_clips(
    paths: Sequence[Path],
    models: Sequence[Path],
    *,
    output: Path,
    names: str | None = None,
    samplings: int | None = None,
    batch: int = 32,
    device: str = "auto",
    on_error: Literal["stop", "skip"] = "stop",
    fps: float | None = None,
    refine: Refine | None = None,
    missing: bool = False,
    image_size: tuple[int, int] | None = None,
) -> list[Prediction]:
    """Predict clips, and save the five likeliest actions of each.

    Parameters
    ----------
    paths
        See `clip_files.read_chunks`.
    models
        Folders of runs, or checkpoints; the scores of several are added up.
    output
        A `.csv` with the columns clip, rank, action, name, probability, or a `.json` with the same.
    names
        See `action_names`.
    samplings, batch
        See `predict`.
    device
        `auto`, `cpu` or `cuda`.
    on_error
        What to do with a clip that cannot be used: stop, or name it and go on.
    fps
        Frames per second of files that are predicted; as they say, else as in the training, if None.
    refine
        What refines clips first, such as `refine.of_tracks.refiner_of_tracks` makes.
    missing
        Whether joints may be missing that cannot be had from those of the clips, see `data.skeletons.conversion`.
    image_size
        Width and height of the image that joints of files lie in; as they say, else as in the training, if None.

    Raises
    ------
    InputError
        A clip, a model or the output cannot be used.
    """
    if output.suffix not in (".csv", ".json"):
        raise InputError(f"--output: found {output}, expected a name that ends in .csv or .json")
    check_output(output, [*paths, *models, *([Path(names)] if names and Path(names).exists() else [])])
    if fps is not None and not FPS[0] <= fps <= FPS[1]:
        raise InputError(f"--fps {fps}: expected a number from {FPS[0]} to {FPS[1]}, frames per second")
    where = pick_device(device, "--device")
    recognizers = [part for model in models for part in load_ensemble(model, where)]
    check_same_task(*(one for _, one in recognizers))
    actions = recognizers[0][1].actions
    called = action_names(actions, names, recognizers[0][1].names)

    tell = each_once()

    def unusable(line: str) -> None:
        if on_error == "stop":
            raise InputError(f"{line}; go on without such clips with --on-error skip")
        tell(f"skipped: {line}")

    titles: list[str] = []
    total, weights = np.zeros((0, len(actions))), 0.0
    with (
        progress() as bar,
        explain_out_of_memory(f"--batch: {plural(batch, 'clip does', 'clips do')} not fit on {where}; lower it"),
    ):
        for members in _fed_alike(recognizers):
            first = members[0][1]
            fitting = Fitting(
                first.layout,
                first.confidence,
                first.image,
                first.fps,
                fps,
                refine,
                missing,
                image_size,
                max(one.view.people for _, one in members),
                tell,
            )
            task = bar.add_task("predicting", total=None)
            titles, scores = [], [np.zeros((0, len(actions)))]
            for chunk in read_chunks(paths, unusable, fitting):
                scores.append(predict(members, chunk.store, chunk.rows, samplings=samplings, batch=batch))
                titles += [chunk.store.title(name) for name in chunk.store.clips.name[chunk.rows].tolist()]
                bar.update(task, advance=len(chunk.rows), description=f"predicting ({plural(len(titles), 'clip')})")
            weight = sum(weight for weight, _ in members)
            own = weight * np.concatenate(scores)
            total, weights = (own if weights == 0 else total + own), weights + weight
    found = list(likeliest(titles, total / weights, actions, called))
    if not found:
        raise InputError(f"{paths[0]}: no clip could be used; nothing is written")
    _save(output, found)
    return found


def _fed_alike(recognizers: Sequence[tuple[float, Recognizer]]) -> list[list[tuple[float, Recognizer]]]:
    """Group recognisers of clips of one rate and size of the image: the same clips are brought to each group's."""
    groups: dict[tuple[float | None, tuple[int, int] | None], list[tuple[float, Recognizer]]] = {}
    for weight, one in recognizers:
        groups.setdefault((one.fps, one.image), []).append((weight, one))
    return list(groups.values())


def action_names(actions: np.ndarray, names: str | None, own: Sequence[str] = ()) -> dict[int, str]:
    """Return what each action is called.

    Parameters
    ----------
    actions
        The recogniser's actions.
    own
        What the recogniser itself calls them; nothing for NTU RGB+D's.
    names
        `ntu`: as NTU RGB+D has them. A YAML file: one name for each of the recogniser's actions, in their order; or
        a mapping such as `A103: yawn` or `103: yawn`; or a longer list, the names of A001, A002 and so on. None: the
        recogniser's own; else NTU's where the actions are A001 to A060 or to A120, and otherwise A and the number,
        since a set of one's own may count other actions.

    Raises
    ------
    InputError
        The file is nothing of the kind, or has no name for an action.
    """
    numbers = actions.tolist()
    if names is None and own:
        return dict(zip(numbers, own, strict=True))
    if names is None and numbers not in (list(range(1, len(known) + 1)) for known in (ACTIONS, ACTIONS_120)):
        return {number: f"A{number:03d}" for number in numbers}
    if names in (None, "ntu"):
        if beyond := [number for number in numbers if not 1 <= number <= len(ACTIONS_120)]:
            raise InputError(
                f"--names ntu: names A001 to A{len(ACTIONS_120):03d}, and the model tells A{beyond[0]:03d} apart from "
                "others; give a YAML file of names"
            )
        return {number: ACTIONS_120[number - 1] for number in numbers}
    found = _read_names(Path(str(names)))
    if isinstance(found, list) and len(found) == len(numbers):
        return dict(zip(numbers, found, strict=True))
    known = dict(enumerate(found, 1)) if isinstance(found, list) else found
    if missing := [number for number in numbers if number not in known]:
        several = ", ".join(f"A{number:03d}" for number in numbers[:5]) + (", ..." if len(numbers) > 5 else "")
        raise InputError(
            f"--names: {names} has {plural(len(found), 'name')}, none of them for A{missing[0]:03d}; the model has "
            f"{plural(len(numbers), 'action')} ({several}): give one name to each in this order, a mapping such as "
            f"`{missing[0]}: name`, or the names of A001 to A{max(numbers):03d}"
        )
    return {number: known[number] for number in numbers}


def _read_names(path: Path) -> list[str] | dict[int, str]:
    try:
        listed = read_yaml_file(path)
    except InputError as error:
        raise InputError(f"--names: {error}; give `ntu` or a YAML file") from error
    except OSError as error:
        raise InputError(f"--names: {path} cannot be read ({error.strerror}); give `ntu` or a YAML file") from error
    except yaml.YAMLError as error:
        raise InputError(f"--names: {path} is not valid YAML; expected a list of names") from error
    if isinstance(listed, list) and listed and all(isinstance(name, str) for name in listed):
        return [one_line(name) for name in listed]
    if isinstance(listed, dict) and listed and all(isinstance(name, str) for name in listed.values()):
        numbers = {key: _number(key) for key in listed}
        if wrong := [key for key, number in numbers.items() if number is None]:
            raise InputError(f"--names: {path} names {shown(wrong[0], 40)}, which is no action; expected 103 or A103")
        return {numbers[key]: one_line(name) for key, name in listed.items()}  # type: ignore[misc]
    raise InputError(
        f"--names: {path} is no list of names; expected one name a line, each after `- `, or lines such as `103: name`"
    )


def _number(key: object) -> int | None:
    """Read the number of an action, such as 103 or A103."""
    if isinstance(key, int) and not isinstance(key, bool):
        return key
    found = re.fullmatch(r"A?(\d{1,6})", key, re.ASCII) if isinstance(key, str) else None
    return int(found[1]) if found else None


def likeliest(
    clips: Sequence[str], scores: np.ndarray, actions: np.ndarray, called: Mapping[int, str]
) -> Iterator[Prediction]:
    """Give the likeliest actions of clips with such `scores` [N, classes]."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
    for clip, places, values in zip(clips, order, np.take_along_axis(scores, order, 1), strict=True):
        best = tuple(actions[places].tolist())
        yield Prediction(clip, best, tuple(called[action] for action in best), tuple(values.tolist()))


def _save(output: Path, found: Sequence[Prediction]) -> None:
    rows = [
        {"clip": one.clip, "rank": rank, "action": action, "name": name, "probability": round(probability, 6)}
        for one in found
        for rank, (action, name, probability) in enumerate(
            zip(one.actions, one.names, one.probabilities, strict=True), 1
        )
    ]
    if output.suffix == ".json":
        text = json.dumps(rows, indent=1) + "\n"
    else:
        table = io.StringIO()
        write_csv(table, [list(rows[0]), *(list(row.values()) for row in rows)])
        text = table.getvalue()
    try:
        with atomic_file(output) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"--output: {output} cannot be written ({error.strerror})") from error
