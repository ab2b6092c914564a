"""Clips of one length, as CTR-GCN and 2s-AGCN keep them: 300 frames of two actors, prepared the way each does."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from base.words import plural
from data.formats.clips import ACTORS, DenseClip
from data.ntu.splits import Split, in_training
from data.skeletons.layouts import JOINTS
from data.skeletons.store import Clips

FRAMES = 300
MIDDLE_OF_SPINE = JOINTS.index("middle of spine")
_SPINE = (JOINTS.index("base of spine"), MIDDLE_OF_SPINE)
_SHOULDERS = (JOINTS.index("left shoulder"), JOINTS.index("right shoulder"))


@dataclass
class Cuts:
    """How many clips were longer than there is room for, and how many of their frames were left out."""

    clips: int = 0
    frames: int = 0

    def notes(self) -> list[str]:
        """Say what was left out, if anything was."""
        lost = f"{plural(self.clips, 'clip')} lost {plural(self.frames, 'frame')}"
        return [f"cut at {FRAMES} frames: {lost}"] if self.clips else []


def pad(clip: DenseClip, cuts: Cuts) -> np.ndarray:
    """Return float32 [300, 2, V, C]: the clip's first frames, then zeros; a missing actor is zeros, too."""
    frames = clip.joints.shape[1]
    if frames > FRAMES:
        cuts.clips += 1
        cuts.frames += frames - FRAMES
    padded = np.zeros((FRAMES, ACTORS, *clip.joints.shape[2:]), np.float32)
    padded[:frames, : len(clip.joints)] = clip.joints[:, :FRAMES].swapaxes(0, 1)
    return padded


def centre(joints: np.ndarray) -> np.ndarray:
    """Move a clip so that the middle of the spine of its first actor's first seen frame is at 0, as CTR-GCN does.

    All frames and actors move by the same vector; what is not seen stays 0.

    Parameters
    ----------
    joints
        float32 [T, M, V, C].

    Returns
    -------
    float32 [T, M, V, C]
    """
    seen = np.any(joints, axis=(2, 3))
    actor = int(seen.any(0).argmax())
    origin = joints[seen[:, actor].argmax(), actor, MIDDLE_OF_SPINE]
    return np.where(seen[..., None, None], joints - origin, np.float32(0))


def normalise(joints: np.ndarray) -> np.ndarray:
    """Prepare a clip as 2s-AGCN does, so that its networks get what they were trained on.

    An actor who enters late is moved to the beginning; each actor's frames are repeated to the end; the first actor's
    middle of the spine is at 0 in every frame; and all is turned so that in the first frame the first actor's spine is
    along z and then the shoulders, left to right, along x.

    Parameters
    ----------
    joints
        float32 [T, 2, V, 3], padded with zeros.

    Returns
    -------
    float32 [T, 2, V, 3]
    """
    joints = np.stack([_repeat(actor) for actor in joints.swapaxes(0, 1)], 1)
    seen = joints.any(-1, keepdims=True)  # 2s-AGCN leaves joints at 0 where they are
    moved = np.where(seen, joints - joints[:, :1, MIDDLE_OF_SPINE, None], 0).astype(np.float64)
    for (start, end), axis in ((_SPINE, (0.0, 0.0, 1.0)), (_SHOULDERS, (1.0, 0.0, 0.0))):
        moved = moved @ _turn(moved[0, 0, end] - moved[0, 0, start], np.array(axis)).as_matrix().T
    return moved.astype(np.float32)


def _repeat(joints: np.ndarray) -> np.ndarray:
    """Repeat an actor's frames [T, V, C] over the unseen ones at the end."""
    seen = np.any(joints, axis=(1, 2))
    if not seen.any():
        return joints
    if not seen[0]:
        joints = np.concatenate([joints[seen], np.zeros_like(joints[~seen])])
        seen = np.any(joints, axis=(1, 2))
    length = len(seen) - int(seen[::-1].argmax())
    return joints[np.arange(len(joints)) % length]


def _turn(vector: np.ndarray, axis: np.ndarray) -> Rotation:
    """Return the smallest rotation of a vector onto an axis; none if there is no vector."""
    normal, length = np.cross(vector, axis), float(np.linalg.norm(vector))
    if np.abs(normal).sum() < 1e-6 or length < 1e-6:
        return Rotation.identity()
    angle = np.arccos(np.clip(vector @ axis / length, -1, 1))
    return Rotation.from_rotvec(normal / np.linalg.norm(normal) * angle)


def trim(joints: np.ndarray) -> np.ndarray:
    """Return joints [M, T, V, C] without the frames at the end in which nobody is seen."""
    seen = np.any(joints, axis=(0, 2, 3))
    return joints[:, : len(seen) - int(seen[::-1].argmax()) if seen.any() else 0]


def ctrgcn_order(clips: Clips, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows for training and for testing in the order of CTR-GCN's files.

    That is by performer (X-Sub), camera (X-View) or setup (X-Set), then by name.
    """
    training = in_training(clips, split)
    order = np.lexsort((clips.name, {"xview": clips.camera, "xset120": clips.setup}.get(split, clips.performer)))
    return order[training[order]], order[~training[order]]
