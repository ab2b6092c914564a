"""PYSKL's annotation pickles, 3D (`ntu60_3danno.pkl`) and 2D (`ntu60_hrnet.pkl`).

One dict: `split` has lists of clip names by split (`xsub_train`, ...), `annotations` one dict per clip with `frame_dir`
(its name), `label` (from 0), `keypoint` [M, T, V, C] float16 and `total_frames`; in 2D also `keypoint_score` [M, T, V]
float16 and `img_shape`, `original_shape` (height, width).
"""

import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from base.errors import InputError
from base.pickle_writer import PickleWriter
from base.shown import cut, shown
from base.unpickling import as_plain, read_pickle
from base.words import plural
from data.formats.clips import (
    ACTORS,
    Advance,
    DenseClip,
    DenseClips,
    Incoming,
    NextClip,
    ReadClip,
    as_tracks,
    check_label,
    check_length,
    clip_name,
    found_twice,
    in_order,
    known,
    table_of,
)
from data.formats.options import Dtype, ReadOptions, WriteOptions
from data.formats.outputs import OneFile
from data.formats.registry import BY_NAME, FORMATS, FormatKind
from data.ntu.actions import ACTIONS_120
from data.ntu.names import ClipName
from data.ntu.splits import SPLITS, in_training, rules_of
from data.recordings.clip import more_people
from data.skeletons.labels import LARGEST_NUMBER, LONGEST, OwnClip, Part, code_clips
from data.skeletons.layouts import COCO17, NTU25, OPENPOSE18, Layout, find_layout
from data.skeletons.opening import PEOPLE
from data.skeletons.seen import seen_joints
from data.skeletons.store import ClipStore
from data.skeletons.units import LARGEST as LARGEST_EXTENT
from data.skeletons.units import to_image

LARGEST = 8 << 30
"""Bytes of the largest pickle that is read: it is held in memory. The largest one of NTU RGB+D takes some 2 GB."""

_WRITTEN = (NTU25, COCO17, OPENPOSE18)


def write_pyskl(store: ClipStore, file: Path, dtype: Dtype, advance: Advance) -> None:
    """Write a store as PYSKL's pickle, clip by clip, in the order of the names.

    Parameters
    ----------
    store
        The clips.
    file
        Where to write.
    dtype
        PYSKL's own files have float16, which rounds positions by 1 to 2 mm; PYSKL reads float32 as well.
    advance
        Called after each clip.
    """
    rows, clips = in_order(store), DenseClips(store)
    names = store.clips.name[rows]
    split = {}
    for name, rule in rules_of(store.clips).items():
        training = in_training(store.clips, rule)[rows]
        split[f"{name}_train"] = [str(clip) for clip in names[training]]
        split[f"{name}_val"] = [str(clip) for clip in names[~training]]

    def annotations() -> Iterator[dict[str, Any]]:
        for row in rows:
            yield _annotate(clips[int(row)], store, np.dtype(dtype))
            advance()

    with file.open("wb") as stream:
        PickleWriter(stream).dump({"split": split, "annotations": annotations()})


def _annotate(clip: DenseClip, store: ClipStore, kind: np.dtype) -> dict[str, Any]:
    head = {"frame_dir": str(clip.name), "label": clip.name.action - 1}
    keypoint, frames = clip.joints.astype(kind), clip.joints.shape[1]
    if store.layout.dims == 3:
        return {**head, "keypoint": keypoint, "total_frames": frames}
    assert store.info.image is not None
    width, height = store.info.image
    score = clip.confidence if clip.confidence is not None else clip.tracked > 0
    shape = {"img_shape": (height, width), "original_shape": (height, width)}
    return {**head, **shape, "total_frames": frames, "keypoint": keypoint, "keypoint_score": score.astype(kind)}


def is_our_pickle(path: Path) -> bool:
    """Say whether a pickle begins as `write_pyskl` begins, which remembers nothing as Python's own pickles do."""
    with io.BytesIO() as stream:
        PickleWriter(stream).dump({"split": {}})
        beginning = stream.getvalue().partition(b"}(")[0] + b"}("
    with path.open("rb") as file:
        return file.read(len(beginning)) == beginning


