"""What a refined file's report says, and what it says of files: which of them were made here, and from what."""

import hashlib
import json
from pathlib import Path
from typing import Any

from base.errors import InputError
from base.files import regular_file, sha256
from base.words import plural
from data.recordings.rates import Clock
from data.recordings.recording import Recording
from refine.files.refining import Refined

REPORT = ".report.json"
"""The end of a report's name."""

MADE_BY = "steady-skeletons smooth"
LARGEST = 1 << 20
"""Bytes of a report."""


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of a folder's files.

    Raises
    ------
    InputError
        It cannot be read, or is neither.
    """
    try:
        return _hash_of(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give what can") from error


def _hash_of(path: Path) -> str:
    if not path.is_dir():
        return sha256(regular_file(path))
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()):
        digest.update(f"{file.name}\0{sha256(file) if file.is_file() else 'folder'}\n".encode())
    return digest.hexdigest()


def read_report(path: Path) -> dict[str, Any] | None:
    """Read a report; None if there is none, or it is somebody else's file."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    ours = isinstance(found, dict) and found.get("made_by") == MADE_BY
    complete = (
        ours
        and all(key in found for key in ("page", "settings"))
        and all(
            isinstance(found.get(key), dict)
            and all(isinstance(found[key].get(part), str) for part in ("name", "sha256"))
            for key in ("input", "output")
        )
    )
    return found if complete else None


def report_of(path: Path) -> dict[str, Any] | None:
    """Return the report that names a file or folder as what was made; None if there is none."""
    for stem in (path.name, path.stem):
        found = read_report(path.with_name(stem + REPORT))
        if found is not None and path.name in (found["output"]["name"], found.get("page")):
            return found
    return None


def is_ours(path: Path) -> bool:
    """Say whether a path is a report, or what a report beside it names."""
    if path.name.endswith(REPORT) and read_report(path) is not None:
        return True
    return report_of(path) is not None


def report_on(recording: Recording, clock: Clock, refined: Refined, written: int) -> dict[str, Any]:
    """Say in plain values what a recording was and what became of it.

    Parameters
    ----------
    recording
        What was read.
    clock
        When its frames were.
    refined
        What was made of it.
    written
        How many of the gaps that were filled the file had a place for.
    """
    unit = recording.unit or "units"
    return {
        "fps": round(clock.fps, 4),
        "fps_from": clock.source,
        "even": clock.even,
        "people": refined.people,
        "people_from": "identities in the file" if recording.person is not None else "where they are",
        "frames": recording.frames,
        "rows": len(recording.frame),
        "joints": recording.joints.shape[1],
        "dimensions": recording.joints.shape[2],
        "gaps": {
            "filled": written,
            "left": refined.missing - written,
            "without_a_place": int(refined.filled.sum()) - written,
            "frames_without_a_row": refined.absent,
        },
        "left_alone": {"missing": refined.missing - written, "unsure": refined.unsure},
        "jumps": refined.jumps,
        "cut_at_gaps": refined.gaps,
        "astray": refined.astray,
        "acceleration_unit": f"{unit}/s²",
        "motion": [motion.as_dict() for motion in refined.motion],
        "notes": list(recording.notes),
    }


def recap(report: dict[str, Any]) -> str:
    """Say the most important of a report in one line, without the file's name."""
    fps = f"{report['fps']:g} fps ({report['fps_from']})"
    who = plural(report["people"], "person", "people")
    said = [f"{who}, {plural(report['frames'], 'frame')}, {plural(report['joints'], 'joint')}, {fps}"]
    for motion in report["motion"]:
        before, after, gain = (motion[key] for key in ("acceleration_before", "acceleration_after", "gain"))
        if before is not None:
            kept = "" if gain is None else f", {100 * gain:.0f}% of 0.5 to 3 Hz kept"
            whose = "" if len(report["motion"]) == 1 else f" of {plural(motion['joints'], 'joint')}"
            said.append(f"acceleration{whose} {before:g} to {after:g} {report['acceleration_unit']}{kept}")
    gaps, alone = report["gaps"], report["left_alone"]
    if gaps["filled"]:
        said.append(f"{plural(gaps['filled'], 'gap')} filled")
    if gaps["without_a_place"]:
        said.append(f"{gaps['without_a_place']} could be filled and have no place in the file")
    if alone["missing"] or alone["unsure"]:
        total = report["rows"] * report["joints"]
        said.append(
            f"{alone['missing'] + alone['unsure']} of {total} joint positions missing or unsure, left as they are"
        )
    if report["jumps"]:
        said.append(f"cut at {plural(report['jumps'], 'jump')}")
    return "; ".join(said)
