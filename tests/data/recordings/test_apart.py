import os
import signal
from pathlib import Path

import pytest

from base.errors import InputError
from data.recordings.apart import do_apart, patience
from data.recordings.patching import read_bytes


def test_work_is_done_in_a_process_that_stays():
    first = do_apart(os.getpid, where="a", seconds=60)
    assert first != os.getpid()
    assert do_apart(os.getpid, where="a", seconds=60) == first


def test_what_is_wrong_with_a_file_is_told_as_it_is_here(tmp_path):
    with pytest.raises(InputError) as here:
        read_bytes(tmp_path)
    with pytest.raises(InputError) as apart:
        do_apart(read_bytes, tmp_path, where="a", seconds=60)
    assert str(apart.value) == str(here.value)


def test_other_errors_are_not_hidden():
    with pytest.raises(RuntimeError, match="FileNotFoundError"):
        do_apart(Path.read_bytes, Path("absent"), where="a", seconds=60)


def test_a_process_that_is_killed_is_one_line_and_the_next_work_is_done():
    with pytest.raises(InputError, match=r"^a\.h5: is damaged"):
        do_apart(os.kill, do_apart(os.getpid, where="a", seconds=60), signal.SIGKILL, where="a.h5", seconds=60)
    assert do_apart(int, "7", where="a", seconds=60) == 7


def test_what_has_no_end_is_ended():
    with pytest.raises(InputError, match=r"^a\.h5: is damaged"):
        do_apart(pow, 7, 7**12, where="a.h5", seconds=0.05)


def test_large_files_may_take_longer(tmp_path):
    path = tmp_path / "a"
    path.touch()
    assert patience(path) == 30
    with path.open("r+b") as file:
        file.truncate(1 << 30)
    assert patience(path) == 30 + 256
