"""MediaPipe's landmarks as people write them to JSON: one pose, or a list of frames."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.shown import cut
from data.recordings.clock import as_seconds, says_time
from data.recordings.frame_files import frame_files
from data.recordings.json_text import as_list, as_numbers, as_object, read_json
from data.recordings.landmarks import landmark_set, measure
from data.recordings.peek import files_in, head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, BY_NAME, RECORDINGS, RecordingKind
from data.recordings.rows import (
    Row,
    as_confidence,
    frame_number,
    identity,
    missing_at_zero,
    numbers_of_names,
    stack,
)

_POINT = re.compile(rb'"[xX]"\s*:[^{}\[\]]{0,99}"[yY]"\s*:')
_LISTS = re.compile(rb'landmarks?"\s*:\s*\[\s*\[', re.IGNORECASE)
_WORD = re.compile(rb'landmark|"visibility"|"presence"', re.IGNORECASE)

_PARTS = {
    "pose": ("poselandmarks", "landmarks", "keypoints", "pose", "normalizedlandmarks", "landmark"),
    "world": ("poseworldlandmarks", "worldlandmarks", "keypoints3d", "world", "landmarksworld", "landmarks3d"),
    "left hand": ("lefthandlandmarks", "lefthand"),
    "right hand": ("righthandlandmarks", "righthand"),
    "face": ("facelandmarks", "face"),
}
"""What parts of a person are called, in small letters and without `_`; a person's joints are in this order."""
_FRAMES = ("frames", "results", "data", "poses", "sequence", "framedata", "posedata", "landmarksdata")
_PEOPLE = ("people", "persons", "poses", "detections", "bodies")
_NUMBER = ("frame", "frameid", "framenumber", "frameindex", "frameidx", "frameno", "framecount", "index")
_IDENTITY = ("trackid", "personid", "id")
_SURE = ("visibility", "score", "confidence", "presence", "v")
_FPS = ("fps", "framerate", "videofps", "sourcefps")
_SIZE = (("width", "imagewidth", "videowidth", "framewidth"), ("height", "imageheight", "videoheight", "frameheight"))
_LARGEST = 1e6
_LARGEST_FRAME = 1 << 18
"""Bytes of a file of one frame, when a folder may hold either frames or recordings."""


@dataclass(frozen=True)
class _Person:
    """One person in one frame: the landmarks of each part as the file has them."""

    frame: int
    who: int | None
    parts: dict[str, Any]
    where: str


def guess(path: Path) -> int:
    """Say whether a file is JSON with landmarks, or a folder's files are, of a frame each.

    Points that nothing calls landmarks may be of something else.
    """
    if not path.is_dir():
        return _guess_text(head(path))
    starts = [head(file, _LARGEST_FRAME + 1) for file in files_in(path, ".json")[:3]]
    return max(map(_guess_text, starts), default=0) if all(map(_is_frame, starts)) else 0


def _guess_text(start: bytes) -> int:
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"[", b"{"):
        return 0
    if not _POINT.search(start):
        return BY_CONTENT if _LISTS.search(start) else 0
    return BY_CONTENT if _WORD.search(start) else BY_NAME


def _is_frame(text: bytes) -> bool:
    try:
        root = json.loads(text, parse_int=float) if len(text) <= _LARGEST_FRAME else None
        return len(_frames(root, "")[0]) < 2
    except (ValueError, RecursionError):
        return False


