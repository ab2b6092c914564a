"""What the numbers do not show: what follows from the clips and seeds, and what other sections say of themselves."""

from typing import Any

from ablation.sections.registry import CAVEATS, SECTIONS, Section, in_order
from ablation.study.study import Study
from ablation.verdict import judge
from base.words import listed, plural
from refine.shipped.registry import SHIPPED

LEAD = """
<ul>
{% for caveat in found %}
<li>{{ caveat }}</li>
{% endfor %}
</ul>
"""


def find_caveats(study: Study) -> list[str]:
    """Say what the numbers do not show."""
    said = []
    if study.clips.simulated:
        said.append(
            "The clips are simulated: skeletons, actions and noise come from a model. The size of the effect need not "
            "carry over to real recordings."
        )
    if study.clips.errors_put_on:
        said.append(
            "The errors are simulated, and the clips that they were put on count as true: a recording has errors of "
            "its own, and what takes those away is not rewarded for it."
        )
    taught = [study.label(arm) for arm in study.arms if arm in SHIPPED]
    if taught and (study.clips.simulated or study.clips.errors_put_on):
        said[-1] += f" {listed(taught)} learnt from simulated errors of the same kind."
    said.append(
        f"The test clips show {plural(study.clips.performers, 'person', 'people')}. The interval treats clips as "
        "independent draws, but clips of one person resemble each other, so the uncertainty for other people is larger "
        "than it says."
    )
    if any(found.people is not None for found in study.get(judge).comparisons):
        said[-1] += " The intervals over people, in the details of each comparison, draw whole people anew."
    if len(study.seeds) == 1:
        said.append("There is one seed: the interval covers the choice of test clips only, not the chance in training.")
    elif len(study.seeds) < 5:
        said.append(
            f"{len(study.seeds)} seeds say little about the spread of training; where seeds differ much, the "
            "interval is too narrow."
        )
    for section in in_order():
        found = None if section.find is find_caveats else study.get(section.find)
        if found is not None:
            said += section.caveats(study, found)
    return said


def _notes(study: Study, found: list[str] | None) -> dict[str, Any]:
    return {"caveats": found}


SECTIONS.add("caveats", Section(CAVEATS, 10, find_caveats, {"lead": LEAD}, notes=_notes))
