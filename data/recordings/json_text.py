"""JSON whose numbers know where they stand, so that they can be replaced."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from data.recordings.patching import Numbers, read_bytes

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)', re.DOTALL)


class Number(float):
    """A number of a JSON text; `slot` tells which."""

    slot: int


@dataclass(frozen=True)
class JsonText:
    """A JSON text.

    Parameters
    ----------
    root
        What it says; every number is a `Number`, but for NaN and infinity, which are floats.
    numbers
        Where they stand.
    """

    root: Any
    numbers: Numbers


def read_json(path: Path) -> JsonText:
    """Read a JSON file.

    Raises
    ------
    InputError
        It cannot be read, is too large, no JSON (the message names line and column), or too deep.
    """
    text = read_bytes(path)
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path}: is UTF-16, expected UTF-8; save it as UTF-8")
    count = 0

    def number(token: str) -> Number:
        nonlocal count
        found = Number(token)
        found.slot = count
        count += 1
        return found

    try:
        root = json.loads(text.decode("utf-8-sig"), parse_float=number, parse_int=number)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno}, column {error.colno}: {error.msg}; expected JSON") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is no UTF-8, expected JSON") from None
    except RecursionError:
        raise InputError(f"{path}: is nested too deeply, expected the JSON of a pose estimator") from None
    found = [match.span(1) for match in _TOKENS.finditer(text) if match[1]]
    spans = np.array(found, np.int64).reshape(-1, 2)
    if len(spans) != count:
        raise InputError(f"{path}: its numbers cannot be told apart, expected plain JSON")
    return JsonText(root, Numbers(text, spans))


def as_numbers(value: Any, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a list of numbers and where they stand, float64 and int64 [n]; null and NaN are NaN without a place.

    Raises
    ------
    InputError
        It is no list, or something in it is no number.
    """
    if not isinstance(value, list):
        raise InputError(f"{where}: found {_kind(value)}, expected a list of numbers")
    numbers, slots = np.full(len(value), np.nan), np.full(len(value), -1, np.int64)
    for at, item in enumerate(value):
        if isinstance(item, Number):
            numbers[at], slots[at] = item, item.slot
        elif item is not None and not (isinstance(item, float) and np.isnan(item)):
            raise InputError(f"{where}: found {_kind(item)} at place {at}, expected a number")
    return numbers, slots


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, float) else "something else")
