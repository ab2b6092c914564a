import os
from pathlib import Path

import pytest

from base.errors import InputError
from base.files import atomic_folder, resumable_folder
from base.replacing import Kind, check_file_replaceable, check_output, check_place, check_replaceable

ANY = Kind("made-up folder", lambda _: "")


def tree(folder):
    return {path.relative_to(folder): path.is_file() and path.read_bytes() for path in sorted(folder.rglob("*"))}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Give a working folder `work` that has a folder `made`, and a home folder `home`."""
    for name in ("work/made/in", "home", "elsewhere/whole"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "work/made/in/file").write_text("content")
    (tmp_path / "work/link").symlink_to(tmp_path / "elsewhere/whole")
    (tmp_path / "work/dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "work/file").write_text("content")
    (tmp_path / "elsewhere/to_in").symlink_to(tmp_path / "work/made/in")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    return tmp_path


@pytest.mark.parametrize(
    ("path", "inputs", "message"),
    [
        (".", [], "is or holds the working folder"),
        ("..", [], "is or holds the working folder"),
        ("made/../../work", [], "is or holds the working folder"),
        ("../home", [], "is or holds the home folder"),
        ("/", [], "is where a disk is mounted"),
        ("link", [], "is a link to another place"),
        ("dangling", [], "is a link to another place"),
        ("file", [], "is a file"),
        ("made", ["made"], "is read from"),
        ("made", ["../work/made/in/.."], "is read from"),
        ("made", ["made/in"], "holds made/in, which is read"),
        ("made", ["absent", "made/in/file"], "holds made/in/file, which is read"),
        ("made", ["../elsewhere/to_in"], "to_in, which is read"),
        ("made/in", ["made"], "lies in made, which is read"),
    ],
)
def test_what_is_never_replaced(place, path, inputs, message):
    before = tree(place)
    inputs = [Path(name) for name in inputs]
    for way in (
        lambda: check_replaceable(Path(path), ANY, inputs, "data.store"),
        lambda: atomic_folder(Path(path), ANY, inputs).__enter__(),
        lambda: resumable_folder(Path(path), ANY, inputs).__enter__(),
    ):
        with pytest.raises(InputError, match=message) as caught:
            way()
        assert "\n" not in str(caught.value)
    assert tree(place) == before, "a refusal leaves something behind"


def test_a_mount_is_not_replaced(place, monkeypatch):
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path).name == "made")
    with pytest.raises(InputError, match="a disk is mounted"):
        check_replaceable(Path("made"), ANY)


def test_what_may_be_replaced(place):
    check_replaceable(Path("absent"), None)
    check_replaceable(Path("made"), ANY, [Path("absent"), Path("link"), Path("file")])
    with pytest.raises(InputError, match="made: already exists; choose another folder or pass --again"):
        check_replaceable(Path("made"), None)
    with pytest.raises(InputError, match="store: made: holds a thesis; --again replaces nothing but a made-up folder"):
        check_replaceable(Path("made"), Kind("made-up folder", lambda _: "holds a thesis"), where="store")


def test_files(place):
    check_file_replaceable(Path("absent"), False)
    check_file_replaceable(Path("file"), True)
    for path, again, inputs, message in (
        ("file", False, [], "already exists"),
        ("made", True, [], "already exists"),
        ("file", True, ["file"], "is read from"),
        ("made/in/file", True, ["made"], "lies in made"),
        ("dangling", True, [], "is a link"),
        (os.devnull, True, [], "is no regular file"),
    ):
        with pytest.raises(InputError, match=message):
            check_file_replaceable(Path(path), again, map(Path, inputs))
    with pytest.raises(InputError, match="was not made here"):
        check_file_replaceable(Path("file"), True, [], ours=lambda _: False)


def test_what_came_in_the_meantime_stays(place):
    def overtaken(way):
        with way(Path("new")) as made:
            (made / "file").touch()
            Path("new").mkdir()
            Path("new/thesis").write_text("dear")

    for way in (atomic_folder, resumable_folder):
        with pytest.raises(InputError, match="new: already exists"):
            overtaken(way)
        assert Path("new/thesis").read_text() == "dear"
        Path("new/thesis").unlink()
        Path("new").rmdir()


def test_results_are_written_over_results_alone(place):
    check_output(Path("absent.csv"))
    check_output(Path("file"))
    for folder, marks in (("store", ["store.json"]), ("run", ["run.json", "config.yaml"])):
        Path(folder).mkdir()
        for name in (*marks, "scores.csv"):
            (Path(folder) / name).touch()
    check_output(Path("run/new.csv"))
    for path, inputs, message in (
        ("store/new.csv", [], "lies in store, a clip store"),
        ("store/store.json", [], "lies in store, a clip store"),
        ("run/scores.csv", [], "is there already, in .*run, a run"),
        ("file", ["file"], "is read from"),
        ("dangling", [], "is no regular file"),
        ("made", [], "is no regular file"),
    ):
        with pytest.raises(InputError, match=rf"^--output: {path}: {message}"):
            check_output(Path(path), map(Path, inputs))


def test_nothing_is_put_into_a_clip_store(place):
    Path("held").mkdir()
    for name in ("store.json", "joints.npy"):
        (Path("held") / name).touch()
    for path in ("held/new", "held/in/new"):
        with pytest.raises(InputError, match=rf"^run.dir: {path}: lies in .*held, a clip store; choose another folder"):
            check_place(Path(path), "run.dir")
        for check in (lambda at: check_replaceable(at, None), lambda at: check_file_replaceable(at, False)):
            with pytest.raises(InputError, match="a clip store"):
                check(Path(path))
    check_place(Path("held"))
    check_place(Path("made/new"))
