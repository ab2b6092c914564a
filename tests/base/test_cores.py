import pytest

from base.cores import cores


def test_they_are_those_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {2, 5, 7}, raising=False)
    assert cores() == 3


@pytest.mark.parametrize(("counted", "expected"), [(6, 6), (None, 1)])
def test_where_no_process_is_kept_to_some_they_are_the_machines(monkeypatch, counted, expected):
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: counted)
    assert cores() == expected
