"""Compare the simulated Kinect's errors with those of real ones: `python -m data.ntu.simulate.calibration`.

The figures to meet were measured on two populations. Second differences and tracking states come from raw NTU RGB+D
clips; the residual comes from a cleaner laboratory, where a person exercises before the camera while optical markers
are tracked. No one population can have both: see `docs/stand_in.md`. The first are therefore compared on simulated
clips of all actions and views in the setting `NTU`, the second on those in which one person faces the camera in the
setting `LAB`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from base.progress import PlainConsole
from data.ntu.actions import TWO_PERSON
from data.ntu.names import ClipName
from data.ntu.simulate.actions import repertoire
from data.ntu.simulate.cameras import AZIMUTHS, FACING
from data.ntu.simulate.clips import choose_clips, clean_clip
from data.ntu.simulate.config import SimulateSection
from data.ntu.simulate.kinect import LAB, NTU, Setting, kinect_noise

TOLERANCE = 0.25

# Measured on real recordings: 12 clips of NTU RGB+D, and 2,000 exercise clips seen by a Kinect v2 and by optical motion
# capture. Millimetres, millimetres per frame^2 and percent.
SECOND_DIFFERENCES = {50.0: 7.6, 75.0: 29.0, 90.0: 82.0, 95.0: 129.0, 99.0: 349.0, 99.9: 1621.0}
AXES = (14.0, 18.0, 22.0)
MEANS = {
    "spine and head": ((0, 1, 2, 3, 20), 14, 18), "shoulders": ((4, 8), 15, 20), "elbows": ((5, 9), 27, 31),
    "wrists": ((6, 10), 33, 44), "hands": ((7, 11), 39, 55), "tips and thumbs": ((21, 22, 23, 24), 48, 71),
    "hips": ((12, 16), 18, 19), "knees": ((13, 17), 28, 30), "ankles": ((14, 18), 29, 32), "feet": ((15, 19), 53, 66),
}  # fmt: skip
INFERRED = 18.0
INFERRED_BY_JOINT = {
    "elbows": ((5, 9), 7, 44), "wrists": ((6, 10), 39, 52), "hands": ((7, 11), 58, 73),
    "tips and thumbs": ((21, 22, 23, 24), 20, 20), "spine, head, hips": ((0, 1, 2, 3, 12, 16, 20), 0, 2),
}  # fmt: skip
RESIDUAL_AXIS = (16.0, 45.0)
RESIDUAL_LAGS = {1: 0.89, 2: 0.80, 5: 0.55, 10: 0.18}
RESIDUAL_NORMS = {50: 16.0, 90: 52.0, 95: 75.0, 99: 165.0}


@dataclass(frozen=True)
class Row:
    """One line of the comparison.

    Parameters
    ----------
    what
        The statistic.
    measured
        On simulated clips; several where it is one per joint.
    low, high
        On real ones; they differ where a range was measured.
    """

    what: str
    measured: tuple[float, ...]
    low: float
    high: float

    @property
    def ratio(self) -> float:
        """The measured value over the nearest expected one; of several, the one that is furthest off."""
        ratios = [
            1.0 if self.low <= value <= self.high else value / (self.low if value < self.low else self.high)
            for value in self.measured
        ]
        return max(ratios, key=lambda ratio: abs(np.log(max(ratio, 1e-9))))

    @property
    def holds(self) -> bool:
        """Whether it is within the tolerance."""
        return abs(self.ratio - 1.0) <= TOLERANCE


def ntu_names(clips: int, seed: int = 0) -> tuple[SimulateSection, list[ClipName]]:
    """Return so many clips of all actions, performers and views."""
    section = SimulateSection(clips=clips, performers=40, actions=tuple(sorted(repertoire().actions)), seed=seed)
    return section, choose_clips(section)


def lab_names(clips: int, seed: int = 0) -> tuple[SimulateSection, list[ClipName]]:
    """Return so many clips in which one person faces the camera."""
    single = tuple(number for number in sorted(repertoire().actions) if number not in TWO_PERSON)
    section = SimulateSection(clips=6 * clips, performers=40, actions=single, seed=seed)
    frontal = [name for name in choose_clips(section) if AZIMUTHS[name.camera] == FACING[name.replication]]
    return section, frontal[:: max(1, len(frontal) // clips)][:clips]


def measure(
    section: SimulateSection, names: Sequence[ClipName], setting: Setting, severity: float = 1.0
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return (clean [T, 25, 3], measured [T, 25, 3], tracked [T, 25]) of every person of every clip."""
    out = []
    for name in names:
        clean, rng = clean_clip(section, name)
        for who, joints in enumerate(clean):
            out.append((joints, *kinect_noise(joints, rng, severity, np.delete(clean, who, axis=0), setting)))
    return out


