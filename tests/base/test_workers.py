import math
import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from base.workers import TRIES, WorkLostError, map_in_processes, map_in_threads

ROOT = Path(__file__).parents[2]


def counted(items, taken):
    for item in items:
        taken.append(item)
        yield item


def test_results_come_in_the_order_of_the_items():
    second_done = threading.Event()

    def slow_first(item):
        if item == 0:
            assert second_done.wait(60)
        if item == 1:
            second_done.set()
        return item * item

    assert list(map_in_threads(slow_first, range(20), 2)) == [item * item for item in range(20)]


def test_only_a_few_are_made_ahead():
    taken = []
    results = map_in_threads(str, counted(range(100), taken), 2, ahead=3)
    for at in range(10):
        assert next(results) == str(at)
        assert len(taken) <= at + 1 + 2 * 3
    results.close()
    assert len(taken) <= 16


def test_the_first_error_ends_it_after_the_results_before():
    taken = []
    results = map_in_threads(lambda item: 12 // (3 - item), counted(range(100), taken), 2)
    assert [next(results) for _ in range(3)] == [4, 6, 12]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert len(taken) < 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("worker")]


def test_processes_do_the_same():
    assert list(map_in_processes(math.sqrt, [4.0, 9.0, 16.0, 25.0], 2)) == [2, 3, 4, 5]
    results = map_in_processes(math.sqrt, [4.0, -1.0, 9.0], 1)
    assert next(results) == 2
    with pytest.raises(ValueError, match=r"math domain|nonnegative"):
        next(results)


def die_at_first(folder, item):
    """Note each try, and end this process at the first of item 1 and at every one of item 3, as a killer would."""
    tries = folder / str(item)
    with tries.open("a") as file:
        file.write("x")
    if item == 3 or (item == 1 and len(tries.read_text()) == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    return item * item


def test_a_process_that_is_killed_is_replaced_and_what_it_did_is_done_again(tmp_path):
    """One that is killed every time is told in its place, and nobody else notices."""
    zero, one, two, three, four = map_in_processes(partial(die_at_first, tmp_path), range(5), 2)
    assert (zero, one, two, four) == (0, 1, 4, 16)
    assert isinstance(three, WorkLostError)
    tries = {path.name: len(path.read_text()) for path in tmp_path.iterdir()}
    assert tries == {"0": 1, "1": 2, "2": 1, "3": TRIES, "4": 1}


def signals_of_this_process(_):
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines["SigIgn"], 16), int(lines["SigBlk"], 16)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")
def test_processes_do_not_hear_of_an_interrupt_and_this_one_does():
    with closing(map_in_processes(signals_of_this_process, [0], 1)) as results:
        ignored, blocked = next(results)
    bit = 1 << (signal.SIGINT - 1)
    assert ignored & bit
    assert blocked & bit
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, set())


PARENT = """
from base.workers import map_in_processes

if __name__ == "__main__":
    results = map_in_processes(eval, ["__import__('os').getpid()", "__import__('signal').pause()"], 1)
    print(next(results), flush=True)
    next(results)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at /proc")
def test_processes_end_with_the_one_that_is_killed(tmp_path):
    (tmp_path / "parent.py").write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "parent.py"], cwd=tmp_path, env=environment, text=True, **pipes) as parent:
        worker = int(parent.stdout.readline())
        gone = os.pidfd_open(worker)
        parent.kill()
        assert select.select([gone], [], [], 60)[0], "the worker lives on"
        os.close(gone)


def test_what_has_begun_is_ended_with_the_iterator_if_asked():
    """It would never end by itself."""
    work = ["__import__('os').getpid()", "__import__('threading').Event().wait()"]
    results = map_in_processes(eval, work, 1, end=True)
    worker = next(results)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
