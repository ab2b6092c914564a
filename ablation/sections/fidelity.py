"""How much of the movement each arm leaves: in words, as a figure, and of movements that are known."""

import math
from collections.abc import Sequence
from typing import Any

from ablation.fidelity import StudyFidelity, find_fidelity, flattening_sentences
from ablation.page.theme import look_of, new_axes, tip
from ablation.sections.registry import SECTIONS, SKELETONS, Drawing, Section
from ablation.study.study import Study
from ablation.words import two_decimals
from base.tables import Column, Table
from base.words import plural
from data.skeletons.fidelity import LEAST_LEFT, band_label
from drawing.style import MUTED
from refine.known_movements import HEIGHT, SECONDS

LEAD = """
{% if values.flattening %}
<p class="note">Joints that move less also jitter less, so a low acceleration alone is no merit. An arm takes movement away if {{ values.rule }}:</p>
<ul>
{% for sentence in values.flattening %}
<li>{{ sentence }}</li>
{% endfor %}
</ul>
{% endif %}
"""  # noqa: E501
GRID = """
{% if "gain" in drawings %}
{% call figure("gain", "What is left of the movement.") %}{{ values.what }} per band of frequencies, over all joints of the test clips{{ values.reading }}{% endcall %}
{% endif %}
"""  # noqa: E501
TEXT = """
{% if "known_movements" in tables %}
{{ table(tables["known_movements"]) }}
{% endif %}
"""


def _known(study: Study) -> StudyFidelity | None:
    found = study.get(find_fidelity)
    return found if found.arms else None


def _draw(study: Study, found: StudyFidelity) -> Sequence[Drawing]:
    """Draw which share of the movement is left, band by band."""
    shown = [at for at in range(len(found.bands)) if any(one.shares[at] is not None for one in found.arms.values())]
    if not shown:
        return []
    figure, axes = new_axes(3.4, grid="y")
    step = 0.6 / max(1, len(found.arms) - 1)
    said = []
    for number, (arm, one) in enumerate(found.arms.items()):
        values = [math.nan if one.shares[at] is None else float(one.shares[at] or 0) for at in shown]
        places = [place - 0.3 + step * number for place in range(len(shown))]
        label, look = study.label(arm), look_of(study, arm) | {"linestyle": ""}
        axes.vlines(places, 0, values, color=look["color"], linewidth=2.2, alpha=0.35)
        axes.plot(places, values, **look, markersize=6, label=label)
        for at, place, value in zip(shown, places, values, strict=True):
            if math.isfinite(value):
                tip(axes, place, value, f"{label}, {band_label(found.bands[at])}: {value:.2f}")
        said.append(f"{label} {', '.join('unknown' if math.isnan(value) else f'{value:.2f}' for value in values)}")
    for place, at in enumerate(shown) if found.truth else ():
        given = found.raw[at]
        if given is not None:
            axes.plot([place - 0.42, place + 0.42], [LEAST_LEFT * given] * 2, ":", color=MUTED, linewidth=1.2)
    if found.truth and "oracle" not in found.arms:
        axes.axhline(1, color=MUTED, linestyle="--", linewidth=1.2, label=study.label("oracle"))  # by definition
    axes.set_xticks(range(len(shown)), [band_label(found.bands[at]) for at in shown])
    axes.set_ylim(min(0.0, axes.get_ylim()[0]), max(1.04, axes.get_ylim()[1]))
    axes.set_ylabel("gain" if found.truth else "kept of raw")
    figure.legend(loc="outside upper left", ncols=2)
    bands = ", ".join(band_label(found.bands[at]) for at in shown)
    return [Drawing("gain", figure, f"Share of {found.of} that is left at {bands}: {'; '.join(said)}.")]


def _tables(study: Study, found: StudyFidelity) -> Sequence[Table]:
    rows = [
        (study.label(arm), one.gesture_peak, one.noisy_gesture_peak, one.travel_error)
        for arm, one in found.arms.items()
        if one.gesture_peak is not None
    ]
    if not rows:
        return []
    table = Table(
        "known_movements",
        f"What each arm leaves of known movements: the peak of a hand that goes up {HEIGHT:g} m and down within "
        f"{SECONDS:g} s, without errors and with a Kinect's, and by how much it displaces a body in steady motion",
        (
            Column("skeletons", numeric=False),
            Column("gesture, m", two_decimals),
            Column("gesture among errors, m", two_decimals),
            Column("travel, mm", two_decimals),
        ),
        rows,
    )
    return [table]


def _caveats(study: Study, found: StudyFidelity) -> Sequence[str]:
    said = []
    if not found.truth:
        said.append(
            "What truly moves in these clips is not known. What an arm keeps of the raw skeletons, below 3 Hz, says "
            "how much it changes, not whether that is movement or noise; only the known movements tell."
        )
    for band, short in zip(found.bands, found.short, strict=True):
        if short:
            tracks = plural(found.tracks, "track", separator=",")
            said.append(f"{short} of {tracks} are too short for a period at {band[0]:g} Hz and are not in that gain.")
    absent = [at for at in range(len(found.bands)) if all(one.shares[at] is None for one in found.arms.values())]
    if absent:
        bands = ", ".join(band_label(found.bands[at]) for at in absent)
        said.append(
            f"There is no gain at {bands}: the frame rate is too low, the clips are too short, or nothing moves."
        )
    return said


def _values(study: Study, found: StudyFidelity) -> dict[str, Any]:
    rule = (
        f"it leaves less than {LEAST_LEFT:.0%} of what the raw skeletons have of the true movement in any band, or "
        f"accelerates less than {LEAST_LEFT:.0%} as much as the truth"
        if found.truth
        else f"less than {LEAST_LEFT:.0%} of a known gesture is left, among a Kinect's errors"
    )
    what = (
        "Share of the true movement that is left"
        if found.truth
        else "Share of the raw skeletons' movement that is left"
    )
    reading = (
        ": 1 keeps all, and noise does not count. An arm below the dotted lines takes movement away."
        if found.truth
        else ". Noise is part of what is not kept, so 1 is not what to wish for; above 3 Hz it would be most of it."
    )
    told = [f"{study.label(arm)} {found.words(arm)}." for arm in found.flattening]
    return {"flattening": told, "rule": rule, "what": what, "reading": reading}


def _notes(study: Study, found: StudyFidelity | None) -> dict[str, Any]:
    if found is None:
        return {"fidelity": None}
    return {
        "fidelity": {
            "bands": [list(band) for band in found.bands],
            "raw": list(found.raw),
            "tracks": found.tracks,
            "too_short": list(found.short),
            "flattening": flattening_sentences(study),
        }
    }


SECTIONS.add(
    "fidelity",
    Section(
        SKELETONS,
        25,
        _known,
        {"lead": LEAD, "grid": GRID, "text": TEXT},
        tables=_tables,
        drawings=_draw,
        caveats=_caveats,
        notes=_notes,
        values=_values,
    ),
)
