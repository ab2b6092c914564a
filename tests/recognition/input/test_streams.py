import pytest
import torch
from torch.testing import assert_close

from data.skeletons.layouts import BONES, NTU25
from recognition.input.streams import to_stream


@pytest.mark.parametrize("stream", ["joint", "bone", "joint_motion", "bone_motion"])
def test_streams_against_loops(stream):
    x = torch.randn(2, 6, 25, 3)
    expected = x.clone()
    if "bone" in stream:
        expected = torch.zeros_like(x)
        for joint, parent in BONES:
            expected[:, :, joint] = x[:, :, joint] - x[:, :, parent]
    if "motion" in stream:
        still = expected.clone()
        for frame in range(5):
            expected[:, frame] = still[:, frame + 1] - still[:, frame]
        expected[:, 5] = 0
    assert_close(to_stream(x, stream, NTU25), expected, rtol=0, atol=0)
