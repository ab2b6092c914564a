"""Work that a damaged file may end the process with, done in a process of its own.

Libraries in C that read others' files can be made to write where they must not. What is done here ends another process,
and this one tells it in one line. That process stays for the next file.
"""

import atexit
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from base.errors import InputError
from base.files import regular_file

MOST_MEMORY = 16 << 30
"""Bytes that it may take, where the system can be told so."""

_START = f"import sys; sys.path[:] = sys.argv[1:]; from {__name__} import serve; serve()"

_lock = threading.Lock()
_processes: dict[int, "subprocess.Popen[bytes]"] = {}
"""By the process that started them: one that was forked starts its own."""


def do_apart(work: Callable[..., Any], *arguments: Any, where: str, seconds: float) -> Any:
    """Call a function in another process and return what it returns.

    Parameters
    ----------
    work
        A function of a module; it may raise an InputError.
    arguments
        What it is called with.
    where
        How messages begin: the file.
    seconds
        How long it may take.

    Raises
    ------
    InputError
        It raised one, took too long, or the process ended.
    """
    with _lock:
        process = _process()
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            pickle.dump((work, arguments), process.stdin)
            process.stdin.flush()
            done, answer = pickle.load(process.stdout)  # our own process's, not the file's
        except (OSError, EOFError, pickle.UnpicklingError):
            process.kill()
            process.wait()
            raise InputError(
                f"{where}: is damaged: whatever reads it does not come to an end; write it again"
            ) from None
        except BaseException:  # half of an answer may be on its way
            process.kill()
            raise
        finally:
            timer.cancel()
    if not done:
        raise answer
    return answer


def patience(path: Path) -> float:
    """Return the seconds that a file may take; a damaged one may have no end."""
    return 30 + regular_file(path).stat().st_size / (4 << 20)


def serve() -> None:
    """Do what is asked for until nobody asks any more: the other side of `do_apart`."""
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limit
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            work, arguments = pickle.load(asked)
        except EOFError:
            return
        try:
            answer = True, work(*arguments)
        except Exception as error:
            known = isinstance(error, InputError)
            answer = False, InputError(str(error)) if known else RuntimeError(f"{type(error).__name__}: {error}")
        pickle.dump(answer, answers)
        answers.flush()


def _process() -> "subprocess.Popen[bytes]":
    process = _processes.get(os.getpid())
    if process is None or process.poll() is not None:
        command = [sys.executable, "-c", _START, *sys.path]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True)
        _processes[os.getpid()] = process
    return process


@atexit.register
def _end() -> None:
    process = _processes.pop(os.getpid(), None)
    if process is not None:
        process.kill()
        process.communicate()
