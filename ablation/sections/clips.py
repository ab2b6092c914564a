"""Some test clips raw and refined: played, drawn around their most jittery moment, and their acceleration."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from ablation.fidelity import clip_words
from ablation.page.player import MOST_FRAMES, Browsed, find_browsed, player_data, shown_arms
from ablation.page.theme import WIDTH, colour_of, log_scale, look_of, new_axes
from ablation.sections.registry import SECTIONS, SKELETONS, Drawing, Section
from ablation.skeletons import ClipPoses, burst_frames, clip_poses, typical_clip
from ablation.study.study import Study
from base.words import plural
from drawing.skeleton import draw_skeleton
from drawing.style import MUTED

STILLS = 6
"""Frames of a clip that are drawn."""
LEAD = """
{% if found.played %}
<div class="player" id="player">
<script type="application/json" id="clips">{{ values.player }}</script>
{% if values.browsed %}
<fieldset class="controls find">
<legend>Find test clips</legend>
<label>action <select class="action"><option value="">any</option>{% for action in values.actions %}<option value="{{ loop.index0 }}">{{ action }}</option>{% endfor %}</select></label>
{% for arm in study.arms %}
<label>{{ study.label(arm) }} <select class="right"><option value="">any</option><option value="1">right</option><option value="0">wrong</option></select></label>
{% endfor %}
<button type="button" class="previous">Previous</button>
<button type="button" class="next">Next</button>
<output class="count"></output>
</fieldset>
{% endif %}
<canvas class="scene" role="img" tabindex="0" aria-label="Skeletons of a test clip side by side, played; needs JavaScript"></canvas>
<div class="controls">
<button type="button" class="play" aria-pressed="false">Play</button>
<label class="along">frame <input type="range" class="frame" min="0" value="0" step="1"></label>
<output class="now"></output>
<label>clip <select class="clip"></select></label>
<label>speed <select class="speed"><option value="0.25">¼</option><option value="0.5">½</option><option value="1" selected>1</option></select></label>
</div>
<canvas class="curve" role="img" aria-label="Mean acceleration of the joints over the frames of the clip"></canvas>
<p class="note"><span class="why"></span> Drag the skeletons to turn them, or use the arrow keys. The curve is the mean norm of the joints' second differences, {{ study.unit }}/frame²; select a place in it to go there.</p>
{% if values.browsed %}
<div class="scroll">
<table class="taken">
<caption><span>What recognisers take this clip for: the action with the highest mean score over {{ study.seeds | length }} seeds.</span></caption>
<thead><tr><th scope="col">skeletons</th><th scope="col">taken for</th><th scope="col" class="number">its score, %</th><th scope="col" class="number">true action's, %</th><th scope="col" class="number">seeds right</th></tr></thead>
<tbody>
{% for arm in study.arms %}
<tr><th scope="row">{{ study.label(arm) }}</th><td data-label="taken for"></td><td class="number" data-label="its score, %"></td><td class="number" data-label="true action's, %"></td><td class="number" data-label="seeds right"></td></tr>
{% endfor %}
</tbody>
</table>
</div>
<p class="note">{{ values.kept }}</p>
{% endif %}
</div>
<p class="on-paper note">The player of all test clips is in the page itself.</p>
{% endif %}
"""  # noqa: E501
GRID = """
{% if "acceleration" in drawings %}
{% call figure("acceleration", "Acceleration per frame.") %}Mean norm of the joints' second differences in {{ found.chosen.name }} ({{ study.action(found.chosen.action) }}), {{ found.why }}.{{ " Here " ~ values.left ~ "." if values.left }}{% endcall %}
{% call figure("skeletons", "Around the most jittery moment of that clip.") %}Every second frame, numbered from 0, seen from the camera; the same frames in each row.{% endcall %}
{% endif %}
"""  # noqa: E501


@dataclass(frozen=True)
class Clips:
    """The clips that the report shows.

    Parameters
    ----------
    chosen
        The one that the pictures show; None if its first actor is never seen.
    why
        Why it was chosen.
    played
        What the player plays, and why.
    """

    chosen: ClipPoses | None
    why: str
    played: list[tuple[str, ClipPoses]]


def find_clips(study: Study) -> Clips | None:
    """Choose the clips to show: a jittery one, and those that refining repairs and breaks most clearly."""
    named, pictured = study.config.report.clip, study.pictured
    name = named or typical_clip(study.stores[study.against], study.names)
    why = (
        "the clip that the configuration names"
        if named
        else "the test clip whose mean acceleration is the upper quartile of all"
    )
    chosen = clip_poses(pictured, name)
    played = [*([(why, chosen)] if chosen is not None else []), *_telling_clips(study, name)]
    return Clips(chosen, why, played) if played else None


def _telling_clips(study: Study, shown: str) -> list[tuple[str, ClipPoses]]:
    """Pick the clip that refining repairs most clearly, and the one that it breaks most clearly, other than `shown`."""
    before, after = study.arms[study.against], study.arms[study.main]
    sure = [np.take_along_axis(one.score.mean(0), one.label[:, None], 1)[:, 0] for one in (before, after)]
    gain = sure[1] - sure[0]
    found = []
    for sign, said in ((1, "repaired"), (-1, "broken")):
        right, wrong = (after, before) if sign > 0 else (before, after)
        fits = (right.prediction == right.label) & (wrong.prediction != wrong.label)
        fits &= before.clip != shown
        if not fits.any():
            continue
        at = int(np.argmax(np.where(fits, sign * gain, -np.inf)))
        poses = clip_poses(study.pictured, str(before.clip[at]))
        if poses is not None:
            change = f"{100 * sure[0][at]:.0f}% to {100 * sure[1][at]:.0f}%"
            found.append((f"{said} most clearly: the true action's score goes from {change}", poses))
    return found


def _draw(study: Study, found: Clips) -> Sequence[Drawing]:
    clip = found.chosen
    if clip is None or study.main not in clip.joints:
        return []
    return [_draw_acceleration(study, clip), _draw_skeletons(study, clip)]


def _draw_acceleration(study: Study, clip: ClipPoses) -> Drawing:
    """Draw how strongly the joints of one clip accelerate in each frame."""
    figure, axes = new_axes(2.6, grid="y")
    means = []
    for arm in shown_arms(study, clip):
        values = clip.acceleration(arm)
        frames = clip.first_frame + 1 + np.arange(len(values))
        every = max(1, len(frames) // 9)
        axes.plot(frames, values, **look_of(study, arm), linewidth=1.3, markevery=every, label=study.label(arm))
        means.append(f"{study.label(arm)} {np.nanmean(values):.1f}" if np.isfinite(values).any() else arm)
    axes.margins(x=0.01)
    log_scale(axes, "y")
    axes.set_xlabel(f"frame of {clip.name}")
    axes.set_ylabel(f"{study.unit}/frame²")
    figure.legend(loc="outside upper left", ncols=2)
    said = (
        f"Line chart of mean joint acceleration per frame of {clip.name}, in {study.unit}/frame²; "
        f"means: {', '.join(means)}."
    )
    return Drawing("acceleration", figure, said)


def _draw_skeletons(study: Study, clip: ClipPoses) -> Drawing:
    """Draw the frames of one clip around its most jittery one, an arm per row, seen from the front."""
    arms = shown_arms(study, clip)
    frames = burst_frames(clip, study.against, STILLS)
    base = clip.joints[study.against][frames][clip.seen[frames]]
    low, high = np.nanquantile(base, [0.0, 1.0], axis=0)[:, :2]
    pad = 0.12 * float((high - low).max())
    height = 1.5 * len(arms) + 0.3
    close = ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.02, wspace=0, hspace=0)
    figure = Figure(figsize=(WIDTH, height), layout=close)
    grid = figure.subplots(len(arms), len(frames), squeeze=False)
    for row, arm in enumerate(arms):
        colour = colour_of(study, arm)
        for column, frame in enumerate(frames):
            axes = grid[row, column]
            points = np.where(clip.seen[frame, :, None], clip.joints[arm][frame], np.nan)[
                :, :2
            ]  # from the camera's side
            draw_skeleton(axes, points, clip.layout.bones, colour, width=1.4, joint_size=1.7)
            axes.set_xlim(low[0] - pad, high[0] + pad)
            axes.set_ylim(low[1] - pad, high[1] + pad)
            axes.yaxis.set_inverted(clip.layout.dims == 2)  # in an image y points down
            axes.set_aspect("equal")
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            if row == 0:
                axes.set_title(f"{clip.first_frame + frame}", color=MUTED)
        grid[row, 0].set_ylabel(textwrap.fill(study.label(arm), 12), color=colour, fontweight="bold")
    said = (
        f"Stick figures of consecutive frames of {clip.name}: {study.skeletons(study.against)} "
        f"above {study.skeletons(study.main)}."
    )
    return Drawing("skeletons", figure, said)


def _values(study: Study, found: Clips) -> dict[str, Any]:
    told = [("; ".join(filter(None, (why, clip_words(study, clip)))), clip) for why, clip in found.played]
    left = "" if found.chosen is None else clip_words(study, found.chosen)
    browsed = study.get(find_browsed)
    scores = study.arms[study.against]
    return {
        "player": Markup(player_data(study, told, browsed)),
        "browsed": bool(browsed.clips),
        "kept": _kept(browsed, len(found.played)),
        "actions": [study.action(int(number)) for number in scores.action],
        "left": left,
    }


def _kept(browsed: Browsed, told: int) -> str:
    """Say what the page holds of the clips, and what not."""
    rate = "" if browsed.every == 1 else f", one of every {browsed.every} frames"
    said = f"Here are {plural(len(browsed.clips), 'test clip', separator=',')}{rate}"
    if browsed.left_out:
        said += f"; {browsed.left_out:,} more had no room or show nobody, and those that are here are a random choice"
    return (
        f"{said}. Positions are rounded to a hundredth of the distance from a clip's middle to its outermost joints; "
        f"of clips longer than {MOST_FRAMES} frames, those around the most jittery one are here. The list "
        f"begins with {told} of them a second time, with every frame and less rounded."
    )


SECTIONS.add("clips", Section(SKELETONS, 10, find_clips, {"lead": LEAD, "grid": GRID}, drawings=_draw, values=_values))
