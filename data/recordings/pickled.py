"""Pickles whose arrays know where they stand, so that numbers in them can be replaced: plain ones, and joblib's.

What a pickle may name is what `base.unpickling` allows, and nothing that it names is run. The reader is Python's own in
Python, which makes nothing of the sizes that a pickle promises before the bytes are there.
"""

import io
import math
import pickle
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from base.errors import InputError
from base.pickle_scan import UnsafeError, scan_pickle
from base.shown import cut
from base.unpickling import ANY_TIMES, ARRAYS, MOST_TIMES, PickledArray, Refused, as_array, check_shape, read_any_header
from data.recordings.peek import head
from data.recordings.stored import LARGEST, Changes, Stored, spliced

_ZLIB = 0x78
"""The first byte of what zlib has packed."""

_ZLIB_LEVEL = 3
"""As joblib packs unless it is told otherwise."""


class _Span:
    """From where to where some bytes go in a pickle."""

    start: int
    end: int
    text: bool = False


class _Bytes(bytes, _Span):
    """Bytes that know where they stand."""


class _Text(str, _Span):
    """Text that knows where it stands, as bytes are kept by older pickles."""


class _Array(PickledArray):
    """An array of numbers, in `stored`, or of objects, in `value`."""

    stored: Stored | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, content = state
        if not kind.dtype.hasobject:
            self._set(content, kind.dtype, shape, bool(fortran))
            return
        flat = np.empty(len(content), object)
        for i, item in enumerate(content):
            flat[i] = item
        check_shape(shape)
        self.value = flat.reshape(shape, order="F" if fortran else "C")

    def _set(self, content: Any, kind: np.dtype, shape: tuple[int, ...], fortran: bool) -> None:
        numbers = content.encode("latin1") if isinstance(content, str) else content
        order: Any = "F" if fortran else "C"
        self.value = as_array(numbers, kind, shape, order)
        if isinstance(content, _Span):
            self.stored = Stored(self.value, content.start, content.end, order, content.text)


def _array(content: Any, kind: Any, shape: tuple[int, ...], order: Any, axes: tuple[int, ...] | None = None) -> _Array:
    """Build an array as pickles of protocol 5 have it."""
    if kind.dtype.hasobject:
        raise Refused("an array of objects in a buffer")
    array = _Array()
    array._set(content, kind.dtype, shape, order == "F")
    if order == "K":
        array.value, array.stored = array.value.transpose(axes), None
    return array


def _encode(text: str, encoding: str = "latin1") -> bytes:
    if encoding != "latin1":
        raise Refused("text of another encoding")
    content = _Bytes(text.encode("latin1"))
    content.start, content.end, content.text = getattr(text, "start", -1), getattr(text, "end", -1), True
    return content if content.start >= 0 else bytes(content)


class _Wrapper:
    """Stands for joblib's mark of an array whose numbers come next."""


_NAMES: Mapping[tuple[str, str], Any] = {
    **ARRAYS,
    ("_codecs", "encode"): _encode,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): lambda *_: _Array() for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _array for core in ("core", "_core")},
}
_JOBLIB_NAMES: Mapping[tuple[str, str], Any] = {
    **{name: made for name, made in ARRAYS.items() if name[1] in ("ndarray", "dtype", "scalar", "encode")},
    ("joblib.numpy_pickle", "NumpyArrayWrapper"): _Wrapper,
}

_SIMPLE = (str, bytes, int, float, bool, type(None), np.generic)


_Pythons: Any = pickle._Unpickler


