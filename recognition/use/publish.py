"""`python run.py publish`: a trained recogniser as a folder for others, who use it by `-m FOLDER`."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from base.config import read_kept
from base.errors import InputError
from base.words import plural
from data.skeletons.layouts import content_of
from recognition.config import RecognizeConfig
from recognition.use.predict import action_names
from recognition.use.recognizer import Recognizer, load_ensemble, parts_of
from training.checkpoints import load_checkpoint
from training.published import CARD, CONFIG, PARTS, publishing, write_scores, write_yaml
from training.runs import read_json
from training.weights_file import WEIGHTS, weights_bytes

DESCRIBED = ("model", "layout", "confidence", "actions", "names", "input", "image", "fps", "test")
"""What a checkpoint says of itself and its weights' file repeats: all that is needed to use it, and no paths."""

SIMULATED = """\
It has learned from **simulated actions**: kinematic skeletons that perform the actions as this project describes
them, before a simulated Kinect, and it has been tested on simulated people only. It has seen no recording of a
person. It shows that the way from a clip to a prediction works, and is something to start training from
(`train.start_from`); what it says of real clips has not been measured, and should be expected to be wrong often. For
figures on real clips train on real clips.
"""
FOLDS = """
It is several networks, one of each fold, whose scores are added up. The figures are those of each network on the clips
that it did not learn from; together they have not been tested, and have seen all of these clips.
"""
REAL = """\
It tells apart the actions below, and nothing else: a clip of any other gets one of these names, too. Figures are of
the test clips named below; other cameras, estimators of poses, people or ways to cut clips may give less. Whose clips
these were, who is in them and what the weights may be used for is for whoever publishes them to say here.
"""


def publish(run: Path, folder: Path, again: bool = False) -> list[str]:
    """Write a finished run of recognize as a folder for others.

    The folder has the weights (safetensors, with all that is needed to use them), the recipe, the joints, the actions'
    names, the scores and a card in Markdown; no paths of this machine, and no clips. Of a run of several recognisers it
    has those that `-m RUN` adds up, each in such a folder of its own: the streams of an ensemble, or the folds.

    Parameters
    ----------
    run
        The run's folder.
    folder
        Where to write.
    again
        Replace what an earlier `publish` wrote there.

    Returns
    -------
    Lines to print.

    Raises
    ------
    InputError
        The run is not finished, or is none; or the folder cannot be written.
    """
    if not run.is_dir() or not (run / "results.json").is_file():
        raise InputError(
            f"{run}: no finished run (results.json is missing); give a folder of `python run.py recognize` or `refine`"
        )
    with publishing(folder, again, [run]) as new:
        size = _write(run, new, folder.name)
        files = ", ".join(sorted(path.name for path in new.iterdir()))
    return [
        f"{folder}: {files} ({size / 1e6:.2f} MB of weights)",
        f"read {folder / CARD} before you pass it on, and add what only you know; `-m {folder}` uses it",
    ]


def _write(run: Path, new: Path, name: str) -> int:
    """Write a run, and each recogniser that it consists of into a folder of its own; return the bytes of weights."""
    results = read_json(run / "results.json", "train it again")
    try:
        config = RecognizeConfig.model_validate(read_kept(run))
    except ValidationError as error:
        raise InputError(f"{run / CONFIG}: no configuration of recognize; train it again") from error
    scores = {key: value for key, value in results.items() if key != "notes"}
    parts, recognizer = parts_of(run), load_ensemble(run)[0][1]
    size = 0
    for part, (path, _) in parts.items():
        (new / part).mkdir()
        size += _write(path, new / part, f"{name}/{part}")
    if parts:
        scores[PARTS] = {part: weight for part, (_, weight) in parts.items()}
    else:
        content = load_checkpoint(run)
        kept = {key: content[key] for key in (*DESCRIBED, "state_dict") if key in content}
        (new / WEIGHTS).write_bytes(weights_bytes(kept))
        size = (new / WEIGHTS).stat().st_size
    called = action_names(recognizer.actions, None, recognizer.names)
    write_yaml(new / CONFIG, _recipe(config))
    write_yaml(new / "layout.yaml", content_of(recognizer.layout))
    write_yaml(new / "actions.yaml", called, flow=False)
    write_scores(new, scores)
    (new / CARD).write_text(_card(name, recognizer, config, scores, called), encoding="utf-8")
    return size


