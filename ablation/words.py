"""How numbers are written in the report: differences, intervals, p-values."""

from collections.abc import Iterable, Sequence

import numpy as np

from ablation.statistics import FEWEST_CLIPS, FEWEST_SCORED, Interval

TOO_FEW = (
    f"no interval is given from fewer than {FEWEST_CLIPS} clips, or {FEWEST_SCORED} clips times seeds: resampling so "
    "few would cover the truth too seldom"
)
"""The footnote of tables in which an interval is left out."""


def points(value: float) -> str:
    """Write a signed difference: +1.2, −0.4, 0.0; what is near zero but not zero keeps its sign: +0.03."""
    size = abs(value)
    if size < 0.005:
        return "0.0"
    return ("+" if value > 0 else "−") + (f"{size:.2f}" if size < 0.05 else f"{size:.1f}")


def interval_text(interval: Interval | None) -> str:
    """Write an interval of a difference: +0.3 to +2.1; or that there is none."""
    return "no interval" if interval is None else " to ".join(map(points, interval))


def with_interval(difference: float, interval: Interval | None, unit: str = "") -> str:
    """Write a difference with its interval behind it, for drawings."""
    ends = "no interval" if interval is None else " to ".join(f"{end:+.1f}" for end in interval)
    return f"{difference:+.1f}{unit} ({ends})"


def footnote(intervals: Iterable[Interval | None]) -> str:
    """Say in a table's caption why it has dashes for intervals, if it has."""
    return f"; –: {TOO_FEW}" if any(interval is None for interval in intervals) else ""


def p_value(p: float) -> str:
    """Write a p-value inside a sentence."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def p_cell(p: float) -> str:
    """Write a p-value inside a table."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def severity_text(severity: float, high: float) -> str:
    """Write where an arm begins to gain: at any severity, at this one, or at none up to the highest measured."""
    if np.isinf(severity):
        return "any" if severity < 0 else f"none up to {high:g}"
    return f"{severity:.1f}"


def one_decimal(value: float) -> str:
    """Write a number with one decimal place."""
    return f"{value:.1f}"


def two_decimals(value: float) -> str:
    """Write a number with two decimal places."""
    return f"{value:.2f}"


def three_digits(value: float) -> str:
    """Write a number with three digits."""
    return f"{value:.3g}"


def several(values: Sequence[float]) -> str:
    """Write several numbers beside each other."""
    return "  ".join(f"{value:.1f}" for value in values)
