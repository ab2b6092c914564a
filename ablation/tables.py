"""The report's tables."""

from collections.abc import Sequence

import numpy as np

from ablation.findings import LABELS, Findings, points
from data.tables import Column, Table
from recognition.evaluate import accuracies
from refine.tables import parameters


def all_tables(findings: Findings) -> list[Table]:
    """Make every table that the findings allow."""
    tables = [accuracy_table(findings), comparison_table(findings), class_table(findings)]
    for optional in (confusion_table(findings), pose_table(findings), benchmark_table(findings)):
        if optional is not None:
            tables.append(optional)
    return tables


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
                LABELS.get(arm, arm),
                float(np.mean(top1)),
                tuple(top1),
                float(np.std(top1, ddof=1)) if len(top1) > 1 else None,
                float(np.mean(top5)),
                float(np.mean(mean_class)),
                found.difference if found else None,
                found.interval if found else None,
                found.mcnemar_p if found else None,
            )
        )
    return Table(
        "accuracy",
        f"Accuracy on the {findings.test_clips:,} test clips, in percent; differences in points from "
        f"{LABELS.get(findings.against, findings.against)}",
        (
            Column("skeletons", numeric=False),
            Column("top-1", _one),
            Column("by seed", _several),
            Column("seed SD", _two),
            Column("top-5", _one),
            Column("mean class", _one),
            Column("difference", points),
            Column(f"{100 * findings.confidence:g}% interval", _interval),
            Column("McNemar p", _p),
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
                f"{LABELS.get(found.arm, found.arm)} against {LABELS.get(found.against, found.against)}",
                found.difference,
                found.interval,
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
        "(scores averaged over the seeds)",
        (
            Column("comparison", numeric=False),
            Column("difference", points),
            Column("interval", _interval),
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
    return Table(
        "classes",
        "Share of each class's clips that is recognised, mean over the seeds, in percent",
        (
            Column("action", numeric=False),
            Column("number", lambda action: f"A{action:03d}", numeric=False),
            Column("test clips", str),
            Column(LABELS.get(findings.against, findings.against), _one),
            Column(LABELS.get(findings.main, findings.main), _one),
            Column("difference", points),
            Column("interval", _interval),
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
            )
            for effect in ordered
        ],
    )


def confusion_table(findings: Findings) -> Table | None:
    """Tabulate the confusions that changed most."""
    if not findings.confusions:
        return None
    return Table(
        "confusions",
        "The confusions that changed most, in percent of the true class's clips, mean over the seeds; those that "
        f"{LABELS.get(findings.main, findings.main)} repairs come first",
        (
            Column("action", numeric=False),
            Column("taken for", numeric=False),
            Column(LABELS.get(findings.against, findings.against), _one),
            Column(LABELS.get(findings.main, findings.main), _one),
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
    columns: tuple[Column, ...] = (Column("skeletons", numeric=False), Column("acceleration, mm/frame²", _two))
    if truth:
        columns += (Column("MPJPE, mm", _two), Column("Accel, mm/frame²", _two))
    return Table(
        "poses",
        "The skeletons of the test clips: mean norm of the joints' second differences"
        + (", and the errors against the noise-free skeletons (MPJPE after root alignment)" if truth else ""),
        columns,
        [
            (LABELS.get(row.arm, row.arm), row.acceleration, *((row.mpjpe, row.accel) if truth else ()))
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
                label = LABELS.get(other["filter"], other["filter"])
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


def _errors(figures: dict[str, float | None]) -> Sequence[float | None]:
    return [figures[name] for name in ("mpjpe", "pa_mpjpe", "accel")]


def _one(value: float) -> str:
    return f"{value:.1f}"


def _two(value: float) -> str:
    return f"{value:.2f}"


def _several(values: Sequence[float]) -> str:
    return "  ".join(f"{value:.1f}" for value in values)


def _interval(interval: tuple[float, float]) -> str:
    return " to ".join(map(points, interval))


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