class PlacedUnpickler(_Pythons):
    """Python's own unpickler in Python; frames are read through, so that the file's place is the pickle's."""

    allowed: ClassVar[Mapping[tuple[str, str], Any]] = _NAMES
    scanned: ClassVar[bool] = True
    """Whether there are but instructions in it, which `base.pickle_scan` can follow."""

    @staticmethod
    def names() -> set[bytes] | None:
        """Return what `scan_pickle` takes as names."""
        return None

    dispatch: ClassVar[dict[int, Any]] = dict(_Pythons.dispatch)

    def __init__(self, file: io.BytesIO, size: int) -> None:
        super().__init__(file, encoding="latin1")
        self.file, self.size = file, size

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name gets, or refuse it."""
        try:
            return self.allowed[module, name]
        except KeyError:
            raise Refused(cut(f"{module[:60]}.{name[:60]}", 120)) from None

    def load_stack_global(self) -> None:
        """Read a name that stands on the stack."""
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise Refused("a name that is no text")
        self.append(self.find_class(module, name))

    def load_frame(self) -> None:
        """Pass over the length of a frame."""
        self.take(8)

    def take(self, length: int) -> bytes:
        """Read so many bytes, which must be there."""
        content = self.file.read(length) if 0 <= length <= self.size else b""
        if len(content) != length:
            raise EOFError
        return content

    def load_counted(self, width: int, text: type | None) -> None:
        """Read a length of so many bytes and what follows; as text, or as bytes if that is None."""
        begin = self.file.tell() - 1
        content = self.take(int.from_bytes(self.take(width), "little"))
        found: _Bytes | _Text
        if text is None:
            found = _Bytes(content)
            found.start, found.end = self.file.tell() - len(content), self.file.tell()
        else:
            found = _Text(content, "utf-8", "surrogatepass")
            found.start, found.end, found.text = begin, self.file.tell(), True
        self.append(found)

    def load_latin(self, width: int) -> None:
        """Read what Python 2 wrote as its text: a byte per character."""
        content = self.take(int.from_bytes(self.take(width), "little"))
        found = _Text(content, "latin1")
        found.start, found.end = self.file.tell() - len(content), self.file.tell()
        self.append(found)

    def load_build(self) -> None:
        """Give a state to a stand-in, and to nothing else; read the numbers of a joblib array."""
        state, built = self.stack.pop(), self.stack[-1]
        if isinstance(built, _Wrapper) and isinstance(state, dict):
            self.stack[-1] = self.load_numbers(state)
        elif hasattr(type(built), "__setstate__"):
            built.__setstate__(state)
        else:
            raise Refused("a state of what has none")

    def load_numbers(self, said: dict[str, Any]) -> _Array:
        """Read an array as joblib has it: its numbers stand behind what is said of them."""
        kind, shape, fortran = said["dtype"].dtype, said["shape"], said["order"] == "F"
        if kind.hasobject:
            raise Refused("an array of objects")
        if said.get("numpy_array_alignment_bytes") is not None:
            self.take(self.take(1)[0])
        check_shape(shape)
        content = _Bytes(self.take(kind.itemsize * math.prod(shape)))
        content.start, content.end = self.file.tell() - len(content), self.file.tell()
        array = _Array()
        array._set(content, kind, shape, fortran)
        return array

    def load_pairs(self, count: int) -> None:
        """Put into a table what stands behind the mark, or so many values."""
        items = self.pop_mark() if count < 0 else [self.stack.pop() for _ in range(count)][::-1]
        table = self.stack[-1]
        if not isinstance(table, dict):
            raise Refused("a table where none is")
        for key, value in zip(items[::2], items[1::2], strict=True):
            table[_checked(key)] = value

    def load_dict(self) -> None:
        """Make a table of what stands behind the mark."""
        items = self.pop_mark()
        self.append({_checked(key): value for key, value in zip(items[::2], items[1::2], strict=True)})

    def load_additems(self) -> None:
        """Add to a set what stands behind the mark."""
        items = self.pop_mark()
        self.stack[-1].update(map(_checked, items))

    def load_frozenset(self) -> None:
        """Make a set of what stands behind the mark."""
        self.append(frozenset(map(_checked, self.pop_mark())))

    dispatch.update({
        pickle.STACK_GLOBAL[0]: load_stack_global,
        pickle.FRAME[0]: load_frame,
        pickle.BUILD[0]: load_build,
        pickle.SETITEM[0]: lambda self: self.load_pairs(2),
        pickle.SETITEMS[0]: lambda self: self.load_pairs(-1),
        pickle.DICT[0]: load_dict,
        pickle.ADDITEMS[0]: load_additems,
        pickle.FROZENSET[0]: load_frozenset,
        pickle.SHORT_BINBYTES[0]: lambda self: self.load_counted(1, None),
        pickle.BINBYTES[0]: lambda self: self.load_counted(4, None),
        pickle.BINBYTES8[0]: lambda self: self.load_counted(8, None),
        pickle.BYTEARRAY8[0]: lambda self: self.load_counted(8, None),
        pickle.SHORT_BINUNICODE[0]: lambda self: self.load_counted(1, str),
        pickle.BINUNICODE[0]: lambda self: self.load_counted(4, str),
        pickle.BINUNICODE8[0]: lambda self: self.load_counted(8, str),
        pickle.SHORT_BINSTRING[0]: lambda self: self.load_latin(1),
        pickle.BINSTRING[0]: lambda self: self.load_latin(4),
    })  # fmt: skip


class _JoblibUnpickler(PlacedUnpickler):
    allowed = _JOBLIB_NAMES
    scanned = False


def _checked(key: Any) -> Any:
    """Let pass what tables of arrays have as keys: to hash what is nested a million times ends the program."""
    if isinstance(key, _SIMPLE) or (isinstance(key, tuple) and all(isinstance(part, _SIMPLE) for part in key)):
        return key
    raise Refused("a key that is neither text nor number")


def read_placed(content: bytes, where: str, start: int = 0) -> Any:
    """Read a pickle; its arrays know their places in the content, see `array_of`.

    Parameters
    ----------
    content
        What the pickle is in; nothing may be behind it.
    where
        How messages begin.
    start
        Where it begins.

    Raises
    ------
    InputError
        It is no pickle, damaged, asks for more than its size warrants, or names what it may not.
    """
    kind: type[PlacedUnpickler] = PlacedUnpickler
    if b"joblib.numpy_pickle" in content[start : start + (1 << 20)]:  # with numbers between its instructions
        kind = _JoblibUnpickler
    return load_placed(kind, content, where, start)


def load_placed(kind: type[PlacedUnpickler], content: bytes, where: str, start: int = 0) -> Any:
    """Read a pickle by one sort of unpickler; see `read_placed`."""
    file = io.BytesIO(content)
    try:
        if kind.scanned:
            file.seek(start)
            scan_pickle(file, len(content) - start, names=kind.names())
        file.seek(start)
        return kind(file, len(content)).load()
    except UnsafeError as error:
        raise InputError(f"{where}: not a pickle, or damaged ({error}); write it again") from error
    except Refused as error:
        raise InputError(f"{where}: refused to unpickle {error}; only arrays, numbers and text may be in it") from error
    except Exception as error:  # a damaged pickle can fail in any way
        raise InputError(f"{where}: not a pickle, or damaged; write it again") from error


def object_array(content: bytes, where: str) -> Any:
    """Read a `.npy` content of objects, see `read_placed`."""
    file = io.BytesIO(content)
    read_any_header(file, where)
    return read_placed(content, where, file.tell())


class PickleFile:
    """A file of one pickle, as it is or packed by zlib as joblib does.

    Raises
    ------
    InputError
        It cannot be read.
    """

    def __init__(self, content: bytes, path: Path) -> None:
        self.packed = content
        self.content = unpacked(content, path) if is_packed(content) else content
        self.root = read_placed(self.content, str(path))

    def replaced(self, changes: Changes) -> bytes:
        """Return the whole file with other numbers in some arrays: the very file if they are those that were read."""
        content = spliced(self.content, changes)
        if content == self.content:
            return self.packed
        return zlib.compress(content, _ZLIB_LEVEL) if is_packed(self.packed) else content


def is_packed(content: bytes) -> bool:
    """Say whether a content begins as zlib's do."""
    return len(content) > 1 and content[0] == _ZLIB and int.from_bytes(content[:2], "big") % 31 == 0


