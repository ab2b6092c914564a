"""Where a data set's `.skeleton` files come from: the official zip, a folder of the official zips, or a folder."""

import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import pairwise
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import BinaryIO

import numpy as np

from base.errors import InputError
from data.debris import is_debris
from data.ntu.names import ClipName, parse_name
from data.ntu.text import MAX_BYTES


def _find_unpacker() -> ModuleType:
    """Return Intel's igzip, an extra that inflates in half the time, or zlib."""
    try:
        return import_module("isal.isal_zlib")
    except ImportError:
        return zlib


unpacker = _find_unpacker()

MOST_BYTES_IN_ALL = 64 * 2**30
"""The data set is 15 GB of text, its successor with 120 actions twice that."""

MOST_TIMES = 200
"""Skeletons as text deflate to a third, still ones perhaps to a fiftieth; a bomb to a thousandth."""

_SMALL = 2**20
"""Text of up to so many bytes may have been packed by any factor."""

EXPECTED = "expected the NTU RGB+D zip, its unpacked folder, or another zip or folder of .skeleton files"

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_ENCRYPTED = 1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Packed:
    """Where an entry lies in a zip and what the zip's directory says of it; `zip` is its name in a folder of zips."""

    offset: int
    packed_size: int
    size: int
    crc: int
    method: int
    zip: str = ""


@dataclass(frozen=True)
class Entry:
    """One `.skeleton` file: its path in the folder or zip, and the clip's name, or why it cannot be read as a clip."""

    path: str
    name: ClipName | None
    size: int
    fault: str = ""
    packed: Packed | None = None


@dataclass(frozen=True)
class Listing:
    """The `.skeleton` files of a zip or folder, sorted by name; other files are ignored.

    Parameters
    ----------
    entries
        The files.
    identity
        Hexadecimal digest of what is known of them without reading: the sizes and checksums in the zip's directory, the
        sizes and times of a folder's files. Two sources of the same identity hold the same text.
    """

    entries: list[Entry]
    identity: str


def list_entries(source: Path, expected: str = EXPECTED) -> Listing:
    """List the `.skeleton` files of a zip or a folder with its sub-folders.

    Parameters
    ----------
    source
        The zip or folder; of a folder without such files, the zips that lie in it.
    expected
        What messages say where it is none.

    Raises
    ------
    InputError
        The path does not exist, is no readable zip, holds no `.skeleton` file, holds a clip twice, or is a zip with an
        entry that would leave the folder it is unpacked to, with entries that share bytes, or that expands beyond
        reason.
    """
    if source.is_dir():
        entries, identity = _list_folder(source)
    elif source.is_file():
        entries, identity = _list_zip(source)
    elif source.exists():
        raise InputError(f"{source}: is no regular file; data.raw must be the NTU RGB+D zip or its unpacked folder")
    else:
        raise InputError(f"{source}: no such file or folder; {expected}")
    if not entries:
        raise InputError(f"{source}: found no .skeleton file; {expected}")
    entries.sort(key=lambda entry: (entry.path.rpartition("/")[2], entry.path))
    for before, after in pairwise(entries):
        if before.path == after.path or (after.name is not None and before.name == after.name):
            what = "entry" if after.name is None else "clip"
            raise InputError(
                f"{source}: holds {what} {after.name or after.path} twice ({before.path} and {after.path}); remove one"
            )
    return Listing(entries, identity)


def _list_folder(folder: Path) -> tuple[list[Entry], str]:
    entries = []
    digest = hashlib.sha256()
    for path, size, changed in sorted(_walk(folder, "")):
        entries.append(_as_entry(path, size, _too_large(size)))
        digest.update(repr((path, size, changed)).encode())
    if entries:
        return entries, digest.hexdigest()
    for packed in _zips_in(folder):  # as NTU RGB+D 120 is released, in two
        listed, identity = _list_zip(packed)
        entries += [
            replace(entry, packed=replace(entry.packed, zip=packed.name)) if entry.packed else entry for entry in listed
        ]
        digest.update(repr((packed.name, identity)).encode())
    return entries, digest.hexdigest()


