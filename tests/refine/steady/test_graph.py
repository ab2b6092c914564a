"""The formulas once more, in PyTorch, against those in NumPy; the exported file has tests of its own."""

import numpy as np
import pytest
import torch

from refine.steady.features import JUDGE_FEATURES, MIXER_FEATURES
from refine.steady.graph import Graph, least_frames
from refine.steady.net import Networks
from refine.steady.smoother import refine_sequence
from tests.refine.steady.test_net import random_network


@pytest.mark.parametrize(("frames", "joints", "dims", "fps"), [(17, 5, 3, 30.0), (530, 6, 2, 30.0), (90, 9, 3, 50.0)])
def test_as_the_reference(frames, joints, dims, fps):
    rng = np.random.default_rng(frames)
    networks = Networks(random_network(rng, JUDGE_FEATURES, 8, 1), random_network(rng, MIXER_FEATURES, 8, 8, 8))
    poses = rng.normal(0, 0.4, (1, joints, dims)) + rng.normal(0, 0.02, (frames, joints, dims)).cumsum(0)
    poses[rng.random((frames, joints)) < 0.2] = np.nan
    poses[: frames // 3, 0] = np.nan
    poses[:, 2] = np.nan
    confidence = rng.uniform(0, 1, (frames, joints)).astype(np.float32)
    confidence[3:6] = 0
    expected = refine_sequence(networks, poses, fps, confidence)
    with torch.inference_mode():
        found = Graph(networks, fps).eval()(torch.from_numpy(poses)[None], torch.from_numpy(confidence)[None])[0]
    assert np.nanmax(np.abs(expected - poses)) > 0.01
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)


def test_shorter_sequences_have_other_formulas():
    assert least_frames(30.0) == 17
