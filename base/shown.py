"""What messages show of values that others wrote: cut before it is built, and without control characters.

A list that holds itself, or ten times a list that holds ten times another, is small in memory and has no end as text; a
number of a million digits takes minutes to be written. So nothing of others' is given to `repr` or `ascii`.
"""

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

LONGEST_LINE = 600
"""Characters of a line on the terminal."""

_DEEPEST = 4
_DIGITS = 40


def shown(value: Any, limit: int = 60) -> str:
    """Write any value as one line of printable characters, of no more than `limit` characters.

    The time taken depends on `limit` only, whatever the value is.

    Examples
    --------
    >>> shown(["S001", 3])
    "['S001', 3]"
    >>> loop = []
    >>> loop.append(loop)
    >>> shown(loop)
    '[[[[...]]]]'
    """
    text = ""
    for part in _parts(value, limit, 0):
        text += part
        if len(text) > limit:
            return text[: limit - 3] + "..."
    return text


def cut(text: str, limit: int = 60) -> str:
    """Write text without quotes as one line of printable characters, of no more than `limit` characters."""
    escaped = repr(text[: limit + 1])[1:-1].replace("\\'", "'").replace("\\\\", "\\")
    return escaped if len(escaped) <= limit else escaped[: limit - 3] + "..."


def one_line(text: str, limit: int = LONGEST_LINE) -> str:
    """Make one line of a message: spaces for line ends, escapes for what does not print, the middle of it left out.

    Letters of any language stay. A terminal obeys control characters, such as those in the name of somebody's file.
    """
    text = text if len(text) <= 4 * limit else _without_middle(text, 4 * limit)
    line = printable(" ".join(text.split()))
    return line if len(line) <= limit else _without_middle(line, limit)


def printable(text: str) -> str:
    """Write control characters as Python does, but for line ends."""
    return "".join(letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text)


def _without_middle(text: str, limit: int) -> str:
    """Keep both ends of a text: the first says where, the last what to do."""
    first = 2 * limit // 3
    return f"{text[:first]} ... {text[len(text) - (limit - first - 5) :]}"


def _parts(value: Any, limit: int, depth: int) -> Iterator[str]:
    """Give the text of a value piece by piece, so that whoever reads can stop."""
    if isinstance(value, bool | None):
        yield str(value)
    elif isinstance(value, int):
        yield str(int(value)) if value.bit_length() <= 3 * _DIGITS else f"a number of {value.bit_length()} bits"
    elif isinstance(value, float | complex):
        yield repr(value)
    elif isinstance(value, str | bytes):
        yield repr(value[: limit + 1])
    elif isinstance(value, PurePath):
        yield repr(str(value)[: limit + 1])
    elif isinstance(value, np.generic) and value.dtype.kind in "biufc":
        yield str(value.item())
    elif isinstance(value, np.ndarray):
        yield f"array of {value.dtype.name} {value.shape}"
    elif isinstance(value, list | tuple | Mapping):
        yield from _container(value, limit, depth)
    else:
        yield type(value).__name__[:limit]


def _container(value: Any, limit: int, depth: int) -> Iterator[str]:
    first, last = "[]" if isinstance(value, list) else "()" if isinstance(value, tuple) else "{}"
    yield first
    if depth >= _DEEPEST - 1 and len(value):
        yield "..."
    else:
        for number, item in enumerate(value):
            if number:
                yield ", "
            yield from _parts(item, limit, depth + 1)
            if isinstance(value, Mapping):
                yield ": "
                yield from _parts(value[item], limit, depth + 1)
        if isinstance(value, tuple) and len(value) == 1:
            yield ","
    yield last
