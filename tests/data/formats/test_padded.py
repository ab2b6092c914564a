"""Clips prepared for other projects, against what their own scripts make of the same clips."""

from pathlib import Path

import numpy as np
import pytest

from data.formats.exporting import ExportOptions, export_store
from data.formats.padded import centre, normalise
from data.ntu.actors import choose_actors
from data.ntu.names import parse_name
from data.ntu.text import read_skeleton
from data.skeletons.store import StoreInfo, StoreWriter

SHARED = Path(__file__).parents[4] / "shared/data"


REFERENCE = SHARED / "reference/agcn_prepared_3.npz"


def made_up(first_late: bool = False) -> np.ndarray:
    """Two people [300, 2, 25, 3], 12 frames and then zeros: one enters in frame 4, the other is gone in 5 and 6."""
    t, m, v = np.meshgrid(np.arange(12), np.arange(2), np.arange(25), indexing="ij")
    x = 0.4 * np.sin(2.1 * v + m) + 0.02 * t
    y = 0.6 * np.cos(1.3 * v) + 0.05 * np.sin(t + v)
    z = 3 + m + 0.2 * np.sin(0.7 * v * v + 0.3 * t)
    joints = np.zeros((300, 2, 25, 3), np.float32)
    joints[:12] = np.stack([x, y, z], -1)
    joints[:4, 1] = joints[5:7, 0] = 0
    return joints[:, ::-1] if first_late else joints


def test_2s_agcns_preparation_as_its_own_script_does_it():
    """The numbers are those of `pre_normalization` of 2s-AGCN's `data_gen/preprocess.py` for this clip."""
    prepared = normalise(made_up())
    for frame, actor, expected in (
        (0, 0, [[-0.138441, 0.256420, -0.148888], [0.801629, 0.256420, -0.148888], [0.322225, 0.073638, -0.702572]]),
        (0, 1, [[0.421743, -0.776368, 0.057366], [1.155393, -0.590099, 0.342964], [0.608148, -0.631917, -0.242217]]),
        (299, 0, [[0.024022, -0.382405, 0.007620], [0.775030, 0.269261, -0.177822], [0.488979, -0.323970, -0.532621]]),
    ):
        np.testing.assert_allclose(prepared[frame, actor, [4, 8, 20]], expected, atol=1e-5)
    sums = prepared.astype(np.float64).sum((0, 2))
    np.testing.assert_allclose(
        sums, [[2004.26556, 676.97913, -967.48200], [5699.81106, -9003.93702, 3565.85917]], atol=1e-2
    )
    assert (prepared.astype(np.float64) ** 2).sum() == pytest.approx(31849.701049, abs=1e-2)


def test_ctr_gcns_preparation_as_its_own_script_does_it():
    """The numbers are those of `seq_translation` and `align_frames` of CTR-GCN's `data/ntu/seq_transformation.py`.

    Actor 1 comes in frame 4 here, and the origin is its middle of the spine there.
    """
    prepared = centre(made_up(first_late=True)).reshape(300, 150)
    expected = [
        [0, 0, 0, 0, -0.096632, 0.487447, -1.189260, -1.013234],
        [0.319956, 0.449607, -0.002852, -0.363513, -0.016632, 0.449607, -1.002852, -1.036982],
        [0.459956, 0.437447, -0.220809, -0.223513, 0.123368, 0.437447, -1.220809, -1.378060],
    ]
    np.testing.assert_allclose(prepared[[0, 4, 11]][:, [0, 1, 2, 24, 75, 76, 77, 149]], expected, atol=2e-6)
    assert prepared.sum(dtype=np.float64) == pytest.approx(-345.291405, abs=1e-3)
    assert not prepared[12:].any()


def test_the_right_shoulder_comes_to_lie_at_positive_x():
    """2s-AGCN turns the vector from the left to the right shoulder (its joints 4 and 8) onto +x."""
    prepared = normalise(made_up())
    np.testing.assert_allclose(prepared[0, 0, 8, 1:], prepared[0, 0, 4, 1:], atol=1e-6)
    assert prepared[0, 0, 8, 0] > prepared[0, 0, 4, 0] + 0.5


@pytest.mark.skipif(not REFERENCE.is_file(), reason="needs the recorded output of 2s-AGCN's scripts")
def test_real_clips_as_2s_agcn_prepares_them(tmp_path):
    reference = np.load(REFERENCE)
    names = [str(name).removesuffix(".skeleton") for name in reference["names"]]
    with StoreWriter(tmp_path / "store", StoreInfo()) as writer:
        for name in names:
            text = (SHARED / f"ntu_real_clips/{name}.skeleton").read_bytes()
            writer.add(parse_name(name), *choose_actors(read_skeleton(text, name)))
        # The format wants a clip on either side of the split.
        writer.add(parse_name("S001C001P003R001A001"), *choose_actors(read_skeleton(text, name)))
    export_store(tmp_path / "store", tmp_path / "agcn", ExportOptions("stgcn", split="xsub"))
    found = np.load(tmp_path / "agcn/xsub/train_data_joint.npy")
    assert np.abs(found - reference["data"]).max() <= 1e-5


def test_an_upright_clip_stays_upright():
    joints = np.zeros((4, 2, 25, 3), np.float32)
    joints[:, 0] = np.random.default_rng(0).normal(size=(25, 3))
    joints[:, 0, 0], joints[:, 0, 1] = 0, (0, 0, 0.3)
    joints[:, 0, 8], joints[:, 0, 4] = (0.2, 0, 0.5), (-0.2, 0, 0.5)
    expected = joints - np.float32([0, 0, 0.3])
    expected[:, 1] = 0
    expected[:, 0, 0] = 0  # a joint at 0 counts as unseen there
    np.testing.assert_allclose(normalise(joints), expected, atol=1e-6)
