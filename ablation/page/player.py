"""What the page's player plays: a few clips, raw and refined, as numbers."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ablation.page.theme import PROPERTIES, colour_of
from ablation.skeletons import ClipPoses, acceleration_per_frame, unit
from ablation.study.study import Study

MOST_FRAMES = 300
"""Of a longer clip, the frames around its most jittery one."""


def player_data(study: Study, clips: Sequence[tuple[str, ClipPoses]]) -> str:
    """Return clips, each with the reason why it is shown, as JSON that may stand inside a script element."""
    content = json.dumps([_clip(study, why, clip) for why, clip in clips], separators=(",", ":"))
    return content.replace("<", "\\u003c")


def shown_arms(study: Study, clip: ClipPoses) -> list[str]:
    """Return the arms whose skeletons are shown: the reference, the main one, and the truth if it is known."""
    return [arm for arm in dict.fromkeys((study.against, study.main, "oracle")) if arm in clip.joints]


def _clip(study: Study, why: str, clip: ClipPoses) -> dict[str, Any]:
    """Return a clip in millimetres (or pixels) from its middle, int16 in base64 [frames, joints, 3].

    Where a joint is not seen, it is the least int16.
    """
    jitter = acceleration_per_frame(clip.joints[study.against], clip.seen)
    peak = int(np.nanargmax(jitter)) if np.isfinite(jitter).any() else 0
    first = int(np.clip(peak - MOST_FRAMES // 2, 0, max(0, len(clip.seen) - MOST_FRAMES)))
    frames = slice(first, first + MOST_FRAMES)
    seen = clip.seen[frames]
    shown = clip.joints[study.against][frames]
    middle = (shown[seen].min(0) + shown[seen].max(0)) / 2 if seen.any() else np.zeros(shown.shape[-1])
    return {
        "name": clip.name,
        "action": study.action(clip.action),
        "why": why,
        "first": clip.first_frame + first,
        "frames": len(seen),
        "fps": clip.fps,
        "unit": f"{study.unit}/frame²",
        "joints": seen.shape[1],
        "bones": [[int(joint), int(parent)] for joint, parent in clip.layout.bones],
        "arms": [
            {
                "label": study.label(arm),
                "colour": PROPERTIES[colour_of(study, arm)],
                "positions": _packed(clip.joints[arm][frames] - middle, seen),
                "acceleration": _acceleration(clip, arm)[frames],
            }
            for arm in shown_arms(study, clip)
        ],
    }


def _packed(joints: np.ndarray, seen: np.ndarray) -> str:
    known = seen & np.isfinite(joints).all(-1)
    position = np.zeros((*joints.shape[:2], 3))
    position[..., : joints.shape[-1]] = np.nan_to_num(unit(joints.shape[-1])[1] * joints)
    if joints.shape[-1] == 2:
        position[..., 1] *= -1  # in an image y points down
    packed = np.where(known[..., None], position.clip(-32_000, 32_000).round(), -32_768).astype("<i2")
    return base64.b64encode(packed.tobytes()).decode()


def _acceleration(clip: ClipPoses, arm: str) -> list[float | None]:
    """Return the mean acceleration in every frame, None where it is unknown."""
    values = clip.acceleration(arm).tolist()
    return [None, *(round(value, 2) if np.isfinite(value) else None for value in values), None]
