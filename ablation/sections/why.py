"""Why arms are recognised better or worse: what they have back of what noise took, and what they lose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ablation.fidelity import ArmFidelity, find_fidelity
from ablation.sections.poses import PoseFigures, find_poses
from ablation.sections.registry import SECTIONS, WHY, Section
from ablation.statistics import Comparison, Interval, paired_differences, share_won_back
from ablation.study.study import Study
from ablation.verdict import confirmed, judge
from ablation.words import footnote, points, two_decimals
from base.tables import Column, Table
from base.words import listed
from data.skeletons.fidelity import band_label
from refine.known_movements import HEIGHT

LEAD = """
{% if values.opening %}
<p>{{ values.opening }}</p>
{% endif %}
<ul>
{% for arm, sentence in values.sentences %}
<li><strong>{{ arm }}</strong> {{ sentence }}</li>
{% endfor %}
</ul>
"""
NUMBERS = """
{{ table(tables["why"]) }}
"""


@dataclass(frozen=True)
class Reason:
    """What one arm's skeletons have back of what the noise took, and what they lose.

    Parameters
    ----------
    comparison
        Its accuracy against the reference's.
    pose
        Its errors.
    left
        What it leaves of the movement.
    error_gone, motion_error_gone
        Which share of the reference's MPJPE, and of its Accel, is gone; None without truth.
    won_back
        Which share of the accuracy that noise takes it wins back, with its interval; None where it is not known that
        noise takes any.
    """

    comparison: Comparison
    pose: PoseFigures
    left: ArmFidelity
    error_gone: float | None = None
    motion_error_gone: float | None = None
    won_back: tuple[float, Interval | None] | None = None

    @property
    def arm(self) -> str:
        """Its name."""
        return self.pose.arm


def find_reasons(study: Study) -> list[Reason] | None:
    """Put together, for each arm but the reference, the main one first, what explains its accuracy."""
    poses = {row.arm: row for row in study.get(find_poses)}
    reference, left = poses.get(study.against), study.get(find_fidelity).arms
    if reference is None:
        return None
    reasons = []
    for one in sorted(study.get(judge).comparisons, key=lambda one: one.arm != study.main):
        if one.arm in poses:
            mine = poses[one.arm]
            reasons.append(
                Reason(
                    one,
                    mine,
                    left.get(one.arm, ArmFidelity()),
                    _gone(mine.mpjpe, reference.mpjpe),
                    _gone(mine.accel, reference.accel),
                    _won_back(study, one.arm),
                )
            )
    return reasons or None


def _gone(after: float | None, before: float | None) -> float | None:
    return None if after is None or not before else 1 - after / before


def _taken(study: Study) -> Comparison | None:
    """Return the noise-free skeletons' comparison, if it is confirmed that noise takes accuracy."""
    found = study.get(judge).comparison("oracle")
    return found if found is not None and found.difference > 0 and confirmed(study, found) else None


def _won_back(study: Study, arm: str) -> tuple[float, Interval | None] | None:
    if _taken(study) is None or arm == "oracle":
        return None
    before = study.arms[study.against]
    taken, won = (paired_differences(before, study.arms[name], study.against, name) for name in ("oracle", arm))
    return share_won_back(taken, won, **study.settings)


def opening(study: Study) -> str:
    """Say what noise takes, as far as that is known, and what the reference's skeletons are like."""
    taken, found, name = _taken(study), study.get(find_fidelity), study.skeletons(study.against)
    pose = next(row for row in study.get(find_poses) if row.arm == study.against)
    left, said = found.arms.get(study.against, ArmFidelity()), []
    if taken is not None:
        best, now = (study.top1(arm).mean() for arm in ("oracle", study.against))
        said.append(
            f"Noise took {taken.difference:.1f} points of accuracy: {best:.1f}% with noise-free skeletons, {now:.1f}% "
            f"with {name}."
        )
    if pose.mpjpe is not None:
        told = [f"are {pose.mpjpe:.1f} {study.unit} from the truth (joint error)"]
        told += _movement(study, left, "have")
        said.append(f"{name[0].upper()}{name[1:]} {listed(told)}.")
    return " ".join(said)


