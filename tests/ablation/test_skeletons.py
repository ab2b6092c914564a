import numpy as np

from ablation.skeletons import acceleration_per_frame, typical_clip
from tests.ablation.small_study import bending, write_tracks


def test_the_clip_to_show_is_rather_jittery_but_not_the_worst(tmp_path):
    rng = np.random.default_rng(0)
    names = [f"S001C001P003R001A{n:03d}" for n in range(1, 6)]
    clips = {
        name: [(0, 0, bending(30, 0) + rng.normal(0, 0.001 * scale, (30, 25, 3)), np.ones((1, 1), np.uint8))]
        for name, scale in zip(names, (9, 1, 5, 3, 7), strict=True)
    }
    assert typical_clip(write_tracks(tmp_path / "s", clips), np.array(names)) == names[4]


def test_acceleration_of_a_clip_that_is_not_seen_is_nan():
    values = acceleration_per_frame(np.zeros((5, 25, 3)), np.zeros((5, 25), bool))
    assert values.shape == (3,)
    assert np.isnan(values).all()
