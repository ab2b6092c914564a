"""What every format of recordings owes."""

import random

import numpy as np

from base.errors import InputError
from data.recordings.guessing import read_recording
from tests.fuzz import skeletons
from tests.fuzz.damage import ALL, damaged


def rewritten(path, change=None):
    """Read a file of the format that it is guessed to be, change its joints, and return what it becomes."""
    _, recording = read_recording(path)
    joints = recording.joints.copy()
    if change is not None:
        change(joints)
    output = path.with_name(f"new_{path.name}")
    recording.write(joints, output)
    return output.read_bytes()


def check_damaged(path, read, count=60):
    """Damage a file so often: it is read, and comes back the same, or is refused in one line."""
    whole = path.read_bytes()
    refused = 0
    for number in range(count):
        content = damaged(whole, random.Random(f"{path.suffix} {number}"), ALL)
        path.write_bytes(content)
        output = path.with_name("out")
        try:
            recording = read(path)
            recording.write(recording.joints.copy(), output)
            assert output.read_bytes() == content, number
            recording.write(np.nan_to_num(recording.joints) + 1, output)
        except InputError as error:
            refused += skeletons.refused(error) == "refused"
        except BaseException as error:
            error.add_note(f"try {number}")
            raise
    path.write_bytes(whole)
    assert 0 < refused < count
