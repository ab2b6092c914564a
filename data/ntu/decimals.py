import numpy as np

_WIDTH = 16
_EXACT_DIGITS = 15
"""A whole number of so many digits, divided by a power of ten up to 1e22, is rounded once: as `float` rounds it."""

# The value of a digit by its place from the end, for the first and for the last eight characters: each sum is exact.
_PLACES = np.zeros((_WIDTH, 2))
_PLACES[:8, 0] = _PLACES[8:, 1] = 10.0 ** np.arange(7, -1, -1)
_POWERS = 10 ** np.arange(_WIDTH + 2, dtype=np.int64)


def parse_decimals(text: np.ndarray, ends: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Turn many decimal numbers of a text into float64, to the last bit as `float` does, without a Python loop.

    Numbers in plain notation with at most 15 digits are computed by array operations; the few others (with an exponent,
    NaN, more digits) are left to `float`.

    Parameters
    ----------
    text
        uint8 [bytes], ASCII.
    ends, lengths
        int64 [n]: where each number ends (its first byte is `ends - lengths`) and how long it is.

    Raises
    ------
    ValueError
        A number is malformed.
    """
    at = ends - _WIDTH
    windows = np.ndarray(max(len(text) - _WIDTH + 1, 0), dtype=f"V{_WIDTH}", buffer=text, strides=(1,))
    if not len(windows):
        return np.array([_slowly(text, end, length) for end, length in zip(ends, lengths, strict=True)])
    windows = windows[np.maximum(at, 0)]
    characters = windows.view(np.uint8).reshape(-1, _WIDTH)  # each number stands at the end of its row
    inside = np.arange(_WIDTH - 1, -1, -1) < lengths[:, None]
    digit = characters - np.uint8(ord("0"))  # wraps round, so that one comparison finds the digits
    is_digit = (digit < 10) & inside
    is_point = (characters == ord(".")) & inside
    # Counts by matrix products: NumPy's sums along a short last axis are slow.
    ones = np.ones(_WIDTH, np.float32)
    digits, points = is_digit.astype(np.float32) @ ones, is_point.astype(np.float32) @ ones
    behind = np.arange(_WIDTH - 1, -1, -1, dtype=np.float32)
    places = (is_point.astype(np.float32) @ behind).astype(np.int64)
    negative = text[ends - lengths] == ord("-")
    plain = (digits + points + negative == lengths) & (points <= 1) & (digits > 0) & (digits <= _EXACT_DIGITS)
    plain &= (lengths <= _WIDTH) & (at >= 0)
    places[~plain] = 0

    high, low = ((digit * is_digit).astype(np.float64) @ _PLACES).astype(np.int64).T
    with_gap = high * 10**8 + low  # the point takes up a place of its own: close the gap it leaves
    has_point = points == 1
    scale = _POWERS[places]
    whole = with_gap // np.where(has_point, scale * 10, 1)
    mantissa = np.where(has_point, with_gap - whole * scale * 9, with_gap)
    values = mantissa / scale
    values[negative] *= -1
    for index in np.flatnonzero(~plain):
        values[index] = _slowly(text, ends[index], lengths[index])
    return values


def _slowly(text: np.ndarray, end: int, length: int) -> float:
    return float(text[end - length : end].tobytes())
