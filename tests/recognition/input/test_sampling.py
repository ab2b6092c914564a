import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from recognition.input.sampling import pad_frames, place_frames, resize_frames, time_window

LENGTHS = torch.arange(1, 90)


@pytest.mark.parametrize("frames", [1, 7, 64])
def test_resizing_is_that_of_images(frames):
    for length in (1, 2, 5, 64, 89):
        clip = torch.randn(length, generator=torch.Generator().manual_seed(length))
        found = resize_frames(torch.tensor([length]), frames)
        values = clip[found.index[0]].lerp(clip[found.after[0]], found.part[0])
        expected = F.interpolate(clip[None, None], size=frames, mode="linear", align_corners=False)[0, 0]
        assert_close(values, expected)


def test_padding_keeps_frames_and_marks_the_rest():
    found = pad_frames(torch.tensor([3, 9]), 5)
    assert found.index.tolist() == [[0, 1, 2, 2, 2], [0, 1, 2, 3, 4]]
    assert found.real.tolist() == [[True, True, True, False, False], [True] * 5]


@pytest.mark.parametrize("place", [0.0, 0.5, 1 - 2**-53])
@pytest.mark.parametrize("share", [1e-9, 0.5, 0.95, 1.0])
def test_windows_lie_in_their_clips(place, share):
    full = torch.ones(len(LENGTHS), dtype=torch.float64)
    start, size = time_window(LENGTHS, share * full, place * full, least=4)
    assert bool((size >= LENGTHS.clamp_max(4)).all())
    assert bool((start >= 0).all())
    assert bool((start + size <= LENGTHS).all())
    if place == 0.5:  # as far from the beginning as from the end
        assert bool(((LENGTHS - size - 2 * start).abs() <= 1).all())
    if share == 1:
        assert start.unique().tolist() == [0]
        assert_close(size, LENGTHS)


@pytest.mark.parametrize("sampling", ["uniform", "resize", "pad"])
def test_frames_come_from_the_window(sampling):
    lengths = torch.tensor([40, 12, 1])
    window = torch.tensor([30, 2, 0]), torch.tensor([10, 3, 1])
    offset = torch.full((3, 6), 0.5, dtype=torch.float64)
    found = place_frames(lengths, sampling, 6, offset, window)
    for index in (found.index, found.after):
        if index is not None:
            assert bool((index >= window[0][:, None]).all())
            assert bool((index < (window[0] + window[1])[:, None]).all())
