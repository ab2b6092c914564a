"""That it happens before torch is loaded is in `tests/end_to_end/test_command_line.py`."""

import os

import pytest

from training.threads import SETTINGS, wait_passively


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
