"""The report's tables."""

from collections.abc import Iterable, Sequence

import numpy as np

from ablation.findings import TOO_FEW, Findings, interval_text, points, severity_text, verdict
from ablation.statistics import Interval
from base.tables import Column, Table
from recognition.evaluate import accuracies
from refine.tables import parameters


def all_tables(findings: Findings) -> list[Table]:
    """Make every table that the findings allow."""
    tables = [accuracy_table(findings), comparison_table(findings), class_table(findings)]
    others = (
        condition_table, crossing_table, confusion_table, pose_table, joint_table, spectrum_table, benchmark_table
    )  # fmt: skip
    return tables + [table for make in others if (table := make(findings)) is not None]


def accuracy_table(findings: Findings) -> Table:
    """Tabulate accuracy per arm with its difference from the reference."""
    rows = []
    for arm, scores in findings.arms.items():
        figures = [accuracies(scores.label, score) for score in scores.score]
        top1, top5, mean_class = (
            [figure[key] for figure in figures] for key in ("top1", "top5", "mean_class_accuracy")
        )
        found = findings.comparison(arm)
        rows.append(
            (
                findings.label(arm),
                float(np.mean(top1)),
                tuple(top1),
                float(np.mean(top5)),
                float(np.mean(mean_class)),
                found.difference if found else None,
                found.interval if found else None,
                found.mcnemar_p if found else None,
                verdict(findings, found) if found else None,
            )
        )
    return Table(
        "accuracy",
        f"Accuracy on the {findings.test_clips:,} test clips, in percent; differences in points from "
        f"{findings.label(findings.against)}" + _footnote(found.interval for found in findings.comparisons),
        (
            Column("skeletons", numeric=False),
            Column("top-1", _one),
            Column("by seed", _several),
            Column("top-5", _one),
            Column("mean class", _one),
            Column("difference", points),
            Column(f"{100 * findings.confidence:g}% interval", interval_text),
            Column("McNemar p", _p),
            Column("verdict", numeric=False),
        ),
        rows,
    )


def comparison_table(findings: Findings) -> Table:
    """Tabulate what lies behind each comparison."""
    rows = []
    for found in [*findings.comparisons, *([findings.between] if findings.between else [])]:
        corrected = found.holm_p if found is not findings.between else None
        rows.append(
            (
                f"{findings.label(found.arm)} against {findings.label(found.against)}",
                found.difference,
                found.interval,
                found.narrow,
                found.people,
                found.by_seed,
                found.repaired,
                found.broken,
                found.mcnemar_p,
                corrected,
            )
        )
    return Table(
        "comparisons",
        "Each comparison: the difference of each seed, and the clips that only one of the two gets right "
        "(scores averaged over the seeds)" + _footnote(row[2] for row in rows),
        (
            Column("comparison", numeric=False),
            Column("difference", points),
            Column(f"{100 * findings.confidence:g}% interval", interval_text),
            Column("interval for equivalence", interval_text),
            Column("interval over people", interval_text),
            Column("by seed", lambda values: "  ".join(map(points, values))),
            Column("repaired", str),
            Column("broken", str),
            Column("McNemar p", _p),
            Column("Holm p", _p),
        ),
        rows,
    )


def class_table(findings: Findings) -> Table:
    """Tabulate the main arm against the reference, class by class."""
    ordered = sorted(findings.classes, key=lambda effect: (-effect.difference, effect.action))
    found = findings.movement
    columns = (found.action.tolist(), found.jitter.tolist(), found.speed.tolist()) if found else ((), (), ())
    moving = {action: (jitter, speed) for action, jitter, speed in zip(*columns, strict=True)}
    return Table(
        "classes",
        "Share of each class's clips that is recognised, mean over the seeds, in percent"
        + _footnote(effect.interval for effect in ordered),
        (
            Column("action", numeric=False),
            Column("number", lambda action: f"A{action:03d}", numeric=False),
            Column("test clips", str),
            Column(findings.label(findings.against), _one),
            Column(findings.label(findings.main), _one),
            Column("difference", points),
            Column("interval", interval_text),
            Column("McNemar p", _p),
            Column("Holm p", _p),
            Column(f"jitter, {findings.unit}/frame²", _two),
            Column(f"speed, {findings.speed_unit}", _two),
        ),
        [
            (
                action_name(findings, effect.action),
                effect.action,
                effect.clips,
                effect.before,
                effect.after,
                effect.difference,
                effect.interval,
                effect.mcnemar_p,
                effect.holm_p,
                *moving.get(effect.action, (None, None)),
            )
            for effect in ordered
        ],
    )