def sentence(study: Study, reason: Reason) -> str:
    """Say why an arm is recognised as it is; it begins with a verb, the arm's name coming first."""
    before = next(row for row in study.get(find_poses) if row.arm == study.against)
    found, unit, left = study.get(find_fidelity), study.unit, reason.left
    if reason.error_gone is not None:
        share, to = f"{abs(reason.error_gone):.0%}", f"to {reason.pose.mpjpe:.1f} {unit}"
        said = [
            f"took {share} of the joint error away ({to})"
            if reason.error_gone >= 0
            else f"added {share} of joint error ({to})"
        ]
    else:
        verb = "lowered" if reason.pose.acceleration < before.acceleration else "raised"
        to = f"{before.acceleration:.1f} to {reason.pose.acceleration:.1f} {unit}/frame²"
        said = [f"{verb} the mean acceleration from {to}"]
    said += _movement(study, left, "left")
    if not found.truth and left.noisy_gesture_peak is not None:
        said.append(f"left {left.noisy_gesture_peak:.2f} m of a known gesture of {HEIGHT:g} m")
    return f"{listed(said)}; {_outcome(study, reason)}."


def _movement(study: Study, left: ArmFidelity, verb: str) -> list[str]:
    """Say how much of the movement skeletons have or left, in every band, and how much of the acceleration."""
    found, said = study.get(find_fidelity), []
    told = [(band, share) for band, share in zip(found.bands, left.shares, strict=False) if share is not None]
    if told:
        bands = listed([band_label(band).removesuffix(" Hz") for band, _ in told])
        said.append(f"{verb} {listed([f'{share:.0%}' for _, share in told])} of {found.of} at {bands} Hz")
    if left.own_acceleration is not None:
        own = left.own_acceleration
        said.append(f"{verb} {f'{own:.0%} of' if own < 1 else f'{own:.1f} times'} the true acceleration")
    return said


def _outcome(study: Study, reason: Reason) -> str:
    """Say what an arm's accuracy comes to, of what noise takes where that is known."""
    taken, difference = _taken(study), reason.comparison.difference
    unsure = "" if confirmed(study, reason.comparison) else ", which is undecided"
    if taken is None or reason.won_back is None:
        return f"accuracy changed by {points(difference)} points{unsure}"
    share, interval = reason.won_back
    ends = "" if interval is None else f", {study.percent} interval {_ends(interval)}"
    if unsure:
        noise = f"{percent(share)} of what noise took{ends}"
        return f"accuracy changed by {points(difference)} points ({noise}){unsure}"
    if difference < 0:
        return f"it won back nothing and lost another {-difference:.1f} points ({percent(share)}{ends})"
    return f"it won back {difference:.1f} of the {taken.difference:.1f} points that noise took ({percent(share)}{ends})"


def _table(study: Study, found: list[Reason]) -> Table:
    left, known = study.get(find_fidelity), any(one.error_gone is not None for one in found)
    back = any(one.won_back is not None for one in found)
    rows = []
    for one in found:
        share, interval = one.won_back or (None, None)
        rows.append(
            (
                study.label(one.arm),
                one.comparison.difference,
                *((share, interval) if back else ()),
                *((one.error_gone, one.motion_error_gone) if known else (one.pose.acceleration,)),
                *(one.left.shares or (None,) * len(left.bands) if left.arms else ()),
                one.left.own_acceleration if left.truth else one.left.noisy_gesture_peak,
            )
        )
    kind = "gain" if left.truth else "kept of raw"
    caption = f"Each kind of skeletons compared with {study.label(study.against)}"
    if back:
        caption += "; won back: the share of the accuracy that noise took"
        caption += footnote(one.won_back[1] for one in found if one.won_back)
    return Table(
        "why",
        caption,
        (
            Column("skeletons", numeric=False),
            Column("difference", points),
            *((Column("won back", percent), Column(f"{study.percent} interval", _ends)) if back else ()),
            *(
                (Column("joint error gone", percent), Column("acceleration error gone", percent))
                if known
                else (Column(f"acceleration, {study.unit}/frame²", two_decimals),)
            ),
            *(Column(f"{kind} {band_label(band)}", two_decimals) for band in (left.bands if left.arms else ())),
            Column("acceleration / truth's" if left.truth else "gesture among errors, m", two_decimals),
        ),
        rows,
    )


def percent(share: float) -> str:
    """Write a share in percent: 53%, −12%."""
    return f"{share:z.0%}".replace("-", "−")


def _ends(interval: Interval) -> str:
    return " to ".join(map(percent, interval))


def _values(study: Study, found: list[Reason]) -> dict[str, Any]:
    told = [(study.label(one.arm), sentence(study, one)) for one in found if one.arm != "oracle"]
    return {"opening": opening(study), "sentences": told}


def _notes(study: Study, found: Sequence[Reason] | None) -> dict[str, Any]:
    keys = ("arm", "error_gone", "motion_error_gone", "won_back")
    return {"why": [{key: getattr(one, key) for key in keys} for one in found or ()]}


SECTIONS.add(
    "why",
    Section(
        WHY,
        10,
        find_reasons,
        {"lead": LEAD, "numbers": NUMBERS},
        tables=lambda study, found: [_table(study, found)],
        notes=_notes,
        values=_values,
    ),
)
