"""What `python run.py recognize`, `predict` and `explain` print."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from base.progress import PlainConsole
from base.shown import one_line
from base.words import plural
from recognition.config import RecognizeConfig
from recognition.small_sets import say_uneven
from recognition.use.predict import Prediction

if TYPE_CHECKING:
    from recognition.live.live import Decision
    from recognition.use.explain_report import Explanation

SHOWN = 40
"""Clips in the table of predictions on the terminal; the file has all."""


def print_results(results: dict[str, Any], config: RecognizeConfig) -> None:
    """Print the closing table, and where things are.

    Parameters
    ----------
    results
        What the stage returns.
    config
        Its configuration.
    """
    store, run = config.data.store, config.run.dir
    classes = plural(results["classes"], "class", "classes")
    more = f" and {len(config.data.more)} more" if config.data.more else ""
    table = Table(title=f"{store}{more} ({results['split']}), {classes}")
    figures = {"top-1 %": "top1", "top-5 %": "top5", "mean class %": "mean_class_accuracy"}
    if "uneven" in results:
        figures = dict(reversed(figures.items()))
    for column in ("training clips", "test clips", *figures, "seconds"):
        table.add_column(column, justify="right")
    table.add_row(
        str(results["train_clips"]),
        str(results["test_clips"]),
        *(f"{results[key]:.2f}" for key in figures.values()),
        f"{results['seconds']:.1f}",
    )
    console = PlainConsole()
    console.print(table)
    if "streams" in results:
        parts = Table(title="streams, and ensembles of them")
        for column in ("", *figures):
            parts.add_column(column, justify="right" if column else "left")
        for name, found in (*results["streams"].items(), *results["ensembles"].items()):
            parts.add_row(name, *(_figure(found, key) for key in figures.values()))
        console.print(parts)
    if "folds" in results:
        parts = Table(title="folds")
        del figures["top-5 %"]
        for column in ("", "split", "test clips", *figures):
            parts.add_column(column, justify="right" if column not in ("", "split") else "left")
        for name, found in results["folds"].items():
            shown = (_figure(found, key) for key in figures.values())
            parts.add_row(name, found["split"], str(found["test_clips"]), *shown)
        console.print(parts)
    for line in _say_intervals(results, figures):
        print(line)
    for note in (*([say_uneven(results["uneven"])] if "uneven" in results else ()), *results.get("notes", ())):
        print(one_line(note))
    for folder in (run, *(run / name for name in (*results.get("streams", ()), *results.get("folds", ())))):
        if (best := folder / "checkpoints" / "best.pt").is_file():
            print(f"trained recogniser: {best}")
    print(f"results, scores and confusion matrix: {run}")


def _figure(found: dict[str, Any], key: str) -> str:
    """Return a figure with its interval over clips; runs of earlier versions have none."""
    ends = found.get("intervals", {}).get(key)
    return f"{found[key]:.2f}" + (f" ({ends[0]:.1f} to {ends[1]:.1f})" if ends else "")


def _say_intervals(results: dict[str, Any], figures: dict[str, str]) -> list[str]:
    """Say how far the figures are to be trusted."""
    lines = []
    over = {"intervals": f"the {plural(results['test_clips'], 'test clip')}"}
    if "test_subjects" in results:
        over["intervals_over_subjects"] = f"the {results['test_subjects']} people in them"
    for key, whom in over.items():
        if key in results:
            ends = (
                f"{name.removesuffix(' %')} {results[key][figure][0]:.1f} to {results[key][figure][1]:.1f}"
                for name, figure in figures.items()
            )
            lines.append(f"95% interval over {whom}: {', '.join(ends)}")
    return lines


def print_explanation(explanation: "Explanation", output: Path) -> None:
    """Print which joints mattered most, and where the figure and the table are.

    Parameters
    ----------
    explanation
        Of one clip.
    output
        The figure.
    """
    from recognition.use.explain import joint_shares  # not for those who print something else

    found, joints = explanation.found, explanation.layout.joints
    shares = joint_shares(found)
    most = ", ".join(f"{joints[joint]} {100 * shares[joint]:.0f}%" for joint in np.argsort(-shares)[:5])
    print(one_line(f"{found.clip}: {explanation.name} ({100 * found.probability:.0f}%) rests most on {most}"))
    print(f"{output} and {output.with_suffix('.csv')}")


def likeliest_table(title: str, whose: str, found: "Sequence[tuple[str, Prediction | Decision]]") -> Table:
    """Make the table of the likeliest actions of clips, or of people, each with what it is called."""
    table = Table(title=title)
    table.add_column(whose, no_wrap=True)
    for rank in range(1, len(found[0][1].actions) + 1):
        table.add_column(str(rank))
    for called, one in found:
        pairs = zip(one.names, one.probabilities, strict=True)
        table.add_row(called, *(f"{name} {100 * probability:.0f}" for name, probability in pairs))
    return table


def print_predictions(found: Sequence[Prediction], output: Path) -> None:
    """Print the likeliest actions of the first clips, and where those of all are.

    Parameters
    ----------
    found
        The predictions.
    output
        The file that they were written to.
    """
    console = PlainConsole()
    console.print(
        likeliest_table("likeliest actions, probability in %", "clip", [(one.clip, one) for one in found[:SHOWN]])
    )
    if len(found) > SHOWN:
        console.print(f"and {len(found) - SHOWN} more", highlight=False)
    console.print(f"{plural(len(found), 'clip')}: {output}", soft_wrap=True, highlight=False)
