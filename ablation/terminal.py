"""What the terminal says of a study: the columns of its table that fit, the answer, and where the report is."""

from rich.table import Table as RichTable

from ablation.stage import Ablation
from base.progress import PlainConsole
from base.tables import Table

SHOWN = ("skeletons", "top-1", "difference", "verdict")
"""What the terminal has room for, beside the interval; the report has all columns."""


def print_ablation(found: Ablation) -> None:
    """Print what a study came to on standard output."""
    console = PlainConsole()
    if found.table is not None:
        console.print(narrow(found.table))
    for sentence in (*found.answer, *found.results.get("flattening", ())):
        console.print(sentence, highlight=False, markup=False)
    console.print(f"report: {found.page}", soft_wrap=True, highlight=False, markup=False)
    if found.note:
        print(found.note)


def narrow(table: Table) -> RichTable:
    """Return the columns of a table that fit a terminal."""
    first = "mean class"  # stands before top-1 where the classes are uneven
    shown = [
        at
        for at, column in enumerate(table.columns)
        if column.label in SHOWN or "interval" in column.label or (at == 1 and column.label == first)
    ]
    printed = RichTable(title=table.caption)
    for at in shown:
        column = table.columns[at]
        printed.add_column(column.label, justify="right" if column.numeric else "left", no_wrap=True)
    for row in table.text():
        printed.add_row(*(row[at] for at in shown))
    return printed
