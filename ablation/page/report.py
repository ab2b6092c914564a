"""The report: one page that needs no network, and the same figures and tables as files beside it."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from ablation.figures import alternative_texts, draw_all
from ablation.findings import TOO_FEW, Findings, answer
from ablation.page.player import player_data
from ablation.page.theme import save_formats, themed_svg
from ablation.tables import AXES, all_tables, condition_value
from base.files import atomic_file
from base.tables import Table, to_csv, to_latex, to_markdown
from data.words import plural

PARTS = ("report.html.j2", "report.css", "report.js")


def write_report(folder: Path, title: str, findings: Findings) -> Path:
    """Write `tables/`, `figures/` and, last, `report.html` into a run's folder.

    Parameters
    ----------
    folder
        The run's folder.
    title
        The page's heading.
    findings
        What to tell.

    Returns
    -------
    The page's path.
    """
    tables, figures = all_tables(findings), draw_all(findings)
    for table in tables:
        _write(folder / "tables" / f"{table.name}.csv", to_csv(table).encode())
        _write(folder / "tables" / f"{table.name}.md", to_markdown(table).encode())
        _write(folder / "tables" / f"{table.name}.tex", to_latex(table).encode())
    for name, figure in figures.items():
        for ending, render in save_formats(figure).items():
            _write(folder / "figures" / f"{name}.{ending}", render())
    page = folder / "report.html"
    _write(page, render_page(title, findings, tables, figures).encode())
    return page


def render_page(title: str, findings: Findings, tables: list[Table], figures: dict[str, Figure]) -> str:
    """Return the page as HTML."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    parts = {name: files(__package__).joinpath(f"templates/{name}").read_text("utf-8") for name in PARTS}
    template = environment.from_string(parts["report.html.j2"])
    return template.render(
        title=title,
        findings=findings,
        answer=answer(findings),
        tables={table.name: table for table in tables},
        drawings={name: Markup(themed_svg(figure, name)) for name, figure in figures.items()},
        alternatives=alternative_texts(findings),
        label=findings.label,
        first=", ".join(
            f"{AXES[axis]} {condition_value(axis, value)}"
            for axis, value in vars(findings.condition).items()
            if value is not None
        ),
        caveats=caveats(findings),
        styles=Markup(parts["report.css"]),
        script=Markup(parts["report.js"]),
        player=Markup(player_data(findings)),
    )


def caveats(findings: Findings) -> list[str]:
    """Say what the numbers do not show."""
    said = []
    if findings.simulated:
        said.append(
            "The clips are simulated: skeletons, actions and noise come from a model. The size of the effect need not "
            "carry over to real recordings."
        )
    people = plural(findings.performers, "person", "people")
    said.append(
        f"The test clips show {people}. The interval treats clips as independent draws, but clips of one person "
        "resemble each other, so the uncertainty for other people is larger than it says."
    )
    if any(found.people is not None for found in findings.comparisons):
        said[-1] += " The intervals over people, in the details of each comparison, draw whole people anew."
    if len(findings.seeds) == 1:
        said.append("There is one seed: the interval covers the choice of test clips only, not the chance in training.")
    elif len(findings.seeds) < 5:
        said.append(
            f"{len(findings.seeds)} seeds say little about the spread of training; where seeds differ much, the "
            "interval is too narrow."
        )
    if len(findings.comparisons) > 1:
        said.append(
            f"There are {len(findings.comparisons)} comparisons; the intervals are not widened for that. Holm's "
            "p-values account for it."
        )
    if findings.between is not None:
        said.append("The best filter was picked by its test accuracy, which favours the filters.")
    given = sum(effect.interval is not None for effect in findings.classes)
    if given:
        said.append(
            f"Of {given} intervals per class, about {(1 - findings.confidence) * given:.1f} would leave zero out by "
            "chance alone. Intervals of classes with few clips are rough."
        )
    if given < len(findings.classes):
        said.append(f"Of {plural(len(findings.classes) - given, 'class', 'classes')} {TOO_FEW}.")
    return said


def findings_notes(findings: Findings) -> dict[str, Any]:
    """Return the numbers behind the page that `results.json` has no place for."""
    moving = findings.movement
    return {
        "answer": answer(findings),
        "caveats": caveats(findings),
        "failures": findings.failures,
        "comparisons": [vars(found) for found in findings.comparisons],
        "crossings": [
            {
                **vars(found),
                "severity": str(found.severity),
                "interval": None if found.interval is None else list(map(str, found.interval)),
            }
            for found in findings.crossings
        ],
        "best_filter": vars(findings.between) if findings.between else None,
        "classes": [vars(effect) for effect in findings.classes],
        "confusions": [vars(found) for found in findings.confusions],
        "movement": None
        if moving is None
        else {"speed_of": moving.speed_of, "jitter_rank": moving.jitter_rank, "speed_rank": moving.speed_rank},
        "importance": {arm: shares.tolist() for arm, shares in findings.importance.items()},
        "poses": [vars(row) for row in findings.poses],
        "data": dict(findings.data),
    }


def _write(path: Path, content: bytes) -> None:
    with atomic_file(path) as temporary:
        temporary.write_bytes(content)