def unpacked(content: bytes, path: Path) -> bytes:
    """Unpack what zlib has packed.

    Raises
    ------
    InputError
        It is damaged, or unpacks to more than such files do.
    """
    most = min(LARGEST, max(ANY_TIMES, MOST_TIMES * len(content)))
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(content, most)
    except zlib.error as error:
        raise InputError(f"{path}: not packed by zlib, or damaged ({cut(str(error))}); write it again") from error
    if not unpacker.eof:
        fault = "unpacks to far more than poses do" if unpacker.unconsumed_tail else "ends too early"
        raise InputError(f"{path}: {fault}; write it again without compression")
    return found


def pickle_head(path: Path, size: int = 4 << 20) -> bytes:
    """Return the first bytes of a pickle, unpacked if it is packed by zlib; none if a file is no pickle."""
    if not is_packed(start := head(path, 2)) and start[:1] not in (b"\x80", b"(", b"}", b"]"):
        return b""
    content = head(path, size)
    if is_packed(content):
        try:
            content = zlib.decompressobj().decompress(content, size)
        except zlib.error:
            return b""
    return content


def array_of(value: Any) -> Stored | None:
    """Return an array of numbers that was read from a pickle with its place; None if it is anything else."""
    stored = value.stored if isinstance(value, _Array) else None
    return stored if stored is not None and stored.value.dtype.kind in "iuf" else None


def objects_of(value: Any) -> Iterator[Any]:
    """Give what a list, a tuple, or an array of objects holds, in order; nothing of anything else."""
    if isinstance(value, _Array):
        value = getattr(value, "value", None)
        yield from value.ravel().tolist() if isinstance(value, np.ndarray) and value.dtype.hasobject else ()
    elif isinstance(value, list | tuple):
        yield from value
