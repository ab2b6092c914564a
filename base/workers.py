"""Work shared out among threads or processes: results come in order, and only a few are made ahead."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from typing import Any, Literal, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 2
"""Results per worker that are being made or wait to be taken."""


class WorkerEndedError(RuntimeError):
    """A process was ended from outside, by the system for want of memory perhaps."""


def map_in_threads(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    *,
    ahead: int = AHEAD,
    start: Callable[..., None] | None = None,
    given: tuple[Any, ...] = (),
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
    start, given
        Called once in each thread with these arguments.
    """
    yield from _in_order(ThreadPoolExecutor(workers, "worker", start, given), function, items, ahead * workers)


def map_in_processes(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    *,
    ahead: int = AHEAD,
    start: Callable[..., None] | None = None,
    given: tuple[Any, ...] = (),
    unfinished: Literal["waited for", "ended"] = "waited for",
) -> Generator[Result, None, None]:
    """Do as `map_in_threads`, in several new processes; the function, items and results must be such as can be pickled.

    The processes end with this one, however it ends. Ctrl-C is this one's to handle.

    Parameters
    ----------
    function, items, workers, ahead, start, given
        As there.
    unfinished
        What happens to what has begun when the iterator is closed or interrupted: long work that goes on where it was
        is better `ended`.

    Raises
    ------
    WorkerEndedError
        A process was ended from outside.
    """
    context = get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, context, _begin, (theirs, start, given))
    try:
        yield from _in_order(pool, function, items, ahead * workers, ours.close if unfinished == "ended" else None)
    except BrokenProcessPool as error:
        raise WorkerEndedError("a process has been ended from outside") from error
    finally:
        ours.close()
        theirs.close()


def _in_order(
    pool: Executor,
    function: Callable[[Item], Result],
    items: Iterable[Item],
    most: int,
    end: Callable[[], None] | None = None,
) -> Generator[Result, None, None]:
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            with _interrupts_held():  # processes start here
                waiting.append(pool.submit(function, item))
            if len(waiting) > most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BaseException:
        if end is not None:
            end()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


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


def _begin(pipe: Connection, start: Callable[..., None] | None, given: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_when_told, args=(pipe,), daemon=True).start()
    if start is not None:
        start(*given)


def _end_when_told(pipe: Connection) -> None:
    """End when the pipe's other side is closed, or with the parent: a killed one says nothing."""
    parent = parent_process()
    connection.wait([pipe] if parent is None else [pipe, parent.sentinel])
    os._exit(1)
