import numpy as np
import pytest
import torch
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from data.skeletons.metrics import (
    acceleration_distances,
    acceleration_errors,
    accelerations,
    align_root,
    align_similarity,
    aligned_joint_errors,
    correct_keypoints,
    errors_among,
    frame_errors,
    joint_distances,
    joint_errors,
    mean_errors,
    mpjpe,
    score,
    worst_frames,
)
from refine.nets.loss import smoothing_loss


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
    assert smoothing_loss(truth + 2, truth, 1.0, 0.0) == 2
    assert smoothing_loss(truth + 5 * time + 1, truth, 0.0, 1.0) == 0
    assert smoothing_loss(truth + 1.5 * time**2, truth, 0.0, 1.0) == 3
    bent = truth + time**2
    assert smoothing_loss(bent, truth, 1.0, 0.5) == pytest.approx(55 / 6 + 0.5 * 2)


def kinked(lengths):
    """Give (poses, truth): one joint, still but for its second frame, which is off by (3, 4, 0)."""
    truth = [np.zeros((n, 1, 3)) for n in lengths]
    poses = [x.copy() for x in truth]
    for x in poses:
        x[1] = (3, 4, 0)
    return poses, truth


def test_accel_honest_and_padded():
    # Frames: 0 5 0 0, second differences (of the error) -10 5; and 0 5 0, -10. Honest: (10 + 5 + 10) / 3 triples;
    # padded: two frames of zero per sequence more, 25 / 7.
    errors = [frame_errors(*pair, ()) for pair in zip(*kinked((4, 3)), strict=True)]
    assert [one.accel.tolist() for one in errors] == [[10, 5], [10]]
    assert mean_errors(errors)["accel"] == pytest.approx(25 / 3)
    assert mean_errors(errors, padded=True)["accel"] == pytest.approx(25 / 7)
    assert mean_errors(errors, padded=True)["mpjpe"] == mean_errors(errors)["mpjpe"] == pytest.approx(10 / 7)


def test_padding_of_sequences_without_an_acceleration():
    errors = [frame_errors(np.zeros((n, 2, 3)), np.ones((n, 2, 3)), ()) for n in (1, 2)]
    assert np.isnan(mean_errors(errors)["accel"])
    assert mean_errors(errors, padded=True)["accel"] == 0


def test_worst_frames_are_those_of_the_input():
    truth = [np.zeros((n, 1, 3)) for n in (60, 40)]
    poses = [np.full((n, 1, 3), 0.1) for n in (60, 40)]
    poses[0][5], poses[1][7] = 9, 20
    given = [frame_errors(*pair, ()) for pair in zip(poses, truth, strict=True)]
    [first, second] = worst_frames(given, 0.01)
    assert (first.nonzero().tolist(), second.nonzero().tolist()) == ([], [[7]])
    [first, second] = worst_frames(given, 0.02)
    assert (first.nonzero().tolist(), second.nonzero().tolist()) == ([[5]], [[7]])
    refined = [frame_errors(x / 2, y, ()) for x, y in zip(poses, truth, strict=True)]
    figures = errors_among(refined, [first, second])
    assert figures["mpjpe"] == pytest.approx((4.5 + 10) / 2 * 3**0.5)
    # The triple around a single wild frame: 0.05 - 2 x 4.5 + 0.05 on each axis.
    assert figures["accel"] == pytest.approx((8.9 + 19.9) / 2 * 3**0.5)


def test_worst_frame_at_the_end_has_no_acceleration():
    poses = np.zeros((5, 1, 3))
    poses[4] = 1
    errors = [frame_errors(poses, np.zeros((5, 1, 3)), ())]
    figures = errors_among(errors, worst_frames(errors, 0.2))
    assert figures["mpjpe"] == pytest.approx(3**0.5)
    assert np.isnan(figures["accel"])


