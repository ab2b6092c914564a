"""What a run leaves for people: the confusion matrix as a table and a figure."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

from base.files import atomic_file
from base.tables import write_csv

warnings.filterwarnings("ignore", r"Glyph \d+ .* missing")  # names in scripts that a figure's font lacks


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
