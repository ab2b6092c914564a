"""What a section of the report is: each file of this folder adds its own here, and other packages add theirs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar

from matplotlib.figure import Figure

from ablation.page.theme import as_svg
from ablation.study.study import Study
from base.registry import Registry
from base.tables import Table

Result = TypeVar("Result")
Slot = Literal["lead", "grid", "text", "numbers", "after"]
"""Where in its chapter a section has something to say: `lead` first; `grid`, figures side by side; `text` below them;
`numbers`, tables that are folded away; `after` last."""


@dataclass(frozen=True)
class Chapter:
    """A part of the page with a heading of its own.

    Parameters
    ----------
    name
        Its anchor in the page.
    heading
        What stands above it; empty for the page's opening.
    place
        Chapters follow each other in ascending order.
    numbers
        What unfolds its tables.
    """

    name: str
    heading: str
    place: int
    numbers: str = "In numbers"


OPENING = Chapter("opening", "", 0)
WHY = Chapter("why", "Why", 5, "Each kind of skeletons in numbers")
RECOGNITION = Chapter("recognition", "Recognition", 10, "Each comparison in detail")
CONDITIONS = Chapter("conditions", "Under which conditions", 20)
ACTIONS = Chapter("actions", "Which actions gain and lose", 30, "All actions in numbers")
SKELETONS = Chapter("skeletons", "What refining does to the skeletons", 40, "Joints and frequencies in numbers")
CAVEATS = Chapter("caveats", "What this does not show", 50)
MADE = Chapter("made", "How it was made", 60)


@dataclass(frozen=True)
class Drawing:
    """A figure, the stem of its files, and what it shows in words, for those who do not see it."""

    name: str
    figure: Figure
    alternative: str

    @cached_property
    def svg(self) -> str:
        """The figure, drawn once: for its file and for the page."""
        return as_svg(self.figure)


def _nothing(study: Study, found: Any) -> tuple[()]:
    return ()


def _no_values(study: Study, found: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Section(Generic[Result]):
    """One topic of the report.

    Parameters
    ----------
    chapter
        Where in the page it stands.
    place
        Sections of a chapter follow each other in ascending order.
    find
        What it computes from a study; None where there is nothing to tell, and then only `notes` is called.
    html
        A jinja fragment for each slot of the chapter that it fills. It is given `study`, `found`, `tables` and `values`
        (see below) and the macros `table(one)` and `figure(name, heading)`, the second with a caption as its body.
    tables
        Its tables, which also lie beside the page as files.
    drawings
        Its figures, which do so too.
    caveats
        Sentences on what its numbers do not show.
    notes
        What `details.json` says of it, by keys that no other section has.
    values
        Further values for the fragments.
    texts
        Plain texts that lie beside the page, by the names of their files.
    """

    chapter: Chapter
    place: int
    find: Callable[[Study], Result | None]
    html: Mapping[Slot, str]
    tables: Callable[[Study, Result], Sequence[Table]] = _nothing
    drawings: Callable[[Study, Result], Sequence[Drawing]] = _nothing
    caveats: Callable[[Study, Result], Sequence[str]] = _nothing
    notes: Callable[[Study, Result | None], Mapping[str, Any]] = _no_values
    values: Callable[[Study, Result], Mapping[str, Any]] = _no_values
    texts: Callable[[Study, Result], Mapping[str, str]] = _no_values


SECTIONS: Registry[Section[Any]] = Registry(__package__ or "", "section", "steady.sections")
"""All sections by their names."""


def in_order() -> list[Section[Any]]:
    """Return all sections in the order of the page."""
    return sorted(SECTIONS, key=lambda section: (section.chapter.place, section.place))
