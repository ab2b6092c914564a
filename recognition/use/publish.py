"""`python run.py publish`: a trained recogniser as a folder for others, who use it by `-m FOLDER`."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from base.config import read_kept
from base.errors import InputError
from base.files import atomic_folder
from base.replacing import Kind
from base.words import plural
from data.skeletons.layouts import content_of
from recognition.config import RecognizeConfig
from recognition.use.predict import action_names
from recognition.use.recognizer import Recognizer, load_recognizer
from training.checkpoints import load_checkpoint
from training.runs import read_json
from training.weights_file import WEIGHTS, weights_bytes

FILES = (WEIGHTS, "config.yaml", "layout.yaml", "actions.yaml", "scores.json", "card.md")

DESCRIBED = ("model", "layout", "confidence", "actions", "names", "input", "image", "fps", "test")
"""What a checkpoint says of itself and its weights' file repeats: all that is needed to use it, and no paths."""

SIMULATED = """\
It has learned from **simulated actions**: kinematic skeletons that perform the actions as this project describes
them, before a simulated Kinect, and it has been tested on simulated people only. It has seen no recording of a
person. It shows that the way from a clip to a prediction works, and is something to start training from
(`train.start_from`); what it says of real clips has not been measured, and should be expected to be wrong often. For
figures on real clips train on real clips.
"""
REAL = """\
It tells apart the actions below, and nothing else: a clip of any other gets one of these names, too. Figures are of
the test clips named below; other cameras, estimators of poses, people or ways to cut clips may give less. Whose clips
these were, who is in them and what the weights may be used for is for whoever publishes them to say here.
"""


def publish(run: Path, folder: Path, again: bool = False) -> list[str]:
    """Write a finished run of recognize as a folder for others.

    The folder has the weights (safetensors, with all that is needed to use them), the recipe, the joints, the actions'
    names, the scores and a card in Markdown; no paths of this machine, and no clips.

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
        The run is not finished, has several recognisers or is none; or the folder cannot be written.
    """
    if not run.is_dir() or not (run / "results.json").is_file():
        raise InputError(
            f"{run}: no finished run (results.json is missing); give a folder of `python run.py recognize`"
        )
    results = read_json(run / "results.json", "train it again")
    if parts := [str(run / name) for key in ("streams", "folds") for name in results.get(key) or ()]:
        raise InputError(
            f"{run}: has {plural(len(parts), 'recogniser')}; publish them one by one: {', '.join(parts[:4])}"
        )
    recognizer, content = load_recognizer(run), load_checkpoint(run)
    try:
        config = RecognizeConfig.model_validate(read_kept(run))
    except ValidationError as error:
        raise InputError(f"{run / 'config.yaml'}: no configuration of recognize; train it again") from error
    described = {key: content[key] for key in DESCRIBED if key in content}
    called = action_names(recognizer.actions, None, recognizer.names)
    scores = {key: value for key, value in results.items() if key != "notes"}
    with atomic_folder(folder, Kind("published folder", _fault) if again else None, [run]) as new:
        (new / WEIGHTS).write_bytes(weights_bytes({**described, "state_dict": content["state_dict"]}))
        for name, values, flow in (
            ("config.yaml", _recipe(config), None),
            ("layout.yaml", content_of(recognizer.layout), None),
            ("actions.yaml", called, False),
        ):
            text = yaml.safe_dump(values, sort_keys=False, default_flow_style=flow, width=120, allow_unicode=True)
            (new / name).write_text(text, encoding="utf-8")
        (new / "scores.json").write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
        (new / "card.md").write_text(_card(folder.name, recognizer, config, scores, called), encoding="utf-8")
        size = (new / WEIGHTS).stat().st_size
    return [
        f"{folder}: {', '.join(FILES)} ({size / 1e6:.2f} MB of weights)",
        f"read {folder / 'card.md'} before you pass it on, and add what only you know; `-m {folder}` uses it",
    ]


def _recipe(config: RecognizeConfig) -> dict[str, Any]:
    """Return what somebody else trains alike by: no paths."""
    kept = {"run": {"dir", "device", "devices", "nodes"}, "data": {"store"}, "train": {"start_from", "frozen"}}
    left_out: dict[str, Any] = {**kept, "simulate": True, "ensemble": True, "streams": True}
    found = config.model_dump(mode="json", exclude=left_out)
    return {**found, "input": {**found["input"], "stream": config.trained[0]}}


def _card(
    name: str, recognizer: Recognizer, config: RecognizeConfig, scores: dict[str, Any], called: dict[int, str]
) -> str:
    """Say in Markdown what the network is, and what it is not."""
    weights = sum(parameter.numel() for parameter in recognizer.net.parameters())
    confidence = " with a confidence" if recognizer.confidence else ""
    dims = f"{recognizer.layout.dims}D{confidence}"
    learned = plural(scores["train_clips"], "clip")
    rows = {
        "network": f"{config.model.name}, {weights:,} parameters",
        "skeletons": f"{recognizer.layout.name}: {len(recognizer.layout.joints)} joints, {dims}",
        "sees": f"{recognizer.view.stream}, {recognizer.view.frames} frames of a clip",
        "actions": str(len(recognizer.actions)),
        "trained on": learned
        if config.simulate is None
        else f"{learned}, simulated (severity "
        f"{config.simulate.severity:g} of a Kinect's errors, seed {config.simulate.seed})",
        "tested on": f"{plural(scores['test_clips'], 'clip')} of the split `{scores['split']}`, once",
        "top-1": f"{scores['top1']:.2f}% (chance: {100 / len(recognizer.actions):.2f}%)",
        "top-5": f"{scores['top5']:.2f}%",
        "mean class accuracy": f"{scores['mean_class_accuracy']:.2f}%",
    }
    if config.train.start_from is not None:
        rows["began from"] = "the weights of another run" + (", kept but for the classifier" * config.train.frozen)
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    actions = "\n".join(f"- A{number:03d} {title}" for number, title in called.items())
    return f"""# {name}

{REAL if config.simulate is None else SIMULATED}
| | |
|---|---|
{table}

## Use

```sh
python run.py predict CLIPS -m {name}
python run.py recognize config.yaml data.store=STORE run.dir=RUN train.start_from={name}
```

`{WEIGHTS}` has all that is needed to use it; `config.yaml` (the recipe), `layout.yaml` (the joints),
`actions.yaml` and `scores.json` say the same for readers.

## Actions

{actions}
"""


def _fault(folder: Path) -> str:
    """Say why a folder is none that was published here."""
    others = sorted({path.name for path in folder.iterdir()} - set(FILES))
    if others:
        return f"holds {others[0]}"
    with suppress(OSError):
        if (folder / "card.md").read_text(encoding="utf-8").startswith("# "):
            return ""
    return "has no card.md"
