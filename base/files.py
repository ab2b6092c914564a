"""Writing so that a file or folder is either there whole or not there at all."""

import errno
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from base.errors import InputError
from base.replacing import Kind, check_replaceable

NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""The numbers of errors that say that a disk is full, or as full as somebody may make it."""

LOCK = "steady-skeletons.lock"
"""In a temporary folder: whoever writes there holds it, and it tells our temporary folders from anybody else's."""

_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp", re.DOTALL)  # as `tempfile` makes names

_written: set[Path] = set()


class UnwritableError(OSError, InputError):
    """A file or folder cannot be written; one line says which and why, whoever catches it."""

    def __str__(self) -> str:
        advice = "make room" if self.errno in NO_ROOM else "check the path and its permissions"
        return f"{self.filename}: cannot be written ({self.strerror}); {advice} and run the same command again"


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; move what is there to `path` when the block ends without an error.

    Raises
    ------
    UnwritableError
        The place cannot be written, or the disk is full.
    InputError
        At `path` there is something other than a file.
    """
    with atomic_files([path]) as (temporary,):
        yield temporary


@contextmanager
def atomic_files(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Give a temporary path for each of several files, which are moved into place one right after another at the end.

    Raises
    ------
    UnwritableError
        A place cannot be written, or the disk is full.
    InputError
        At a path there is something other than a file.
    """
    for path in paths:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is no regular file and cannot be replaced by one; choose another output")
    with ExitStack() as stack:
        temporaries = []
        for path in paths:
            temporaries.append(stack.enter_context(_temporary_folder(path)) / path.name)
        try:
            yield temporaries
        except OSError as error:
            if error.errno not in NO_ROOM or isinstance(error, InputError):
                raise
            raise _unwritable(paths[0], error) from error
        for path, temporary in zip(paths, temporaries, strict=True):
            with telling_unwritable(path):
                temporary.replace(path)
            _written.add(path.absolute())


@contextmanager
def atomic_folder(path: Path, replace: Kind | None = None, inputs: Sequence[Path] = ()) -> Iterator[Path]:
    """Give a temporary folder to fill; move it to `path` when the block ends without an error.

    Parameters
    ----------
    path
        Where the folder shall be.
    replace
        As what an existing folder may be replaced, see `check_replaceable`. It is only removed once the new one is
        complete.
    inputs
        What the new folder is made from, which must stay.

    Raises
    ------
    InputError
        `path` exists and may not be replaced, or cannot be written.
    """
    check_replaceable(path, replace, inputs)
    with _temporary_folder(path) as temporary:
        new = temporary / path.name
        new.mkdir()
        yield new
        _put_in_place(new, path, replace, inputs)


@contextmanager
def resumable_folder(path: Path, replace: Kind | None = None, inputs: Sequence[Path] = ()) -> Iterator[Path]:
    """Give the folder `.NAME.part` beside `path`, with whatever an earlier run left in it when it was ended.

    When the block ends without an error, the folder replaces what is at `path`; when it ends otherwise, the folder
    stays for the next run, unless it is empty. It is locked as long as the process lives.

    Parameters
    ----------
    path, replace, inputs
        See `atomic_folder`.

    Raises
    ------
    InputError
        Another process is at it, or `path` may not be replaced.
    """
    check_replaceable(path, replace, inputs)
    part = path.with_name(f".{path.name}.part")
    if part.is_symlink():
        raise InputError(f"{part}: is a link to another place, expected what an ended run has left; remove it")
    with locked(path):
        part.mkdir(exist_ok=True)
        try:
            yield part
            _put_in_place(part, path, replace, inputs)
        finally:
            with suppress(OSError):  # not empty, or in its place
                part.rmdir()


