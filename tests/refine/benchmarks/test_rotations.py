import sys

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from base.errors import InputError
from refine.benchmarks.rotations import axis_angle_to_six, six_to_axis_angle


def rotation_vectors(rng):
    """Give axes in all directions with angles from nothing to nearly, exactly and more than half a turn."""
    axes = rng.normal(size=(40, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    angles = np.array([0, 1e-12, 1e-7, 1e-3, 0.5, 2, np.pi - 1e-3, np.pi - 1e-7, np.pi, 4])
    return np.concatenate([(axes[:, None] * angles[:, None]).reshape(-1, 3), np.pi * np.eye(3), np.zeros((1, 3))])


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-7), (torch.float32, 2e-6)])
def test_there_and_back_is_the_same_rotation(rng, dtype, tolerance):
    given = rotation_vectors(rng)
    six = axis_angle_to_six(torch.tensor(given, dtype=dtype))
    assert six.dtype == dtype
    expected = Rotation.from_rotvec(given).as_matrix()
    np.testing.assert_allclose(six.unflatten(-1, (3, 2)), expected[:, :, :2], atol=tolerance)
    back = six_to_axis_angle(six)
    assert back.dtype == dtype
    assert back.norm(dim=-1).max() <= np.pi + tolerance
    np.testing.assert_allclose(Rotation.from_rotvec(back.double().numpy()).as_matrix(), expected, atol=2 * tolerance)


def test_angles_below_half_a_turn_come_back_as_they_were(rng):
    given = rng.uniform(-1.5, 1.5, (5, 24, 3))
    back = six_to_axis_angle(axis_angle_to_six(torch.tensor(given)))
    np.testing.assert_allclose(back, given, atol=1e-12)


def test_a_quarter_turn_by_hand():
    six = axis_angle_to_six(torch.tensor([0, 0, np.pi / 2]))
    np.testing.assert_allclose(six, [0, -1, 1, 0, 0, 0], atol=1e-12)


def test_columns_that_are_not_a_rotation_become_the_nearest_in_gram_schmidts_sense(rng):
    six = torch.tensor(rng.normal(0, 3, (200, 6)))
    matrix = Rotation.from_rotvec(six_to_axis_angle(six).numpy()).as_matrix()
    np.testing.assert_allclose(np.linalg.det(matrix), 1, atol=1e-9)
    first, second = (six.unflatten(-1, (3, 2)).numpy()[..., i] for i in (0, 1))
    # The first column keeps its direction; the second stays in the plane of both, on its own side of the first.
    np.testing.assert_allclose(matrix[..., 0], first / np.linalg.norm(first, axis=1, keepdims=True), atol=1e-9)
    np.testing.assert_allclose((np.cross(first, second) * matrix[..., 1]).sum(1), 0, atol=1e-8)
    assert ((second * matrix[..., 1]).sum(1) > 0).all()


def test_parallel_columns_mean_no_rotation():
    assert six_to_axis_angle(torch.zeros(2, 6)).isnan().all()


def test_without_roma_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "roma", None)
    with pytest.raises(InputError, match=r"^a benchmark .* needs roma: pip install 'steady-skeletons\[smpl\]'$"):
        axis_angle_to_six(torch.zeros(1, 3))
