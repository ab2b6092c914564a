"""Writing the stand-in: the zip of `.skeleton` files or the clip store, the clean clips, and the pose benchmark."""

import json
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from base.errors import InputError
from base.executors.registry import Pool, none_lost, spread
from base.files import atomic_folder, locked, regular_file
from base.progress import console, progress
from data.ntu.names import ClipName
from data.ntu.simulate.bodies import FPS
from data.ntu.simulate.clips import Clip, choose_clips, simulate_clip
from data.ntu.simulate.config import SimulateSection
from data.ntu.simulate.pose_pairs import BENCHMARK, PosePairs
from data.ntu.simulate.recorded import clean_names, measure_again, open_clean
from data.ntu.splits import TRAIN_CAMERAS, TRAIN_PERFORMERS
from data.ntu.text import Skeleton, write_skeleton
from data.skeletons.store import StoreInfo, StoreWriter

ZIP = "nturgbd_skeletons_simulated.zip"

MODEL = 2
"""Raised whenever the same settings give other clips."""

BATCH = 16
"""Clips that one process makes at a time."""

IN_PROCESS = 64
"""So few clips are made without further processes, which would take longer to start."""

_DATE = (2016, 6, 26, 0, 0, 0)  # entries of a zip carry a date; a fixed one, so that the same seed gives the same bytes


def make_stand_in(section: SimulateSection, workers: int | None = None) -> Path:
    """Make the simulated stand-in and return its folder.

    | in the folder | content |
    |---|---|
    | `nturgbd_skeletons_simulated.zip` | what the Kinect says: `nturgb+d_skeletons/S...skeleton`, as released |
    | `raw/` | instead of the zip where `text` is false: the clip store as prepared from the zip |
    | `truth/` | clip store of the clean joints: the same clips, actors and frames as prepared from the zip |
    | `poses/ntusim_kinect_3D/` | measured and clean first actors in the layout of SmoothNet's released benchmarks: \
`train` has the training performers of X-Sub on cameras 2 and 3, `test` the test performers |
    | `simulate.json` | the section's values |

    With `section.clean` the clips are those of that store, and `truth/` has its skeletons.

    The folder appears when all is complete. The memory used does not grow with the number of clips, and the bytes do
    not depend on the number of workers.

    Parameters
    ----------
    section
        What to make. A folder that holds the same stand-in already is left as it is; while another process makes it,
        this waits.
    workers
        Processes; None for one per processor.

    Raises
    ------
    InputError
        The folder holds something else or cannot be written, or there are fewer different clips than asked for.
    """
    try:
        return _make_stand_in(section, workers)
    except OSError as error:
        raise InputError(
            f"{section.folder}: the stand-in cannot be written ({error.strerror or error}); make room or check the path"
        ) from error


def _make_stand_in(section: SimulateSection, workers: int | None) -> Path:
    kept = section.model_dump(mode="json", exclude={"folder"})
    if section.folder.exists():
        _check_same(section.folder, kept)
        return section.folder
    names = _names(section)
    with locked(section.folder, waiting=lambda: say_waiting(section.folder)):
        if section.folder.exists():  # the other process has made it
            _check_same(section.folder, kept)
        else:
            _fill_folder(section, kept, names, workers)
    return section.folder


def _names(section: SimulateSection) -> list[ClipName]:
    if section.clean is not None:
        return clean_names(open_clean(section.clean))
    try:
        return choose_clips(section)
    except ValueError as error:
        raise InputError(f"simulate.clips: {section.clips} is too many: {error}; ask for fewer clips") from None


def say_waiting(folder: Path) -> None:
    """Tell that another process is at a stand-in."""
    console.print(f"{folder}: another run is making the stand-in; this one waits", highlight=False, markup=False)


