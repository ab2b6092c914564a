"""Tables as numbers: written once as CSV, once as Markdown, and shown wherever they are needed."""

import csv
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np

Format = Callable[[Any], str]


@dataclass(frozen=True)
class Column:
    """A column: its heading, how its values are written, and whether they are numbers."""

    label: str
    format: Format = str
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """A table. Values may be None (nothing to say) or tuples (an interval, one value per seed).

    Parameters
    ----------
    name
        The stem of its files.
    caption
        What it shows.
    columns
        The first one heads the rows.
    rows
        One value per column.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]]

    def text(self) -> list[list[str]]:
        """Return all cells as they are shown; an empty one is a dash."""
        return [
            ["–" if value is None else column.format(value) for column, value in zip(self.columns, row, strict=True)]
            for row in self.rows
        ]

    def keys(self) -> list[list[str]]:
        """Return what to sort all cells by: numbers as they are, of several values their mean; text as it is shown."""
        return [
            [_key(value, shown, column.numeric) for value, shown, column in zip(row, texts, self.columns, strict=True)]
            for row, texts in zip(self.rows, self.text(), strict=True)
        ]


def _key(value: Any, shown: str, numeric: bool) -> str:
    if value is None:
        return ""
    if not numeric:
        return shown
    return repr(sum(value) / len(value) if isinstance(value, tuple) else value)


def write_csv(file: TextIO, rows: Iterable[Iterable[Any]], line_end: str = "\n") -> None:
    """Write rows as CSV that a spreadsheet shows as it is.

    A cell of text that begins with =, +, -, @ or a control character is a formula there, which may start programs and
    send files: it gets an apostrophe in front, which spreadsheets take for text and do not show. Numbers stay.
    """
    csv.writer(file, lineterminator=line_end).writerows([_plain_cell(cell) for cell in row] for row in rows)


def _plain_cell(cell: Any) -> Any:
    if cell is None or isinstance(cell, int | float | np.generic):
        return cell
    text = str(cell).replace("\r\n", "\n").replace("\r", "\n")  # which csv does not quote
    return f"'{text}" if text[:1] in _FORMULAS and not _is_number(text) else text


_FORMULAS = tuple("=+-@\t\r\n")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def to_csv(table: Table) -> str:
    """Write a table's numbers as they are; tuples become one column per value."""
    widths = [
        max((len(row[at]) for row in table.rows if isinstance(row[at], tuple)), default=0)
        for at in range(len(table.columns))
    ]
    with io.StringIO(newline="") as file:
        header: list[str] = []
        for column, width in zip(table.columns, widths, strict=True):
            ends = ("low", "high") if "interval" in column.label else tuple(map(str, range(1, width + 1)))
            header += [f"{column.label} {end}" for end in ends] if width else [column.label]
        rows: list[list[Any]] = [header]
        for row in table.rows:
            cells: list[Any] = []
            for value, width in zip(row, widths, strict=True):
                cells += value if isinstance(value, tuple) else [value] + [None] * (width - 1)
            rows.append(["" if cell is None else cell for cell in cells])
        write_csv(file, rows, "\r\n")
        return file.getvalue()


def to_markdown(table: Table) -> str:
    """Write a table as GitHub's Markdown."""
    lines = [
        "| " + " | ".join(_escape(column.label) for column in table.columns) + " |",
        "|" + "|".join("---:" if column.numeric else "---" for column in table.columns) + "|",
        *("| " + " | ".join(map(_escape, row)) + " |" for row in table.text()),
    ]
    return f"{_escape_line(table.caption)}.\n\n" + "\n".join(lines) + "\n"


LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "²": "$^2$", "±": r"$\pm$", "−": "$-$", "–": "--",
    "<": "$<$", ">": "$>$",
}  # fmt: skip
"""What LaTeX has for characters that mean something else to it, or that not every font has."""


def to_latex(table: Table) -> str:
    """Write a table as LaTeX with booktabs' rules."""
    lines = [
        r"\begin{table}",
        rf"\caption{{{_latex(table.caption)}.}}",
        rf"\label{{tab:{table.name}}}",
        rf"\begin{{tabular}}{{{''.join('r' if column.numeric else 'l' for column in table.columns)}}}",
        r"\toprule",
        " & ".join(_latex(column.label) for column in table.columns) + r" \\",
        r"\midrule",
        *(" & ".join(map(_latex, row)) + r" \\" for row in table.text()),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _latex(text: str) -> str:
    return "".join(LATEX.get(letter, letter) for letter in " ".join(text.split()))


_MARKDOWN = str.maketrans({"&": "&amp;", "<": "&lt;", **{letter: f"\\{letter}" for letter in "\\`|*"}})
_LINK = re.compile(r"\](?=[(\[:])")


def _escape(text: str) -> str:
    """Write text so that Markdown shows it, in one line: neither cell, link, code nor HTML may begin in it."""
    return _LINK.sub(r"\\]", " ".join(text.translate(_MARKDOWN).split()))


def _escape_line(text: str) -> str:
    """Write text that is a paragraph: it may not begin as a heading or list does either."""
    return re.sub(r"^([#>+~_=-]|\d+(?=[.)]))", _escaped_mark, _escape(text))


def _escaped_mark(found: re.Match[str]) -> str:
    return found[0] + "\\" if found[0].isdigit() else "\\" + found[0]
