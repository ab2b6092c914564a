"""C3D: markers of a motion capture, replaced in place beside analog samples and whatever else the file has.

The format is described at https://www.c3d.org: blocks of 512 bytes, of which the first says where the others begin;
named parameters; then per frame four numbers for each point (x, y, z, and a residual that is -1 where the point is
missing) and the analog samples, all of them either whole numbers of two bytes, times a scale, or floating-point numbers
of four.
"""

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.shown import cut
from data.recordings.array_layout import without_missing
from data.recordings.patching import read_bytes
from data.recordings.peek import head
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind
from data.recordings.stored import LARGEST, as_float64
from data.recordings.wide import missing_in

_BLOCK = 512
_MAGIC = 0x50
_INTEL, _DEC, _MIPS = 84, 85, 86
_NUMBERS = {1: "i1", 2: "i2", 4: "f4"}
_MOST_PARAMETERS = 10_000
_MOST_VALUES = 1 << 20
_MOST_SAID = 0xFFFF
"""Two bytes have no larger number of frames."""

_FILLED = 0
"""The residual of a point that was interpolated."""


@dataclass(frozen=True)
class _Data:
    """How the frames are written.

    `start` is in bytes, `width` how many numbers a frame has; `scale` is what whole numbers are multiplied by, None for
    floating-point ones.
    """

    processor: int
    start: int
    frames: int
    points: int
    width: int
    scale: float | None

    @property
    def kind(self) -> np.dtype:
        """Of one number; floats of DEC are two words of two bytes each."""
        order = ">" if self.processor == _MIPS else "<"
        if self.scale is not None:
            return np.dtype(f"{order}i2")
        return np.dtype("<u2") if self.processor == _DEC else np.dtype(f"{order}f4")

    def view(self, content: bytes | bytearray) -> np.ndarray:
        """Return a view of the points, [T, P, 4] or, of DEC's floats, [T, P, 4, 2]."""
        words = 2 if self.scale is None and self.processor == _DEC else 1
        count = self.frames * self.width * words
        whole = np.frombuffer(content, self.kind, count, self.start).reshape(self.frames, -1)
        seen = whole[:, : self.points * 4 * words]
        shape = (self.frames, self.points, 4, 2) if words == 2 else (self.frames, self.points, 4)
        return np.lib.stride_tricks.as_strided(
            seen, shape, (seen.strides[0], *(seen.itemsize * n for n in ((8, 2, 1) if words == 2 else (4, 1)))),
            writeable=seen.flags.writeable,
        )  # fmt: skip

    def values(self, content: bytes) -> np.ndarray:
        """Return the points as they are meant, float64 [T, P, 4]; residuals are not scaled."""
        seen = self.view(content)
        if seen.ndim == 4:
            return _from_dec(seen)
        values = as_float64(seen)
        if self.scale is not None:
            values[..., :3] *= self.scale
        return values

    def raw(self, values: np.ndarray) -> np.ndarray:
        """Return numbers as they are written."""
        if self.scale is not None:
            limits = np.iinfo(np.int16)
            return np.clip(np.rint(values / self.scale), limits.min, limits.max).astype(self.kind)
        most = float(np.finfo(np.float32).max) / 8
        values = np.clip(values, -most, most)
        return _to_dec(values) if self.processor == _DEC else values.astype(self.kind)


def _from_dec(words: np.ndarray) -> np.ndarray:
    """Return floats of a VAX, [..., 2] words of which the first has the sign, as float64 [...]."""
    bits = words[..., 0].astype(np.uint32) << 16 | words[..., 1]
    exponent = bits >> 23 & 0xFF
    fraction = (bits & 0x7FFFFF | 0x800000).astype(np.float64) / (1 << 24)
    sign = np.where(bits >> 31, -1.0, 1.0)
    return np.where(exponent == 0, 0.0, sign * fraction * 2.0 ** (exponent.astype(np.int64) - 128))


def _to_dec(values: np.ndarray) -> np.ndarray:
    """Return numbers [n] as floats of a VAX, [n, 2]: those of today times 4, the words swapped."""
    bits = (np.asarray(values, np.float64) * 4).astype(np.float32).view(np.uint32)
    return np.stack([bits >> 16, bits & 0xFFFF], axis=-1).astype("<u2")