def _fill_folder(
    section: SimulateSection, kept: dict[str, Any], names: Sequence[ClipName], workers: int | None
) -> None:
    fps, times, labels, source = FPS, True, None, f"simulated, seed {section.seed}"
    if section.clean is not None:
        clean = open_clean(section.clean)
        fps, times, labels, source = clean.info.fps, clean.info.times, clean.labels, str(section.clean)
    truth_info = StoreInfo(kind="truth", fps=fps, times=times, source=source, config=kept)
    with atomic_folder(section.folder) as folder, ExitStack() as stack:
        archive = writer = None
        if section.text:
            archive = stack.enter_context(zipfile.ZipFile(folder / ZIP, "w", zipfile.ZIP_DEFLATED, compresslevel=1))
        else:
            info = StoreInfo(fps=fps, times=times, **raw_origin(section))
            writer = stack.enter_context(StoreWriter(folder / "raw", info, labels=labels))
        truth = stack.enter_context(StoreWriter(folder / "truth", truth_info, labels=labels))
        pairs = stack.enter_context(PosePairs(folder / "poses" / BENCHMARK, ("train", "test")))
        bar = stack.enter_context(progress())
        task = bar.add_task("simulating clips", total=len(names))
        for clip, text in _make_clips(section, names, workers):
            if archive is not None:
                entry = zipfile.ZipInfo(f"nturgb+d_skeletons/{clip.name}.skeleton", _DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, text, compresslevel=1)
            if writer is not None:
                writer.add(clip.name, clip.frames, clip.measured)
            truth.add(clip.name, clip.frames, clip.truth)
            part = _part(clip.name)
            if part is not None and clip.measured:
                pairs.add(part, clip.name, *clip.pair)
            bar.advance(task)
        (folder / "simulate.json").write_text(json.dumps({"model": MODEL, **kept}, indent=1) + "\n")


def raw_origin(section: SimulateSection) -> dict[str, Any]:
    """Return what a store of the measured clips says of its origin, whether it comes from the zip or straight away."""
    values = section.model_dump(mode="json")
    config = {"simulate": values, "data": {"raw": None, "on_error": "stop", "fps": FPS}}
    return {"source": str(section.folder / ZIP), "config": config}


def _part(name: ClipName) -> str | None:
    """Return the part of the pose benchmark that a clip belongs to."""
    if name.performer not in TRAIN_PERFORMERS:
        return "test"
    return "train" if name.camera in TRAIN_CAMERAS else None


def _check_same(folder: Path, kept: dict[str, Any]) -> None:
    try:
        found = json.loads(regular_file(folder / "simulate.json").read_bytes())
        if not isinstance(found, dict):
            raise ValueError("no table")
    except (OSError, ValueError, RecursionError):
        raise InputError(
            f"{folder}: is there already but holds no simulated stand-in (no readable simulate.json); "
            "remove it or choose another simulate.folder"
        ) from None
    if found.get("model") != MODEL:
        raise InputError(
            f"{folder}: holds a stand-in made by another version of the simulation; remove it or choose another "
            "simulate.folder"
        )
    different = [key for key in kept if found.get(key) != kept[key]]
    if different:
        key = different[0]
        raise InputError(
            f"{folder}: holds a stand-in made with simulate.{key} = {found.get(key)}, asked for {kept[key]}; "
            "remove it or choose another simulate.folder"
        )


def _make_clips(
    section: SimulateSection, names: Sequence[ClipName], workers: int | None
) -> Iterator[tuple[Clip, bytes]]:
    """Make clips in order; only a few batches are under way or waiting at any time."""
    batches = [names[start : start + BATCH] for start in range(0, len(names), BATCH)]
    pool = Pool("processes", 1 if len(names) <= IN_PROCESS else workers)
    with closing(spread(partial(_make_batch, section), batches, pool)) as results:
        for made in none_lost(results, str(section.folder), "data.workers"):
            yield from made


def _make_batch(section: SimulateSection, names: Sequence[ClipName]) -> list[tuple[Clip, bytes]]:
    made = []
    for name in names:
        clip = simulate_clip(section, name) if section.clean is None else measure_again(section, name)
        text = write_skeleton(clip.skeleton) if section.text else b""
        # The bodies are in the text or in the tracks: no need to send them to the parent once more.
        made.append((replace(clip, skeleton=Skeleton(clip.skeleton.frames, ())), text))
    return made