def read_pyskl(
    file: Path, given: Layout | None = None, people: int = PEOPLE, size: tuple[int, int] | None = None
) -> Incoming:
    """Read PYSKL's pickle; the number of joints tells the layout if it is not given.

    Clips of other names than NTU RGB+D's may miss their image's size, which `size` then is, and differ in what
    `_in_usual_form` says.

    Raises
    ------
    InputError
        The file is damaged, names what it may not, or is not laid out as PYSKL's; so does reading its clips.
    """
    content = read_pickle(file, LARGEST)
    if isinstance(content, list):  # mmaction2's, of which each file is one part of a split
        content = {"annotations": content}
    if not isinstance(content, dict) or not isinstance(content.get("annotations"), list):
        found = type(content).__name__
        if isinstance(content, dict):
            found = "a dict of " + (", ".join(shown(key, 40) for key in islice(content, 5)) or "nothing")
        raise InputError(
            f"{file}: not a PYSKL pickle: found {found}, expected a dict with split and annotations, a list, or that "
            "list; no other .pkl can be imported"
        )
    annotations, split = content["annotations"], content.get("split", {})
    if not annotations:
        raise InputError(f"{file}: annotations is empty; there is nothing to import")
    names = [_name(item, file, at) for at, item in enumerate(annotations)]
    right = [name for name in names if not isinstance(name, InputError)]
    if not right:
        return _read_own(file, annotations, split, given, people, size)
    if size is not None:
        raise InputError(f"--image-size: the clips of {file} have NTU RGB+D's names and say it; leave it out")
    others = {_called(item) for item, name in zip(annotations, names, strict=True) if isinstance(name, InputError)}
    split = _check_split(file, split, others)
    _check_names(file, right, split)
    usual = _usual([partial(_keypoint, item, file, at) for at, item in enumerate(annotations)])
    layout = find_layout(usual.shape[2], usual.shape[3], str(file), given)
    notes = _compare_splits(split, right)
    image = None
    if layout.dims == 2:
        image = _usual([partial(_image, item, file, at) for at, item in enumerate(annotations)])

    def clips() -> Iterator[NextClip]:
        for at, (name, item) in enumerate(zip(names, annotations, strict=True)):
            called = f"annotations[{at}]" if isinstance(name, InputError) else str(name)
            yield called, partial(_read_clip, name, item, layout, image, file, at, people)

    return Incoming(layout, len(names), clips(), image, layout.dims == 2, notes)


def _read_own(
    file: Path,
    annotations: list[Any],
    split: Any,
    given: Layout | None,
    people: int,
    said: tuple[int, int] | None,
) -> Incoming:
    """Read a pickle of clips that are not NTU RGB+D's: they keep their names, labels and splits."""
    _check_split(file, split, set())
    parts, notes = _own_parts(split)
    annotations = [_in_usual_form(item, said, notes) for item in annotations]
    clips = [_own_clip(item, file, at, parts) for at, item in enumerate(annotations)]
    names, labels = code_clips(*_named(clips, file), str(file))
    known_names = {clip.name for _, clip in clips}
    if absent := [name for name in parts if name not in known_names]:
        raise InputError(f"{file}: split names clip {shown(absent[0])}, which has no annotation")
    usual = _usual([partial(_keypoint, item, file, at) for at, item in enumerate(annotations)])
    layout = find_layout(usual.shape[2], usual.shape[3], str(file), given)
    image = None
    if layout.dims == 2:
        image = _usual([partial(_image, item, file, at) for at, item in enumerate(annotations)])

    def read() -> Iterator[NextClip]:
        for at, (name, item) in enumerate(zip(names, annotations, strict=True)):
            yield clips[at][1].name, partial(_read_clip, name, item, layout, image, file, at, people, notes)

    return Incoming(layout, len(names), read(), image, layout.dims == 2, notes, labels=labels)


