"""What refining did to a motion: how it accelerates before and after, and how much of the movement is left."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from refine.blocks import frame_blocks

MOVEMENT = (0.5, 3.0)
"""Hertz: most of what people do on purpose; slower than that is where somebody stands."""

RESTS = 1e-6
"""Of the largest coordinate: who moves by less is at rest, and has been rounded."""


@dataclass(frozen=True)
class Motion:
    """How a group of joints moved.

    Parameters
    ----------
    joints
        How many.
    before, after
        The mean acceleration of joints that are seen in three frames in a row, in units per second squared; None where
        there are none.
    gain
        The share of the raw movement between 0.5 and 3 Hz that is left; None where nothing moves by more than `RESTS`.
    """

    joints: int
    before: float | None
    after: float | None
    gain: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as a report has it, with no more digits than mean something."""
        return {
            "joints": self.joints,
            "acceleration_before": _short(self.before),
            "acceleration_after": _short(self.after),
            "gain": _short(self.gain),
        }


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


@dataclass
class Moved:
    """Sums over the pieces of a motion.

    Parameters
    ----------
    accelerations
        Before and after, and of how many.
    spectrum
        Of the raw movement: what is left of it, and all of it.
    """

    accelerations: np.ndarray = field(default_factory=lambda: np.zeros(3))
    spectrum: np.ndarray = field(default_factory=lambda: np.zeros(2))

    def add(self, raw: np.ndarray, refined: np.ndarray, seen: np.ndarray, times: np.ndarray, fps: float) -> None:
        """Count how a piece accelerates.

        Parameters
        ----------
        raw, refined
            [n, J, D].
        seen
            bool [n, J].
        times
            [n], seconds.
        fps
            Across more than one and a half of its frames nothing is measured.
        """
        if len(raw) < 3:
            return
        known = seen[2:] & seen[1:-1] & seen[:-2]
        passed = np.diff(times)
        known[np.maximum(passed[1:], passed[:-1]) > 1.5 / fps] = False
        before, after = (accelerations(x, times)[known].sum() for x in (raw, refined))
        self.accelerations += [before, after, known.sum()]

    def compare(self, raw: np.ndarray, refined: np.ndarray, fps: float) -> None:
        """Count what is left of the movement of a piece at even times, [m, J, D] each, as `band_gains` does.

        In less than a second, what is slow cannot be told from what is fast.
        """
        inside = np.abs(np.fft.rfftfreq(len(raw), 1 / fps) - sum(MOVEMENT) / 2) <= (MOVEMENT[1] - MOVEMENT[0]) / 2
        if not inside.any() or len(raw) <= fps:
            return
        window = np.hanning(len(raw) + 2)[1:-1]
        kept, whole = (
            np.stack([np.fft.rfft(_without_line(x[:, joint]) * window)[:, inside] for joint in range(x.shape[1])])
            for x in (refined, raw)
        )
        energy = np.square(np.abs(whole)).sum()
        if np.sqrt(energy) <= RESTS * np.abs(raw).max() * len(raw):
            return
        self.spectrum += np.array([(kept * whole.conj()).real.sum(), energy]) / len(raw)

    def motion(self, joints: int) -> Motion:
        """Return the means of so many joints."""
        before, after, count = self.accelerations.tolist()
        kept, whole = self.spectrum.tolist()
        rest = whole <= 0
        return Motion(
            joints,
            before / count if count else None,
            after / count if count else None,
            None if rest else kept / whole,
        )


def _without_line(x: np.ndarray) -> np.ndarray:
    """Take from each coordinate of a joint [n, D] the straight line that is nearest to it over time, [D, n]."""
    along = np.ascontiguousarray(x.T)
    time = np.arange(len(x)) - (len(x) - 1) / 2
    slope = along @ time / (time @ time)
    line: np.ndarray = along.mean(axis=1)[:, None] + slope[:, None] * time
    return along - line


def accelerations(x: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the norm of the second derivative at each row but the first and last, [n - 2, J], by three rows each.

    2 ((x3 - x2) / (t3 - t2) - (x2 - x1) / (t2 - t1)) / (t3 - t1), which at even times is the second difference.
    """
    found = np.empty((max(len(x) - 2, 0), x.shape[1]))
    for at, _ in frame_blocks(len(found)):
        rows, apart = x[at.start : at.stop + 2], times[at.start : at.stop + 2]
        speed = np.diff(rows, axis=0) / np.diff(apart)[:, None, None]
        found[at] = 2 * np.linalg.norm(np.diff(speed, axis=0), axis=-1) / (apart[2:] - apart[:-2])[:, None]
    return found
