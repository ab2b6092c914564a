"""Writing so that a file or folder is either there whole or not there at all."""

import errno
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from base.errors import InputError

if sys.platform != "win32":
    import fcntl


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; move it into place when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, replace: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside `path` to fill; rename it into place when the block ends without an error.

    Parameters
    ----------
    path
        Where the folder shall be.
    replace
        Whether an existing folder may be replaced. It is only removed once the new one is complete.

    Raises
    ------
    InputError
        `path` exists and may not be replaced.
    """
    if path.exists() and not replace:
        raise InputError(f"{path}: already exists; choose another folder or pass --again to replace it")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        _put_in_place(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def resumable_folder(path: Path) -> Iterator[Path]:
    """Give the folder `.NAME.part` beside `path`, with whatever an earlier run left in it when it was ended.

    When the block ends without an error, the folder replaces what is at `path`; when it ends otherwise, the folder
    stays for the next run, unless it is empty. It is locked as long as the process lives: there is no lock to be left
    behind.

    Raises
    ------
    InputError
        Another process is at it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with _locked_folder(part, path):
        try:
            yield part
            _put_in_place(part, path)
        finally:
            with suppress(OSError):  # not empty, or in its place
                part.rmdir()


@contextmanager
def _locked_folder(part: Path, path: Path) -> Iterator[None]:
    """Make a folder and hold a lock on it."""
    if sys.platform == "win32":  # has no such locks
        part.mkdir(exist_ok=True)
        yield
        return
    while True:
        part.mkdir(exist_ok=True)
        handle = os.open(part, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(
                    f"{path}: another run is writing it; wait until it is done or choose another folder"
                ) from None
            except OSError as error:
                if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.EBADF):  # file systems without locks
                    raise
            if _is_still(handle, part):
                yield
                return
        finally:
            os.close(handle)


def _is_still(handle: int, path: Path) -> bool:
    """Say whether an open folder is still at a path: another run may have put it in its place before it was locked."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _put_in_place(temporary: Path, path: Path) -> None:
    if path.exists():
        path.replace(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".old", dir=path.parent))
    temporary.replace(path)
    for found in path.parent.iterdir():  # what was replaced now, and by runs that were ended while they removed it
        if found.name.startswith(f".{path.name}.") and found.name.endswith(".old"):
            shutil.rmtree(found, ignore_errors=True)


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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
