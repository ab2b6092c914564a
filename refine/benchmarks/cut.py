"""`python run.py cut`: the pairs of a pose benchmark as two clip stores, to recognise actions in.

`raw` holds what was detected and `truth` the same clips as they were, so that a study has a noise-free arm of
recordings as it has one of simulated clips (`data: {store: FOLDER/raw, truth: FOLDER/truth}`).
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field, field_validator

from base.errors import InputError
from base.files import atomic_folder
from base.progress import progress
from base.replacing import Kind
from base.settings import Fps, Section
from base.shown import shown
from base.words import plural
from data.skeletons.labels import OwnClip, Part, code_clips
from data.skeletons.layouts import LAYOUTS, find_layout
from data.skeletons.resample import resample_tracks
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from refine.benchmarks.pairs import Pair, read_sequence_names
from refine.config import BenchmarksSection

SIDES = ("raw", "truth")

TAKES = ("first_take", "second_take")
"""Splits of a benchmark without a training split: learnt from the first or the second take of each action."""


class CutSection(Section):
    """How sequences become clips.

    Parameters
    ----------
    benchmark
        Which pairs, a name of the table or of `benchmarks.rows`.
    folder
        Where the stores `raw` and `truth` are written.
    seconds
        How long a clip is; what is left of a sequence behind the last whole clip is left out.
    overlap
        How much of a clip the next one of its sequence shows again, as a share.
    fps
        Frames a second of the clips; the benchmark's if null.
    names
        How a sequence's name, which is that of its images' folder, says who does what: a regular expression with the
        groups `subject`, `action` and, where actions are done more than once, `take`.
    layout
        The joints, by the name of a layout; told by their number if null.
    """

    benchmark: str
    folder: Path
    seconds: float = Field(4.0, gt=0, le=600)
    overlap: float = Field(0.0, ge=0, le=0.95)
    fps: Fps | None = None
    names: str = r"(?P<subject>S\d+)_(?P<action>[A-Za-z]+)(?:_(?P<take>\d{1,2}))?(?:_\d{3,})?"
    layout: str | None = None

    @field_validator("names")
    @classmethod
    def _groups(cls, value: str) -> str:
        try:
            groups = set(re.compile(value).groupindex)
        except re.error as error:
            raise ValueError(f"{shown(value)}: no regular expression ({error})") from None
        if not {"subject", "action"} <= groups <= {"subject", "action", "take"}:
            raise ValueError(f"{shown(value)}: expected the groups subject and action, and take or no other")
        return value

    @field_validator("layout")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in LAYOUTS:
            raise ValueError(f"{shown(value)}: expected one of {', '.join(LAYOUTS)}")
        return value


class CutConfig(Section):
    """The configuration of `python run.py cut`."""

    benchmarks: BenchmarksSection
    cut: CutSection


@dataclass(frozen=True)
class _Sequence:
    """A pair with what its name says, and the part of the benchmark that it is of."""

    pair: Pair
    name: str
    subject: str
    action: str
    take: int
    split: str


def cut_pairs(config: CutConfig, again: bool = False) -> list[str]:
    """Cut the pairs of a benchmark into clips and write both stores, which are there whole or not at all.

    In space, poses whose y points down are turned half round the line of sight, as a store has y up.

    All clips of a sequence are on the same side of every split: `benchmark` has the benchmark's own sides. One that is
    tested on only has `first_take` and `second_take` instead: what each subject does first of an action is learnt from
    and what they do next is tested on, or the other way round; what is done once is in neither.

    Parameters
    ----------
    config
        What to cut.
    again
        Replace what an earlier run made there.

    Returns
    -------
    Lines that say what was made.

    Raises
    ------
    InputError
        A file is missing or damaged, a sequence is not named as `cut.names` says, or no sequence is as long as a clip.
    """
    section = config.cut
    benchmark = config.benchmarks.find(section.benchmark)
    if benchmark.representation == "smpl":
        raise InputError(f"cut.benchmark: {benchmark.name} has rotations; choose one of positions, 3D or 2D")
    folder, root = section.folder, config.benchmarks.root
    if folder.exists() and not again:
        raise InputError(f"cut.folder: {folder} is there already; choose another, or pass --again to replace it")
    sequences, notes = [], list[str]()
    there = [split for split in benchmark.splits if any(map(Path.is_file, benchmark.paths(root, split)))]
    for split in there or benchmark.splits:  # of some only the test split is had
        pairs = config.benchmarks.read(section.benchmark, split)
        benchmark = pairs.benchmark
        named = read_sequence_names(benchmark, root, split)
        sequences += [_named(section, pair, named[pair.number], split) for pair in pairs.sequences]
        notes += pairs.skipped
    given = LAYOUTS[section.layout] if section.layout else None
    layout = find_layout(sequences[0].pair.truth.shape[1], benchmark.dims, section.benchmark, given)
    spans = [(one, _spans(len(one.pair.truth), section, benchmark.fps)) for one in sequences]
    clips = [(one, start, stop) for one, found in spans for start, stop in found]
    if not clips:
        raise InputError(f"cut.seconds: no sequence of {benchmark.name} lasts {section.seconds:g} s; give less")
    if short := [one.name for one, found in spans if not found]:
        notes.append(f"left out: {plural(len(short), 'sequence')} shorter than a clip, such as {shown(short[0])}")
    parts = _parts(sequences)
    own = [
        OwnClip(f"{one.name}/{start:06d}", one.action, one.subject, parts=parts[one.name]) for one, start, _ in clips
    ]
    names, labels = code_clips(own, where=section.benchmark)
    kept = section.model_dump(mode="json", exclude={"folder"})
    rate = section.fps or benchmark.fps
    upright = benchmark.dims == 2 or benchmark.y_axis == "up"
    turned = np.array([1] * benchmark.dims if upright else [-1, -1, 1], np.float32)
    info = StoreInfo(
        layout=layout.name,
        fps=rate,
        image=_image(sequences) if layout.dims == 2 else None,
        source=str(root / benchmark.name),
        config={"cut": kept},
    )
    with atomic_folder(folder, _CUT if again else None, [root / benchmark.name]) as at, progress() as bar:
        for side in SIDES:
            told = info.model_copy(update={"kind": side})
            task = bar.add_task(f"cutting {side}", total=len(clips))
            with StoreWriter(at / side, told, labels=labels) as writer:
                for name, (one, start, stop) in zip(names, clips, strict=True):
                    frames, joints, states = stop - start, *_cut(one.pair, side, slice(start, stop))
                    track = Track(0, 0, joints * turned, states)
                    writer.add(name, *resample_tracks(frames, [track], rate / benchmark.fps))
                    bar.advance(task)
    return [*_summary(folder, sequences, labels.splits), *(f"  {note}" for note in notes)]


def _named(section: CutSection, pair: Pair, name: str, split: str) -> _Sequence:
    found = re.fullmatch(section.names, name)
    if found is None or not found["subject"] or not found["action"]:
        raise InputError(
            f"cut.names: sequence {shown(name)} of {section.benchmark} ({split}) is not named so; give a regular "
            "expression with the groups subject and action that fits the whole name"
        )
    take = found.groupdict().get("take") or "0"
    return _Sequence(pair, name, found["subject"], found["action"], int(take) if take.isdecimal() else 0, split)


def _spans(frames: int, section: CutSection, fps: float) -> list[tuple[int, int]]:
    """Return the first frame of each clip, and the one behind its last."""
    length = max(2, round(section.seconds * fps))
    step = max(1, round(length * (1 - section.overlap)))
    return [(start, start + length) for start in range(0, frames - length + 1, step)]


def _parts(sequences: list[_Sequence]) -> dict[str, dict[str, Part]]:
    """Say of each sequence which part of which split it is."""
    if len({one.split for one in sequences}) > 1:
        return {one.name: {"benchmark": "train" if one.split == "train" else "test"} for one in sequences}
    parts: dict[str, dict[str, Part]] = {one.name: {} for one in sequences}
    takes: dict[tuple[str, str], set[int]] = {}
    for one in sequences:
        takes.setdefault((one.subject, one.action), set()).add(one.take)
    for one in sequences:  # one take may have been seen by several cameras, which are on the same side
        first_two = sorted(takes[one.subject, one.action])[: len(TAKES)]
        if len(first_two) > 1 and one.take in first_two:
            split = TAKES[first_two.index(one.take)]
            parts[one.name] = {other: "train" if other == split else "test" for other in TAKES}
    return parts


def _image(sequences: list[_Sequence]) -> tuple[int, int]:
    """Return how far joints reach to the right and down, [width, height]: no file says how large the images are."""
    reach = np.max([side.max((0, 1)) for one in sequences for side in (one.pair.detected, one.pair.truth)], axis=0)
    return math.ceil(max(1, reach[0])), math.ceil(max(1, reach[1]))


def _cut(pair: Pair, side: str, part: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return some frames of the detected or the true poses, and the states of their joints."""
    joints, known = (pair.detected, pair.detected_known) if side == "raw" else (pair.truth, pair.truth_known)
    states = np.full(joints[part].shape[:2], 2, np.uint8)
    if known is not None:
        states[~known[part]] = 0
    return joints[part], states


def _summary(folder: Path, sequences: list[_Sequence], splits: dict[str, dict[Part, tuple[str, ...]]]) -> Iterator[str]:
    store = open_store(folder / SIDES[0])
    actions, subjects = ({getattr(one, key) for one in sequences} for key in ("action", "subject"))
    yield (
        f"{folder}: raw and truth, {plural(len(store.clips), 'clip')} of {plural(len(sequences), 'sequence')}, "
        f"{plural(len(actions), 'action')}, {plural(len(subjects), 'subject')}, {store.info.fps:g} frames a second"
    )
    for split, parts in splits.items():
        counts = {part: len(parts.get(part, ())) for part in ("train", "test")}
        yield f"  data.split={split}: {counts['train']} for training, {counts['test']} for testing"


def _fault(folder: Path) -> str:
    """Say why a folder is not what `cut_pairs` writes."""
    inside = sorted(path.name for path in folder.iterdir())
    if inside != list(SIDES):
        return "does not hold raw and truth alone"
    try:
        return "" if all("cut" in open_store(folder / side).info.config for side in SIDES) else "holds other stores"
    except InputError:
        return "holds no stores"


_CUT = Kind("pair of clip stores", _fault)
