"""That it happens before torch is loaded is in `tests/end_to_end/test_command_line.py`."""

import os
import sys

import pytest

from training.threads import SETTINGS, Moment, look, others_at_work, wait_passively


def test_the_tests_wait_passively_too():
    assert any(name in os.environ for name in SETTINGS)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"OMP_WAIT_POLICY": "PASSIVE"}),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, {"OMP_WAIT_POLICY": "ACTIVE"}),
        ({"GOMP_SPINCOUNT": "7"}, {"GOMP_SPINCOUNT": "7"}),
        ({"KMP_BLOCKTIME": "5"}, {"KMP_BLOCKTIME": "5"}),
        ({"OMP_NUM_THREADS": "2"}, {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}),
    ],
)
def test_what_the_user_says_of_waiting_stays(monkeypatch, given, expected):
    monkeypatch.setattr(os, "environ", dict(given))
    wait_passively()
    assert os.environ == expected


@pytest.mark.parametrize(
    ("idle", "own", "processors", "expected"),
    [
        (10.0, 10.0, 2, False),  # of two processors one works, for this process
        (0.0, 10.0, 2, True),  # the other works for somebody else
        (4.0, 10.0, 2, True),  # more than half of the time
        (6.0, 10.0, 2, False),  # less than half of the time
        (0.0, 10.0, 1, False),  # the only one works for this process
        (440.0, 10.0, 2, False),  # of 64 nineteen are taken, and two wanted
    ],
)
def test_others_are_at_work_where_they_take_what_this_process_may_use(idle, own, processors, expected):
    before = Moment(100.0, 5.0, 3.0)
    assert others_at_work(before, Moment(110.0, 5.0 + idle, 3.0 + own), processors) is expected


def test_where_nothing_can_be_seen_nothing_is_changed():
    now = Moment(100.0, 5.0, 3.0)
    assert not others_at_work(None, now, 2)
    assert not others_at_work(now, None, 2)
    assert not others_at_work(now, now, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what its processors do")
def test_a_look_counts_what_this_process_does():
    before = look()
    while (after := look()).own - before.own < 0.03:
        pass
    assert after.at - before.at >= 0.03
    assert after.idle >= before.idle
