import numpy as np
import pytest
import torch
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from refine.losses import acceleration_loss, position_loss, smoothing_loss
from refine.metrics import (
    acceleration_errors,
    align_root,
    align_similarity,
    aligned_joint_errors,
    joint_errors,
    mpjpe,
    score,
)


def poses(rng, frames=20, joints=17, dims=3):
    return torch.tensor(rng.normal(size=(frames, joints, dims)))


def test_constant_offset(rng):
    truth = poses(rng)
    moved = truth + torch.tensor([0.3, 0.0, 0.4])
    assert joint_errors(moved, truth).tolist() == pytest.approx([0.5] * 20)
    assert joint_errors(align_root(moved, (2, 3)), align_root(truth, (2, 3))).abs().max() < 1e-12
    assert torch.equal(align_root(moved, ()), moved)


def test_one_joint_of_seventeen_is_off(rng):
    truth = poses(rng)
    moved = truth.clone()
    moved[:, 5, 0] += 0.17
    assert joint_errors(moved, truth).tolist() == pytest.approx([0.01] * 20)


def test_acceleration_of_a_quadratic():
    time = torch.arange(10.0, dtype=torch.float64)[:, None, None]
    truth = torch.zeros(10, 4, 3, dtype=torch.float64)
    bent = truth + 0.5 * time**2 * torch.tensor([3.0, 0.0, 4.0], dtype=torch.float64)
    assert acceleration_errors(bent, truth).tolist() == pytest.approx([5.0] * 8)
    drifting = truth + 7 * time + 2
    assert acceleration_errors(drifting, truth).abs().max() < 1e-12


def test_a_similarity_is_undone(rng):
    truth = poses(rng)
    turned = Rotation.random(20, rng=3).as_matrix()
    moved = 2.7 * truth @ torch.tensor(turned) + torch.tensor(rng.normal(size=(20, 1, 3)))
    assert aligned_joint_errors(moved, truth).max() < 1e-12


def test_a_reflection_is_not_undone(rng):
    truth = poses(rng)
    mirrored = truth * torch.tensor([-1.0, 1.0, 1.0])
    assert aligned_joint_errors(mirrored, truth).min() > 0.1


@pytest.mark.parametrize("dims", [2, 3])
def test_alignment_against_scipy(rng, dims):
    truth, noisy = poses(rng, dims=dims), poses(rng, dims=dims)
    noisy = truth + 0.3 * noisy  # near enough that SciPy, which admits reflections, finds none
    aligned = align_similarity(noisy, truth)
    for frame in range(len(truth)):
        size = torch.linalg.norm(truth[frame] - truth[frame].mean(0))
        expected = procrustes(truth[frame].numpy(), noisy[frame].numpy())[1]
        np.testing.assert_allclose((aligned[frame] - truth[frame].mean(0)) / size, expected, atol=1e-10)


def test_alignment_of_a_mirrored_pose_is_the_best_rotation(rng):
    truth = poses(rng, frames=4)
    mirrored = truth * torch.tensor([-1.0, 1.0, 1.0])
    aligned = align_similarity(mirrored, truth)
    for frame in range(4):
        source, target = (x[frame].numpy() - x[frame].numpy().mean(0) for x in (mirrored, truth))
        rotation = Rotation.align_vectors(target, source)[0]
        turned = rotation.apply(source)
        turned *= (turned * target).sum() / (turned**2).sum()
        np.testing.assert_allclose(aligned[frame] - truth[frame].mean(0), turned, atol=1e-8)


def test_masked_joints_do_not_count(rng):
    truth, noisy = poses(rng), poses(rng)
    mask = torch.ones(20, 17, dtype=torch.bool)
    mask[:, 4] = False
    mask[6, :12] = False
    damaged = noisy.clone()
    damaged[~mask] = torch.nan
    rest = [j for j in range(17) if j != 4]
    for metric in (joint_errors, aligned_joint_errors, acceleration_errors):
        masked, plain = metric(damaged, truth, mask), metric(noisy[:, rest], truth[:, rest])
        far = [
            0,
            1,
            2,
            3,
            *range(7, len(plain)),
        ]  # frame 6, with fewer joints still, is in three accelerations
        torch.testing.assert_close(masked[far], plain[far])
    torch.testing.assert_close(joint_errors(damaged, truth, mask)[6], joint_errors(noisy[6:7, 12:], truth[6:7, 12:])[0])
    torch.testing.assert_close(
        aligned_joint_errors(damaged, truth, mask)[6], aligned_joint_errors(noisy[6:7, 12:], truth[6:7, 12:])[0]
    )
    torch.testing.assert_close(
        acceleration_errors(damaged, truth, mask)[5], acceleration_errors(noisy[5:8, 12:], truth[5:8, 12:])[0]
    )


def test_frames_without_joints_are_nan(rng):
    mask = torch.ones(20, 17, dtype=torch.bool)
    mask[3] = False
    assert joint_errors(poses(rng), poses(rng), mask).isnan().nonzero().flatten().tolist() == [3]


def test_score_weighs_frames_not_sequences(rng):
    truth = [rng.normal(size=(n, 5, 3)) for n in (1, 3, 8)]
    moved = [x + np.array([0, 0, 1.0]) * k * (np.arange(5) > 0)[:, None] for k, x in enumerate(truth, 1)]
    figures = score(moved, truth, (0,))
    assert figures["mpjpe"] == pytest.approx(0.8 * (1 * 1 + 3 * 2 + 8 * 3) / 12)
    assert figures["mpjpe"] == pytest.approx(mpjpe(moved, truth, (0,)))
    assert figures["accel"] == pytest.approx(0)
    assert np.isnan(score(moved[:1], truth[:1], (0,))["accel"])


def test_losses():
    truth = torch.zeros(2, 3, 6)
    time = torch.arange(6.0)
    assert position_loss(truth + 2, truth) == 2
    assert acceleration_loss(truth + 5 * time + 1, truth) == 0
    assert acceleration_loss(truth + 1.5 * time**2, truth) == 3
    bent = truth + time**2
    assert smoothing_loss(bent, truth, 1.0, 0.5) == pytest.approx(55 / 6 + 0.5 * 2)
