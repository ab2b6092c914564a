import pytest

from base.errors import InputError
from base.executors.registry import EXECUTORS, Pool, known_executor, none_lost, spread
from base.workers import WorkLostError


def test_there_are_three():
    assert EXECUTORS.names() == ("here", "processes", "ray")
    assert known_executor("ray") == "ray"
    with pytest.raises(ValueError, match="no executor is called 'rya'; did you mean 'ray'"):
        known_executor("rya")


def test_results_that_are_not_wanted_are_not_made():
    made = []
    results = spread(made.append, range(9), Pool())
    next(results)
    results.close()
    assert made == [0]


def test_a_result_that_is_missing_is_an_error_after_those_before():
    results = none_lost(iter([1, WorkLostError("two machines have gone"), 3]), "raw.zip", "data.workers")
    assert next(results) == 1
    with pytest.raises(InputError, match=r"^raw.zip: two machines have gone; .* a smaller data.workers"):
        next(results)
