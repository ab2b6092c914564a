import threading

from base.executors.registry import Pool, spread


def where(_):
    return threading.current_thread()


def test_one_after_another_or_in_threads():
    here = threading.main_thread()
    assert list(spread(where, range(3), Pool())) == [here] * 3
    assert here not in list(spread(where, range(3), Pool(count=2)))
    assert list(spread(where, range(3), Pool("processes", 1))) == [here] * 3
