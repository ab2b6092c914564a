"""What the page's player plays: clips, raw, refined and without noise, and what every arm takes each of them for."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ablation.page.theme import PROPERTIES, colour_of
from ablation.skeletons import ClipPoses, acceleration_per_frame, clip_poses, unit
from ablation.study.study import Study
from drawing.player import packed, quantised

MOST_FRAMES = 300
"""Of a longer clip, the frames around its most jittery one."""
FINE, COARSE = 2000, 100
"""Steps between the middle of a clip and its outermost joints: of the few that are told of, and of all others, of
which a step is less than a pixel of the picture."""
BUDGET = 1_950_000
"""Characters that all other clips may take, so that the page stays below 3 MB."""
EVERY = (1, 2, 3, 4, 6)
"""Of how many frames one is kept: the first of these with which all clips stay within the budget."""
SAMPLE = 20
"""Clips by which that is estimated."""


@dataclass(frozen=True)
class Browsed:
    """The test clips that the page holds.

    Parameters
    ----------
    clips
        As the player reads them.
    every
        Of how many frames one is kept.
    left_out
        How many clips are not among them, for want of room.
    """

    clips: list[dict[str, Any]]
    every: int = 1
    left_out: int = 0


def find_browsed(study: Study) -> Browsed:
    """Pack all test clips that have a first actor; where there is no room for all, a random choice of them."""
    return pack_clips(study, study.names.tolist())


def pack_clips(study: Study, names: Sequence[str], budget: int = BUDGET) -> Browsed:
    """Pack clips for the player, with as many frames as the budget allows; see `Browsed`."""
    shuffled = np.random.default_rng(0).permutation(names).tolist()

    def pack(chosen: Iterable[str], every: int) -> Iterable[dict[str, Any]]:
        poses = (clip_poses(study.pictured, name) for name in chosen)
        return (_clip(study, "", one, COARSE, every) for one in poses if one is not None)

    sample = shuffled[:SAMPLE]
    for every in EVERY:
        size = sum(len(one["packed"]) for one in pack(sample, every)) * len(names) / max(1, len(sample))
        if size <= budget:
            break
    clips, taken = [], 0
    for one in pack(shuffled, every):
        taken += len(one["packed"])
        if taken > budget:
            break
        clips.append(one)
    return Browsed(sorted(clips, key=lambda one: (one["action"], one["name"])), every, len(names) - len(clips))


def player_data(study: Study, clips: Sequence[tuple[str, ClipPoses]], browsed: Browsed | None = None) -> str:
    """Return clips, each with the reason why it is shown, and then all others, as JSON inside a script element."""
    told = [_clip(study, why, clip) for why, clip in clips]
    content = json.dumps([*told, *(browsed.clips if browsed else ())], separators=(",", ":"))
    return content.replace("<", "\\u003c")


def shown_arms(study: Study, clip: ClipPoses) -> list[str]:
    """Return the arms whose skeletons are shown: the reference, the main one, and the truth if it is known."""
    return [arm for arm in dict.fromkeys((study.against, study.main, "oracle")) if arm in clip.joints]


def _clip(study: Study, why: str, clip: ClipPoses, steps: int = FINE, every: int = 1) -> dict[str, Any]:
    """Return a clip, positions counted in steps from its middle.

    `packed` holds int16 [frames, columns], see `drawing.player.packed`: the positions of each arm, x, y and z of every
    joint, all but the last arm's less those of the last, which they resemble; then each arm's acceleration in tenths.
    Sums and differences are modulo 2^16.
    """
    jitter = acceleration_per_frame(clip.joints[study.against], clip.seen)
    peak = int(np.nanargmax(jitter)) if np.isfinite(jitter).any() else 0
    first = int(np.clip(peak - MOST_FRAMES // 2, 0, max(0, len(clip.seen) - MOST_FRAMES)))
    frames = slice(first, first + MOST_FRAMES, every)
    seen = clip.seen[frames]
    arms = shown_arms(study, clip)
    shown = {arm: np.where(seen[..., None], clip.joints[arm][frames], np.nan) for arm in arms}
    known = shown[study.against][seen]
    middle = (np.nanmin(known, 0) + np.nanmax(known, 0)) / 2 if seen.any() else np.zeros(clip.layout.dims)
    radius = float(np.nanquantile(np.linalg.norm(known - middle, axis=-1), 0.99)) if seen.any() else 0.0
    step = max(radius, 1e-6) / steps
    positions = [quantised(_in_space(shown[arm] - middle), np.zeros(3), step) for arm in arms]
    flat = [one.reshape(len(seen), -1) for one in positions]
    accelerations = [_acceleration(clip, arm)[frames, None] for arm in arms]
    return {
        "name": clip.name,
        "action": study.action(clip.action),
        "why": why,
        "first": clip.first_frame + first,
        "every": every,
        "frames": len(seen),
        "fps": clip.fps / every,
        "unit": f"{study.unit}/frame²",
        "step": round(step * unit(clip.layout.dims)[1], 4),
        "radius": steps,
        "joints": seen.shape[1],
        "bones": [[int(joint), int(parent)] for joint, parent in clip.layout.bones],
        "arms": [{"label": study.label(arm), "colour": PROPERTIES[colour_of(study, arm)]} for arm in arms],
        "packed": packed(np.concatenate([*(one - flat[-1] for one in flat[:-1]), flat[-1], *accelerations], axis=1)),
        **_taken_for(study, clip),
    }


def _in_space(joints: np.ndarray) -> np.ndarray:
    """Return joints as they are in space; those in an image are, upright, in a plane of it."""
    return joints if joints.shape[-1] == 3 else np.pad(joints * (1, -1), ((0, 0), (0, 0), (0, 1)))


def _acceleration(clip: ClipPoses, arm: str) -> np.ndarray:
    """Return the mean acceleration in every frame in tenths, int16 [n]; unseen where it is unknown."""
    found = np.full((len(clip.seen), 1, 1), np.nan)
    found[1:-1, 0, 0] = clip.acceleration(arm)
    return quantised(found, np.zeros(1), 0.1)[:, 0, 0]


def _taken_for(study: Study, clip: ClipPoses) -> dict[str, Any]:
    """Return a clip's class, and for each arm: the predicted class, its score and the true one's, the seeds right."""
    at = study.get(_rows).get(clip.name)
    if at is None:
        return {}
    label, taken = int(study.arms[study.against].label[at]), []
    for one in study.arms.values():
        mean = one.score[:, at].mean(0)
        guess = int(mean.argmax())
        percent = [round(100 * float(mean[one])) for one in (guess, label)]
        taken.append([guess, *percent, int(one.correct[:, at].sum())])
    return {"label": label, "taken": taken}


def _rows(study: Study) -> dict[str, int]:
    """Return each clip's row among the scores by what its owner calls it."""
    called = study.clips.labels.clips if study.clips.labels is not None else {}
    return {called.get(name, name): row for row, name in enumerate(study.names.tolist())}