def _zips_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.zip") if path.is_file() and not is_debris(path.name))


def _walk(folder: Path, inside: str) -> Iterator[tuple[str, int, int]]:
    try:
        with os.scandir(folder / inside) as found:
            for item in found:
                if is_debris(item.name):
                    continue
                if item.is_dir(follow_symlinks=False):
                    yield from _walk(folder, f"{inside}{item.name}/")
                elif item.name.endswith(".skeleton") and item.is_file():
                    status = item.stat()
                    yield inside + item.name, status.st_size, status.st_mtime_ns
    except OSError as error:
        raise InputError(f"{folder / inside}: cannot be listed ({error.strerror}); check its permissions") from error


def _list_zip(source: Path) -> tuple[list[Entry], str]:
    try:
        with zipfile.ZipFile(source) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, LookupError) as error:
        raise _no_zip(source, error) from error
    except (struct.error, EOFError, OverflowError, MemoryError) as error:
        raise _no_zip(source, error) from error
    for info in infos:
        name = info.filename
        if name.startswith(("/", "\\")) or ".." in name or ":" in name:
            path = PurePosixPath(name.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts or (path.parts and ":" in path.parts[0]):
                raise InputError(
                    f"{source}: entry {name!r} leads out of the folder; expected plain paths; do not use this zip"
                )
    _check_extent(source, infos)
    entries = []
    digest = hashlib.sha256()
    for info in infos:
        if not info.filename.endswith(".skeleton") or is_debris(info.filename):
            continue
        packed = Packed(info.header_offset, info.compress_size, info.file_size, info.CRC, info.compress_type)
        entries.append(_as_entry(info.filename, info.file_size, _fault(info), packed))
        digest.update(repr((info.filename, packed)).encode("utf-8", "surrogatepass"))
    return entries, digest.hexdigest()


def _no_zip(source: Path, error: Exception) -> InputError:
    return InputError(f"{source}: not a readable zip ({error}); download it again")


def _check_extent(source: Path, infos: list[zipfile.ZipInfo]) -> None:
    """Refuse a zip whose entries share bytes (so that little of it unpacks to much) or that is beyond any data set."""
    if not infos:
        return
    # Python integers first: the sizes of a hostile zip may not fit 64 bits
    if max(max(info.header_offset, info.compress_size, info.file_size) for info in infos) >= 2**62:
        raise InputError(f"{source}: not a readable zip (an entry of more than 2^62 bytes); download it again")
    spans = np.array([(info.header_offset, info.header_offset + 30 + info.compress_size) for info in infos], np.int64)
    order = np.argsort(spans[:, 0], kind="stable")
    spans = spans[order]
    overlap = np.flatnonzero(spans[1:, 0] < spans[:-1, 1])
    if len(overlap):
        first, second = (infos[order[overlap[0] + after]].filename for after in (0, 1))
        raise InputError(
            f"{source}: entries {first!r} and {second!r} share bytes, as in a zip bomb; do not use this zip"
        )
    total = sum(info.file_size for info in infos if info.filename.endswith(".skeleton"))
    if total > MOST_BYTES_IN_ALL:
        raise InputError(
            f"{source}: expands to {total / 2**30:.0f} GiB of text, expected at most {MOST_BYTES_IN_ALL >> 30} GiB; "
            "do not use this zip"
        )


def _fault(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted, expected plain entries; decrypt the zip"
    if info.compress_type not in _METHODS:
        return f"is packed by method {info.compress_type}, expected deflate; pack the zip again"
    if info.file_size > max(_SMALL, MOST_TIMES * info.compress_size):
        return f"expands to more than {MOST_TIMES} times its packed size, as a zip bomb does; remove it"
    return _too_large(max(info.file_size, info.compress_size))


def _too_large(size: int) -> str:
    return f"more than {MAX_BYTES >> 20} MiB of text, which is no clip; remove it" if size > MAX_BYTES else ""


def _as_entry(path: str, size: int, fault: str, packed: Packed | None = None) -> Entry:
    try:
        name = parse_name(path.replace("\\", "/").rpartition("/")[2].removesuffix(".skeleton"))
    except InputError as error:
        return Entry(path, None, size, str(error), packed)
    return Entry(path, name, size, fault, packed)


def read_at(file: int, size: int, offset: int) -> bytes:
    """Read from a place in an open file; in two steps where the system has no call for it, as on Windows.

    Fewer bytes than `size` are returned at the end of the file only.
    """
    if hasattr(os, "pread"):
        block = os.pread(file, size, offset)
        return block if len(block) in (0, size) else block + read_at(file, size - len(block), offset + len(block))
    os.lseek(file, offset, os.SEEK_SET)
    parts = []
    while size > 0 and (part := os.read(file, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class Source:
    """An open zip or folder to read `.skeleton` files from.

    The zip's directory is not read again: the entries say where their bytes are.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zips: dict[str, BinaryIO] = {} if path.is_dir() else {"": path.open("rb", buffering=0)}

    def close(self) -> None:
        """Close the zips."""
        for opened in self._zips.values():
            opened.close()

    def place(self, entry: Entry) -> str:
        """Return the name of a file for messages."""
        if entry.packed is None:
            return str(self.path / entry.path)
        return f"{self.path / entry.packed.zip if entry.packed.zip else self.path}: {entry.path}"

    def read(self, entry: Entry) -> bytes:
        """Return the bytes of one file.

        Raises
        ------
        InputError
            The file is unreadable, damaged, or larger than any clip.
        """
        if entry.fault:
            raise InputError(f"{self.place(entry)}: {entry.fault}")
        try:
            text = self._load(entry.path) if entry.packed is None else self._unpack(entry.packed)
        except (OSError, _DamagedError, zlib.error, unpacker.error) as error:
            raise InputError(
                f"{self.place(entry)}: cannot be read ({error}); restore it from the data set, or leave it out"
            ) from error
        if len(text) > MAX_BYTES:
            raise InputError(f"{self.place(entry)}: {_too_large(len(text))}")
        return text

    def _load(self, path: str) -> bytes:
        with (self.path / path).open("rb") as file:
            return file.read(MAX_BYTES + 1)

    def _unpack(self, packed: Packed) -> bytes:
        if packed.method not in _METHODS or max(packed.size, packed.packed_size) > MAX_BYTES:
            raise _DamagedError("not packed by deflate, or larger than any clip")  # whatever was made of its fault
        if packed.zip not in self._zips:
            self._zips[packed.zip] = (self.path / packed.zip).open("rb", buffering=0)
        file = self._zips[packed.zip].fileno()
        # most headers end within the first 128 bytes: one call reads header and content
        block = read_at(file, 128 + packed.packed_size, packed.offset)
        if len(block) < _LOCAL_HEADER.size or block[:4] != b"PK\3\4":
            raise _DamagedError("no entry begins where the zip's directory says")
        _, name, extra = _LOCAL_HEADER.unpack_from(block)
        start = _LOCAL_HEADER.size + name + extra
        content = memoryview(block)[start : start + packed.packed_size]
        if len(content) < packed.packed_size:
            content = memoryview(read_at(file, packed.packed_size, packed.offset + start))
        if len(content) < packed.packed_size:
            raise _DamagedError("the zip ends within it")
        return _inflate(content, packed)


class _DamagedError(Exception):
    """An entry is not what the zip's directory says."""


def _inflate(content: memoryview, packed: Packed) -> bytes:
    if packed.method == zipfile.ZIP_STORED:
        text, whole = bytes(content), True
    else:
        unpacking = unpacker.decompressobj(-zlib.MAX_WBITS)
        text = unpacking.decompress(content, packed.size + 1)  # one byte more tells whether the directory lies
        whole = unpacking.eof
    if not whole or len(text) != packed.size:
        raise _DamagedError(f"expands to other than the {packed.size} bytes that the zip's directory says")
    if unpacker.crc32(text) != packed.crc:
        raise _DamagedError("wrong CRC-32")
    return text
