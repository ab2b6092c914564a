"""The answer to the study's question, in at most three sentences, above everything else."""

from typing import Any

import numpy as np

from ablation.fidelity import find_fidelity, flattening_sentences
from ablation.sections.poses import find_poses
from ablation.sections.registry import OPENING, SECTIONS, Section
from ablation.statistics import Comparison
from ablation.study.grid import parse_trained_on
from ablation.study.study import Study
from ablation.verdict import along, confirmed, judge, verdict_word
from ablation.words import interval_text, p_value, points, severity_text
from base.words import listed, plural

HTML = """
<section class="answer" aria-label="The answer">
{% for sentence in found %}
<p>{{ sentence }}</p>
{% endfor %}
{% if values.flattening %}
<p class="note"><strong>Beware:</strong> {{ values.flattening }}</p>
{% endif %}
</section>
{% if study.failures %}
<section class="failed" aria-label="What is missing">
<p><strong>{{ study.failures | length }} recogniser{{ "s are" if study.failures | length > 1 else " is" }} missing below:</strong></p>
<ul>
{% for failure in study.failures[:10] %}
<li>{{ failure }}</li>
{% endfor %}
{% if study.failures | length > 10 %}
<li>and {{ study.failures | length - 10 }} more</li>
{% endif %}
</ul>
</section>
{% endif %}
<p class="meta">{{ "Simulated" if study.clips.simulated else "Recorded" }} clips{{ " with a simulated Kinect's errors put on" if study.clips.errors_put_on }}, split {{ study.condition.split }}: {{ "{:,}".format(study.names | length) }} test clips of {{ values.people }}, {{ study.classes }} actions; {{ values.seeds }}, {{ study.arms | length }} kinds of skeletons.</p>
"""  # noqa: E501


def answer(study: Study) -> list[str]:
    """Answer the study's question in at most three sentences, all of them computed."""
    second = _crossing_sentence(study) or _filter_sentence(study)
    third = _ceiling_sentence(study) or _steadiness_sentence(study)
    return [_main_sentence(study), *(sentence for sentence in (second, third) if sentence is not None)]


def _interval(found: Comparison, study: Study) -> str:
    if found.interval is None:
        return "too few clips for an interval"
    return f"{study.percent} interval {interval_text(found.interval)}"


def _main_sentence(study: Study) -> str:
    arm, against = study.main, study.against
    found = study.get(judge).comparison(arm)
    assert found is not None
    after, before = (float(study.top1(name).mean()) for name in (arm, against))
    over = f"{plural(len(study.names), 'test clip', separator=',')} and {plural(len(study.seeds), 'seed')}"
    sure = f"{_interval(found, study)}; corrected {p_value(found.holm_p)}"
    numbers = f"{points(found.difference)} points ({sure}), over {over}"
    one, other = _used(study, arm), _used(study, against)
    given = parse_trained_on(study.condition.pairing)
    trained = "" if given is None else f"after training on {given.words(study.skeletons(given.arm))}, "
    if not confirmed(study, found):
        doubt = ", though the interval leaves zero out" if found.significant else ""
        return (
            f"No significant difference{doubt}: {trained}recognising {one} came to {after:.1f}% accuracy and {other} "
            f"to {before:.1f}%, {numbers}; {_ruled_out(study, found)}."
        )
    verb = "raised" if found.difference > 0 else "lowered"
    doubt = "" if found.significant else ", though the interval, which counts the chance in training too, includes zero"
    begin = f"{trained}recognising {one} instead of {other}"
    begin = begin[0].upper() + begin[1:]
    return f"{begin} {verb} accuracy from {before:.1f}% to {after:.1f}%: {numbers}{doubt}."


def _used(study: Study, arm: str) -> str:
    """Name the skeletons that an arm's recognisers are trained and tested on, under the first condition."""
    pairing, mine = study.condition.pairing, study.skeletons(arm)
    if arm == study.against or pairing == "both" or parse_trained_on(pairing) is not None:
        return mine
    other = study.skeletons(study.against)
    if pairing == "test":
        return f"{mine} after training on {other}"
    if pairing == "train":
        return f"{other} after training on {mine}"
    return f"{mine} after training on them and on {other}"


def _ruled_out(study: Study, found: Comparison) -> str:
    """Say which differences of more than the margin two one-sided tests rule out."""
    margin = f"{study.margin:g} points"
    if found.equivalent(study.margin):
        return f"two one-sided tests rule out a difference of more than {margin} either way"
    if found.rules_out_gain(study.margin):
        return f"a gain of more than {margin} is ruled out, a loss is not"
    if found.rules_out_loss(study.margin):
        return f"a loss of more than {margin} is ruled out, a gain is not"
    return f"neither a gain nor a loss of more than {margin} is ruled out"


