import pytest
import torch

from recognition.nets.multi_branch import MultiBranchTemporalConv


def test_widths_of_the_six_branches():
    module = MultiBranchTemporalConv(64, 64)
    outputs = [branch(torch.randn(2, 64, 5, 25)).shape[1] for branch in module.branches]
    assert outputs == [14, 10, 10, 10, 10, 10]


@pytest.mark.parametrize(
    ("branch", "reach"),
    list(enumerate([{-1, 0, 1}, {-2, 0, 2}, {-3, 0, 3}, {-4, 0, 4}, {-1, 0, 1}, {0}])),
)
def test_frames_that_a_branch_sees(branch, reach):
    torch.manual_seed(0)
    module = MultiBranchTemporalConv(6, 60).branches[branch].eval()
    x = torch.rand(1, 6, 21, 2)
    seen = set()
    for frame in range(21):
        changed = x.clone()
        changed[:, :, frame, 1] += 10 * torch.randn(6)
        difference = (module(changed) - module(x)).abs().amax((0, 1))
        assert not difference[:, 0].any(), "joints do not mix"
        seen |= {frame - 10} if difference[10, 1] > 0 else set()
    assert seen == reach


@pytest.mark.parametrize(("frames", "stride", "expected"), [(7, 1, 7), (7, 2, 4), (8, 2, 4), (1, 2, 1)])
def test_length_after_the_stride(frames, stride, expected):
    module = MultiBranchTemporalConv(6, 13, stride)
    assert module(torch.randn(2, 6, frames, 3)).shape == (2, 13, expected, 3)


def test_too_few_channels_for_six_branches():
    with pytest.raises(ValueError, match="at least 6"):
        MultiBranchTemporalConv(4, 5)
