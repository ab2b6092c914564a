"""Zip files of which some members are replaced: all others, and the order, names and dates of all, stay as they are."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from base.errors import InputError
from base.shown import cut
from base.unpickling import ANY_TIMES, BAD_ZIP, MOST_TIMES
from data.recordings.peek import head
from data.recordings.stored import LARGEST

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_UNKNOWN = 0xFFFFFFFF
_DESCRIPTOR = 0x08
"""A flag: sizes and checksum stand behind a member, too."""

_UNREADABLE = (*BAD_ZIP, ValueError, LookupError, OverflowError, AttributeError, MemoryError, OSError)
"""What zipfile raises when it opens what is damaged."""

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def array_names(path: Path) -> frozenset[str]:
    """Return the names of the arrays in a `.npz` file; none if it is something else."""
    if not head(path, 4).startswith(b"PK"):
        return frozenset()
    try:
        with zipfile.ZipFile(path) as file:
            return frozenset(name.removesuffix(".npy") for name in file.namelist() if name.endswith(".npy"))
    except _UNREADABLE:
        return frozenset()


class Zipped:
    """A zip file in memory.

    Parameters
    ----------
    content
        Its bytes.
    path
        Where it is from, for messages.

    Raises
    ------
    InputError
        It is no zip file, or damaged.
    """

    def __init__(self, content: bytes, path: Path) -> None:
        self.content, self.path = content, path
        self._unpacked = 0
        try:
            self._file = zipfile.ZipFile(io.BytesIO(content))
        except _UNREADABLE as error:
            raise self._damaged(error) from error
        self.members = {info.filename: info for info in self._file.infolist()}
        if len(self.members) < len(self._file.infolist()):
            raise InputError(f"{path}: holds two members of one name; write it again")

    def _damaged(self, error: Exception) -> InputError:
        return InputError(f"{self.path}: not a zip file of arrays, or damaged ({cut(str(error))}); write it again")

    def read(self, name: str) -> bytes:
        """Unpack a member.

        Raises
        ------
        InputError
            It is not there or damaged, packed in another way than numpy does, or all that was unpacked is more
            than it may be.
        """
        info = self.members.get(name)
        if info is None:
            raise InputError(f"{self.path}: holds no {cut(name)}")
        if info.compress_type not in _METHODS or info.flag_bits & 1:
            raise InputError(f"{self.path}: {cut(name)} is encrypted or packed unusually; write it with numpy.savez")
        self._unpacked += info.file_size
        if self._unpacked > min(LARGEST, max(ANY_TIMES, MOST_TIMES * len(self.content))):
            raise InputError(f"{self.path}: unpacks to {self._unpacked} bytes and more, as a bomb does")
        try:
            with self._file.open(info) as member:
                unpacked = member.read(info.file_size + 1)
        except (*BAD_ZIP, ValueError, OSError, LookupError, OverflowError) as error:
            raise self._damaged(error) from error
        if len(unpacked) != info.file_size:
            raise InputError(f"{self.path}: {cut(name)} ends too early; the file is damaged")
        return unpacked

    def replaced(self, new: Mapping[str, bytes]) -> bytes:
        """Return the zip file with other contents of the same lengths in some members.

        Each is packed as it was: stored or deflated.

        Raises
        ------
        InputError
            The file is laid out in a way that nobody's arrays are.
        """
        if not new:
            return self.content
        try:
            return self._replaced(new)
        except (struct.error, IndexError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise self._damaged(error) from error

    def _replaced(self, new: Mapping[str, bytes]) -> bytes:
        directory: int = self._file.start_dir
        infos = sorted(self.members.values(), key=lambda info: info.header_offset)
        starts = [info.header_offset for info in infos]
        parts, moved, sizes = [self.content[: starts[0]]], {}, {}
        length = starts[0]
        for info, end in zip(infos, [*starts[1:], directory], strict=True):
            segment = self.content[info.header_offset : end]
            if info.filename in new:
                segment, sizes[info.filename] = _packed_anew(segment, info, new[info.filename])
            moved[info.filename] = length
            parts.append(segment)
            length += len(segment)
        rest = bytearray(self.content[directory:])
        at = 0
        for info in self._file.infolist():
            fields = list(_CENTRAL.unpack_from(rest, at))
            if fields[0] != b"PK\x01\x02" or _UNKNOWN in (fields[8], fields[9], fields[16]):
                raise InputError(f"{self.path}: its directory is that of a huge zip; write it with numpy.savez")
            fields[16] += moved[info.filename] - info.header_offset
            if info.filename in sizes:
                fields[7], fields[8] = sizes[info.filename]
            _CENTRAL.pack_into(rest, at, *fields)
            at += _CENTRAL.size + sum(fields[10:13])
        moved_by = length - directory
        if rest[at : at + 4] == b"PK\x06\x06":  # the same once more with longer numbers, as PyTorch has it
            size, place = struct.unpack_from("<Q", rest, at + 4)[0], struct.unpack_from("<Q", rest, at + 48)[0]
            struct.pack_into("<Q", rest, at + 48, place + moved_by)
            at += 12 + size
            struct.pack_into("<Q", rest, at + 8, struct.unpack_from("<Q", rest, at + 8)[0] + moved_by)
            at += 20
        last = list(_END.unpack_from(rest, at))
        if last[0] != b"PK\x05\x06" or last[6] == _UNKNOWN:
            raise InputError(f"{self.path}: its directory is that of a huge zip; write it with numpy.savez")
        last[6] += moved_by
        _END.pack_into(rest, at, *last)
        return b"".join([*parts, rest])


def _packed_anew(segment: bytes, info: zipfile.ZipInfo, content: bytes) -> tuple[bytes, tuple[int, int]]:
    """Return a member from its own header on with another content, and its checksum and packed size."""
    fields = list(_LOCAL.unpack_from(segment))
    if fields[0] != b"PK\x03\x04" or len(content) != info.file_size:
        raise ValueError("a member's header")
    start = _LOCAL.size + fields[9] + fields[10]
    header, behind = bytearray(segment[:start]), bytearray(segment[start + info.compress_size :])
    packed = content
    if info.compress_type == zipfile.ZIP_DEFLATED:
        deflate = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = deflate.compress(content) + deflate.flush()
    checksum, size = zlib.crc32(content), len(packed)
    if fields[2] & _DESCRIPTOR:
        signed = 4 * behind.startswith(b"PK\x07\x08")
        struct.pack_into("<IQ" if len(behind) - signed >= 20 else "<II", behind, signed, checksum, size)
    if fields[6] or not fields[2] & _DESCRIPTOR:
        struct.pack_into("<I", header, 14, checksum)
        if fields[7] != _UNKNOWN:
            struct.pack_into("<I", header, 18, size)
        else:  # as numpy writes them, the sizes stand in a field behind the name
            at = start - fields[10]
            while at < start:
                kind, length = struct.unpack_from("<HH", header, at)
                if kind == 1:
                    struct.pack_into("<Q", header, at + 12, size)
                at += 4 + length
    return bytes(header) + packed + bytes(behind), (checksum, size)
