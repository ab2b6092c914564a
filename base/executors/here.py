"""In this process: one item after another, or in so many threads as are asked for."""

from collections.abc import Callable, Generator, Iterable
from typing import Any

from base.executors.registry import EXECUTORS, Pool
from base.workers import map_in_threads


def _here(function: Callable[[Any], Any], items: Iterable[Any], pool: Pool) -> Generator[Any, None, None]:
    if pool.executor == "here" and pool.count is not None:
        yield from map_in_threads(function, items, pool.count, ahead=pool.ahead)
    else:
        yield from map(function, items)


EXECUTORS.add("here", _here)
