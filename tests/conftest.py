"""One thread per process: the tests run in several processes, and their networks are tiny."""

import os

import pytest

from training.threads import wait_passively

wait_passively()
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")


@pytest.fixture
def rng():
    import numpy as np  # once the settings above hold

    return np.random.default_rng(7)