def read(path: Path) -> Recording:
    """Read landmarks of one frame or of many.

    A landmark is {x, y, z, visibility} or a list of these. A frame is a list of them, of one person or of several, or
    an object with `landmarks`, `pose_landmarks`, `pose_world_landmarks`, `left_hand_landmarks`, ..., which people
    spell in several ways. The root is a frame, a list of frames, an object with `frames`, or one whose keys are frame
    numbers. A folder holds a frame in each file. Frames without anybody are null or empty. A landmark at exactly zero
    is missing. Landmarks in the image and those in the world are refined each by themselves.

    Raises
    ------
    InputError
        The file holds something else, or people have different landmarks.
    """
    files = frame_files(path, ".json")
    texts, numbers, times, people, file_of = [], [], [], [], []
    about: dict[str, Any] = {}
    for at, file in enumerate(files.files):
        text = read_json(file)
        frames, about = _frames(text.root, str(file))
        if path.is_dir() and len(frames) > 1:
            raise InputError(f"{file}: holds {len(frames)} frames, expected one per file; give the file alone")
        for number, value, where in frames:
            numbers.append(files.frames[at] if path.is_dir() else number)
            times.append(_time(value))
            found = list(_people(numbers[-1], value, where))
            people += found
            file_of += [at] * len(found)
        texts.append(text.numbers)
    parts = _joints_of_parts(people, str(path))
    rows = stack((_row(person, parts) for person in people), str(path))
    dims = 3 if (np.isfinite(rows.values[..., 2]) | np.isnan(rows.values[..., 0])).all() else 2
    joints, slots, scores = missing_at_zero(rows.values[..., :dims]), rows.slots[..., :dims], rows.values[..., 3]
    landmarks = [(part, name) for part, names in parts.items() for name in names]
    known, groups = landmark_set(landmarks)
    unit, scale, notes = measure(joints, list(parts), *(_about(about, names) for names in _SIZE))
    return Recording(
        joints,
        rows.frame,
        files.writer(texts, file_of, slots, joints),
        person=rows.person,
        confidence=as_confidence(np.where(np.isnan(scores), 1, scores)) if np.isfinite(scores).any() else None,
        fps=_about(about, _FPS),
        seconds=_seconds(numbers, times, rows.frame),
        names=known.names,
        bones=known.bones,
        groups=groups,
        scale=scale,
        unit=unit,
        notes=notes,
    )


def _frames(root: Any, where: str) -> tuple[list[tuple[int, Any, str]], dict[str, Any]]:
    """Return the number, content and place of each frame, and what the file says of all."""
    if isinstance(root, list):
        if _is_landmark(_first(root)):
            return [(0, root, where)], {}
        places = ((place, frame, f"{where}: [{place}]") for place, frame in enumerate(root))
        return [(_number(frame, place, here), frame, here) for place, frame, here in places], {}
    keys = _plain(as_object(root, where))
    listed = next((keys[key] for key in _FRAMES if isinstance(keys.get(key), list)), None)
    if listed is not None:
        return _frames(listed, where)[0], keys
    numbered = [name for name, value in root.items() if isinstance(value, list | dict) and re.search(r"\d$", name)]
    if numbered and _named(keys, _PARTS["pose"]) is None:
        numbers = numbers_of_names(numbered, where)
        found = zip(numbers, numbered, strict=True)
        return [(number, root[name], f"{where}: {cut(name)}") for number, name in found], keys
    return [(_number(root, 0, where), root, where)], keys


def _people(number: int, frame: Any, where: str, depth: int = 0) -> Iterator[_Person]:
    """Give everybody in a frame."""
    if not frame or depth > 2:
        return
    if isinstance(frame, list):
        if _is_landmark(_first(frame)):
            yield _Person(number, None, {"pose": frame}, where)
            return
        for at, person in enumerate(frame):
            yield from _people(number, person, f"{where}[{at}]", depth + 1)
        return
    keys = _plain(as_object(frame, where))
    for name in _PEOPLE:
        if isinstance(keys.get(name), list):
            yield from _people(number, keys[name], f"{where}.{name}", depth + 1)
            return
    found = {part: _inner(_named(keys, names)) for part, names in _PARTS.items()}
    parts = {part: value for part, value in found.items() if value and isinstance(value, list | dict)}
    if not parts and any(_is_landmark(value) for value in frame.values()):
        parts = {"pose": {name: value for name, value in frame.items() if _is_landmark(value)}}
    if all(
        isinstance(value, list) and isinstance(_first(value), list) and not _is_landmark(_first(value))
        for value in parts.values()
    ):  # of several people
        for at in range(max((len(value) for value in parts.values()), default=0)):
            mine = {part: value[at] for part, value in parts.items() if at < len(value) and value[at]}
            if mine:
                yield _Person(number, None, mine, f"{where}, person {at}")
        return
    who = _named(keys, _IDENTITY if depth else _IDENTITY[:2])  # a frame's own `id` is nobody's
    yield _Person(number, identity(who), parts, where)