_FIGURES = (("top-1", "top1"), ("top-5", "top5"), ("mean class accuracy", "mean_class_accuracy"))


def _figure(scores: dict[str, Any], key: str) -> str:
    """Return a figure with its interval, over people where they are known."""
    text = f"{scores[key]:.2f}%"
    for intervals, over in (("intervals_over_subjects", "people"), ("intervals", "clips")):
        if intervals in scores:
            low, high = scores[intervals][key]
            return f"{text} (95% interval over {over} {low:.1f} to {high:.1f})"
    return text


def _recipe(config: RecognizeConfig) -> dict[str, Any]:
    """Return what somebody else trains alike by: no paths."""
    kept = {"run": {"dir", "device", "devices", "nodes"}, "data": {"store"}, "train": {"start_from", "frozen"}}
    left_out: dict[str, Any] = {**kept, "simulate": True, "ensemble": {"runs"}}
    found = config.model_dump(mode="json", exclude=left_out)
    if config.alone:
        return {**found, "streams": None, "input": {**found["input"], "stream": config.trained[0]}}
    weights = config.ensemble.weights.items()
    there = {name: of for name, of in weights if set(of) <= set(config.trained)}  # others need runs of this machine
    return {**found, "ensemble": {"weights": there}}


def _card(
    name: str, recognizer: Recognizer, config: RecognizeConfig, scores: dict[str, Any], called: dict[int, str]
) -> str:
    """Say in Markdown what the network is, and what it is not."""
    weights = sum(parameter.numel() for parameter in recognizer.net.parameters())
    parts: dict[str, float] = scores.get(PARTS, {})
    folds = "folds" in scores
    confidence = " with a confidence" if recognizer.confidence else ""
    dims = f"{recognizer.layout.dims}D{confidence}"
    learned = plural(scores["train_clips"], "clip")
    rows = {
        "network": f"{config.model.name}, {weights:,} parameters" + " each" * bool(parts),
        "skeletons": f"{recognizer.layout.name}: {len(recognizer.layout.joints)} joints, {dims}",
        "sees": f"{recognizer.view.stream}, {recognizer.view.frames} frames of a clip",
        **({"scores added up": ", ".join(f"{part} x {weight:g}" for part, weight in parts.items())} if parts else {}),
        "actions": str(len(recognizer.actions)),
        "trained on": learned
        if config.simulated is None
        else f"{learned}, simulated (severity "
        f"{config.simulated.severity:g} of a Kinect's errors, seed {config.simulated.seed})",
        "tested on": f"{plural(scores['test_clips'], 'clip')} of the split `{scores['split']}`, once",
        **{title: _figure(scores, key) for title, key in _FIGURES[:: -1 if "uneven" in scores else 1]},
        "chance": f"{100 / len(recognizer.actions):.2f}%",
    }
    if config.train.start_from is not None:
        rows["began from"] = "the weights of another run" + (", kept but for the classifier" * config.train.frozen)
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    actions = "\n".join(f"- A{number:03d} {title}" for number, title in called.items())
    holds = f"`{WEIGHTS}` has all that is needed to use it"
    if parts:
        holds = f"The folders {', '.join(parts)} have all that is needed to use it, or one of them alone"
    start = f"{name}/{next(iter(parts))}" if parts else name
    return f"""# {name}

{REAL if config.simulated is None else SIMULATED}{FOLDS if folds else ""}
| | |
|---|---|
{table}

## Use

```sh
python run.py predict CLIPS -m {name}
python run.py recognize config.yaml data.store=STORE run.dir=RUN train.start_from={start}
```

{holds}; `config.yaml` (the recipe), `layout.yaml` (the joints),
`actions.yaml` and `scores.json` say the same for readers.

## Actions

{actions}
"""
