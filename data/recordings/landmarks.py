"""MediaPipe's landmarks: their parts, names and bones, and what their coordinates are."""

import numpy as np

from data.recordings.joint_sets import BLAZEPOSE_33, HAND_21, NO_SET, JointSet

FARTHEST = 10
"""Images' widths that a landmark may be outside of one; beyond, coordinates are pixels."""

OF_UNKNOWN_SIZE = "coordinates are parts of an image whose size is not told, so that width and height count alike"

Groups = tuple[tuple[int, ...], ...]


def landmark_set(parts: dict[str, tuple[str, ...]]) -> tuple[JointSet, Groups]:
    """Return the joints of all parts one after the other, and which are refined by themselves.

    Parameters
    ----------
    parts
        What the file calls the landmarks of each part: `pose`, `world`, `left hand`, `right hand`, `face`. Those of the
        world are in metres, the others in the image. Numbers of the pose's 33 or a hand's 21 get their names.
    """
    names: list[str] = []
    bones: list[tuple[int, int]] = []
    world: list[int] = []
    for part, found in parts.items():
        first = len(names)
        known = {33: BLAZEPOSE_33, 21: HAND_21}.get(len(found), NO_SET)
        numbered = bool(known.names) and all(name.isdecimal() for name in found)
        own = known.names if numbered else tuple(name.lower().replace("_", " ") for name in found)
        names += [name if part == "pose" else f"{part} {name}" for name in own]
        place = {name: first + at for at, name in enumerate(own)}
        pairs = ((known.names[a], known.names[b]) for a, b in known.bones)
        bones += [(place[a], place[b]) for a, b in pairs if a in place and b in place]
        if part == "world":
            world = list(range(first, len(names)))
    image = sorted(set(range(len(names))) - set(world))
    groups = (tuple(image), tuple(world)) if image and world else ()
    return JointSet(tuple(names), tuple(bones)), groups


def measure(
    joints: np.ndarray, parts: dict[str, tuple[str, ...]], width: float | None = None, height: float | None = None
) -> tuple[str, tuple[float, ...], tuple[str, ...]]:
    """Tell the unit, the scale and the notes of a recording.

    Parameters
    ----------
    joints
        float64 [N, J, D]; NaN is missing.
    parts
        See `landmark_set`.
    width, height
        The image's, in pixels, if they are known.
    """
    if "world" in parts:
        return ("m" if len(parts) == 1 else ""), (), ()
    if (np.abs(np.nan_to_num(joints[..., :2])) > FARTHEST).any():
        return "px", (), ()
    if width and height:
        return "px", (width, height, width)[: joints.shape[-1]], ()
    return "", (), (OF_UNKNOWN_SIZE,)
