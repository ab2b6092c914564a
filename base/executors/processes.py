"""In several processes of this machine."""

from collections.abc import Callable, Generator, Iterable
from typing import Any

from base.cores import cores
from base.executors.registry import EXECUTORS, Pool
from base.workers import map_in_processes


def _in_processes(function: Callable[[Any], Any], items: Iterable[Any], pool: Pool) -> Generator[Any, None, None]:
    return map_in_processes(function, items, pool.count or cores(), ahead=pool.ahead, end=pool.end)


EXECUTORS.add("processes", _in_processes)
