"""The joints of well-known pose estimators, and the bones between them."""

from dataclasses import dataclass
from typing import Any

from data.recordings.rows import whole_number
from data.skeletons.layouts import BONES, COCO17, JOINTS

Pairs = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class JointSet:
    """The names of joints and the pairs of them that a bone connects."""

    names: tuple[str, ...]
    bones: Pairs


def names_in(names: Any) -> tuple[str, ...]:
    """Return the names that a file lists; none if it does not."""
    known = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return tuple(names) if known else ()


def bones_in(pairs: Any, count: int, first: int = 0) -> Pairs:
    """Return the bones that a file lists as pairs of joints, counted from `first`; what is no pair of joints is left
    out, for they are only drawn.
    """
    found = []
    for pair in pairs if isinstance(pairs, list) else []:
        ends = [whole_number(end) for end in pair] if isinstance(pair, list) else []
        inside = [end - first for end in ends if end is not None and 0 <= end - first < count]
        if len(ends) == len(inside) == 2:
            found.append((inside[0], inside[1]))
    return tuple(found)


def _hand(first: int) -> Pairs:
    """Return the bones of 21 joints: the wrist and four of each finger."""
    return tuple(
        (first + (0 if place == 0 else 4 * finger + place), first + 4 * finger + place + 1)
        for finger in range(5)
        for place in range(4)
    )


def _numbered(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name} {number}" for number in range(count))


_HANDS = (*_numbered("left hand", 21), *_numbered("right hand", 21))

COCO_17 = JointSet(COCO17.joints, COCO17.bones)

HALPE_26 = JointSet(
    (
        *COCO17.joints, "head", "neck", "middle of hips", "left big toe", "right big toe", "left small toe",
        "right small toe", "left heel", "right heel",
    ),
    (
        (0, 1), (0, 2), (1, 3), (2, 4), (5, 18), (6, 18), (5, 7), (7, 9), (6, 8), (8, 10), (17, 18), (18, 19), (19, 11),
        (19, 12), (11, 13), (12, 14), (13, 15), (14, 16), (20, 24), (21, 25), (23, 25), (22, 24), (15, 24), (16, 25),
    ),
)  # fmt: skip
"""Halpe Full-Body's first 26 (Fang et al., AlphaPose, TPAMI 2022)."""

HALPE_136 = JointSet((*HALPE_26.names, *_numbered("face", 68), *_HANDS), (*HALPE_26.bones, *_hand(94), *_hand(115)))

COCO_133 = JointSet(
    (
        *COCO17.joints, "left big toe", "left small toe", "left heel", "right big toe", "right small toe", "right heel",
        *_numbered("face", 68), *_HANDS,
    ),
    (*COCO17.bones, (15, 17), (15, 18), (15, 19), (16, 20), (16, 21), (16, 22), *_hand(91), *_hand(112)),
)  # fmt: skip
"""COCO-WholeBody (Jin et al., ECCV 2020)."""

BLAZEPOSE_33 = JointSet(
    (
        "nose", "left eye inner", "left eye", "left eye outer", "right eye inner", "right eye", "right eye outer",
        "left ear", "right ear", "mouth left", "mouth right", "left shoulder", "right shoulder", "left elbow",
        "right elbow", "left wrist", "right wrist", "left pinky", "right pinky", "left index", "right index",
        "left thumb", "right thumb", "left hip", "right hip", "left knee", "right knee", "left ankle", "right ankle",
        "left heel", "right heel", "left foot index", "right foot index",
    ),
    (
        (0, 1), (1, 2), (2, 3), (3, 7), (0, 4), (4, 5), (5, 6), (6, 8), (9, 10), (11, 12), (11, 13), (13, 15), (15, 17),
        (15, 19), (15, 21), (17, 19), (12, 14), (14, 16), (16, 18), (16, 20), (16, 22), (18, 20), (11, 23), (12, 24),
        (23, 24), (23, 25), (24, 26), (25, 27), (26, 28), (27, 29), (28, 30), (29, 31), (30, 32), (27, 31), (28, 32),
    ),
)  # fmt: skip
"""MediaPipe's (Bazarevsky et al., BlazePose, 2020)."""

HAND_21 = JointSet(
    (
        "wrist",
        *(f"{finger} {place}" for finger in ("thumb", "index", "middle", "ring", "pinky") for place in range(1, 5)),
    ),
    _hand(0),
)

KINECT_25 = JointSet(JOINTS, BONES)
"""The second Kinect's."""

AZURE_32 = JointSet(
    (
        "pelvis", "spine navel", "spine chest", "neck", "clavicle left", "shoulder left", "elbow left", "wrist left",
        "hand left", "handtip left", "thumb left", "clavicle right", "shoulder right", "elbow right", "wrist right",
        "hand right", "handtip right", "thumb right", "hip left", "knee left", "ankle left", "foot left", "hip right",
        "knee right", "ankle right", "foot right", "head", "nose", "eye left", "ear left", "eye right", "ear right",
    ),
    (
        (0, 1), (1, 2), (2, 3), (2, 4), (4, 5), (5, 6), (6, 7), (7, 8), (8, 9), (7, 10), (2, 11), (11, 12), (12, 13),
        (13, 14), (14, 15), (15, 16), (14, 17), (0, 18), (18, 19), (19, 20), (20, 21), (0, 22), (22, 23), (23, 24),
        (24, 25), (3, 26), (26, 27), (26, 28), (26, 29), (26, 30), (26, 31),
    ),
)  # fmt: skip
"""Azure Kinect's (its body tracking SDK)."""

IMAGE_SETS = {17: COCO_17, 26: HALPE_26, 133: COCO_133, 136: HALPE_136}
"""Of pose estimators in images, by the number of joints."""
NO_SET = JointSet((), ())
"""Of joints that nothing is known of."""
