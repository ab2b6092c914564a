"""Whatever is wrong with a file, it is read or refused in one line, in bounded memory."""

import random

import pytest

from tests.fuzz import skeletons
from tests.fuzz.doors import DOORS, attempts
from tests.fuzz.memory import peak_memory

COUNT = 120
FEWER = {"checkpoints": 50, "npz": 90}
"""PyTorch takes its time."""
MOST_MEMORY = 300 << 20


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_damaged_files_are_read_or_refused(door, tmp_path):
    before = peak_memory()
    for outcome in attempts(door, tmp_path, FEWER.get(door.name, COUNT), seed=0):
        assert outcome in ("read", "refused")
    assert peak_memory() - before < MOST_MEMORY


def test_damaged_zips_of_clips_are_read_or_refused(tmp_path):
    for number in range(COUNT):
        skeletons.check_zip(skeletons.damaged_zip(random.Random(number)), tmp_path / "a.zip")
