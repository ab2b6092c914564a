"""Lists and tables that everybody in the field shares, written here as others publish them, against ours."""

import hashlib

import numpy as np
import pytest

from data.ntu.splits import MISSING, TRAIN_CAMERAS, TRAIN_PERFORMERS
from data.skeletons.layouts import COCO17, JOINTS, NTU25, OPENPOSE18
from recognition.nets.graph import skeleton_graph
from refine.benchmarks.bodies import _LSP
from refine.filters.one_euro import one_euro
from refine.filters.registry import FILTERS

# As 2s-AGCN and CTR-GCN write them, (joint, parent) from 1; (21, 21) is the centre.
NTU_PAIRS = (
    (1, 2), (2, 21), (3, 21), (4, 3), (5, 21), (6, 5), (7, 6), (8, 7), (9, 21), (10, 9), (11, 10), (12, 11), (13, 1),
    (14, 13), (15, 14), (16, 15), (17, 1), (18, 17), (19, 18), (20, 19), (22, 23), (21, 21), (23, 8), (24, 25),
    (25, 12),
)  # fmt: skip
# As PYSKL's graphs have them, (joint, parent) from 0.
INWARD = {
    "openpose": (
        (4, 3), (3, 2), (7, 6), (6, 5), (13, 12), (12, 11), (10, 9), (9, 8), (11, 5), (8, 2), (5, 1), (2, 1), (0, 1),
        (15, 0), (14, 0), (17, 15), (16, 14),
    ),
    "coco": (
        (15, 13), (13, 11), (16, 14), (14, 12), (11, 5), (12, 6), (9, 7), (7, 5), (10, 8), (8, 6), (5, 0), (6, 0),
        (1, 0), (3, 1), (2, 0), (4, 2),
    ),
}  # fmt: skip


def test_bones_are_the_published_pairs():
    assert set(NTU25.bones) == {(joint - 1, parent - 1) for joint, parent in NTU_PAIRS if joint != parent}
    assert set(OPENPOSE18.bones) == set(INWARD["openpose"])
    assert set(COCO17.bones) == set(INWARD["coco"])


def test_the_kinects_joints_are_where_everybody_has_them():
    for number, name in {
        1: "base of spine", 2: "middle of spine", 4: "head", 5: "left shoulder", 9: "right shoulder", 13: "left hip",
        17: "right hip", 21: "spine", 22: "tip of left hand", 25: "right thumb",
    }.items():  # fmt: skip
        assert JOINTS[number - 1] == name


@pytest.mark.parametrize(
    ("layout", "inward"),
    [
        (NTU25, [(joint - 1, parent - 1) for joint, parent in NTU_PAIRS if joint != parent]),
        (OPENPOSE18, INWARD["openpose"]),
        (COCO17, INWARD["coco"]),
    ],
    ids=["ntu25", "openpose18", "coco17"],
)
def test_the_spatial_partition_is_that_of_2s_agcn_and_pyskl(layout, inward):
    """Identity, inward and outward matrices, each divided by the sums of its columns; rows send, columns receive."""
    joints = len(layout.joints)
    matrices = np.zeros((3, joints, joints))
    matrices[0] = np.eye(joints)
    for joint, parent in inward:
        matrices[1, parent, joint] = matrices[2, joint, parent] = 1
    expected = matrices / np.maximum(matrices.sum(1, keepdims=True), 1)
    np.testing.assert_allclose(skeleton_graph(layout).dense().numpy(), expected, atol=1e-6)


def test_splits_and_missing_samples_are_the_authors():
    assert TRAIN_PERFORMERS == (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
    assert TRAIN_CAMERAS == (2, 3)
    of_60 = sorted(name for name in MISSING if int(name[1:4]) <= 17)  # by setups
    assert (len(of_60), len(MISSING)) == (302, 535)
    digest = hashlib.sha256("\n".join(of_60).encode()).hexdigest()
    assert digest == "3ff503429ae912d947682d1e93a50e5e7f6dc0b0cac61dbc7d306801f36e6317"


def test_the_14_joints_of_smpl_are_those_of_the_release():
    """SmoothNet's evaluation takes joints 11, 10, 9, 12, ... of SPIN's list, whose first 15 are OpenPose's of SMPL."""
    openpose = (24, 12, 17, 19, 21, 16, 18, 20, 0, 2, 5, 8, 1, 4, 7)  # nose, neck, right shoulder, elbow, wrist, ...
    assert tuple(openpose[at] for at in (11, 10, 9, 12, 13, 14, 4, 3, 2, 5, 6, 7, 1)) == _LSP


@pytest.mark.parametrize("fps", [1, 30, 50])
def test_one_euro_with_the_releases_parameters_is_the_releases_filter(fps):
    """The numbers are those of `lib/models/oneeuro_filter.py` of SmoothNet's release (min_cutoff 0.04, beta 0.7)."""
    time = np.arange(12.0)
    x = np.stack([np.sin(time), 0.1 * time**2, np.where(time == 5, 1.0, 0.0)], -1)
    expected = [
        [0.652128, 0.038679, 0.0],
        [-0.841718, 2.31551, 0.80181],
        [-0.461, 3.409838, 0.21253],
        [-0.849536, 11.895085, 0.017383],
    ]
    found = one_euro(x, fps=fps, **FILTERS["one_euro"].released(fps))
    np.testing.assert_allclose(found[[1, 5, 6, 11]], expected, atol=1e-6)
