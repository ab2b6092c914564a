"""Joint layouts: the joints of a skeleton and the bones between them, in space (NTU RGB+D) and in images."""

from dataclasses import dataclass

JOINTS = (
    "base of spine", "middle of spine", "neck", "head",
    "left shoulder", "left elbow", "left wrist", "left hand",
    "right shoulder", "right elbow", "right wrist", "right hand",
    "left hip", "left knee", "left ankle", "left foot",
    "right hip", "right knee", "right ankle", "right foot",
    "spine", "tip of left hand", "left thumb", "tip of right hand", "right thumb",
)  # fmt: skip
"""The Kinect's joints in the order of NTU RGB+D (Shahroudy et al., CVPR 2016)."""

BONES = (
    (0, 1), (1, 20), (2, 20), (3, 2), (4, 20), (5, 4), (6, 5), (7, 6), (8, 20), (9, 8), (10, 9), (11, 10),
    (12, 0), (13, 12), (14, 13), (15, 14), (16, 0), (17, 16), (18, 17), (19, 18), (21, 22), (22, 7), (23, 24), (24, 11),
)  # fmt: skip
"""(joint, parent), 0-based; every path of parents ends at the centre, joint 20."""

CENTRE = 20


@dataclass(frozen=True)
class Layout:
    """A set of joints and the bones between them.

    Parameters
    ----------
    name
        The key under which stores name the layout.
    joints
        The joints' names, in the order of the arrays.
    bones
        (joint, parent) pairs, 0-based.
    centre
        The joint from which 'inward' and 'outward' are counted.
    root
        The joint that pose metrics align.
    dims
        Coordinates per joint: 3 in space, 2 in an image.
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    centre: int
    root: int
    dims: int


NTU25 = Layout("ntu25", JOINTS, BONES, CENTRE, root=0, dims=3)

COCO17 = Layout(
    "coco17",
    (
        "nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder", "left elbow",
        "right elbow", "left wrist", "right wrist", "left hip", "right hip", "left knee", "right knee", "left ankle",
        "right ankle",
    ),
    (
        (1, 0), (2, 0), (3, 1), (4, 2), (5, 0), (6, 0), (7, 5), (8, 6), (9, 7), (10, 8), (11, 5), (12, 6), (13, 11),
        (14, 12), (15, 13), (16, 14),
    ),
    centre=0, root=0, dims=2,
)  # fmt: skip
"""COCO's keypoints, with the bones of PYSKL's graph: the tree of parents ends at the nose."""

OPENPOSE18 = Layout(
    "openpose18",
    (
        "nose", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist",
        "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle", "right eye", "left eye",
        "right ear", "left ear",
    ),
    (
        (0, 1), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5), (7, 6), (8, 2), (9, 8), (10, 9), (11, 5), (12, 11), (13, 12),
        (14, 0), (15, 0), (16, 14), (17, 15),
    ),
    centre=1, root=1, dims=2,
)  # fmt: skip
"""OpenPose's 18 keypoints, with the bones of ST-GCN's graph: the tree of parents ends at the neck."""

LAYOUTS = {layout.name: layout for layout in (NTU25, COCO17, OPENPOSE18)}
