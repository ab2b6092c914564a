"""Damage real-looking `.skeleton` files and zips at random: nothing but the project's own error may come of it.

Usage: python bench/fuzz_skeleton.py [--tries 10000] [--zips 1000] [--seed 0] [FILE.skeleton ...]

Each text is damaged in one to four places and read. It must be refused in one line, or read as a sound clip; and what
the quick reader accepts, the careful one must accept with the same result. The time and the memory of the slowest and
largest try are shown: no count in a file may make the reader loop or allocate.
"""

import argparse
import io
import random
import sys
import tempfile
import time
import tracemalloc
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from base.errors import InputError
from data.ntu.actors import choose_actors
from data.ntu.archive import Source, list_entries
from data.ntu.text import Body, Skeleton, _parse, _parse_carefully, _UnusualError, read_skeleton, write_skeleton

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


def damage(text: bytes, random_source: random.Random) -> bytes:
    """Damage a text in one to four places."""
    for _ in range(random_source.randint(1, 4)):
        text = random_source.choice(DAMAGES)(text, random_source)
    return text


def _bytes(text: bytes, r: random.Random) -> bytes:
    changed = bytearray(text)
    for _ in range(r.randint(1, 8)):
        if changed:
            changed[r.randrange(len(changed))] = r.randrange(256)
    return bytes(changed)


def _cut(text: bytes, r: random.Random) -> bytes:
    return text[: r.randint(0, len(text))]


def _delete(text: bytes, r: random.Random) -> bytes:
    at = r.randint(0, len(text))
    return text[:at] + text[at + r.choice((1, 2, 10, 100, 3000)) :]


def _repeat(text: bytes, r: random.Random) -> bytes:
    at = r.randint(0, len(text))
    end = at + r.choice((1, 2, 10, 100, 3000))
    return text[:end] + text[at:end] + text[end:]


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


DAMAGES = (_bytes, _cut, _delete, _repeat, _token, _lines, _line_ends)


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


def main() -> None:
    parser = argparse.ArgumentParser(description="Damaged files and zips.")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--tries", type=int, default=10_000)
    parser.add_argument("--zips", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    random_source = random.Random(given.seed)
    real = [path.read_bytes() for path in given.files]
    outcomes: Counter[str] = Counter()
    slowest = largest = 0.0
    start = time.perf_counter()
    for number in range(given.tries):
        whole = real[number % len(real)] if real and number % 4 == 0 else a_text(random_source)
        text = damage(whole, random_source)
        measured = number % 10 == 0
        if measured:
            tracemalloc.start()
        began = time.perf_counter()
        outcomes[check(text)] += 1
        if measured:
            largest = max(largest, tracemalloc.get_traced_memory()[1] / max(len(text), 1000))
            tracemalloc.stop()
        else:
            slowest = max(slowest, (time.perf_counter() - began) / max(len(text), 1000))
    print(f"{given.tries} damaged texts in {time.perf_counter() - start:.0f} s: {dict(outcomes)}")
    print(f"slowest {1e9 * slowest:.0f} ns a byte (both readers); largest {largest:.0f} bytes of memory a byte of text")
    outcomes.clear()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(given.zips):
            content = a_zip(random_source)
            at = random_source.choice((content.rindex(b"PK\x01\x02"), 0))  # the directory is short: aim at it, too
            damaged = content[:at] + random_source.choice((_bytes, _cut, _delete, _repeat))(content[at:], random_source)
            outcomes[check_zip(damaged, Path(folder) / "damaged.zip")] += 1
    print(f"{given.zips} damaged zips: {dict(outcomes)}")


if __name__ == "__main__":
    main()