def _in_usual_form(item: Any, size: tuple[int, int] | None, notes: list[str]) -> Any:
    """Return an annotation as PYSKL's own have it, and note what was other.

    Whole numbers become floats; a third coordinate in an image is the score; without a score, what is seen has 1; what
    is NaN was not seen; an image of which the size is not said has that of `size`.
    """
    keypoint = as_plain(item.get("keypoint")) if isinstance(item, dict) else None
    if not isinstance(keypoint, np.ndarray) or keypoint.ndim != 4 or keypoint.dtype.kind not in "fiu":
        return item
    item = dict(item)
    if keypoint.dtype.kind != "f":
        keypoint = keypoint.astype(np.float32)
    missing = np.any(np.isnan(keypoint), axis=-1)
    if missing.any():
        _note(notes, "joints at NaN are taken for not seen")
        keypoint = np.where(missing[..., None], keypoint.dtype.type(0), keypoint)
        score = as_plain(item.get("keypoint_score"))
        if isinstance(score, np.ndarray) and score.shape == missing.shape:
            item["keypoint_score"] = np.where(missing, score.dtype.type(0), score)
    if size is not None and keypoint.shape[3] == 2:
        item.setdefault("img_shape", size[::-1])
    if keypoint.shape[3] == 3 and "img_shape" in item and "keypoint_score" not in item and _is_score(keypoint):
        item["keypoint_score"], keypoint = keypoint[..., 2], keypoint[..., :2]
        _note(notes, "keypoints are x, y and a score")
    if keypoint.shape[3] == 2 and "keypoint_score" not in item:
        item["keypoint_score"] = (keypoint != 0).any(axis=-1).astype(np.float32)
        _note(notes, "clips without keypoint_score: what is seen has 1")
    return item | {"keypoint": keypoint}


def _is_score(keypoint: np.ndarray) -> bool:
    """Whether x and y are too far for metres, and the third number is from 0 to 1."""
    third = keypoint[..., 2]
    far = bool((np.abs(keypoint[..., :2]) > LARGEST_EXTENT).any())
    return far and not ((third < 0) | (third > 1)).any()


def _named(clips: list[tuple[int | str, OwnClip]], file: Path) -> tuple[list[OwnClip], list[str] | None]:
    """Return the clips with their actions, and the actions' names in the order of their numbers if labels are such."""
    numbers = [label for label, _ in clips if isinstance(label, int)]
    if not numbers:
        return [replace(clip, action=str(label)) for label, clip in clips], None
    if len(numbers) < len(clips):
        text = next(label for label, _ in clips if isinstance(label, str))
        raise InputError(f"{file}: labels are numbers and texts, such as {shown(text, 40)}; make them one kind")
    called = [f"class {number}" for number in range(1 + max(numbers))]
    return [replace(clip, action=f"class {label}") for label, clip in clips], called


def _own_parts(split: dict[Any, list[Any]]) -> tuple[dict[str, dict[str, Part]], list[str]]:
    """Return for each clip the part of each split that it belongs to, and what is not kept.

    `train`, `val` and `test` are parts of one split, `split`; `NAME_train` of the split NAME. PYSKL tests on `val`
    where there is no `test`.
    """
    known_parts: dict[str, Part] = {"train": "train", "val": "validation", "valid": "validation", "test": "test"}
    found: dict[str, dict[Part, list[Any]]] = {}
    notes = []
    for key, clips in split.items():
        name, _, part = str(key)[:LONGEST].rpartition("_")
        if part in known_parts:
            found.setdefault(name or "split", {})[known_parts[part]] = clips
        else:
            notes.append(f"split {shown(key)} is not kept: its name does not end in train, val or test")
    parts: dict[str, dict[str, Part]] = {}
    for name, of_split in found.items():
        if "test" not in of_split and "validation" in of_split:
            of_split["test"] = of_split.pop("validation")
        for part, clips in of_split.items():
            for clip in clips:
                parts.setdefault(str(clip)[:LONGEST], {})[name] = part
    return parts, notes


def _own_clip(item: Any, file: Path, at: int, parts: Mapping[str, Mapping[str, Part]]) -> tuple[int | str, OwnClip]:
    name, label = _get(item, "frame_dir", file, at), _get(item, "label", file, at)
    where = f"{file}: annotations[{at}]"
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST or not name.isprintable():
        raise InputError(
            f"{where}: found {shown(name)} for a clip's name, expected a text of up to {LONGEST} characters"
        )
    if isinstance(label, str) and 0 < len(label) <= LONGEST and label.isprintable():
        return str(label), OwnClip(name, parts=parts.get(name, {}))
    if isinstance(label, bool) or not isinstance(label, int | np.integer) or not 0 <= label < LARGEST_NUMBER:
        raise InputError(f"{where} ({shown(name)}): label is {shown(label, 40)}, expected a number from 0, or a name")
    return int(label), OwnClip(name, parts=parts.get(name, {}))


