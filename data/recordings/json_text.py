"""JSON whose numbers know where they stand, so that they can be replaced."""

import json
import re
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.words import plural
from data.recordings.patching import Numbers, read_bytes

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)', re.DOTALL)


class Number(float):
    """A number of a JSON text; `slot` tells which."""

    __slots__ = ("slot",)  # there are millions
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
    found = (match.span(1) for match in _TOKENS.finditer(text) if match[1])
    spans = np.fromiter(chain.from_iterable(found), np.int64).reshape(-1, 2)
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


def as_points(value: Any, per: int, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a flat list of `per` numbers for each joint as `as_numbers` does, but [J, per].

    Raises
    ------
    InputError
        It is no list of numbers, or not so many.
    """
    numbers, slots = as_numbers(value, where)
    if len(numbers) % per:
        raise InputError(f"{where}: found {plural(len(numbers), 'number')}, expected {per} for each joint")
    return numbers.reshape(-1, per), slots.reshape(-1, per)


def as_point_lists(value: Any, sizes: tuple[int, ...], where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a list of each joint's list of numbers as `as_numbers` does, but [J, C], C one of `sizes`.

    Raises
    ------
    InputError
        It is something else.
    """
    points = as_list(value, where)
    per = {len(point) if isinstance(point, list) else 0 for point in points}
    if len(per) != 1 or not per <= set(sizes):
        wanted = " or ".join(str(size) for size in sizes)
        raise InputError(f"{where}: found other than lists of {wanted} numbers, expected one for each joint")
    return as_points(list(chain.from_iterable(points)), per.pop(), where)


def as_object(value: Any, where: str) -> dict[str, Any]:
    """Return an object of a JSON text.

    Raises
    ------
    InputError
        It is something else.
    """
    if not isinstance(value, dict):
        raise InputError(f"{where}: found {_kind(value)}, expected an object")
    return value


def as_list(value: Any, where: str) -> list[Any]:
    """Return a list of a JSON text.

    Raises
    ------
    InputError
        It is something else.
    """
    if not isinstance(value, list):
        raise InputError(f"{where}: found {_kind(value)}, expected a list")
    return value


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, float) else "something else")
