import base64
import zlib

import numpy as np

from drawing.player import UNSEEN, packed, page_styles, player_script, quantised


def unpacked(text, frames):
    """As the script does it, one number at a time."""
    plain = zlib.decompress(base64.b64decode(text))
    count = len(plain) // 2
    found = np.zeros((frames, count // frames), np.int64)
    for track in range(count // frames):
        value = 0
        for frame in range(frames):
            at = track * frames + frame
            change = plain[at] | plain[count + at] << 8
            value = (value + ((change >> 1) ^ -(change & 1)) + 32768) % 65536 - 32768
            found[frame, track] = value
    return found


def test_positions_come_back(rng):
    steps = rng.integers(-32768, 32767, (9, 4, 3), dtype=np.int16, endpoint=True)
    steps[3, 2] = UNSEEN
    np.testing.assert_array_equal(unpacked(packed(steps), 9), steps.reshape(9, -1))


def test_smooth_positions_are_short(rng):
    """A minute of 25 joints in an image, whose changes from frame to frame are some ten steps: one byte each."""
    steps = np.cumsum(rng.normal(0, 5, (1800, 25, 2)), 0).astype(np.int16)
    assert len(packed(steps)) < 1.1 * 4 / 3 * steps.size


def test_positions_are_whole_steps_from_an_origin():
    poses = np.array([[[1.0, 2.0], [np.nan, 3.0], [1e9, -1e9]]])
    steps = quantised(poses, np.array([0.5, 1.0]), 0.25)
    assert steps.tolist() == [[[2, 4], [UNSEEN, UNSEEN], [32_000, -32_000]]]


def test_the_script_and_the_styles_ask_for_nothing():
    for text in (page_styles(), player_script()):
        assert text
        assert "http" not in text
        assert "</" not in text