def compare_recording(measured: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> list[Row]:
    """Return the rows that real NTU clips gave: second differences and inferred joints."""
    second = 1000 * np.concatenate([np.diff(noisy, 2, axis=0) for _, noisy, _ in measured])
    norm = np.linalg.norm(second, axis=-1)
    percentiles = np.percentile(norm, list(SECOND_DIFFERENCES))
    rows = [
        Row(f"second difference, {share:g}%", (float(value),), wanted, wanted)
        for (share, wanted), value in zip(SECOND_DIFFERENCES.items(), percentiles, strict=True)
    ]
    means = norm.mean(axis=0)
    rows += [
        Row(f"its mean, {part}", tuple(means[list(joints)].tolist()), low, high)
        for part, (joints, low, high) in MEANS.items()
    ]
    axes = np.abs(second).mean(axis=(0, 1))
    rows += [
        Row(f"share of the {axis} axis", (float(value),), wanted, wanted)
        for axis, value, wanted in zip("xyz", axes / axes.sum(), np.array(AXES) / sum(AXES), strict=True)
    ]
    inferred = 100 * np.concatenate([tracked == 1 for _, _, tracked in measured]).mean(axis=0)
    rows.append(Row("inferred, all joints", (float(inferred.mean()),), INFERRED, INFERRED))
    rows += [
        Row(f"inferred, {part}", tuple(inferred[list(joints)].tolist()), low, high)
        for part, (joints, low, high) in INFERRED_BY_JOINT.items()
    ]
    return rows


def compare_residual(measured: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> list[Row]:
    """Return the rows that optical motion capture gave: the residual without each joint's constant offset."""
    errors = [1000 * (noisy - clean) for clean, noisy, _ in measured]
    errors = [error - error.mean(axis=0) for error in errors]
    pooled = np.concatenate(errors)
    deviations = pooled.std(axis=(0, 1))
    rows = [
        Row(f"residual, s.d. along {axis}", (float(value),), *RESIDUAL_AXIS)
        for axis, value in zip("xyz", deviations, strict=True)
    ]
    variance = float((pooled**2).mean())
    for lag, wanted in RESIDUAL_LAGS.items():
        products = np.concatenate([(error[lag:] * error[:-lag]).ravel() for error in errors])
        rows.append(Row(f"residual, correlation, lag {lag}", (float(products.mean()) / variance,), wanted, wanted))
    norms = np.percentile(np.linalg.norm(pooled, axis=-1), list(RESIDUAL_NORMS))
    rows += [
        Row(f"residual, norm, {share}%", (float(value),), wanted, wanted)
        for (share, wanted), value in zip(RESIDUAL_NORMS.items(), norms, strict=True)
    ]
    return rows


def compare(clips: int, seed: int = 0) -> list[Row]:
    """Simulate so many clips of either kind at severity 1 and compare all figures."""
    return compare_recording(measure(*ntu_names(clips, seed), NTU)) + compare_residual(
        measure(*lab_names(clips, seed), LAB)
    )


def main(
    clips: Annotated[int, typer.Option(min=12, help="Clips of either kind.")] = 600,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Print the simulated Kinect's errors at severity 1 beside those of real ones (mm, mm/frame^2, percent)."""
    table = Table("statistic", "simulated", "real", "ratio", f"within {TOLERANCE:.0%}")
    for row in compare(clips, seed):
        wanted = f"{row.low:.3g}" if row.low == row.high else f"{row.low:.3g} to {row.high:.3g}"
        found = [f"{value:.3g}" for value in (min(row.measured), max(row.measured))]
        table.add_row(
            row.what, " to ".join(dict.fromkeys(found)), wanted, f"{row.ratio:.2f}", "yes" if row.holds else "NO"
        )
    PlainConsole().print(table)


if __name__ == "__main__":
    typer.run(main)
