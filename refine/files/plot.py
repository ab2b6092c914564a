"""A page that plays a recording before and after: self-contained, in an image over its video, or in space."""

import json
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from data.recordings.people import body_sizes
from data.recordings.rates import Clock
from data.recordings.recording import Recording
from drawing.player import packed, page_styles, player_script, quantised
from refine.files.measures import accelerations
from refine.files.refining import bones_within, by_track
from refine.files.report import recap

LARGEST = 800_000
"""Characters of the positions, so that the page stays below a megabyte."""

LONGEST_S = 120
"""Seconds that are shown; of a longer recording, those around its most jittery moment."""

FINEST, COARSEST = 8000, 1000
"""Into how many steps the extent of what is shown is divided."""

MOST_EMPTY = 20
"""Times as many frames as are seen may be empty in between; else only those that are seen are shown."""

TOPS, FEET = ("head", "nose", "eye", "ear"), ("ankle", "foot", "toe", "heel")
"""What joints at either end of a body are called."""


def plot_page(
    recording: Recording, refined: np.ndarray, track: np.ndarray, clock: Clock, report: dict[str, Any], link: str = ""
) -> str:
    """Return a page that plays a recording as it was and as it became.

    Parameters
    ----------
    recording
        What was read.
    refined
        [N, J, D]: its joints, refined.
    track
        int64 [N]: whose each row is.
    clock
        When its frames were.
    report
        What was done.
    link
        The video that positions are drawn over, as an address from where the page is.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    clip, cut = _clip(recording, refined, track, clock)
    text = json.dumps([clip], separators=(",", ":")).replace("<", "\\u003c")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = files(__package__).joinpath("page.html.j2").read_text("utf-8")
    return environment.from_string(template).render(
        title=report["input"]["name"],
        styles=Markup(page_styles()),
        script=Markup(player_script()),
        clips=Markup(text),
        recap=recap(report),
        video=link if recording.joints.shape[-1] == 2 else "",
        rotations=not places(recording).all(),
        turns=recording.joints.shape[-1] == 3,
        unit=report["acceleration_unit"],
        cut=cut,
        notes=report["notes"],
        report=json.dumps(report, indent=1, ensure_ascii=False),
    )


def link_to(video: Path, page: Path) -> str:
    """Return the address of a video from where a page is."""
    return quote(os.path.relpath(video.absolute(), page.absolute().parent).replace(os.sep, "/"))


def _clip(recording: Recording, refined: np.ndarray, track: np.ndarray, clock: Clock) -> tuple[dict[str, Any], int]:
    """Return what the player plays, and how many frames there are if not all are shown."""
    scale = np.array(recording.scale or (1.0,) * recording.joints.shape[-1])
    number, times = _frames(recording, clock)
    slots, count = _slots(track, number)
    shown = [_spread(x * scale, number, slots, count, len(times)) for x in (recording.joints, refined)]
    curves = [_per_frame(x, times) for x in shown]
    drawn = np.flatnonzero(places(recording))
    joints = len(drawn)
    every = (np.arange(count)[:, None] * recording.joints.shape[1] + drawn).ravel()
    shown = [x[:, every] for x in shown]
    if recording.joints.shape[-1] == 3:
        turn = _upright(recording.joints[:, drawn], [recording.names[at] for at in drawn] if recording.names else [])
        shown = [x @ turn for x in shown]
    most = max(3, round(LONGEST_S * clock.fps))
    while True:
        frames = _around_peak(curves[0], most)
        texts, origin, step, box = _positions([x[frames] for x in shown])
        if sum(map(len, texts)) <= LARGEST or most <= 3:
            break
        most = min(most, len(times)) * 3 // 4
    pairs = bones_within(recording.bones, drawn)
    bones = [[a + joints * slot, b + joints * slot] for slot in range(count) for a, b in pairs]
    clip = {
        "name": "before and after",
        "packed": True,
        "first": int(recording.frame.min()) + frames.start,
        "frames": frames.stop - frames.start,
        "fps": clock.fps,
        "unit": "units/s²" if not recording.unit else f"{recording.unit}/s²",
        "joints": count * joints,
        "bones": bones,
        "arms": [
            {
                "label": label,
                "colour": colour,
                "positions": text,
                "acceleration": [None if not np.isfinite(a) else float(f"{a:.3g}") for a in curve[frames]],
            }
            for label, colour, text, curve in zip(
                ("before", "after"), ("arm-raw", "arm-refined"), texts, curves, strict=True
            )
        ],
    }
    if recording.joints.shape[-1] == 2:
        shown_at = clock.start + times[frames]
        clip |= {"flat": True, "box": box, "origin": origin, "step": step, "start": float(shown_at[0])}
        if not clock.even:
            clip["times"] = shown_at.round(4).tolist()
    return clip, len(times) if frames.stop - frames.start < len(times) else 0


def places(recording: Recording) -> np.ndarray:
    """Say which joints are places to draw, bool [J]: rotations, two points at distance 1 from 0 each, are not.

    If there is nothing else, they are.
    """
    away = np.linalg.norm(recording.joints, axis=-1)
    turning = (~(np.abs(away - 1) > 1e-4)).all(axis=0)
    return np.ones(len(turning), bool) if not recording.groups or turning.all() else ~turning


def _frames(recording: Recording, clock: Clock) -> tuple[np.ndarray, np.ndarray]:
    """Return at which of the page's frames each row is, and when each is shown."""
    first = recording.frame - recording.frame.min()
    seen, number = np.unique(first, return_inverse=True)
    if clock.even and seen[-1] < MOST_EMPTY * len(seen):
        return first, np.arange(seen[-1] + 1) / clock.fps
    return number, clock.seconds[np.unique(number, return_index=True)[1]]


