import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from base.errors import InputError
from base.files import (
    LOCK,
    UnwritableError,
    atomic_file,
    atomic_files,
    atomic_folder,
    locked,
    regular_file,
    resumable_folder,
)
from base.replacing import Kind


def fill_and_fail(path, content, replace=None):
    with resumable_folder(path, replace) as part:
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
    with pytest.raises(InputError, match="made: already exists"):
        fill_and_fail(tmp_path / "made", "half")
    with pytest.raises(RuntimeError):
        fill_and_fail(tmp_path / "made", "half", Kind("made-up folder", lambda _: ""))
    assert (tmp_path / "made" / "file").read_text() == "old"
    with resumable_folder(tmp_path / "made", Kind("made-up folder", lambda _: "")) as part:
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


HOLDER = """
import os, sys
from pathlib import Path
from base.files import (
    LOCK,
    UnwritableError,
    atomic_file,
    atomic_files,
    atomic_folder,
    locked,
    regular_file,
    resumable_folder,
)
with {way}(Path(sys.argv[1])) as made:
    {write}
    print(made, flush=True)
    sys.stdin.read()
"""


def holder(way, write, path):
    """Start a process that writes, and wait until it says where."""
    code = HOLDER.format(way=way, write=write)
    process = subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, Path(process.stdout.readline().strip())


def ended(process):
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("way", "write"),
    [("atomic_file", "made.write_bytes(bytes(9000))"), ("atomic_folder", "(made / 'file').write_bytes(bytes(9000))")],
)
def test_what_killed_processes_have_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path, way, write):
    (tmp_path / ".mine.tmp").mkdir()
    (tmp_path / ".mine.12345678.tmp").write_text("somebody's")
    (tmp_path / ".his.abcdefgh.tmp").mkdir()
    (tmp_path / ".his.abcdefgh.tmp" / "thesis").touch()
    others = sorted(tmp_path.rglob("*"))
    killed, left = holder(way, write, tmp_path / "out")
    ended(killed)
    assert left.exists(), "nothing was left to remove"
    living, written = holder(way, write, tmp_path / "out")
    with atomic_file(tmp_path / "other") as temporary:
        temporary.write_text("content")
    assert not left.exists()
    assert not left.parent.exists()
    assert written.exists()
    ended(living)
    with resumable_folder(tmp_path / "folder"):
        pass
    assert sorted(tmp_path.rglob("*")) == sorted([*others, tmp_path / "other", tmp_path / "folder"])


def test_what_was_being_replaced_when_a_process_was_killed_goes_back(tmp_path):
    """As a process leaves it that is killed after it has moved the old folder away."""
    left = tmp_path / ".made.abcd_123.tmp"
    (left / "old" / "made").mkdir(parents=True)
    (left / "old" / "made" / "file").write_text("old")
    (left / LOCK).touch()
    with atomic_file(tmp_path / "other") as temporary:
        temporary.touch()
    assert (tmp_path / "made" / "file").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "other"]


def test_a_replacement_that_fails_leaves_the_old_folder(tmp_path, monkeypatch):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "file").write_text("old")
    replace = Path.replace

    def fails(self, target):
        if (
            self.name == "made"
            and self.parent != tmp_path
            and Path(target) == tmp_path / "made"
            and "old" not in self.parts
        ):
            raise PermissionError(13, "Permission denied")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fails)
    with (
        pytest.raises(UnwritableError, match=r"made: cannot be written \(Permission denied\); check the path"),
        atomic_folder(tmp_path / "made", Kind("made-up folder", lambda _: "")) as new,
    ):
        (new / "file").write_text("new")
    assert (tmp_path / "made" / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_several_files_appear_together_or_not_at_all(tmp_path):
    def interrupted():
        with atomic_files([tmp_path / "a", tmp_path / "in" / "b"]) as (a, b):
            a.write_text("a")
            b.write_text("b")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with atomic_files([tmp_path / "a", tmp_path / "in" / "b"]) as (a, b):
        a.write_text("a")
        b.write_text("b")
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").read_text() + (tmp_path / "in" / "b").read_text() == "ab"


def test_a_full_disk_is_told_in_one_line(tmp_path):
    with pytest.raises(InputError) as caught, atomic_file(tmp_path / "out"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert str(caught.value) == (
        f"{tmp_path / 'out'}: cannot be written (No space left on device); make room and run the same command again"
    )
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/out: cannot be written \("), atomic_file(tmp_path / "file" / "out"):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no such device")
def test_a_device_or_folder_is_not_replaced_by_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/full"), tmp_path / "pipe", tmp_path):
        with pytest.raises(InputError, match="is no regular file"), atomic_file(path):
            pass


def test_another_process_is_waited_for_where_that_is_asked(tmp_path):
    process, _ = holder("resumable_folder", "pass", tmp_path / "made")
    waited = []

    def waiting():
        waited.append(True)
        ended(process)

    with locked(tmp_path / "made", waiting):
        assert waited == [True]
    assert [path.name for path in tmp_path.iterdir()] == [".made.part"]


def test_permissions_are_those_of_any_new_file(tmp_path):
    with atomic_file(tmp_path / "a") as temporary:
        temporary.touch()
    with atomic_folder(tmp_path / "b") as folder:
        folder.touch()
    (tmp_path / "c").touch()
    (tmp_path / "d").mkdir()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "c").stat().st_mode
    assert (tmp_path / "b").stat().st_mode == (tmp_path / "d").stat().st_mode
