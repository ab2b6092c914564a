import os
import subprocess
import sys
from pathlib import Path

import pytest

from base.errors import InputError
from base.files import atomic_folder, regular_file, resumable_folder


def fill_and_fail(path, content):
    with resumable_folder(path) as part:
        if content:
            (part / "file").write_text(content)
        raise RuntimeError


def test_a_resumable_folder_appears_when_it_is_complete(tmp_path):
    with resumable_folder(tmp_path / "made") as part:
        (part / "file").write_text("content")
        assert not (tmp_path / "made").exists()
    assert (tmp_path / "made" / "file").read_text() == "content"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_what_an_ended_run_has_left_is_found_again(tmp_path):
    with pytest.raises(RuntimeError):
        fill_and_fail(tmp_path / "made", "half")
    assert not (tmp_path / "made").exists()
    with resumable_folder(tmp_path / "made") as part:
        assert (part / "file").read_text() == "half"


def test_an_ended_run_that_wrote_nothing_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError):
        fill_and_fail(tmp_path / "made", None)
    assert list(tmp_path.iterdir()) == []


def test_an_old_folder_stays_until_the_new_one_is_complete(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "file").write_text("old")
    (tmp_path / ".made.x.old").mkdir()  # of a run that was killed while it removed it
    with pytest.raises(RuntimeError):
        fill_and_fail(tmp_path / "made", "half")
    assert (tmp_path / "made" / "file").read_text() == "old"
    with resumable_folder(tmp_path / "made") as part:
        (part / "file").write_text("new")
    assert (tmp_path / "made" / "file").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_two_runs_do_not_write_the_same_folder(tmp_path):
    other = (
        "import sys; from pathlib import Path; from base.files import resumable_folder\n"
        f"with resumable_folder(Path({str(tmp_path / 'made')!r})): print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", other], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(InputError, match="another run is writing it"), resumable_folder(tmp_path / "made"):
            pass
        process.kill()
    with resumable_folder(tmp_path / "made"):
        pass
    assert (tmp_path / "made").is_dir()


def test_a_folder_that_exists_is_not_replaced_unless_asked(tmp_path):
    with pytest.raises(InputError, match="already exists"), atomic_folder(tmp_path):
        pass


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes in folders")
def test_a_pipe_or_a_device_is_no_file_to_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert regular_file(tmp_path / "link") == tmp_path / "link"
    for path, found in (
        (tmp_path / "pipe", "is a pipe"),
        (tmp_path, "is a folder"),
        (Path("/dev/zero"), "is a device"),
        (tmp_path / "absent", "No such file"),
    ):
        with pytest.raises(InputError, match=f"^data.raw: {path}: .*{found}"):
            regular_file(path, "data.raw")
