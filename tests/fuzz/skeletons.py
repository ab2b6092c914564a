"""Damaged `.skeleton` files and zips: each must be refused in one line, or be read as a sound clip.

What the quick reader accepts, the careful one must accept with the same result.
"""

import io
import random
import zipfile
from pathlib import Path

import numpy as np

from base.errors import InputError
from data.ntu.actors import choose_actors
from data.ntu.archive import Source, list_entries
from data.ntu.text import Body, Skeleton, _parse, _parse_carefully, _UnusualError, read_skeleton, write_skeleton
from tests.fuzz.damage import BYTES, damaged

NASTY = (
    b"nan", b"NaN", b"inf", b"-Infinity", b"1e400", b"1e38", b"1e-400", b"-0", b"0", b"-1", b"+1", b"1_0", b"0x10",
    b"24", b"25", b"26", b"025", b"1000000000", b"9223372036854775808", b"1" * 30, b"1" * 5000, b"1.2.3", b".", b"-",
    b"--1", b"1e", b"\xd9\xa3", b"\x00", b"", b" ", b"\t", b"\r", b"\x0b", b"\x1c", b"\x85", b"2 2", b"1\r\n1",
)  # fmt: skip


def a_text(random_source: random.Random) -> bytes:
    """Write a clip of a few frames and bodies as the data set's files are."""
    numbers = np.random.default_rng(random_source.getrandbits(32))
    frames = random_source.randint(1, 6)
    bodies = []
    for number in range(random_source.randint(0, 3)):
        seen = np.flatnonzero(numbers.random(frames) < 0.8)
        joints = numbers.normal((0, 0, 3), 0.5, (len(seen), 25, 3)).astype(np.float32)
        states = numbers.integers(1, 3, (len(seen), 25)).astype(np.uint8)
        bodies.append(Body(72057594037931101 + 4 * number, seen, joints, states))
    return write_skeleton(Skeleton(frames, tuple(bodies)))


def _token(text: bytes, r: random.Random) -> bytes:
    tokens = text.split(b" ")
    if r.random() < 0.5:
        lines = text.split(b"\r\n")
        short = [number for number, line in enumerate(lines) if len(line) < 4]  # counts
        lines[r.choice(short) if short else 0] = r.choice(NASTY)
        return b"\r\n".join(lines)
    tokens[r.randrange(len(tokens))] = r.choice(NASTY)
    return b" ".join(tokens)


def _lines(text: bytes, r: random.Random) -> bytes:
    lines = text.split(b"\r\n")
    one, two = r.randrange(len(lines)), r.randrange(len(lines))
    if r.random() < 0.5:
        lines[one], lines[two] = lines[two], lines[one]
    else:
        lines.insert(one, lines[two])
    return b"\r\n".join(lines)


def _line_ends(text: bytes, r: random.Random) -> bytes:
    return text.replace(b"\r\n", r.choice((b"\n", b"\r", b"\n\r", b" \r\n", b"\r\n\r\n", b"\x0c")), r.choice((1, -1)))


DAMAGES = (*BYTES, _token, _lines, _line_ends)


def damage(text: bytes, random_source: random.Random) -> bytes:
    """Damage a text in one to four places."""
    return damaged(text, random_source, DAMAGES)


def damaged_zip(random_source: random.Random) -> bytes:
    """Damage a zip of a few clips; its directory is short: half of the time that is aimed at."""
    content = a_zip(random_source)
    at = random_source.choice((content.rindex(b"PK\x01\x02"), 0))
    return content[:at] + random_source.choice(BYTES)(content[at:], random_source)


def expect(condition: bool, error: object) -> None:
    if not condition:
        raise AssertionError(str(error))


def refused(error: InputError) -> str:
    """Check that an error is told in one line."""
    expect("\n" not in str(error), error)
    return "refused"


def check(text: bytes) -> str:
    """Read a text and say what came of it; raise what must not come of it."""
    try:
        skeleton = read_skeleton(text, "clip")
    except InputError as error:
        expect(len(str(error)) < 400, error)
        return refused(error)
    for body in skeleton.bodies:
        assert np.isfinite(body.joints).all()
        assert body.tracked.max() <= 2
        assert (np.diff(body.frames) > 0).all()
        assert 0 <= body.frames[0] <= body.frames[-1] < skeleton.frames
        assert 0 <= body.id < 2**63
    choose_actors(skeleton)
    try:
        quick = _parse(text)
    except (_UnusualError, ValueError, IndexError, OverflowError):
        return "read by the careful reader"
    for one, other in zip(quick, _parse_carefully(text, "clip"), strict=True):
        np.testing.assert_array_equal(one, other)
    return "read by the quick reader"


def check_zip(content: bytes, path: Path) -> str:
    """Read a damaged zip and say what came of it."""
    path.write_bytes(content)
    outcome = "read"
    try:
        entries = list_entries(path).entries
    except InputError as error:
        return refused(error)
    source = Source(path)
    try:
        for entry in entries:
            try:
                source.read(entry)
            except InputError as error:
                outcome = "an entry " + refused(error)
    finally:
        source.close()
    return outcome


def a_zip(random_source: random.Random) -> bytes:
    """Pack a few clips."""
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(1, 4):
                archive.writestr(f"nturgb+d_skeletons/S001C001P001R001A{number:03d}.skeleton", a_text(random_source))
        return file.getvalue()