def guess(path: Path) -> int:
    """Say whether a file begins as C3D does."""
    start = head(path, _BLOCK)
    return BY_CONTENT if len(start) == _BLOCK and start[1] == _MAGIC and 2 <= start[0] < 128 else 0


def read(path: Path) -> Recording:
    """Read the points; frames are counted as the file does. A point at exactly zero is missing.

    Raises
    ------
    InputError
        It is no C3D, holds no points, or fewer frames than it says.
    """
    content = read_bytes(path, LARGEST)
    if len(content) < 2 * _BLOCK or content[1] != _MAGIC:
        raise InputError(f"{path}: does not begin as C3D does; give a C3D file")
    at = (content[0] - 1) * _BLOCK
    processor = content[at + 3] if 0 < at < len(content) - 4 else 0
    if processor not in (_INTEL, _DEC, _MIPS):
        raise InputError(f"{path}: has no parameters at byte {at}, where it says that they begin; the file is damaged")
    said = _parameters(content, at, processor, path)
    data, first, rate, notes = _frames(content, processor, said, path)
    values = data.values(content)
    missing = (values[..., 3] < 0) | ~np.isfinite(values[..., :3]).all(-1)
    missing |= missing_in(values[:, None, :, :3], zero_is_missing=True)[:, 0]
    joints = without_missing(np.where(missing[..., None], np.nan, values[..., :3]))
    unit = _texts(said.get("POINT:UNITS"))
    names = _texts(said.get("POINT:LABELS")) + _texts(said.get("POINT:LABELS2"))

    def write(new: np.ndarray, output: Path) -> None:
        changed = np.isfinite(new) & (joints != new)
        if not changed.any():
            output.write_bytes(content)
            return
        copy = bytearray(content)
        seen = data.view(copy)
        seen[:, :, :3][changed] = data.raw(new[changed])
        filled = np.isnan(joints).all(-1) & np.isfinite(new).all(-1)
        seen[:, :, 3][filled] = _FILLED
        output.write_bytes(copy)

    if data.scale is not None:
        notes.append(
            f"its numbers are whole: refined ones are rounded to {data.scale:.3g} {unit[0] if unit else ''}".strip()
        )
    return Recording(
        joints,
        first + np.arange(data.frames),
        write,
        person=np.zeros(data.frames, np.int64),
        fps=rate,
        names=tuple(names[: data.points]) if len(names) >= data.points else (),
        unit=cut(unit[0], 20) if unit else "",
        notes=tuple(notes),
    )


def _parameters(content: bytes, at: int, processor: int, path: Path) -> dict[str, Any]:
    """Read the named parameters: `GROUP:NAME` to numbers, or to texts as bytes [n, length]."""
    order = ">" if processor == _MIPS else "<"
    groups: dict[int, str] = {}
    found: dict[int, dict[str, Any]] = {}
    place = at + 4
    for _ in range(_MOST_PARAMETERS):
        if place + 2 > len(content):
            raise InputError(f"{path}: its parameters end too early; the file is damaged")
        length, group = struct.unpack_from("bb", content, place)
        if length == 0:
            break
        name = content[place + 2 : place + 2 + abs(length)].decode("latin1").strip().upper()
        after = place + 2 + abs(length)
        if after + 2 > len(content):
            raise InputError(f"{path}: its parameters end too early; the file is damaged")
        (step,) = struct.unpack_from(f"{order}H", content, after)
        if group < 0:
            groups[-group] = name
        else:
            found.setdefault(group, {})[name] = _parameter(content, after + 2, processor)
        if step == 0:
            break
        place = after + step
    return {f"{groups.get(group, '')}:{name}": value for group, each in found.items() for name, value in each.items()}