def test_missing_joints_are_left_out_not_scored():
    truth = np.zeros((4, 3, 3))
    poses = truth.copy()
    poses[:, 1] = (0, 0, 2)  # off by 2 all the time
    poses[2, 2] = np.nan
    known = np.ones((4, 3), bool)
    known[2, 2] = False
    known[3] = False
    errors = frame_errors(poses, truth, (0,), known)
    assert errors.mpjpe[:3].tolist() == pytest.approx([2 / 3, 2 / 3, 1])
    assert errors.mpjpe[3].isnan()
    assert errors.accel.tolist() == pytest.approx([0, np.nan], nan_ok=True)  # three frames with a known joint, and not
    assert mean_errors([errors])["mpjpe"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert mpjpe([poses], [truth], (0,), [known]) == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_a_frame_whose_root_is_missing_cannot_be_scored(rng):
    truth, noisy = (rng.normal(size=(6, 5, 3)) for _ in range(2))
    known = np.ones((6, 5), bool)
    known[2, [1, 2]] = False
    known[4, 1] = False
    errors = frame_errors(noisy, truth, (1, 2), known)
    assert errors.mpjpe.isnan().nonzero().flatten().tolist() == [2]
    alone = frame_errors(noisy[4:5, [0, 2, 3, 4]], truth[4:5, [0, 2, 3, 4]], (1,))  # the other root joint stands in
    assert float(errors.mpjpe[4]) == pytest.approx(float(alone.mpjpe[0]))


def test_a_refiner_that_gives_nan_is_infinitely_wrong(rng):
    truth = rng.normal(size=(6, 5, 3))
    broken = truth.copy()
    broken[3, 2] = np.nan
    known = np.ones((6, 5), bool)
    known[0, 0] = False
    for mask in (None, known):
        assert (
            joint_errors(*map(torch.tensor, (broken, truth)), None if mask is None else torch.tensor(mask))[3] == np.inf
        )


def test_correct_keypoints():
    truth = [np.zeros((2, 4, 2)), np.zeros((1, 4, 2))]
    poses = [x.copy() for x in truth]
    poses[0][0, :, 0] = (0, 4, 11, 21)  # of a box of 100: within 0, 0.04, 0.11 and 0.21
    poses[1][0, :, 1] = 3  # of a box of 20: 0.15
    sizes = [np.array([100.0, 100.0]), np.array([20.0])]
    # The mean of the sequences, whatever their lengths.
    assert correct_keypoints(poses, truth, sizes, 0.05) == pytest.approx(100 * (6 / 8 + 0) / 2)
    assert correct_keypoints(poses, truth, sizes, 0.1) == pytest.approx(100 * (6 / 8 + 0) / 2)
    assert correct_keypoints(poses, truth, sizes, 0.2) == pytest.approx(100 * (7 / 8 + 1) / 2)
    known = [np.array([[True, True, True, False], [True] * 4]), None]
    assert correct_keypoints(poses, truth, sizes, 0.2, known) == pytest.approx(100)


def test_how_steady_joints_are_needs_no_truth():
    """On a parabola of second difference a, every joint accelerates by a; one that is not seen does not count."""
    poses = torch.zeros(6, 3, 2, dtype=torch.float64)
    poses[..., 0] = torch.arange(6)[:, None] ** 2 * torch.tensor([0.5, 1.0, 1.5])
    torch.testing.assert_close(acceleration_distances(poses), torch.tensor([[1.0, 2.0, 3.0]] * 4, dtype=torch.float64))
    mask = torch.ones(6, 3, dtype=torch.bool)
    mask[1, 2] = False
    mask[5] = False
    expected = torch.tensor([1.5, 1.5, 2.0, float("nan")], dtype=torch.float64)
    torch.testing.assert_close(accelerations(poses, mask), expected, equal_nan=True)
    moved = poses + torch.tensor([3.0, -4.0], dtype=torch.float64)
    assert acceleration_distances(poses, moved).abs().max() == 0
    torch.testing.assert_close(joint_distances(poses, moved), torch.full((6, 3), 5.0, dtype=torch.float64))
