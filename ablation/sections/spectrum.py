"""How the joints' motion is spread over frequencies: what smoothing removed, and what it left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import FuncFormatter, NullFormatter
from scipy.signal import welch

from ablation.page.theme import look_of, new_axes
from ablation.sections.registry import SECTIONS, SKELETONS, Drawing, Section
from ablation.skeletons import clip_tracks, unit
from ablation.study.study import Study
from ablation.words import three_digits
from base.tables import Column, Table
from data.skeletons.store import ClipStore

GRID = """
{% call figure("spectrum", "What smoothing removed.") %}Power of joint positions by frequency (Welch, segments of 32 frames): movement is slow, jitter is everywhere.{% endcall %}
"""  # noqa: E501
NUMBERS = """
{{ table(tables["spectrum"]) }}
"""

SEGMENT = 32
"""Frames of a segment, about a second: what is slower cannot be told apart."""


@dataclass(frozen=True)
class Spectrum:
    """Power spectral densities of joint positions.

    Parameters
    ----------
    frequency
        float64 [F], Hz; zero is left out.
    power
        For each arm, float64 [F], mm^2/Hz or px^2/Hz, the mean over coordinates, joints and segments.
    """

    frequency: np.ndarray
    power: dict[str, np.ndarray]


def find_spectrum(study: Study) -> Spectrum | None:
    """Estimate the spectra of the skeletons that are drawn."""
    return joint_spectrum(study.pictured, study.names)


def joint_spectrum(stores: Mapping[str, ClipStore], names: np.ndarray) -> Spectrum | None:
    """Estimate the spectrum of joint motion in several arms by Welch's method (IEEE Trans. Audio Electroac. 1967).

    Hann windows of `SEGMENT` frames that overlap by half, each without its linear trend. Joints that are seen in every
    frame of a track count; shorter tracks do not.

    Parameters
    ----------
    stores
        The skeletons of each arm.
    names
        Which clips.

    Returns
    -------
    None if no track is long enough.
    """
    frequency, power = np.zeros(0), {}
    for arm, store in stores.items():
        total, weight, scale = np.zeros(SEGMENT // 2), 0, unit(store.layout.dims)[1]
        for _, joints, seen in clip_tracks(store, names):
            whole = seen.all(0)
            if len(joints) < SEGMENT or not whole.any():
                continue
            # scipy-stubs do not know detrend="linear"
            frequency, density = welch(  # type: ignore[call-overload]
                scale * joints[:, whole], store.info.fps, nperseg=SEGMENT, detrend="linear", axis=0
            )
            segments = 1 + (len(joints) - SEGMENT) // (SEGMENT // 2)
            total += segments * density[1:].sum((1, 2))
            weight += segments * density[0].size
        if not weight:
            return None
        power[arm] = total / weight
    return Spectrum(frequency[1:], power)


def _draw(study: Study, found: Spectrum) -> Sequence[Drawing]:
    """Draw the power of joint motion over frequency."""
    figure, axes = new_axes(3.2, grid="both")
    for arm, power in found.power.items():
        axes.loglog(found.frequency, power, **look_of(study, arm), linewidth=1.6, markevery=2, label=study.label(arm))
    ticks = [tick for tick in (0.5, 1, 2, 5, 10, 20) if found.frequency[0] * 0.9 <= tick <= found.frequency[-1]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda power, _: f"{power:g}"))
    axes.set_xlabel("frequency, Hz")
    axes.set_ylabel(f"{study.unit}²/Hz")
    figure.legend(loc="outside upper left", ncols=2)
    said = "Power of joint motion over frequency, on logarithmic scales, a line per arm; see the table."
    return [Drawing("spectrum", figure, said)]


def _table(study: Study, found: Spectrum) -> Table:
    return Table(
        "spectrum",
        f"Power of the joints' motion by frequency, {study.unit}²/Hz",
        (Column("Hz", lambda value: f"{value:.2f}"), *(Column(study.label(arm), three_digits) for arm in found.power)),
        [tuple(row) for row in np.column_stack([found.frequency, *found.power.values()]).tolist()],
    )


SECTIONS.add(
    "spectrum",
    Section(
        SKELETONS,
        50,
        find_spectrum,
        {"grid": GRID, "numbers": NUMBERS},
        tables=lambda study, found: [_table(study, found)],
        drawings=_draw,
    ),
)
