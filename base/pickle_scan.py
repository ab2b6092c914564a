"""Going through a pickle before it is read: a few bytes of one may ask for gigabytes, or for what ends the program.

Python's unpickler makes room for whatever number a value is filed under, and for as many bytes as a length promises; it
nests without limit, where hashing, comparing and printing end in a crash; and a value that is used ten times in one
that is used ten times has no end for whoever goes through it. Here the instructions are followed without their values,
so that nothing is built but a stack of how deep and how large each value is.
"""

import pickle
from typing import IO

DEEPEST = 100
"""Levels of lists within lists and the like."""

MOST_INSTRUCTIONS = 30_000_000
"""The largest released file has some 5 million; each makes at most an empty table of 64 bytes."""


_GAP = 1000
"""Values are filed under numbers that count up, or nearly so."""

_CHUNK = 1 << 20

MOST_TIMES = 16
"""A value may be this much larger than its file when whatever is used more than once is counted as often as that ..."""

ANY_SIZE = 64 << 20
"""... or have so many bytes."""

MOST_SETS = 10_000
"""An empty set takes 216 bytes."""

LARGEST_KEY = 1000
"""Bytes of a key of a table or of what is in a set."""

_DEPTH_BITS = 7
_DEPTH_MASK = (1 << _DEPTH_BITS) - 1
_ATOM = 8 << _DEPTH_BITS

_Value = int | list[int]
"""Size of a value and, in the last bits, its depth; if it can grow, in a list with whether it is part of another."""


class UnsafeError(pickle.UnpicklingError):
    """A pickle is damaged, or asks for more than its size warrants; the text says how, in a few words."""


def scan_pickle(stream: IO[bytes], size: int, late: int = 0, names: set[bytes] | None = None) -> int:
    """Follow a pickle's instructions to its end; `stream` is then behind it.

    Parameters
    ----------
    stream
        The pickle, a buffered file: it is read in very small pieces.
    size
        Bytes that are there at most.
    late
        How many times a value may be added to once it is part of another. Only values that hold themselves need it.
    names
        Of PyTorch's files: gets what the pickle names, module and name in a line each. Such a pickle may refer to what
        is kept elsewhere, and may not make names of its own texts.

    Returns
    -------
    Its size in bytes.

    Raises
    ------
    UnsafeError
        It promises more bytes than there are, files a value under too high a number, nests too deeply, has more
        instructions than any file of ours, or is no pickle.
    """
    scan = _Scan(stream, size, late, names)
    try:
        scan.run()
    except IndexError as error:
        raise UnsafeError("it takes from an empty stack") from error
    except TypeError as error:
        raise UnsafeError("it adds to what holds nothing") from error
    return scan.at


_PUSHED = {  # instructions that push a value without parts, and how many bytes follow them
    **dict.fromkeys((pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE), 0),
    pickle.BININT: 4, pickle.BININT1: 1, pickle.BININT2: 2, pickle.BINFLOAT: 8,
}  # fmt: skip
_COUNTED = {  # how many bytes tell the length of what follows
    pickle.SHORT_BINSTRING: 1, pickle.BINSTRING: 4, pickle.SHORT_BINUNICODE: 1, pickle.BINUNICODE: 4,
    pickle.BINUNICODE8: 8, pickle.SHORT_BINBYTES: 1, pickle.BINBYTES: 4, pickle.BINBYTES8: 8, pickle.BYTEARRAY8: 8,
    pickle.LONG1: 1,
}  # fmt: skip
_TEXT = (pickle.INT, pickle.LONG, pickle.FLOAT)
_LINES = {pickle.STRING: 1, pickle.UNICODE: 1, pickle.GLOBAL: 2}
_EMPTY = (pickle.EMPTY_LIST, pickle.EMPTY_DICT)
_GROUPS = (pickle.TUPLE, pickle.LIST, pickle.DICT)
_SHORT_TUPLES = {pickle.TUPLE1: 1, pickle.TUPLE2: 2, pickle.TUPLE3: 3}
_PUTS = {pickle.BINPUT: 1, pickle.LONG_BINPUT: 4}
_GETS = {pickle.BINGET: 1, pickle.LONG_BINGET: 4}
_CALLS = {pickle.REDUCE: 1, pickle.NEWOBJ: 1, pickle.NEWOBJ_EX: 2}
_ADDS = {pickle.APPEND: 1, pickle.SETITEM: 2, pickle.BUILD: 1}
_ADD_GROUPS = (pickle.APPENDS, pickle.SETITEMS)
_LONGEST_NUMBER = 300


