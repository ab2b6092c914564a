"""Work shared out among threads or processes: results come in order, and only a few are made ahead."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2
"""Results per worker that are being made or wait to be taken."""

TRIES = 3
"""So often an item is tried whose worker is lost: a fourth one would be lost, too."""


class WorkLostError(RuntimeError):
    """The workers that were at an item have been ended from outside, by the system for want of memory perhaps."""


def map_in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, *, ahead: int = AHEAD
) -> Generator[Result, None, None]:
    """Call a function with each item, in several threads, and yield the results in the order of the items.

    The first item that fails ends it with its error. Then, and when the iterator is closed or interrupted, what has
    not begun is left undone; what has begun is waited for.

    Parameters
    ----------
    function
        What to call.
    items
        Taken one by one, as results are taken.
    workers
        How many threads.
    ahead
        Results per worker that are being made or wait to be taken; it bounds memory.
    """
    return _in_threads(function, items, workers, ahead)


def map_in_processes(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, *, ahead: int = AHEAD, end: bool = False
) -> Generator[Result | WorkLostError, None, None]:
    """Do as `map_in_threads`, in several new processes; the function, items and results must be such as can be pickled.

    A process that is ended from outside is replaced, and what it was at is tried again. The processes end with this
    one, however it ends. Ctrl-C is this one's to handle.

    Parameters
    ----------
    function
        What to call; each process is given it once, when it starts.
    items, workers, ahead
        As there.
    end
        Whether what has begun when the iterator is closed or interrupted is ended and not waited for.

    Yields
    ------
    A result, or a `WorkLostError` for an item at which `TRIES` processes were ended.
    """
    processes = _Processes(function)
    try:
        yield from _in_threads(processes.call, items, workers, ahead, processes.end if end else None)
    finally:
        processes.close()


def _in_threads(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    ahead: int,
    end: Callable[[], None] | None = None,
) -> Generator[Result, None, None]:
    pool = ThreadPoolExecutor(workers, "worker")
    try:
        for future in in_order(lambda item: pool.submit(function, item), items, ahead * workers):
            yield future.result()
    except BaseException:
        if end is not None:
            end()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def in_order(
    submit: Callable[[Item], "Future[Result]"], items: Iterable[Item], most: int
) -> Generator["Future[Result]", None, None]:
    """Submit items one by one, at most so many ahead, and yield what will be their results in the same order."""
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(submit(item))
        if len(waiting) > most:
            yield waiting.popleft()
    while waiting:
        yield waiting.popleft()


class _Processes(Generic[Item, Result]):
    """A process for each thread that calls, which shares its fate with no other."""

    def __init__(self, function: Callable[[Item], Result]) -> None:
        self._function = function
        self._context = get_context("spawn")
        self._theirs, self._ours = self._context.Pipe(duplex=False)
        self._own = threading.local()
        self._all: list[ProcessPoolExecutor] = []

    def call(self, item: Item) -> Result | WorkLostError:
        for _ in range(TRIES):
            if not hasattr(self._own, "process"):
                self._own.process = ProcessPoolExecutor(1, self._context, _begin, (self._theirs, self._function))
                self._all.append(self._own.process)
            try:
                with _interrupts_held():  # it starts here
                    future = self._own.process.submit(_call, item)
                return cast(Result, future.result())
            except BrokenProcessPool:
                del self._own.process
                if self._ours.closed:
                    break
        return WorkLostError(f"{TRIES} processes that were at it were ended from outside, for want of memory perhaps")

    def end(self) -> None:
        self._ours.close()

    def close(self) -> None:
        for process in self._all:
            process.shutdown()
        self._ours.close()
        self._theirs.close()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Put Ctrl-C off to the end of the block; processes that start in it never hear of it, not even while importing."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_function: Callable[[Any], Any]
"""What this process is for."""


def _begin(pipe: Connection, function: Callable[[Any], Any]) -> None:
    global _function
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_when_told, args=(pipe,), daemon=True).start()
    _function = function


def _call(item: Any) -> Any:
    return _function(item)


def _end_when_told(pipe: Connection) -> None:
    """End when the pipe's other side is closed, or with the parent: a killed one says nothing."""
    parent = parent_process()
    connection.wait([pipe] if parent is None else [pipe, parent.sentinel])
    os._exit(1)