AXES = {"split": "split", "stream": "stream", "pairing": "skeletons used in", "severity": "noise severity",
        "setting": "noise setting", "share": "training clips"}  # fmt: skip
PAIRINGS = {
    "both": "training and test", "test": "test only", "train": "training only", "mixed": "half of training, and test"
}  # fmt: skip
"""Where an arm's skeletons are used."""


def condition_value(axis: str, value: object) -> str:
    """Write where a condition lies on an axis the way people read it."""
    if axis == "pairing":
        return PAIRINGS[str(value)]
    if isinstance(value, float):
        return f"{value:.0%}" if axis == "share" else f"{value:g}"
    return str(value).replace("_", " ")


def condition_table(findings: Findings) -> Table | None:
    """Tabulate every arm under every condition; None where there is but one."""
    varied = [axis for axis in AXES if len({getattr(row.condition, axis) for row in findings.rows}) > 1]
    if not varied:
        return None
    rows = []
    for row in findings.rows:
        found = row.comparison
        rows.append(
            (
                findings.label(row.arm),
                *(getattr(row.condition, axis) for axis in varied),
                len(row.seeds),
                float(np.mean(row.top1)),
                found.difference if found else None,
                found.interval if found else None,
                found.mcnemar_p if found else None,
                found.holm_p if found else None,
                verdict(findings, found) if found else None,
            )
        )

    def on(axis: str) -> Column:
        return Column(AXES[axis], lambda value: condition_value(axis, value), axis in ("severity", "share"))

    return Table(
        "conditions",
        "Every kind of skeletons under every condition: top-1 in percent, and its difference in points from "
        f"{findings.label(findings.against)} under the same one; Holm's correction is over this whole table"
        + _footnote(row.comparison.interval for row in findings.rows if row.comparison),
        (
            Column("skeletons", numeric=False),
            *map(on, varied),
            Column("seeds", str),
            Column("top-1", _one),
            Column("difference", points),
            Column(f"{100 * findings.confidence:g}% interval", interval_text),
            Column("McNemar p", _p),
            Column("Holm p", _p),
            Column("verdict", numeric=False),
        ),
        rows,
    )


def crossing_table(findings: Findings) -> Table | None:
    """Tabulate above which severity of the noise each arm is better than the reference."""
    if not findings.crossings:
        return None
    values = [row.condition.severity or 0.0 for rows in findings.along("severity").values() for row in rows]
    high = max(values)

    def severity(value: float) -> str:
        return severity_text(value, high)

    return Table(
        "crossings",
        f"The severity of the noise above which accuracy is higher than with {findings.label(findings.against)}, "
        "linear between those that were measured" + _footnote(one.interval for one in findings.crossings),
        (
            Column("skeletons", numeric=False),
            Column("severity", severity),
            Column(f"{100 * findings.confidence:g}% interval", lambda ends: " to ".join(map(severity, ends))),
        ),
        [(findings.label(one.arm), one.severity, one.interval) for one in findings.crossings],
    )


def joint_table(findings: Findings) -> Table | None:
    """Tabulate how much each joint matters for recognition, before and after."""
    if not findings.importance or findings.clip is None:
        return None
    names = [name.replace("_", " ") for name in findings.clip.layout.joints]
    before, after = (100 * findings.importance[arm] for arm in (findings.against, findings.main))
    order = np.argsort(-before, kind="stable").tolist()
    return Table(
        "joints",
        "How much of the decision rests on each joint, percent",
        (
            Column("joint", numeric=False),
            Column(findings.label(findings.against), _one),
            Column(findings.label(findings.main), _one),
            Column("change", points),
        ),
        [(names[at], float(before[at]), float(after[at]), float(after[at] - before[at])) for at in order],
    )