@contextmanager
def locked(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock on a path that is being written; it ends with the process at the latest.

    Parameters
    ----------
    path
        What is written.
    waiting
        Called before this waits for another process to be done; without it, nothing is waited for.

    Raises
    ------
    InputError
        Another process holds it, and `waiting` is None.
    """
    with telling_unwritable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    file = path.with_name(f".{path.name}.lock")
    lock = _try_lock(file)
    if lock is None and waiting is None:
        raise InputError(f"{path}: another run is writing it; wait until it is done or choose another folder")
    if lock is None:
        assert waiting is not None
        waiting()
        lock = FileLock(file, thread_local=False)
        lock.acquire(poll_interval=0.1)
    try:
        _remove_left_overs(path.parent)
        yield
    finally:
        _unlock(lock, file)


def is_left_over(path: Path) -> bool:
    """Say whether a path is a temporary folder of this module's, of a process that lives or that was ended."""
    if not _TEMPORARY.fullmatch(path.name) or path.is_symlink() or not path.is_dir():
        return False
    return (path / LOCK).is_file() or not any(path.iterdir())


def written_in(folder: Path) -> list[str]:
    """Return the files that this process has written into a folder, as paths from there with `/` between names."""
    whole = folder.absolute()
    return sorted(path.relative_to(whole).as_posix() for path in _written if path.is_relative_to(whole))


@contextmanager
def _temporary_folder(path: Path) -> Iterator[Path]:
    """Make a temporary folder beside a path, and hold the lock in it; what ended processes have left is removed.

    What is being written lies in it under its own name, so that the name is not part of what is written.
    """
    with telling_unwritable(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_overs(path.parent)
        lock = None
        while lock is None:  # another process may take it for one that was left behind, until it is locked
            temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
            with suppress(FileNotFoundError):
                lock = _try_lock(temporary / LOCK)
    try:
        yield temporary
    finally:
        _unlock(lock, temporary / LOCK)
        shutil.rmtree(temporary, ignore_errors=True)


def _try_lock(file: Path) -> FileLock | None:
    """Lock a file, which is made if need be; None if another process holds it."""
    lock = FileLock(file, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    except NotImplementedError:  # a file system without locks
        file.touch()
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF):
            raise
    return lock


def _unlock(lock: FileLock, file: Path) -> None:
    """Remove a lock's file and unlock it: whoever has waited for a file that is gone looks for a new one."""
    with suppress(OSError):  # Windows removes no open file; there, the lock itself removes it
        file.unlink()
    lock.release()


def _remove_left_overs(folder: Path) -> None:
    """Remove the temporary folders of processes that were ended; what one of them was replacing goes back first."""
    with suppress(OSError):
        for found in [found for found in folder.iterdir() if is_left_over(found)]:
            with suppress(OSError):
                found.rmdir()  # it was ended before anything was in it
            with suppress(OSError):
                _remove_left_over(found)


def _remove_left_over(found: Path) -> None:
    if not (found / LOCK).is_file():
        return
    lock = _try_lock(found / LOCK)
    if lock is None or not lock.is_locked:  # its process lives, or nobody can tell
        return
    try:
        old = found / "old"
        for saved in old.iterdir() if old.is_dir() else ():
            if not os.path.lexists(found.parent / saved.name):
                saved.rename(found.parent / saved.name)
    finally:
        _unlock(lock, found / LOCK)
    shutil.rmtree(found, ignore_errors=True)


def _put_in_place(new: Path, path: Path, replace: Kind | None, inputs: Sequence[Path]) -> None:
    check_replaceable(path, replace, inputs)  # it may have come while the new one was made
    with telling_unwritable(path):
        if not path.exists():
            new.replace(path)
            return
        with _temporary_folder(path) as temporary:
            old = temporary / "old" / path.name
            old.parent.mkdir()
            path.replace(old)
            try:
                new.replace(path)
            except BaseException:
                old.replace(path)
                raise


@contextmanager
def telling_unwritable(path: Path) -> Iterator[None]:
    """Tell what cannot be written in one line."""
    try:
        yield
    except OSError as error:
        if isinstance(error, InputError):
            raise
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> UnwritableError:
    return UnwritableError(error.errno, error.strerror or str(error), str(path))


def regular_file(path: Path, where: str = "") -> Path:
    """Return a path that leads to a regular file: to open anything else may wait for ever, or read without end.

    Parameters
    ----------
    path
        The file; a symbolic link to one is as good.
    where
        What the message shall begin with, such as a key; the path by default.

    Raises
    ------
    InputError
        There is nothing, a folder, a pipe, a socket or a device.
    """
    where = f"{where}: {path}" if where else str(path)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:  # a path with a null byte is a ValueError
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{where}: cannot be read ({reason}); give the path of a file") from error
    if not stat.S_ISREG(mode):
        raise InputError(f"{where}: is {_sort_of(mode)}, expected a regular file")
    return path


def _sort_of(mode: int) -> str:
    """Name what is no regular file."""
    sorts = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    return next((name for test, name in sorts if test(mode)), "a device")


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