def _crossing_sentence(study: Study) -> str | None:
    found = next((one for one in study.get(judge).crossings if one.arm == study.main), None)
    rows = along(study, "severity").get(study.main, [])
    if found is None or not rows:
        return None
    low, high = (float(rows[at].condition.severity or 0) for at in (0, -1))
    better = [row for row in rows if row.comparison is not None and verdict_word(study, row.comparison) == "better"]
    sure = (
        f"the corrected p confirms a gain at severity {listed([f'{row.condition.severity:g}' for row in better])}"
        if better
        else "the corrected p confirms a gain at no severity"
    )
    certainty = "too few clips for an interval; a Kinect's is 1"
    if found.interval is not None:
        ends = " to ".join(severity_text(end, high) for end in found.interval)
        certainty = f"{study.percent} interval {ends}, where a Kinect's is 1"
    if found.severity == -np.inf:
        begin = f"On average it gains at every severity of noise from {low:g} to {high:g}"
    elif found.severity == np.inf:
        begin = f"On average it gains nothing at the highest severity of noise, {high:g}"
    else:
        begin = f"On average it begins to gain at severity {found.severity:.1f} of the noise ({certainty})"
    return f"{begin}; {sure}."


def _filter_sentence(study: Study) -> str | None:
    found = study.get(judge).best_filter
    if found is None:
        return None
    accuracy = float(study.top1(found.against).mean())
    best, main = study.label(found.against), study.label(found.arm)
    which = "other filters" if study.against in study.config.filters else "classical filters"
    begin = f"The best of the {which}, {best}, came to {accuracy:.1f}%"
    interval = _interval(found, study)
    if not confirmed(study, found):
        return f"{begin}, from which {main} cannot be told apart ({points(found.difference)} points, {interval})."
    better = "more" if found.difference > 0 else "less"
    return f"{begin}; {main} gets {abs(found.difference):.1f} points {better} ({interval})."


def _ceiling_sentence(study: Study) -> str | None:
    verdict = study.get(judge)
    ceiling, found = verdict.comparison("oracle"), verdict.comparison(study.main)
    if ceiling is None or found is None or study.main == "oracle":
        return None
    best = float(study.top1("oracle").mean())
    reference, certainty = study.skeletons(study.against), _interval(ceiling, study)
    begin = (
        f"Noise-free skeletons reach {best:.1f}%, {points(ceiling.difference)} points from {reference} ({certainty})"
    )
    if not confirmed(study, ceiling) or ceiling.difference <= 0:
        if ceiling.rules_out_gain(study.margin):
            return f"{begin}, so there was hardly anything to gain."
        return f"{begin}, which these clips and seeds cannot tell from none."
    if not confirmed(study, found) or found.difference <= 0 or found.difference > ceiling.difference:
        return f"{begin}: so much was there to gain."
    share = 100 * found.difference / ceiling.difference
    return f"{begin}; {study.skeletons(study.main)} closed {share:.0f}% of that gap."


def _steadiness_sentence(study: Study) -> str | None:
    steady = {row.arm: row.acceleration for row in study.get(find_poses)}
    if study.against not in steady or study.main not in steady:
        return None
    before, after = steady[study.against], steady[study.main]
    if not np.isfinite([before, after]).all():
        return None
    verb = "fell" if after < before else "rose"
    found = study.get(find_fidelity)
    # What takes movement away is told by a sentence of its own.
    left = "" if study.main in found.flattening else found.words(study.main)
    return (
        f"On the test clips the skeletons' mean acceleration {verb} from {before:.1f} to {after:.1f} "
        f"{study.unit}/frame², {study.skeletons(study.against)} against {study.skeletons(study.main)}"
        + (f"; {study.label(study.main)} {left}." if left else ".")
    )


def _values(study: Study, found: list[str]) -> dict[str, Any]:
    return {
        "people": plural(study.clips.performers, "person", "people")
        if study.clips.people_known
        else "people who are not named",
        "seeds": plural(len(study.seeds), "seed"),
        "flattening": " ".join(flattening_sentences(study, [study.main])),
    }


def _notes(study: Study, found: list[str] | None) -> dict[str, Any]:
    return {"answer": found, "failures": list(study.failures)}


SECTIONS.add("answer", Section(OPENING, 0, answer, {"lead": HTML}, notes=_notes, values=_values))
