"""What every format of recordings owes: the same bytes again, and a refusal in one line of what is damaged."""

import io
import random
import warnings
import zipfile

import numpy as np

from base.errors import InputError
from data.recordings.guessing import read_recording
from tests.fuzz import skeletons
from tests.fuzz.damage import ALL, damaged


def read_known(path, name):
    """Read a file that must be guessed to be of a format."""
    found, recording = read_recording(path)
    assert found == name
    return recording


def rewritten(path, recording, change=None):
    """Return what a recording becomes with other joints, as a path."""
    joints = recording.joints.copy()
    if change is not None:
        change(joints)
    output = path.with_name(f"new_{path.name}")
    recording.write(joints, output)
    return output


def content_after(path, change=None):
    """Read a file of the format that it is guessed to be, and return what it becomes with other joints, as bytes."""
    _, recording = read_recording(path)
    return rewritten(path, recording, change).read_bytes()


def check_same(path, name):
    """A recording that is not changed is the very file."""
    recording = read_known(path, name)
    assert rewritten(path, recording).read_bytes() == path.read_bytes()
    return recording


def _damaged(content, r):
    """Damage a file, or one of the parts of a zip, whose checksum then is that of the damaged part."""
    if not content.startswith(b"PK") or r.random() < 0.3:
        return damaged(content, r, ALL)
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as whole, zipfile.ZipFile(target, "w") as file:
        chosen = r.choice(whole.namelist())
        for info in whole.infolist():
            member = whole.read(info)
            file.writestr(info, damaged(member, r, ALL) if info.filename == chosen else member)
    return target.getvalue()


def check_damaged(path, read, count=60):
    """Damage a file so often: it is read, and written the same, or refused in one line."""
    whole = path.read_bytes()
    refused = 0
    output = path.with_name("out")
    for number in range(count):
        content = _damaged(whole, random.Random(f"{path.name} {number}"))
        path.write_bytes(content)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
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