Value = TypeVar("Value", np.ndarray, tuple[int, int])


def _usual(read: Sequence[Callable[[], Value]]) -> Value:
    """Return what most annotations have, of arrays one with the usual joints: one odd clip does not make the others so.

    Raises
    ------
    InputError
        No annotation has any; what is wrong with the first one.
    """
    count: Counter[Any] = Counter()
    first: dict[Any, Value] = {}
    fault = None
    for get in read:
        try:
            value = get()
        except InputError as error:
            fault = fault or error
        else:
            kind = value.shape[2:] if isinstance(value, np.ndarray) else value
            count[kind] += 1
            first.setdefault(kind, value)
    if not first:
        assert fault is not None
        raise fault
    return first[count.most_common(1)[0][0]]


def _name(item: Any, file: Path, at: int) -> ClipName | InputError:
    try:
        return clip_name(_get(item, "frame_dir", file, at), f"{file}: annotations[{at}]")
    except InputError as error:
        return error


def _called(item: Any) -> Any:
    """Return what a clip is called whose name is none."""
    name = item.get("frame_dir") if isinstance(item, dict) else None
    return name if isinstance(name, str) else None


def _get(item: Any, key: str, file: Path, at: int) -> Any:
    if not isinstance(item, dict) or key not in item:
        files = "; some pickles have keypoints in files of their own: give one that has them" * (key == "keypoint")
        raise InputError(
            f"{file}: annotations[{at}] has no {key}; expected a dict with frame_dir, label and keypoint{files}"
        )
    return as_plain(item[key])


def _check_split(file: Path, split: Any, others: set[Any]) -> dict[Any, list[Any]]:
    """Return the lists of names without those of clips whose names are none."""
    if not isinstance(split, dict) or not all(isinstance(part, list) for part in split.values()):
        raise InputError(f"{file}: split is no dict of lists of clip names")
    return {
        key: [name for name in part if not (isinstance(name, str) and name in others)] for key, part in split.items()
    }


def _check_names(file: Path, names: list[ClipName], split: dict[Any, list[Any]]) -> None:
    annotated = set(names)
    if (twice := found_twice(names)) is not None:
        raise InputError(f"{file}: clip {twice} has two annotations; remove one")
    for key, part in split.items():
        where = f"{file}: split {shown(key)}"
        for name in part:
            if clip_name(name, where) not in annotated:
                raise InputError(f"{where} names clip {name}, which has no annotation")


def _compare_splits(split: dict[str, list[str]], names: list[Any]) -> list[str]:
    """Say where the file's splits are not the ones by which a store is divided."""
    notes = []
    clips = table_of(names)
    rules = rules_of(clips)
    of = 120 if "xset" in rules else 60
    for name, rule in {"xsub": "xsub", "xview": "xview", "xset": "xset120", **rules}.items():
        if (key := f"{name}_train") not in split:
            continue
        expected = set(clips.name[in_training(clips, rule)].tolist())
        if different := {str(clip_name(clip, key)) for clip in split[key]} ^ expected:
            count = plural(len(different), "clip")
            notes.append(f"{key} differs in {count} from the split of NTU RGB+D {of}, by which the store is divided")
    if other := sorted(str(key)[:60] for key in split if str(key)[:60].split("_")[0] not in (*SPLITS, "xset")):
        notes.append(f"a store does not keep these splits: {cut(', '.join(other), 200)}")
    return notes


def _keypoint(item: Any, file: Path, at: int) -> np.ndarray:
    keypoint = _get(item, "keypoint", file, at)
    if not isinstance(keypoint, np.ndarray) or keypoint.dtype.kind != "f" or keypoint.ndim != 4:
        found = (
            f"{keypoint.dtype} {shown(keypoint.shape)}" if isinstance(keypoint, np.ndarray) else type(keypoint).__name__
        )
        raise InputError(f"{file}: annotations[{at}]: keypoint is {found}, expected floats [M, T, V, C]")
    return keypoint


def _image(item: Any, file: Path, at: int) -> tuple[int, int]:
    if isinstance(item, dict) and "img_shape" not in item:
        raise InputError(f"{file}: annotations[{at}] has no img_shape, (height, width) in pixels; give --image-size")
    shape = _get(item, "img_shape", file, at)
    shape = tuple(shape.tolist()) if isinstance(shape, np.ndarray) else shape
    sizes = isinstance(shape, tuple | list) and len(shape) == 2
    if not sizes or not all(isinstance(size, int | np.integer) and 0 < size < 2**20 for size in shape):
        raise InputError(f"{file}: annotations[{at}]: img_shape is {shown(shape)}, expected (height, width) in pixels")
    return int(shape[1]), int(shape[0])


