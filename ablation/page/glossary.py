"""The terms that the report explains: one table, from which each is linked to its meaning once per chapter of the page.

A link has the meaning as its title, for the pointer, and leads to the list of terms at the page's end, for keyboards,
touch and paper.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from markupsafe import Markup


@dataclass(frozen=True)
class Term:
    """What a term means, and how it is recognised in the page's text if not by itself."""

    meaning: str
    pattern: str = ""


TERMS: Mapping[str, Term] = {
    "arm": Term("One kind of skeletons that is compared with others: raw, refined, filtered or noise-free.", r"arms?"),
    "top-1": Term("The percentage of test clips whose likeliest action, by the recogniser, is the right one."),
    "top-5": Term("The percentage of test clips whose right action is among the five likeliest."),
    "mean class": Term("Top-1 of each action's clips, averaged over the actions, so that rare actions count alike."),
    "seed": Term(
        "The number that all chance of a training follows from: first weights, order of the clips, augmentation.",
        r"seeds?\b",
    ),
    "interval": Term(
        "The differences that are compatible with these clips and seeds: of so many studies like this one, the stated "
        "percentage has an interval that holds the true difference. By bootstrap.",
        r"intervals?\b",
    ),
    "McNemar's test": Term(
        "Compares two arms clip by clip: are as many clips repaired as broken? Its p is how often chance alone makes "
        "the two numbers differ so much.",
        r"McNemar's (?:exact )?test|McNemar's p",
    ),
    "Holm's correction": Term(
        "Raises p-values for the number of comparisons, so that all of them together have the stated risk of finding "
        "something that is not there (Holm 1979).",
        r"Holm's (?:correction|method|p-values)|corrected p",
    ),
    "noise-free": Term(
        "The skeletons before noise was added, which only simulated or motion-capture data have: what there is to win "
        "back. Keys and files call this arm oracle.",
        r"[Nn]oise-free",
    ),
    "raw": Term("The skeletons as they were measured, not refined."),
    "severity": Term("How strong the simulated noise is: 0 is none, 1 a Kinect's as measured on real clips."),
    "MPJPE": Term(
        "Mean per-joint position error: how far joints are from the truth on average, in space after moving the root "
        "onto the true one.",
        r"MPJPE",
    ),
    "PA-MPJPE": Term("MPJPE after the best shift, turn and scale of each pose (Procrustes alignment)."),
    "Accel": Term(
        "Acceleration error: how far the second difference of each joint's positions, frame by frame, is from the "
        "true one."
    ),
    "gain": Term(
        "Which share of the true movement within a band of frequencies is left: 1 keeps all, 0 nothing. Noise does not "
        "count, a delay counts as lost.",
        r"[Gg]ain(?=:| per band)",
    ),
    "kept of raw": Term(
        "Which share of what the raw skeletons do, noise included, is left; told where the true movement is not known."
    ),
    "clean error": Term("By how much joints without any errors are moved."),
    "joint error": Term("MPJPE: how far joints are from the truth on average."),
    "true acceleration": Term(
        "How strongly the joints of the noise-free skeletons accelerate: more is jitter that is left, less is movement "
        "that is taken away."
    ),
    "rank correlation": Term(
        "From −1 to +1: whether more of one thing goes with more of another, by their order alone (Spearman).",
        r"[Rr]ank correlation",
    ),
    "two one-sided tests": Term("Show that two arms are equal within a margin, which a missing difference does not."),
    "chance level": Term("The percentage of clips that guessing blindly names rightly."),
}

_OPAQUE = re.compile(
    r"<(script|style|svg|thead|tbody|pre|h[1-6]|dt|summary|button|select|label|a|blockquote)\b.*?</\1>|<[^>]*>",
    re.DOTALL,
)
"""Where no term is linked: tags, and elements with text that is no prose, or that is to be copied as it is."""

_ANY = re.compile(
    r"(?<![\w-])(?:"
    + "|".join(
        f"(?P<t{at}>{term.pattern or re.escape(name)})"
        for at, (name, term) in sorted(enumerate(TERMS.items()), key=lambda one: -len(one[1][0]))
    )
    + r")(?![\w-])"
)


def link_terms(html: str, seen: set[str]) -> Markup:
    """Link the terms in a part of the page to their meanings.

    Parameters
    ----------
    html
        The part.
    seen
        Terms that are linked already and are left as they are; those that are linked now are added.
    """
    parts, at = [], 0
    for opaque in _OPAQUE.finditer(html):
        parts += [_link(html[at : opaque.start()], seen), opaque[0]]
        at = opaque.end()
    return Markup("".join([*parts, _link(html[at:], seen)]))


def anchor(name: str) -> str:
    """Return where in the page a term is explained."""
    return "term-" + re.sub(r"\W+", "-", name.lower())


def _link(text: str, seen: set[str]) -> str:
    def linked(found: re.Match[str]) -> str:
        name = list(TERMS)[int(str(found.lastgroup)[1:])]
        if name in seen:
            return found[0]
        seen.add(name)
        return f'<a class="term" href="#{anchor(name)}" title="{escape(TERMS[name].meaning)}">{found[0]}</a>'

    return _ANY.sub(linked, text)
