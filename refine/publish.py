"""`python run.py publish`: a trained refiner as a folder for others, who name it wherever a refiner can be named."""

from pathlib import Path
from typing import Any

from base.config import read_kept
from base.errors import InputError
from refine.refiner import load_refiner
from training.checkpoints import load_checkpoint
from training.published import CARD, CONFIG, publishing, write_scores, write_yaml
from training.runs import read_json
from training.weights_file import WEIGHTS, weights_bytes


def is_refine_run(run: Path) -> bool:
    """Whether a folder is a finished run of refine."""
    return (run / "results.json").is_file() and "rows" in read_json(run / "results.json", "run it again")


def publish(run: Path, folder: Path, again: bool = False) -> list[str]:
    """Write a finished run of refine as a folder for others: weights, recipe, errors, and a card.

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
        The run has trained nothing, or several networks; or the folder cannot be written.
    """
    refiner, content = load_refiner(run), load_checkpoint(run)
    if "refiner" not in content:
        raise InputError(f"{run}: its checkpoint does not say how it is used; give a run that `refine` has trained")
    rows = read_json(run / "results.json", "run it again")["rows"]
    with publishing(folder, again, [run]) as new:
        kept = {key: content[key] for key in ("refiner", "state_dict")}
        (new / WEIGHTS).write_bytes(weights_bytes(kept))
        write_yaml(new / CONFIG, _recipe(read_kept(run)))
        write_scores(new, {"rows": rows})
        (new / CARD).write_text(_card(folder.name, refiner.describe(), rows), encoding="utf-8")
        size = (new / WEIGHTS).stat().st_size
    return [
        f"{folder}: {WEIGHTS}, {CONFIG}, scores.json, {CARD} ({size / 1e6:.2f} MB of weights)",
        f"read {folder / CARD} before you pass it on, and add what only you know; `smooth --model {folder}` uses it",
    ]


def _recipe(config: Any) -> dict[str, Any]:
    """Return what it was trained by, without paths of this machine."""
    kept = {key: config.get(key) for key in ("model", "normalise", "train")}
    train = {key: value for key, value in (kept["train"] or {}).items() if key != "checkpoint"}
    return {**kept, "train": train}


def _card(name: str, about: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """Say in Markdown what the network is, and what was measured."""
    rate = "not said" if about["fps"] is None else f"{about['fps']:g} frames a second"
    measured = [
        f"| {row['benchmark']} ({row['split']}) | {row['input']['mpjpe']:.2f} | {row['output']['mpjpe']:.2f} "
        f"| {row['input']['accel']:.2f} | {row['output']['accel']:.2f} |"
        for row in rows
        if {"mpjpe", "accel"} <= row.get("input", {}).keys() & row.get("output", {}).keys()
    ]
    table = [
        "| benchmark | error before | after | Accel before | after |",
        "|---|---:|---:|---:|---:|",
        *measured,
        "",
        "Millimetres and millimetres per frame^2 in space, pixels in an image.",
    ]
    errors = "\n".join(table) if measured else "Nothing was measured in this run."
    learned = ", ".join(about["trained_on"]) or "no benchmark by name"
    return f"""# {name}

A {about["kind"]} network of {about["window"]} frames that refines skeletons, trained on {learned}, at {rate}.
What it does to other cameras, estimators of poses and movements has not been measured; that a skeleton is smoother
does not make it truer: compare on clips like yours (`python run.py ablate`). Whose data these were and what the
weights may be used for is for whoever publishes them to say here.

## Measured

{errors}

## Use

```sh
python run.py smooth FILE --model {name}
python run.py refine configs/refine/h36m_fcn_3D.yaml 'train.on=[]' 'evaluate.on=[]' train.checkpoint={name} \\
    apply.input=STORE apply.output=REFINED
```

In a study it is the `train.checkpoint` of a refiner.
"""
