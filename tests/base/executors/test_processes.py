import math
import os

from base.executors.registry import Pool, spread


def test_other_processes_do_the_work():
    assert list(spread(math.sqrt, [4.0, 9.0], Pool("processes", 2))) == [2, 3]
    [made] = spread(eval, ["__import__('os').getpid()"], Pool("processes", 2))
    assert made != os.getpid()
