"""Where poses come from, one after the other: lines of JSON, and folders that OpenPose writes to."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike

from base.errors import InputError
from base.shown import shown
from data.recordings import openpose
from data.recordings.peek import MOST_FILES
from data.recordings.people import Follower
from data.recordings.recording import Recording
from data.recordings.rows import number_of_name

LONGEST_LINE = 1 << 20
"""Bytes of a line: a thousand joints with all digits take a tenth of it."""

KEYS = ("pose", "confidence", "time", "person")

LOOKS_S = 0.03
"""Seconds between looks at a folder."""

WRITTEN_S = 1.0
"""Seconds within which a file is written: one that cannot be read before is looked at again."""


@dataclass(frozen=True)
class Sight:
    """Somebody in one frame, or nobody.

    Parameters
    ----------
    where
        What messages call it.
    pose
        [V, C]; None if nobody is seen.
    time
        Seconds; None if nobody says.
    person, confidence
        Who, and how far each joint can be trusted, [V].
    """

    where: str
    pose: ArrayLike | None
    time: float | None = None
    person: int | str = 0
    confidence: ArrayLike | None = None


def of_lines(stream: IO[bytes], tell: Callable[[str], None]) -> Iterator[Sight]:
    """Read a pose a line, such as `{"pose": [[0.1, 0.2, 2.5], null, ...], "time": 3.2, "person": 7}`.

    A joint that is null is not seen. `time`, `person` (a whole number or a text) and `confidence` may be left out; a
    pose that is null says that nobody is seen at that time. Empty lines are nothing.

    Parameters
    ----------
    stream
        Where lines come from.
    tell
        Called with what the user should read.

    Raises
    ------
    InputError
        A line is something else; the message names its number.
    """
    number, others = 0, False
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        where = f"line {number}"
        if len(line) > LONGEST_LINE:
            raise InputError(f"{where}: longer than {LONGEST_LINE} bytes, expected one pose")
        if not line.strip():
            continue
        said = _object(line, where)
        if (more := [key for key in said if key not in KEYS]) and not others:
            others = True
            tell(f"{where}: nothing is done with {shown(more[0])}; used are {', '.join(KEYS)}")
        yield _sight(said, where)


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: byte {error.start} is no UTF-8, expected JSON") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{where}, column {error.colno}: {error.msg}; expected JSON, one pose a line") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or lists in lists without end
        raise InputError(f"{where}: cannot be read as JSON, expected one pose a line") from None
    if not isinstance(said, dict) or "pose" not in said:
        raise InputError(f'{where}: found {shown(said)}, expected {{"pose": [[x, y, z], ...], "time": seconds}}')
    return said


def _sight(said: dict[str, Any], where: str) -> Sight:
    pose, when, person = said["pose"], said.get("time"), said.get("person", 0)
    if isinstance(person, bool) or not isinstance(person, int | str) or len(str(person)[:100]) > 60:
        raise InputError(f"{where}: person: found {shown(person)}, expected a whole number or a short text")
    if when is not None and (isinstance(when, bool) or not isinstance(when, int | float)):
        raise InputError(f"{where}: time: found {shown(when)}, expected seconds")
    if pose is None:
        if when is None:
            raise InputError(f"{where}: nobody is seen, and it has no time; expected one of both")
        return Sight(where, None, when)
    if not isinstance(pose, list):
        raise InputError(f"{where}: pose: found {shown(pose)}, expected a list of joints")
    dims = next((len(joint) for joint in pose if isinstance(joint, list)), 3)
    joints: Any = [[None] * dims if joint is None else joint for joint in pose]
    return Sight(where, joints, when, person, said.get("confidence"))


def of_folder(
    folder: Path,
    fps: float,
    idle: float | None = None,
    *,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Sight]:
    """Read OpenPose's files, one a frame, as they are written to a folder, those that are there first.

    The last number in a file's name is its frame. Who is who is what files say, else people are followed
    (`data.recordings.people.Follower`).

    Parameters
    ----------
    folder
        The folder.
    fps
        Frames a second.
    idle
        Seconds without a new file after which it ends; None for never.
    now, pause
        The clock.

    Raises
    ------
    InputError
        The folder cannot be read, or a file is none of OpenPose's, or of an earlier frame than one before.
    """
    read: set[str] = set()
    follower, last, since = Follower(), -1, now()
    damaged: tuple[str, float] = ("", 0.0)
    while True:
        files = _new(folder, read)
        for number, name in files:
            file = folder / name
            if number <= last:
                raise InputError(f"{file}: came after frame {last}, expected files in the order of their numbers")
            try:
                recording = openpose.read(file)
            except InputError:
                if damaged[0] == name and now() - damaged[1] > WRITTEN_S:
                    raise
                if damaged[0] != name:
                    damaged = (name, now())
                break  # it may be half written
            read.add(name)
            last, since = number, now()
            yield from _people(recording, str(file), number / fps, follower)
        else:
            if idle is not None and now() - since >= idle:
                return
        pause(LOOKS_S)


def _new(folder: Path, read: set[str]) -> list[tuple[int, str]]:
    """Return the files of a folder that were not read, with their frames and in the order of these."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, MOST_FILES) if entry.name not in read]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); give a folder that can") from error
    found = sorted((number_of_name(name), name) for name in names if name.lower().endswith(".json") and name[0] != ".")
    if found and found[0][0] < 0:
        raise InputError(f"{folder / found[0][1]}: its name has no number, expected that of the frame")
    return found


def _people(recording: Recording, where: str, seconds: float, follower: Follower) -> Iterator[Sight]:
    seen: np.ndarray = np.flatnonzero(np.isfinite(recording.joints).all(-1).any(-1))
    if not len(seen):
        yield Sight(where, None, seconds)
        return
    joints = recording.joints[seen]
    people = follower.step(joints, seconds) if recording.person is None else recording.person[seen]
    for row, person, pose in zip(seen, people.tolist(), joints, strict=True):
        trust = None if recording.confidence is None else recording.confidence[row]
        yield Sight(where, pose, seconds, person, trust)
