"""Words for numbers of things."""

from collections.abc import Sequence


def plural(count: int, one: str, many: str | None = None, *, separator: str = "") -> str:
    """Write a number of things: 1 clip, 2 clips, 0 clips.

    Parameters
    ----------
    count
        How many.
    one
        The word for one of them.
    many
        The word for several; `one` with an s if not given.
    separator
        What stands between thousands, such as a comma.
    """
    return f"{count:{separator}} {one if count == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """Write several things as a sentence does: a; a and b; a, b and c."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))
