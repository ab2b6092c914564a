import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from refine.normalise import body_size, body_sizes, window_offsets


def test_body_size(rng):
    x = rng.normal(size=(30, 25, 3))
    size = body_size(x)
    turned = Rotation.random(rng=1).apply(x.reshape(-1, 3)).reshape(x.shape)
    assert body_size(5 * x + 7) == pytest.approx(5 * size)
    assert body_size(turned) == pytest.approx(size, rel=0.05)
    spoilt = x.copy()
    spoilt[:5] *= 100
    spoilt[:, 3] = 1000
    assert body_size(spoilt) == pytest.approx(size, rel=0.25)
    seen = np.ones(x.shape[:2], bool)
    seen[:, 3] = seen[:5] = False
    spoilt[~seen] = np.nan
    rest = [j for j in range(25) if j != 3]
    assert body_size(spoilt, seen) == pytest.approx(body_size(x[5:][:, rest]))
    assert body_size(np.zeros((4, 3, 3))) == 1
    assert body_size(x, np.zeros_like(seen)) == 1


def test_offsets():
    windows = torch.arange(2.0 * 6 * 4).reshape(2, 6, 4)
    assert torch.equal(window_offsets(windows, "channel", (0,), 3), windows.mean(-1))
    root = window_offsets(windows, "root", (1,), 3)
    assert torch.equal(root, windows[:, 3:].mean(-1).repeat(1, 2))
    both = window_offsets(windows, "root", (0, 1), 3)
    assert torch.equal(both, ((windows[:, :3] + windows[:, 3:]) / 2).mean(-1).repeat(1, 2))
    assert torch.equal(window_offsets(windows, "root", (), 3), windows.mean(-1))
    assert window_offsets(windows, "none", (0,), 3) is None


def test_bodies_one_after_another_are_measured_each_by_itself(rng):
    joints, seen = rng.normal(size=(30, 6, 3)), rng.random((30, 6)) < 0.7
    seen[:8], seen[25] = True, False
    joints[~seen] = 0
    parts = (slice(0, 8), slice(8, 20), slice(20, 30))
    expected = []
    for rows in parts:
        visible = np.where(seen[rows][..., None], joints[rows], np.nan)[seen[rows].any(1)]
        away = np.linalg.norm(visible - np.nanmedian(visible, axis=1)[:, None], axis=-1)
        expected.append(np.nanmedian(away))
    np.testing.assert_allclose(body_sizes(joints, seen, [8, 12, 10]), expected)
