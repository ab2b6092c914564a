"""Damage to any bytes, by a seeded source of chance."""

import random
from collections.abc import Callable, Sequence

Damage = Callable[[bytes, random.Random], bytes]


def damaged(content: bytes, r: random.Random, damages: Sequence[Damage]) -> bytes:
    """Damage bytes in one to four places."""
    for _ in range(r.randint(1, 4)):
        content = r.choice(damages)(content, r)
    return content


def some_bytes(content: bytes, r: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(r.randint(1, 8)):
        if changed:
            changed[r.randrange(len(changed))] = r.randrange(256)
    return bytes(changed)


def front(content: bytes, r: random.Random) -> bytes:
    """Change a byte among the first 300, where headers are."""
    changed = bytearray(content)
    if changed:
        changed[r.randrange(min(len(changed), 300))] = r.randrange(256)
    return bytes(changed)


def cut(content: bytes, r: random.Random) -> bytes:
    return content[: r.randint(0, len(content))]


def delete(content: bytes, r: random.Random) -> bytes:
    at = r.randint(0, len(content))
    return content[:at] + content[at + r.choice((1, 2, 10, 100, 3000)) :]


def repeat(content: bytes, r: random.Random) -> bytes:
    at = r.randint(0, len(content))
    end = at + r.choice((1, 2, 10, 100, 3000))
    return content[:end] + content[at:end] + content[end:]


def digits(content: bytes, r: random.Random) -> bytes:
    """Replace a number that is written as text."""
    places = [at for at in range(len(content)) if content[at : at + 1].isdigit()]
    if not places:
        return content
    at = r.choice(places)
    return content[:at] + r.choice(NUMBERS) + content[at + 1 :]


def insert(content: bytes, r: random.Random) -> bytes:
    at = r.randint(0, len(content))
    return content[:at] + r.choice(NASTY) + content[at:]


NUMBERS = (
    b"0", b"-1", b"1000000000", b"9223372036854775808", b"1" * 30, b"1" * 5000, b"nan", b".inf", b"1e400", b"null",
)  # fmt: skip
NASTY = (
    *NUMBERS, b"", b"\x00", b"\xff\xff\xff\x7f", b"\x1b[31m", b"\xe2\x80\xae", b"[/b]", b"=1+1", b"!!int x",
    b"!!set {a}", b"!!timestamp x", b"!!binary /", b"&a [*a]", b"*b", b"[" * 600, b"{a: " * 300, b": ", b"\n",
    b"\r\n  - ", b"\t", b"2024-99-99", b"r\xff\xff\xff\x0f", b"\x85" * 500, b"(lp0\n", b"]\x94", b"h\x00", b"\x94",
    b"N", b"0", b"1", b"2", b"R", b"b", b"a", b"s",
)  # fmt: skip
BYTES: tuple[Damage, ...] = (some_bytes, cut, delete, repeat)
ALL: tuple[Damage, ...] = (*BYTES, front, front, digits, digits, insert, insert)