def _joints_of_parts(people: list[_Person], where: str) -> dict[str, tuple[str, ...]]:
    """Return the names of each part's landmarks, which all people share that have the part."""
    parts: dict[str, dict[str, None]] = {}
    for part in _PARTS:
        for person in people:
            value = person.parts.get(part)
            if value is None:
                continue
            if isinstance(value, dict):
                parts.setdefault(part, {}).update(dict.fromkeys(value))
                continue
            count = len(as_list(value, f"{person.where}, {part}"))
            names = parts.setdefault(part, dict.fromkeys(str(number) for number in range(count)))
            if len(names) != count:
                raise InputError(
                    f"{person.where}: found {count} landmarks of the {part}, expected {len(names)} as in frame "
                    f"{people[0].frame}; give each kind of skeleton a file of its own"
                )
    return {part: tuple(names) for part, names in parts.items()}


def _row(person: _Person, parts: dict[str, tuple[str, ...]]) -> Row:
    """Return x, y, z and confidence of all landmarks."""
    flat: list[Any] = []
    for part, names in parts.items():
        value = person.parts.get(part)
        if isinstance(value, dict):
            value = [value.get(name) for name in names]
        for landmark in [None] * len(names) if value is None else value:
            flat += _coordinates(landmark)
    values, slots = as_numbers(flat, person.where)
    return Row(person.frame, values.reshape(-1, 4), slots.reshape(-1, 4), person.who)


def _coordinates(landmark: Any) -> list[Any]:
    if isinstance(landmark, dict):
        get = landmark.get
        sure = next((landmark[key] for key in _SURE if key in landmark), None)
        return [get("x", get("X")), get("y", get("Y")), get("z", get("Z")), sure]
    if isinstance(landmark, list) and 2 <= len(landmark) <= 5:
        return [*landmark, None, None][:4]
    return [landmark, None, None, None]  # null is missing; anything else is refused where numbers are read


def _seconds(numbers: list[int], times: list[tuple[str, float] | None], frame: np.ndarray) -> np.ndarray | None:
    """Return when each row was seen; None unless all frames say so."""
    known = [time for time in times if time is not None]
    if not known or len(known) < len(times) or len({name for name, _ in known}) > 1:
        return None
    seconds = as_seconds(np.array([time for _, time in known]), np.array(numbers), known[0][0])
    if seconds is None:
        return None
    by_frame = dict(zip(numbers, seconds.tolist(), strict=True))
    return np.array([by_frame[number] for number in frame.tolist()])


def _time(frame: Any) -> tuple[str, float] | None:
    if isinstance(frame, dict):
        for name, value in frame.items():
            if says_time(name) and isinstance(value, float):
                return name, float(value)
    return None


def _number(frame: Any, place: int, where: str) -> int:
    found = _named(_plain(frame), _NUMBER) if isinstance(frame, dict) else None
    return place if found is None else frame_number(found, where)


def _inner(value: Any) -> Any:
    """Return the landmarks of a part, which protocol buffers keep in an object."""
    found = _named(value, ("landmark", "landmarks")) if isinstance(value, dict) else None
    return found if isinstance(found, list) else value


def _first(values: list[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _is_landmark(value: Any) -> bool:
    if isinstance(value, dict):
        return ("x" in value and "y" in value) or ("X" in value and "Y" in value)
    return isinstance(value, list) and 2 <= len(value) <= 5 and all(isinstance(item, float) for item in value)


def _about(about: dict[str, Any], names: tuple[str, ...]) -> float | None:
    """Return what the file says of itself, at its root or in an object there."""
    for keys in (about, *(_plain(value) for value in about.values() if isinstance(value, dict))):
        found = _named(keys, names)
        if isinstance(found, float) and 0 < found < _LARGEST:
            return float(found)
    return None


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """Return an object with its keys in small letters, without `_`."""
    return {_squeezed(name): item for name, item in value.items()}


def _squeezed(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def _named(keys: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((keys[name] for name in names if keys.get(name) is not None), None)


RECORDINGS.add(
    "mediapipe_json", RecordingKind("MediaPipe", "MediaPipe's landmarks as JSON", guess, read, "file or folder")
)
