"""What a run leaves for people: the confusion matrix as a table and a figure, and the closing table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from rich.table import Table
from sklearn.metrics import confusion_matrix

from base.files import atomic_file
from base.progress import PlainConsole
from base.tables import write_csv
from base.words import plural


def confusion(label: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Count int64 [classes (true), classes (predicted)] from labels [N] and scores [N, classes]."""
    counts: np.ndarray = confusion_matrix(label, scores.argmax(1), labels=np.arange(scores.shape[1]))
    return counts


def write_confusion(path: Path, counts: np.ndarray, names: Sequence[str]) -> None:
    """Write a confusion matrix as CSV: one row per true class, one column per predicted class."""
    with atomic_file(path) as temporary, temporary.open("w", newline="") as file:
        rows = [[name, *row] for name, row in zip(names, counts.tolist(), strict=True)]
        write_csv(file, [["true", *names], *rows], "\r\n")


def draw_confusion(counts: np.ndarray, names: Sequence[str]) -> Figure:
    """Draw a confusion matrix in percent of each true class."""
    percent = 100 * counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = 3 + 0.2 * len(names)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    figure.colorbar(image, label="% of the true class", shrink=0.8)
    return figure


def print_results(results: dict[str, Any], store: Path, run: Path) -> None:
    """Print the closing table on standard output."""
    classes = plural(results["classes"], "class", "classes")
    table = Table(title=f"{store} ({results['split']}), {classes}")
    for column in ("training clips", "test clips", "top-1 %", "top-5 %", "mean class %", "seconds"):
        table.add_column(column, justify="right")
    table.add_row(
        str(results["train_clips"]),
        str(results["test_clips"]),
        f"{results['top1']:.2f}",
        f"{results['top5']:.2f}",
        f"{results['mean_class_accuracy']:.2f}",
        f"{results['seconds']:.1f}",
    )
    console = PlainConsole()
    console.print(table)
    if "streams" in results:
        parts = Table(title="streams, and ensembles of them")
        for column in ("", "top-1 %", "top-5 %", "mean class %"):
            parts.add_column(column, justify="right" if column else "left")
        for name, found in (*results["streams"].items(), *results["ensembles"].items()):
            parts.add_row(name, *(f"{found[key]:.2f}" for key in ("top1", "top5", "mean_class_accuracy")))
        console.print(parts)
    for folder in (run, *(run / name for name in results.get("streams", ()))):
        if (best := folder / "checkpoints" / "best.pt").is_file():
            print(f"trained recogniser: {best}")
    print(f"results, scores and confusion matrix: {run}")