def _read_clip(
    named: ClipName | InputError,
    item: Any,
    layout: Layout,
    image: tuple[int, int] | None,
    file: Path,
    at: int,
    people: int,
    notes: list[str] | None = None,
) -> ReadClip:
    """Read a clip; one that is somebody's own (`notes` are given) is brought to the image's size and people."""
    name = known(named)
    where = f"{file}: annotations[{at}] ({name if notes is None else shown(item['frame_dir'])})"
    if notes is None:
        check_label(name, _get(item, "label", file, at), where)
    keypoint = _keypoint(item, file, at)
    if keypoint.shape[2:] != (len(layout.joints), layout.dims):
        raise InputError(
            f"{where}: {keypoint.shape[2]} joints with {keypoint.shape[3]} coordinates, expected {len(layout.joints)} "
            f"with {layout.dims} as in most clips"
        )
    frames = keypoint.shape[1]
    total = as_plain(item.get("total_frames", frames))
    if not isinstance(total, int | np.integer) or total != frames:
        raise InputError(f"{where}: total_frames is {shown(total, 40)} and keypoint has {plural(frames, 'frame')}")
    check_length(frames, f"{where}: keypoint")
    score = None
    if image is not None:
        size = _image(item, file, at)
        if size != image and notes is None:
            raise InputError(
                f"{where}: img_shape is {size[1], size[0]}, expected {image[1], image[0]} as of most clips, since a "
                "store has one size of image; import the clips of each size into a store of their own"
            )
        score = _get(item, "keypoint_score", file, at)
        if not isinstance(score, np.ndarray) or score.dtype.kind != "f" or score.shape != keypoint.shape[:3]:
            raise InputError(f"{where}: keypoint_score is no array of floats {list(keypoint.shape[:3])}")
        if size != image:
            keypoint = to_image(keypoint.astype(np.float32), (keypoint != 0).any(axis=-1), size, image)
            _note(notes, f"images are of several sizes; all poses are brought to one of {image[0]} x {image[1]} pixels")
    if notes is not None and len(keypoint) > min(people, PEOPLE):
        if len(keypoint) > people:
            _note(notes, more_people(people))
        chosen = _most_seen(keypoint, score, people)
        keypoint, score = keypoint[chosen], None if score is None else score[chosen]
    return name, frames, as_tracks(keypoint, score, where, people=max(people, ACTORS))


def _note(notes: list[str] | None, text: str) -> None:
    if notes is not None and text not in notes:
        notes.append(text)


def _most_seen(keypoint: np.ndarray, score: np.ndarray | None, people: int) -> np.ndarray:
    """Return so many people that are seen best over all frames, the first two in their own order, then by how well."""
    seen = seen_joints(keypoint.astype(np.float32), score)
    weight = seen if score is None else np.where(seen, score, 0)
    best = np.argsort(-weight.sum(axis=(1, 2)), kind="stable")[:people]
    return np.concatenate([np.sort(best[:PEOPLE]), best[PEOPLE:]])


def _guess(path: Path) -> int:
    return BY_NAME * (path.is_file() and path.suffix == ".pkl")


def _save(store: ClipStore, file: Path, options: WriteOptions, advance: Advance) -> str:
    write_pyskl(store, file, options.dtype, advance)
    return f"{plural(len(store.clips), 'clip')} for PYSKL"


def _open(path: Path, options: ReadOptions) -> Incoming:
    return read_pyskl(path, options.layout, options.people, options.image_size)


FORMATS.add(
    "pyskl",
    FormatKind(
        "PYSKL",
        "PYSKL's .pkl",
        _guess,
        _open,
        (OneFile(".pkl", _save, is_our_pickle, "ntu60_3danno.pkl"),),
        source="file",
        layouts=tuple(layout.name for layout in _WRITTEN),
        actions=len(ACTIONS_120),
        people=None,
        writes_with={"dtype": "float16"},
        reads_with=frozenset({"layout", "people", "image_size"}),
    ),
)
