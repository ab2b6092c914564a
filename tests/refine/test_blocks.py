import itertools

import pytest

from refine.blocks import FRAMES, frame_blocks


@pytest.mark.parametrize("count", [1, FRAMES - 1, FRAMES, FRAMES + 1, 5 * FRAMES + 3])
@pytest.mark.parametrize("reach", [0, 7, 3 * FRAMES])
def test_each_frame_is_in_one_block_with_all_that_is_in_its_reach(count, reach):
    found = list(frame_blocks(count, reach))
    assert [part.start for part, _ in found] == [0, *(part.stop for part, _ in found[:-1])]
    assert found[-1][0].stop == count
    for (part, wider), last in itertools.product(found, (False, True)):
        frame = part.stop - 1 if last else part.start
        assert wider.start <= max(frame - reach, 0)
        assert wider.stop >= min(frame + reach + 1, count)
        assert wider.stop - wider.start <= FRAMES + 2 * reach or wider.stop - wider.start <= 3 * reach


def test_no_frames_are_one_empty_block():
    assert list(frame_blocks(0, 3)) == [(slice(0, 0), slice(0, 0))]
