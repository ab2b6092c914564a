"""The report: one page that needs no network, and the same figures and tables as files beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import matplotlib as mpl
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ablation.page.glossary import TERMS, anchor, link_terms
from ablation.page.theme import STYLE, as_png, filter_properties, themed_svg
from ablation.sections.registry import Chapter, Drawing, Section, Slot, in_order
from ablation.study.study import Study
from base.files import atomic_file
from base.tables import Table, to_csv, to_latex, to_markdown
from drawing.player import page_styles, player_script

PARTS = ("report.html.j2", "macros.html.j2", "report.css", "glossary.css", "report.js", "browse.js")


@dataclass(frozen=True)
class Told:
    """A section that has something to tell of a study: what it found, its tables and its drawings."""

    section: Section[Any]
    found: Any
    tables: Sequence[Table]
    drawings: Sequence[Drawing]


def write_report(folder: Path, title: str, study: Study) -> Path:
    """Write `tables/`, `figures/`, texts and, last, `report.html` into a run's folder.

    Parameters
    ----------
    folder
        The run's folder.
    title
        The page's heading.
    study
        What to tell of.

    Returns
    -------
    The page's path.
    """
    told = tell(study)
    for one in told:
        for table in one.tables:
            _write(folder / "tables" / f"{table.name}.csv", to_csv(table).encode())
            _write(folder / "tables" / f"{table.name}.md", to_markdown(table).encode())
            _write(folder / "tables" / f"{table.name}.tex", to_latex(table).encode())
        for drawing in one.drawings:
            _write(folder / "figures" / f"{drawing.name}.svg", drawing.svg.encode())
            _write(folder / "figures" / f"{drawing.name}.png", as_png(drawing.figure))
        for name, text in one.section.texts(study, one.found).items():
            _write(folder / name, text.encode())
    page = folder / "report.html"
    _write(page, render_page(title, study, told).encode())
    return page


def tell(study: Study) -> list[Told]:
    """Let every section say what it found, in the order of the page; those that found nothing are left out."""
    told = []
    with mpl.rc_context(STYLE):
        for section in in_order():
            found = study.get(section.find)
            if found is not None:
                told.append(Told(section, found, section.tables(study, found), section.drawings(study, found)))
    return told


def render_page(title: str, study: Study, told: Sequence[Told]) -> str:
    """Return the page as HTML."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    parts = {name: files(__package__).joinpath(f"templates/{name}").read_text("utf-8") for name in PARTS}
    macros: Any = environment.from_string(parts["macros.html.j2"]).module
    chapters: dict[Chapter, dict[str, list[Markup]]] = {}
    for one in told:
        slots = chapters.setdefault(one.section.chapter, {slot: [] for slot in get_args(Slot)})
        drawings = {drawing.name: drawing for drawing in one.drawings}
        context = {
            "study": study,
            "found": one.found,
            "tables": {table.name: table for table in one.tables},
            "drawings": drawings,
            "values": one.section.values(study, one.found),
            "table": macros.table,
            "figure": partial(_figure, macros, drawings),
        }
        for slot, fragment in one.section.html.items():
            html = environment.from_string(fragment.removeprefix("\n")).render(context)
            if html.strip():
                slots[slot].append(Markup(html))
    used: set[str] = set()
    for slots in chapters.values():
        seen: set[str] = set()
        for place, fragments in slots.items():
            slots[place] = [link_terms(one, seen) for one in fragments]
        used |= seen
    return environment.from_string(parts["report.html.j2"]).render(
        title=title,
        chapters=list(chapters.items()),
        terms=[(anchor(name), name, term.meaning) for name, term in TERMS.items() if name in used],
        styles=Markup(page_styles() + filter_properties() + parts["report.css"] + parts["glossary.css"]),
        script=Markup(parts["report.js"] + parts["browse.js"] + player_script()),
    )


def _figure(
    macros: Any, drawings: Mapping[str, Drawing], name: str, heading: str, *, caller: Callable[[], Markup]
) -> Markup:
    """Put a drawing into the page, with what a fragment says below it."""
    drawing = drawings[name]
    shown = Markup(themed_svg(drawing.svg, name))
    return Markup(macros.figure(name, heading, shown, drawing.alternative, caller()))


def report_notes(study: Study) -> dict[str, Any]:
    """Return the numbers behind the page that `results.json` has no place for."""
    notes: dict[str, Any] = {}
    for section in in_order():
        for key, value in section.notes(study, study.get(section.find)).items():
            if key in notes:
                raise ValueError(f"two sections of the report have notes called {key!r}")
            notes[key] = value
    return notes


def _write(path: Path, content: bytes) -> None:
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)
