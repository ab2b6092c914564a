"""What the benchmarks share: seconds, memory, taking turns, processes of their own, medians and tables.

Run as a program, it runs another: `python bench/measure.py SCRIPT [WORDS ...]` ends with the peak of its memory, MiB,
on standard error.
"""

import platform
import runpy
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any, Generic, ParamSpec, TypeVar

T = TypeVar("T")
Given = ParamSpec("Given")

STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Taken:
    """Seconds of the clock, and of this process's processors."""

    wall: float
    processor: float


def timed(work: Callable[[], T]) -> tuple[T, Taken]:
    """Return what a call returns, and what it took."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, Taken(time.perf_counter() - wall, time.process_time() - processor)


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds of the clock that a call takes."""
    return timed(work)[1].wall


def take_turns(works: Mapping[str, Callable[[], T]], repeats: int, warm_up: int = 1) -> dict[str, list[T]]:
    """Call functions in turn, so that whatever else the machine does meets all of them.

    Parameters
    ----------
    works
        By their names.
    repeats
        So many results of each are kept.
    warm_up
        So many rounds before those are not.
    """
    found: dict[str, list[T]] = {name: [] for name in works}
    for turn in range(warm_up + repeats):
        for name, work in works.items():
            result = work()
            if turn >= warm_up:
                found[name].append(result)
    return found


def ratio(ones: Iterable[float], others: Iterable[float]) -> float:
    """Return the median of the ratios within turns."""
    return median(one / other for one, other in zip(ones, others, strict=True))


def current_mib() -> float:
    """Return the memory that this process has now, MiB; where that is not known, its peak."""
    return _status("VmRSS")


def peak_mib() -> float:
    """Return the most memory that this process has had, MiB."""
    return _status("VmHWM")


def forget_peak() -> None:
    """Give freed memory back and begin the peak anew, where the system can."""
    if STATUS.is_file():
        import ctypes

        ctypes.CDLL(None).malloc_trim(0)
        STATUS.with_name("clear_refs").write_text("5")


def _status(field: str) -> float:
    if STATUS.is_file():
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return int(lines[field].split()[0]) / 1024
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1024)


def family_memory(process: int) -> tuple[float, float]:
    """Return the memory of a process and its descendants, MB: with shared pages counted once (PSS), or always (RSS)."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    pss = rss = 0
    waiting = [process]
    while waiting:
        one = waiting.pop()
        waiting += children.get(one, [])
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        sizes = {line.split(":")[0]: 1024 * int(line.split()[1]) for line in rollup[1:]}
        pss, rss = pss + sizes["Pss"], rss + sizes["Rss"]
    return pss / 1e6, rss / 1e6


def run_family(words: Sequence[str]) -> tuple[float, str, float, float]:
    """Run a command; return its seconds, what it printed, and the peaks of `family_memory`."""
    start = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    pss = rss = 0.0
    while process.poll() is None:
        now = family_memory(process.pid)
        pss, rss = max(pss, now[0]), max(rss, now[1])
        time.sleep(0.2)
    taken = time.perf_counter() - start
    output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        sys.exit(f"{' '.join(words)} ended with status {process.returncode}")
    return taken, output, pss, rss


def run_script(script: Path, *words: str) -> tuple[float, float]:
    """Run a Python script; return its seconds, the start of Python included, and its peak of memory, MiB."""
    command = [sys.executable, __file__, str(script), *words]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    taken = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{script.name} {' '.join(words)} ended with status {done.returncode}: {done.stderr.strip()}")
    return taken, float(done.stderr.split()[-1])


def in_own_process(function: Callable[Given, T], *given: Given.args, **named: Given.kwargs) -> T:
    """Call a function in a new process, whose memory and settings are its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *given, **named).result()


class Server(Generic[T]):
    """A function that lives in a process of its own and is called from here.

    Parameters
    ----------
    make
        Called there with `given`; returns the function.
    """

    def __init__(self, make: Callable[..., Callable[..., T]], *given: Any) -> None:
        context = get_context("spawn")
        self._end, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, make, given), daemon=True)
        self._process.start()
        other.close()

    def __call__(self, *asked: Any) -> T:
        """Call the function."""
        self._end.send(asked)
        answer: T = self._end.recv()
        return answer

    def close(self) -> None:
        """End the process."""
        self._end.send(None)
        self._process.join()


def _serve(end: Connection, make: Callable[..., Callable[..., object]], given: tuple[Any, ...]) -> None:
    function = make(*given)
    while (asked := end.recv()) is not None:
        end.send(function(*asked))


def processor() -> str:
    """Return the processors' name and number."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{names[0]} ({len(names)} cores)" if names else platform.processor()


def print_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print columns: the first as text, the others to the right."""
    cells = [list(heads), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        first, *others = (
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join([first, *others]).rstrip(), flush=True)


if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)  # as if it had been run itself
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        print(peak_mib(), file=sys.stderr)