class _Scan:
    def __init__(self, stream: IO[bytes], size: int, late: int, names: set[bytes] | None) -> None:
        self.stream, self.size, self.late, self.names = stream, size, late, names
        self.at = self.sets = 0
        self.most = ANY_SIZE + MOST_TIMES * size
        self.stack: list[_Value] = []
        self.marks: list[int] = []
        self.memo: list[_Value | None] = []

    def run(self) -> None:
        read, stack, marks, memo = self.stream.read, self.stack, self.marks, self.memo
        for number in range(MOST_INSTRUCTIONS):
            code = read(1)
            self.at += 1
            # the most frequent first
            if code in _PUSHED:
                self.skip(_PUSHED[code])
                stack.append(_ATOM)
            elif code in _COUNTED:
                length = self.number(_COUNTED[code])
                self.skip(length)
                stack.append(length + 8 << _DEPTH_BITS)
            elif code == pickle.MEMOIZE:
                memo.append(stack[-1])
            elif code in _PUTS:
                self.put(self.number(_PUTS[code]), number)
            elif code in _GETS:
                stack.append(self.get(self.number(_GETS[code])))
            elif code == pickle.MARK:
                marks.append(len(stack))
            elif code in _EMPTY:
                stack.append([_ATOM + 1, 0])
            elif code == pickle.EMPTY_TUPLE:
                stack.append(_ATOM + 1)
            elif code in _GROUPS:
                value = self.take(marks.pop(), 2 * (code == pickle.DICT))
                stack.append(value if code == pickle.TUPLE else [value, 0])
            elif code in _SHORT_TUPLES:
                stack.append(self.take(len(stack) - _SHORT_TUPLES[code]))
            elif code in _ADDS:
                self.grow(self.take(len(stack) - _ADDS[code], 2 * (code == pickle.SETITEM)))
            elif code in _ADD_GROUPS:
                self.grow(self.take(marks.pop(), 2 * (code == pickle.SETITEMS)))
            elif code in _CALLS:
                stack.append([self.take(len(stack) - _CALLS[code] - 1), 0])
            elif code == pickle.STACK_GLOBAL and self.names is None:
                self.take(len(stack) - 2)
                stack.append(_ATOM)
            elif code in _TEXT:
                if len(self.line()) > _LONGEST_NUMBER:
                    raise UnsafeError("it has a number of too many digits")
                stack.append(_ATOM)
            elif code in _LINES:
                text = b"".join([self.line() for _ in range(_LINES[code])])
                if code == pickle.GLOBAL and self.names is not None:
                    self.names.add(text)
                length = len(text)
                stack.append(length + 8 << _DEPTH_BITS)
            elif code == pickle.STOP:
                stack.pop()
                return
            else:
                self.rare(code, number)
        raise UnsafeError(f"it has more than {MOST_INSTRUCTIONS} instructions")

    def rare(self, code: bytes, number: int) -> None:
        stack = self.stack
        if code == pickle.PROTO:
            self.skip(1)
        elif code == pickle.FRAME:
            if self.number(8) > self.size - self.at:
                raise UnsafeError("it promises more bytes than there are")
        elif code == pickle.PUT:
            self.put(self.whole(), number)
        elif code == pickle.GET:
            stack.append(self.get(self.whole()))
        elif code == pickle.POP:
            if self.marks and self.marks[-1] == len(stack):
                self.marks.pop()
            else:
                stack.pop()
        elif code == pickle.POP_MARK:
            self.take(self.marks.pop())
        elif code == pickle.DUP:
            stack.append(stack[-1])
        elif code in (pickle.INST, pickle.OBJ) and self.names is None:
            for _ in range(2 if code == pickle.INST else 0):
                self.line()
            stack.append([self.take(self.marks.pop()), 0])
        elif code in (pickle.EMPTY_SET, pickle.FROZENSET):
            self.sets += 1
            if self.sets > MOST_SETS:
                raise UnsafeError(f"it has more than {MOST_SETS} sets")
            stack.append([_ATOM + 1 if code == pickle.EMPTY_SET else self.take(self.marks.pop(), 1), 0])
        elif code == pickle.ADDITEMS:
            self.grow(self.take(self.marks.pop(), 1))
        elif code == pickle.BINPERSID and self.names is not None:
            self.take(len(stack) - 1)
            stack.append(_ATOM)
        elif not code:
            raise UnsafeError("it ends too early")
        else:
            raise UnsafeError(f"it has an instruction, {code[0]}, that files of arrays and plain values do not have")

    def take(self, start: int, keyed: int = 0) -> int:
        """Take all from `start` on off the stack, to be part of one value; return its size and depth.

        Each one, or of every two (`keyed`) the first, is a key, whose hash goes through all of it.
        """
        if start < 0 or (self.marks and start < self.marks[-1]):
            raise UnsafeError("it takes from an empty stack")
        deepest, total = 0, 8
        for number, part in enumerate(self.stack[start:]):
            if isinstance(part, list):
                part[1] = 1
                part = part[0]
            total += part >> _DEPTH_BITS
            deepest = max(deepest, part & _DEPTH_MASK)
            if keyed and number % keyed == 0 and part >> _DEPTH_BITS > LARGEST_KEY:
                raise UnsafeError(f"it has a key of more than {LARGEST_KEY} bytes")
        del self.stack[start:]
        if deepest >= DEEPEST:
            raise UnsafeError(f"it nests more than {DEEPEST} levels")
        if total > self.most:
            raise UnsafeError("it uses the same values over and over")
        return (total << _DEPTH_BITS) + deepest + 1

    def grow(self, parts: int) -> None:
        """Add parts to the value on top of the stack."""
        whole = self.stack[-1]
        if isinstance(whole, int):
            raise TypeError
        if whole[1]:
            self.late -= 1
            if self.late < 0:
                raise UnsafeError("it has a list or table that holds itself, or is added to after it was used")
        total = (whole[0] >> _DEPTH_BITS) + (parts >> _DEPTH_BITS)
        if total > self.most:
            raise UnsafeError("it uses the same values over and over")
        whole[0] = (total << _DEPTH_BITS) + max(whole[0] & _DEPTH_MASK, parts & _DEPTH_MASK)

    def put(self, index: int, number: int) -> None:
        if not 0 <= index <= number + _GAP:
            raise UnsafeError(f"it files a value under the number {index}")
        while index > len(self.memo):
            self.memo.append(None)
        self.memo[index : index + 1] = [self.stack[-1]]

    def get(self, index: int) -> _Value:
        value = self.memo[index] if 0 <= index < len(self.memo) else None
        if value is None:
            raise UnsafeError("it refers to a value that is not there")
        return value

    def number(self, width: int) -> int:
        """Read a number of so many bytes."""
        self.at += width
        content = self.stream.read(width)
        if len(content) != width:
            raise UnsafeError("it ends too early")
        return int.from_bytes(content, "little")

    def skip(self, length: int) -> None:
        """Pass over so many bytes, without holding them."""
        self.at += length
        if self.at > self.size:
            raise UnsafeError("it promises more bytes than there are")
        while length > 0:
            passed = len(self.stream.read(min(length, _CHUNK)))
            if not passed:
                raise UnsafeError("it ends too early")
            length -= passed

    def line(self) -> bytes:
        line = self.stream.readline(min(self.size - self.at, self.size) + 1)
        self.at += len(line)
        if not line.endswith(b"\n"):
            raise UnsafeError("it ends too early")
        return line

    def whole(self) -> int:
        line = self.line()
        if len(line) > _LONGEST_NUMBER:
            raise UnsafeError("it has a number of too many digits")
        try:
            return int(line)
        except ValueError as error:
            raise UnsafeError("it files a value under what is no number") from error
