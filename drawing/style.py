"""The look that all figures share: colours of methods, and matplotlib's settings."""

from typing import Any

INK, MUTED, GRID = "#1d2733", "#5c6876", "#d9dee4"
METHODS = {
    "raw": "#717677",
    "refined": "#4e66c6",
    "truth": "#488421",
}
"""The colour of each kind of skeletons, wherever drawn; filters have theirs. All differ to the colour-blind."""
MARKERS = "osD^vPX"
DASHES: tuple[Any, ...] = ("-", (0, (6, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.6, 1.2, 1.6)), (0, (3, 3)))

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "figures",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
}


def series(number: int) -> dict[str, Any]:
    """Return the marker and the dash of the series of a number: what tells it from the others where colours do not."""
    return {"marker": MARKERS[number % len(MARKERS)], "linestyle": DASHES[number % len(DASHES)]}
