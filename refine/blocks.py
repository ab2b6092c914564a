"""Long tracks, some frames at a time: what looks at a few frames at once needs memory for a few only."""

from collections.abc import Iterator

FRAMES = 1 << 13
"""Frames of a block."""


def frame_blocks(count: int, reach: int = 0) -> Iterator[tuple[slice, slice]]:
    """Cut frames into blocks.

    Parameters
    ----------
    count
        How many frames there are.
    reach
        How many frames to either side of it something looks at, for a frame.

    Yields
    ------
    part, wider
        A block, of `FRAMES` frames or of `reach` if that is more, the last one shorter; and the block with what is in
        reach of it. Of no frames, there is one block that is empty.
    """
    step = max(FRAMES, reach)
    for first in range(0, max(count, 1), step):
        end = min(first + step, count)
        yield slice(first, end), slice(max(first - reach, 0), min(end + reach, count))
