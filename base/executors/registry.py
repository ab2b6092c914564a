"""The ways in which work is shared out, by their names.

All do the same: a function is called with each item, results come in the order of the items, and only a few are made
ahead. Nothing is shared but the function, which each worker is given once, and the file system.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from base.errors import InputError
from base.registry import Registry
from base.workers import AHEAD, WorkLostError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Pool:
    """Who does the work.

    Parameters
    ----------
    executor
        Which of `EXECUTORS`.
    count
        How many at once; None for what there is: no thread but this one here, one process per processor core, all of a
        cluster.
    ahead
        Results per worker that are being made or wait to be taken; it bounds memory.
    end
        Whether what has begun is ended when nobody wants the results any more, instead of waited for: right for long
        work that goes on where it was.
    address
        Of a Ray cluster that runs; None for `RAY_ADDRESS`, or else for one that is started here.
    accelerators
        Whether each worker needs an accelerator.
    """

    executor: str = "here"
    count: int | None = None
    ahead: int = AHEAD
    end: bool = False
    address: str | None = None
    accelerators: bool = False

    @property
    def here(self) -> bool:
        """Whether it is this process that works: a single other one would only be one to start and to wait for."""
        return self.executor == "here" or (self.executor == "processes" and self.count == 1)


class Executor(Protocol):
    """One of the ways."""

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any], pool: Pool) -> Generator[Any, None, None]:
        """Yield the result of each item in order, or a `WorkLostError` for one whose worker was lost every time.

        The first item that fails ends it with its error.
        """


EXECUTORS: Registry[Executor] = Registry(__package__ or "", "executor", "steady.executors")
"""All of them by their names."""


def known_executor(name: str) -> str:
    """Return a name, or raise the ValueError that says what there is."""
    EXECUTORS[name]
    return name


def spread(
    function: Callable[[Item], Result], items: Iterable[Item], pool: Pool
) -> Generator[Result | WorkLostError, None, None]:
    """Call a function with each item, and yield the results in the order of the items.

    A worker that is lost, killed for want of memory or with its machine, is replaced, and its item tried again, up to
    `base.workers.TRIES` times in all.

    Parameters
    ----------
    function
        What to call; but for work that is done here, it, the items and the results must be such as can be pickled.
    items
        Taken one by one, as results are taken.
    pool
        Who does it.

    Yields
    ------
    A result, or what became of the workers that were at this item.

    Raises
    ------
    InputError
        The executor is not installed, or cannot be reached.
    """
    with closing(EXECUTORS["here" if pool.here else pool.executor](function, items, pool)) as results:
        yield from results


def none_lost(results: Iterable[Result | WorkLostError], where: str, fewer: str) -> Generator[Result, None, None]:
    """Pass results on, and stop at one whose workers were lost.

    Parameters
    ----------
    results
        What `spread` yields.
    where
        What the work is about, for the message.
    fewer
        The setting that says how many workers there are.

    Raises
    ------
    InputError
        A result is missing.
    """
    for result in results:
        if isinstance(result, WorkLostError):
            raise InputError(
                f"{where}: {result}; run the same command again, with a smaller {fewer} if memory is short"
            )
        yield result