def spectrum_table(findings: Findings) -> Table | None:
    """Tabulate the power of joint motion by frequency."""
    found = findings.spectrum
    if found is None:
        return None
    return Table(
        "spectrum",
        f"Power of the joints' motion by frequency, {findings.unit}²/Hz",
        (Column("Hz", lambda value: f"{value:.2f}"), *(Column(findings.label(arm), _three) for arm in found.power)),
        [tuple(row) for row in np.column_stack([found.frequency, *found.power.values()]).tolist()],
    )


def confusion_table(findings: Findings) -> Table | None:
    """Tabulate the confusions that changed most."""
    if not findings.confusions:
        return None
    return Table(
        "confusions",
        "The confusions that changed most, in percent of the true class's clips, mean over the seeds; those that "
        f"{findings.label(findings.main)} repairs come first",
        (
            Column("action", numeric=False),
            Column("taken for", numeric=False),
            Column(findings.label(findings.against), _one),
            Column(findings.label(findings.main), _one),
            Column("change", points),
        ),
        [
            (
                action_name(findings, found.action),
                action_name(findings, found.taken_for),
                found.before,
                found.after,
                found.after - found.before,
            )
            for found in findings.confusions
        ],
    )


def pose_table(findings: Findings) -> Table | None:
    """Tabulate each arm's skeletons on the test clips."""
    if not findings.poses:
        return None
    truth = any(row.mpjpe is not None for row in findings.poses)
    columns: tuple[Column, ...] = (
        Column("skeletons", numeric=False),
        Column(f"acceleration, {findings.unit}/frame²", _two),
    )
    if truth:
        columns += (Column(f"MPJPE, {findings.unit}", _two), Column(f"Accel, {findings.unit}/frame²", _two))
    return Table(
        "poses",
        "The skeletons of the test clips: mean norm of the joints' second differences"
        + (", and the errors against the noise-free skeletons (MPJPE after root alignment)" if truth else ""),
        columns,
        [
            (findings.label(row.arm), row.acceleration, *((row.mpjpe, row.accel) if truth else ()))
            for row in findings.poses
        ],
    )


def benchmark_table(findings: Findings) -> Table | None:
    """Tabulate the refiner's and the filters' pose errors on the pose benchmarks."""
    if not findings.benchmarks or not findings.benchmarks.get("rows"):
        return None
    rows = []
    for row in findings.benchmarks["rows"]:
        name, unit = f"{row['benchmark']} ({row['split']})", row["unit"]
        rows.append((name, "input", *_errors(row["input"]), unit))
        rows.append((name, f"SmoothNet, window {row['window']}", *_errors(row["output"]), unit))
        for other in findings.benchmarks.get("filters", ()):
            if (other["benchmark"], other["split"]) == (row["benchmark"], row["split"]):
                label = findings.label(other["filter"])
                rows.append((name, f"{label} ({parameters(other['parameters'])})", *_errors(other["output"]), unit))
    return Table(
        "benchmarks",
        "Pose errors on the pose benchmarks, frames of the split together",
        (
            Column("benchmark", numeric=False),
            Column("method", numeric=False),
            Column("MPJPE", _two),
            Column("PA-MPJPE", _two),
            Column("Accel (per frame²)", _two),
            Column("unit", numeric=False),
        ),
        rows,
    )


def action_name(findings: Findings, action: int) -> str:
    """Return an action's name, or its number where it has none."""
    return findings.actions.get(action, f"A{action:03d}")


def _footnote(intervals: Iterable[Interval | None]) -> str:
    """Say in a table's caption why it has dashes for intervals, if it has."""
    return f"; –: {TOO_FEW}" if any(interval is None for interval in intervals) else ""


def _errors(figures: dict[str, float | None]) -> Sequence[float | None]:
    return [figures[name] for name in ("mpjpe", "pa_mpjpe", "accel")]


def _one(value: float) -> str:
    return f"{value:.1f}"


def _two(value: float) -> str:
    return f"{value:.2f}"


def _three(value: float) -> str:
    return f"{value:.3g}"


def _several(values: Sequence[float]) -> str:
    return "  ".join(f"{value:.1f}" for value in values)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
