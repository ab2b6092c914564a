"""Decimal numbers of a text as an array, many at once."""

import numpy as np

_WIDTH = 16
_MOST_BEHIND = 14
"""So many digits behind the point and one before it are a whole number below 2^53: divided by a power of ten up to
1e22 it is rounded once, as `float` rounds it."""

_AT_ONCE = 1 << 13
"""More numbers than that are read in parts: temporary arrays stay in the processor's cache, and under the size from
which the C library fetches each anew from the operating system."""

_ZEROS = np.uint64(0x3030303030303030)
_HIGH_BITS = np.uint64(0x8080808080808080)
_TO_HIGH_BIT = np.uint64(0x7676767676767676)
"""Added to a byte of 10 to 127 it sets the highest bit, added to one of 0 to 9 it does not."""

# Eight decimal digits in the bytes of a word become one number in three steps: neighbours are joined to pairs, pairs to
# fours, fours to eight. The multiplication puts ten (a hundred, ten thousand) times the left one on the right one.
_JOIN = tuple(
    (np.uint64(10**digits * 2 ** (8 * digits) + 1), np.uint64(8 * digits), np.uint64(mask))
    for digits, mask in ((1, 0x00FF00FF00FF00FF), (2, 0x0000FFFF0000FFFF), (4, 0x00000000FFFFFFFF))
)

# The bytes of the last eight characters, and of the eight before, that hold digits behind the point; by their count.
_BEHIND = np.arange(_MOST_BEHIND + 1)
_ALL = (1 << 64) - 1
_MASKS = tuple(
    np.array([_ALL & ~((1 << 8 * (8 - count)) - 1) for count in np.clip(_BEHIND - skipped, 0, 8).tolist()], np.uint64)
    for skipped in (0, 8)
)
_POWERS = 10 ** _BEHIND.astype(np.int64)


def parse_decimals(text: np.ndarray, ends: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Turn many decimal numbers of a text into float64, to the last bit as `float` does, without a Python loop.

    Numbers with one digit before the point and at most 14 behind it (metres, that is) are computed by array operations,
    eight characters in a 64-bit word; the others (with an exponent, more digits, NaN) are left to `float`.

    Parameters
    ----------
    text
        uint8 [bytes], ASCII.
    ends, lengths
        int64 [n]: where each number ends (its first byte is `ends - lengths`) and how long it is, at least 1.

    Raises
    ------
    ValueError
        A number is malformed.
    """
    if len(ends) > _AT_ONCE:
        parts = range(0, len(ends), _AT_ONCE)
        return np.concatenate([parse_decimals(text, ends[n : n + _AT_ONCE], lengths[n : n + _AT_ONCE]) for n in parts])
    if len(text) < _WIDTH:
        return np.array([_slowly(text, end, length) for end, length in zip(ends, lengths, strict=True)], np.float64)
    words = np.ndarray(len(text) - 7, "<u8", buffer=text, strides=(1,))
    first = ends - lengths
    negative = text[first] == ord("-")
    first += negative
    before = text[first] - np.uint8(ord("0"))  # wraps round, so that one comparison finds the digits
    behind = ends - first
    behind -= 2
    plain = (text[np.minimum(first + 1, len(text) - 1)] == ord(".")) & (before < 10)
    plain &= (behind >= 0) & (behind <= _MOST_BEHIND) & (ends >= _WIDTH)
    all_plain = plain.all()
    if not all_plain:
        behind[~plain] = 0
    at = ends - 8
    if not all_plain:
        at[~plain] = 8
    last, wrong = _digits(words[at], _MASKS[0][behind])
    at -= 8
    earlier, also_wrong = _digits(words[at], _MASKS[1][behind])
    wrong |= also_wrong

    scale = _POWERS[behind]
    whole = before * scale
    earlier *= np.uint64(10**8)
    earlier += last
    whole += earlier.view(np.int64)
    values = whole / scale
    values *= 1 - 2.0 * negative
    if not all_plain or wrong.any():
        plain &= wrong == 0
        for index in np.flatnonzero(~plain):
            values[index] = _slowly(text, ends[index], lengths[index])
    return values


def _digits(words: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Read the bytes of words under a mask as decimal digits; the second result is not 0 where one is no digit."""
    words ^= _ZEROS
    words &= mask
    wrong = words + _TO_HIGH_BIT
    wrong |= words
    wrong &= _HIGH_BITS
    for factor, shift, keep in _JOIN:
        words *= factor
        words >>= shift
        words &= keep
    return words, wrong


def _slowly(text: np.ndarray, end: int, length: int) -> float:
    return to_float(text[end - length : end].tobytes())


def to_float(number: bytes) -> float:
    """Read a number as other languages would, too: `float` without underscores.

    Raises
    ------
    ValueError
        It is malformed.
    """
    if b"_" in number:
        raise ValueError(f"could not convert {number!r}")
    return float(number)
