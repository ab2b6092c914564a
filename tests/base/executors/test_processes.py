import math
import os

from base.executors.processes import cores
from base.executors.registry import Pool, spread


def test_other_processes_do_the_work():
    assert list(spread(math.sqrt, [4.0, 9.0], Pool("processes", 2))) == [2, 3]
    [made] = spread(eval, ["__import__('os').getpid()"], Pool("processes", 2))
    assert made != os.getpid()


def test_the_cores_are_those_that_this_process_may_use():
    assert 1 <= cores() <= os.cpu_count()