def _slots(track: np.ndarray, number: np.ndarray) -> tuple[np.ndarray, int]:
    """Share places out among tracks, so that those of which one ends before the other begins may have the same."""
    slots, free_from = np.zeros(len(track), np.int64), np.zeros(0, np.int64)
    tracks = sorted(by_track(track, number), key=lambda rows: int(number[rows[0]]))
    for rows in tracks:
        free = np.flatnonzero(free_from <= number[rows[0]])
        slot = int(free[0]) if len(free) else len(free_from)
        free_from = free_from if len(free) else np.append(free_from, 0)
        free_from[slot] = number[rows[-1]] + 1
        slots[rows] = slot
    return slots, len(free_from)


def _spread(joints: np.ndarray, number: np.ndarray, slots: np.ndarray, count: int, frames: int) -> np.ndarray:
    """Lay the people of each frame out beside each other, [frames, count * J, D]."""
    page = np.full((frames, count, *joints.shape[1:]), np.nan, np.float32)
    page[number, slots] = joints
    return page.reshape(frames, -1, joints.shape[-1])


def _upright(joints: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return the rotation [3, 3] after which what people are tallest along is y, their heads above their feet."""
    seen = np.isfinite(joints).all(axis=-1)
    rows = seen.any(axis=1)
    joints, seen = joints[rows], seen[rows]
    away = np.where(seen[..., None], joints - body_sizes(joints, seen)[1][:, None], 0.0)
    up = int(np.argmax(np.median(np.abs(away).sum(axis=1) / seen.sum(axis=1)[:, None], axis=0)))
    height = away[..., up].sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    tops, feet = ([at for at, name in enumerate(names) if _of(name, parts)] for parts in (TOPS, FEET))
    known = bool(tops and feet)
    sign = -1.0 if known and height[tops].mean() < height[feet].mean() else 1.0
    turn = np.zeros((3, 3))
    turn[up, 1] = sign
    turn[(up + 1) % 3, 2] = 1.0
    turn[(up + 2) % 3, 0] = sign  # so that left stays left
    return turn


def _of(name: str, parts: Sequence[str]) -> bool:
    return any(part in name.lower() for part in parts)


def _per_frame(poses: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the mean acceleration of the joints in each frame, [T]; NaN where nothing is known in three."""
    found = accelerations(poses.astype(np.float64), times)
    known = np.isfinite(found)
    with np.errstate(invalid="ignore"):
        mean = np.where(known, found, 0.0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
    return np.pad(mean, 1, constant_values=np.nan)[: len(times)]


def _around_peak(curve: np.ndarray, most: int) -> slice:
    peak = int(np.nanargmax(curve)) if np.isfinite(curve).any() else 0
    first = int(np.clip(peak - most // 2, 0, max(0, len(curve) - most)))
    return slice(first, min(len(curve), first + most))


def _positions(shown: Sequence[np.ndarray]) -> tuple[list[str], list[float], float, list[int]]:
    """Pack positions as finely as there is room for; return also the origin, the step and the size in steps.

    A few joints that are far away from all others are drawn at the edge.
    """
    every = np.concatenate([x.reshape(-1, x.shape[-1]) for x in shown])
    every = every[np.isfinite(every).all(axis=-1)]
    if not len(every):
        every = np.zeros((1, shown[0].shape[-1]), np.float32)
    low, high = np.quantile(every, [0.001, 0.999], axis=0)
    extent = float((high - low).max()) or 1.0
    origin = low if shown[0].shape[-1] == 2 else (low + high) / 2
    steps = FINEST
    while True:
        texts = [packed(quantised(x, origin, extent / steps)) for x in shown]
        if steps <= COARSEST or sum(map(len, texts)) <= LARGEST:
            break
        steps //= 2
    step = extent / steps
    return texts, origin.tolist(), step, [max(1, round(float(side) / step)) for side in high - low]
