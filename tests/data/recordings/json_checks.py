"""What every format of recordings owes: the same bytes again, and one clear refusal of what is damaged."""

import random
import re

import numpy as np
import pytest

from base.errors import InputError
from data.recordings.guessing import guess_recording, read_recording
from tests.fuzz.damage import ALL, damaged


def contents(path):
    """Return the bytes of a file, or of each file of a folder."""
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())} if path.is_dir() else path.read_bytes()


def rewritten(recording, joints, path):
    """Return what is written to a path, which is removed again if it is a file."""
    recording.write(joints, path)
    return contents(path)


def read_same(path, format, output):
    """Read a recording that is guessed to be of a format, and see that it comes back byte for byte."""
    name, recording = read_recording(path)
    assert name == format
    before = recording.joints.copy()
    assert rewritten(recording, recording.joints, output) == contents(path)
    nothing = np.full_like(before, np.nan)
    assert rewritten(recording, nothing, output.with_name("nothing_" + output.name)) == contents(path)
    np.testing.assert_array_equal(recording.joints, before)
    return recording


def refused(path, message, format=None):
    """See that a path is refused in one line that begins with its name."""
    with pytest.raises(InputError, match=message) as found:
        read_recording(path, format)
    text = str(found.value)
    assert text.startswith(str(path)) or text.startswith("--format")
    assert "\n" not in text
    assert len(text) < 600


def survives(content, format, folder, name, count=60):
    """Damage a file so often: it is refused in one line, or read and written again as it is."""
    path, output = folder / name, folder / f"out_{name}"
    outcomes = set()
    for number in range(count):
        path.write_bytes(damaged(content, random.Random(f"{format} {number}"), ALL))
        refusal, _ = refusal_of(guess_recording, path)
        assert refusal is None or "may be of" in refusal
        refusal, found = refusal_of(read_recording, path, format)
        if refusal is None:
            assert rewritten(found[1], found[1].joints, output) == path.read_bytes()
            found[1].write(np.nan_to_num(found[1].joints) + 1, output)
        else:
            assert not re.search(r"[\x00-\x1f]", refusal), refusal
        outcomes.add("read" if refusal is None else "refused")
    return outcomes


def refusal_of(function, *given):
    """Return the project's own error as text, or what the function returns; anything else comes through."""
    try:
        return None, function(*given)
    except InputError as error:
        return str(error), None
    except BaseException as error:
        error.add_note(repr(given[0].read_bytes()[:2000]))
        raise
