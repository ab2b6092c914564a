"""MediaPipe's landmarks: their parts, names and bones, and what their coordinates are."""

from collections.abc import Sequence

import numpy as np

from data.recordings.joint_sets import BLAZEPOSE_33, HAND_21, NO_SET, JointSet

HANDS = ("left hand", "right hand")
"""Parts of a person are `pose`, `world`, `left hand`, `right hand` and `face`; the world's landmarks are in metres, all
others in the image."""

FARTHEST = 10
"""Images' widths that a landmark may be outside of one; beyond, coordinates are pixels."""

OF_UNKNOWN_SIZE = "coordinates are parts of an image whose size is not told, so that width and height count alike"

Groups = tuple[tuple[int, ...], ...]


def landmark_set(landmarks: Sequence[tuple[str, str]]) -> tuple[JointSet, Groups]:
    """Return the joints that landmarks are, and which are refined by themselves: those in the world beside others.

    Parameters
    ----------
    landmarks
        The part and the name, or number, of each as the file has them. Numbers of the pose's 33 and a hand's 21 get
        their names.
    """
    names = [""] * len(landmarks)
    bones: list[tuple[int, int]] = []
    parts = [part for part, _ in landmarks]
    for part in dict.fromkeys(parts):
        places = [at for at, one in enumerate(parts) if one == part]
        known = {33: BLAZEPOSE_33, 21: HAND_21}.get(len(places), NO_SET)
        own = tuple(landmarks[at][1].lower().replace("_", " ") for at in places)
        own = known.names if known.names and all(name.isdecimal() for name in own) else own
        for at, name in zip(places, own, strict=True):
            names[at] = name if part == "pose" else f"{part} {name}"
        place = dict(zip(own, places, strict=True))
        pairs = ((known.names[a], known.names[b]) for a, b in known.bones)
        bones += [(place[a], place[b]) for a, b in pairs if a in place and b in place]
    world = tuple(at for at, part in enumerate(parts) if part == "world")
    image = tuple(at for at, part in enumerate(parts) if part != "world")
    return JointSet(tuple(names), tuple(bones)), (image, world) if image and world else ()


def measure(
    joints: np.ndarray, parts: Sequence[str], width: float | None = None, height: float | None = None
) -> tuple[str, tuple[float, ...], tuple[str, ...]]:
    """Tell the unit, the scale and the notes of a recording.

    Parameters
    ----------
    joints
        float64 [N, J, D]; NaN is missing.
    parts
        The part of each landmark.
    width, height
        The image's, in pixels, if they are known.
    """
    if "world" in parts:
        return ("m" if set(parts) == {"world"} else ""), (), ()
    if (np.abs(np.nan_to_num(joints[..., :2])) > FARTHEST).any():
        return "px", (), ()
    if width and height:
        return "px", (width, height, width)[: joints.shape[-1]], ()
    return "", (), (OF_UNKNOWN_SIZE,)