def _parameter(content: bytes, at: int, processor: int) -> Any:
    """Read one parameter; None if it is unusual or not all there."""
    if at + 2 > len(content):
        return None
    kind, count = struct.unpack_from("bB", content, at)
    sizes = list(content[at + 2 : at + 2 + count])
    total = math.prod(sizes)
    start = at + 2 + count
    if total > _MOST_VALUES or start + total * abs(kind) > len(content) or count > 7:
        return None
    if kind == -1:
        length = sizes[0] if sizes else 1
        text = content[start : start + total]
        return [text[n : n + length] for n in range(0, total, length or 1)] if total else []
    if kind not in _NUMBERS:
        return None
    if kind == 4 and processor == _DEC:
        return _from_dec(np.frombuffer(content, "<u2", 2 * total, start).reshape(-1, 2))
    order = ">" if processor == _MIPS else "<"
    return as_float64(np.frombuffer(content, order + _NUMBERS[kind], total, start))


def _texts(value: Any) -> list[str]:
    return [text.decode("latin1").strip() for text in value] if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    return float(value[0]) if isinstance(value, np.ndarray) and len(value) and np.isfinite(value[0]) else None


def _whole(value: Any) -> int | None:
    """Return the first of some numbers of two bytes, which are meant without a sign."""
    found = _number(value)
    return None if found is None or abs(found) > 1e9 else int(found) + (1 << 16) * (-(1 << 15) <= found < 0)


def _frames(
    content: bytes, processor: int, said: dict[str, Any], path: Path
) -> tuple[_Data, int, float | None, list[str]]:
    """Find out how the frames are written; the number of the first; the rate; and what is to be noted."""
    order = ">" if processor == _MIPS else "<"
    points, analog, first, last = struct.unpack_from(f"{order}4H", content, 2)
    (block,) = struct.unpack_from(f"{order}H", content, 16)
    scale, rate = (_header_float(content, at, processor) for at in (12, 20))
    if not points:
        raise InputError(f"{path}: holds no points (rotations or analog samples only); there is nothing to refine")
    block = block or _whole(said.get("POINT:DATA_START")) or 0
    start = (block - 1) * _BLOCK
    if not _BLOCK <= start < len(content):
        raise InputError(f"{path}: says that its frames begin in block {block}, where the file has none")
    if not np.isfinite(scale) or scale == 0:
        raise InputError(f"{path}: found the scale {scale:g}, expected another number; the file is damaged")
    width = points * 4 + analog
    there, rest = divmod(len(content) - start, width * (2 if scale > 0 else 4))
    said_frames = _whole(said.get("POINT:FRAMES"))
    header = last - first + 1
    more = _actual_frames(said) if said_frames in (None, _MOST_SAID) else None
    frames = next((count for count in (more, said_frames, header) if count and 0 < count <= there), 0)
    if not frames and not rest:  # whole frames, whatever is said of their number
        frames = there
    if not frames:
        raise InputError(
            f"{path}: says that it has {said_frames or header} frames, but ends within the one after {there}; "
            "export it again"
        )
    notes = []
    if more != frames and not header == frames == (said_frames or header):
        notes.append(f"says that it has {said_frames or header} frames (its header: {header}); it has {frames}")
    rates = [_number(said.get("POINT:RATE")), rate]
    fps = next((found for found in rates if found is not None and np.isfinite(found) and found > 0), None)
    return _Data(processor, start, frames, points, width, scale if scale > 0 else None), first, fps, notes


def _actual_frames(said: dict[str, Any]) -> int | None:
    """Return how many frames a file has that has more than two bytes can say."""
    ends = [said.get(f"TRIAL:ACTUAL_{end}_FIELD") for end in ("START", "END")]
    if all(isinstance(end, np.ndarray) and len(end) == 2 for end in ends):
        first, last = ((int(low) & 0xFFFF) + ((int(high) & 0xFFFF) << 16) for low, high in ends)  # type: ignore[misc]
        return last - first + 1
    long = _number(said.get("POINT:LONG_FRAMES"))
    return None if long is None or abs(long) > 1e9 else int(long)


def _header_float(content: bytes, at: int, processor: int) -> float:
    if processor == _DEC:
        return float(_from_dec(np.frombuffer(content, "<u2", 2, at)))
    return float(np.frombuffer(content, ">f4" if processor == _MIPS else "<f4", 1, at)[0])


RECORDINGS.add("c3d", RecordingKind("C3D", "motion capture in .c3d", guess, read))
