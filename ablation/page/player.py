"""What the page's player plays: a few clips, raw and refined, as numbers."""

import base64
import json
from typing import Any

import numpy as np

from ablation.figures import colour_of, shown_arms
from ablation.findings import Findings
from ablation.page.theme import PROPERTIES
from ablation.sections.poses import ClipPoses, acceleration_per_frame, unit

MOST_FRAMES = 300
"""Of a longer clip, the frames around its most jittery one."""


def player_data(findings: Findings) -> str:
    """Return the clips of the player as JSON that may stand inside a script element."""
    content = json.dumps([_clip(findings, why, clip) for why, clip in findings.clips], separators=(",", ":"))
    return content.replace("<", "\\u003c")


def _clip(findings: Findings, why: str, clip: ClipPoses) -> dict[str, Any]:
    """Return a clip in millimetres (or pixels) from its middle, int16 in base64 [frames, joints, 3].

    Where a joint is not seen, it is the least int16.
    """
    arms = shown_arms(findings, clip)
    jitter = acceleration_per_frame(clip.joints[findings.against], clip.seen)
    peak = int(np.nanargmax(jitter)) if np.isfinite(jitter).any() else 0
    first = int(np.clip(peak - MOST_FRAMES // 2, 0, max(0, len(clip.seen) - MOST_FRAMES)))
    frames = slice(first, first + MOST_FRAMES)
    seen = clip.seen[frames]
    shown = clip.joints[findings.against][frames]
    middle = (shown[seen].min(0) + shown[seen].max(0)) / 2 if seen.any() else np.zeros(shown.shape[-1])
    return {
        "name": clip.name,
        "action": findings.actions.get(clip.action, f"A{clip.action:03d}"),
        "why": why,
        "first": clip.first_frame + first,
        "frames": len(seen),
        "fps": clip.fps,
        "unit": f"{findings.unit}/frame²",
        "joints": seen.shape[1],
        "bones": [[int(joint), int(parent)] for joint, parent in clip.layout.bones],
        "arms": [
            {
                "label": findings.label(arm),
                "colour": PROPERTIES[colour_of(findings, arm)],
                "positions": _packed(clip.joints[arm][frames] - middle, seen),
                "acceleration": _acceleration(clip.joints[arm], clip.seen)[frames],
            }
            for arm in arms
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


def _acceleration(joints: np.ndarray, seen: np.ndarray) -> list[float | None]:
    """Return the mean acceleration in every frame, None where it is unknown."""
    known = seen & np.isfinite(joints).all(-1)
    values = acceleration_per_frame(np.nan_to_num(joints), known)
    return [None, *(round(value, 2) if np.isfinite(value) else None for value in values.tolist()), None]
