import os
import signal
from pathlib import Path

import pytest

from base.errors import InputError
from data.recordings.apart import do_apart
from data.recordings.patching import read_bytes


def test_work_is_done_in_a_process_that_stays():
    first = do_apart(os.getpid, where="a")
    assert first != os.getpid()
    assert do_apart(os.getpid, where="a") == first


def test_what_is_wrong_with_a_file_is_told_as_it_is_here(tmp_path):
    with pytest.raises(InputError) as here:
        read_bytes(tmp_path)
    with pytest.raises(InputError) as apart:
        do_apart(read_bytes, tmp_path, where="a")
    assert str(apart.value) == str(here.value)


def test_other_errors_are_not_hidden():
    with pytest.raises(RuntimeError, match="FileNotFoundError"):
        do_apart(Path.read_bytes, Path("absent"), where="a")


def test_a_process_that_is_killed_is_one_line_and_the_next_work_is_done():
    with pytest.raises(InputError, match=r"^a\.h5: is damaged"):
        do_apart(os.kill, do_apart(os.getpid, where="a"), signal.SIGKILL, where="a.h5")
    assert do_apart(int, "7", where="a") == 7


def test_what_has_no_end_is_ended():
    with pytest.raises(InputError, match=r"^a\.h5: is damaged"):
        do_apart(pow, 7, 7**12, where="a.h5", seconds=0.05)
