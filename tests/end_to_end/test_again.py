"""`--again` replaces what this project made, of the same kind, and nothing else, through whichever door."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import run
from ablation.study.config import AblateConfig
from base.config import load_config
from data.ntu.names import parse_name
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from recognition.config import RecognizeConfig
from refine.config import RefineConfig
from training.runs import open_run

CONFIGS = {"refine": RefineConfig, "recognize": RecognizeConfig, "ablate": AblateConfig}
STAGES = tuple(CONFIGS)


def write_store(folder, **info):
    rng = np.random.default_rng(0)
    with StoreWriter(folder, StoreInfo(**info)) as writer:
        for performer in (1, 3):
            joints = rng.normal(size=(20, 25, 3)).astype(np.float32)
            name = parse_name(f"S001C001P00{performer}R001A001")
            writer.add(name, 20, [Track(0, 0, joints, np.full((20, 25), 2, np.uint8))])
    return folder


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Give a working folder with a clip store, raw recordings in a project, and somebody's thesis."""
    write_store(tmp_path / "st")
    for file, content in {
        "thesis/chapter1.tex": "years of work",
        "thesis/config.yaml": "title: Skeletons\n",
        "settings/config.yaml": "run: {dir: settings, seed: 0}\n",
        "settings/versions.json": '{"node": "20"}',
        "proj/raw/S001C001P001R001A001.skeleton": "1\n0\n",
        "proj/store.json": "{}",
        "named/store.json": '{"name": "corner shop"}',
        "recordings/S001C001P001R001A001.skeleton": "1\r\n1\r\n72057594037931101 0 0 0 0 0 0 0 0 2\r\n",
    }.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(content)
    (tmp_path / "npy").mkdir()
    np.save(tmp_path / "npy/S001C001P001R001A001.skeleton.npy", np.array({"file_name": "S001C001P001R001A001"}))
    (tmp_path / "linked").symlink_to(tmp_path / "st")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(folder):
    return {
        path.relative_to(folder): path.is_file() and path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if not path.is_symlink()
    }


def command(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["run.py", *map(str, words)])
    status = run.main()
    return status, capsys.readouterr()


DOORS = {
    "prepare": ("prepare", "data.raw=proj/raw", "data.store={}"),
    "prepare the stand-in": ("prepare", "simulate.folder=simulated", "data.store={}"),
    "apply": ("refine", "apply.input=st", "apply.output={}", "run.dir=runs/x"),
    "refine": ("refine", "run.dir={}"),
    "recognize": ("recognize", "data.store=st", "run.dir={}"),
    "ablate": ("ablate", "data.store=st", "run.dir={}"),
    "import": ("import", "a.pkl", "{}"),
    "export npy": ("export", "st", "{}", "--format", "npy"),
    "export skeleton": ("export", "st", "{}", "--format", "skeleton"),
}
FOREIGN = ("thesis", "settings", "proj", "named", "linked", "recordings", "npy", ".", "/", "st/../thesis")


@pytest.mark.parametrize("door", DOORS)
def test_what_is_not_ours_stays(work, monkeypatch, capsys, door):
    assert command(monkeypatch, capsys, "export", "st", "a.pkl", "--format", "pyskl")[0] == 0
    before = tree(work)
    folders = [*FOREIGN, "st"] if door not in ("import", "prepare", "prepare the stand-in") else FOREIGN
    for folder in folders:
        words = [word.format(folder) for word in DOORS[door]]
        status, said = command(monkeypatch, capsys, *words, "--again")
        assert status == 2, folder
        assert said.err.startswith("error: "), folder
        assert said.err.count("\n") == 1, folder
        assert tree(work) == before, f"{folder} was touched, or something is left behind"


def test_what_is_read_stays(work, monkeypatch, capsys):
    """A store that holds the recordings it would be made from, and a store refined into itself."""
    shutil.copytree("st", "whole")
    (work / "whole/joints.npy").unlink()
    (work / "a").mkdir()
    write_store(work / "a/st")
    for words, message in (
        (("prepare", "data.raw=st", "data.store=st"), "st: is read from"),
        (("refine", "apply.input=st", "apply.output=st", "run.dir=runs/x"), "apply.output: st: is read from"),
        (("refine", "apply.input=st", "apply.output=linked", "run.dir=runs/x"), "linked: is a link"),
        (("refine", "apply.input=st", "apply.output=runs", "run.dir=runs/x"), "runs would hold run.dir"),
        (("import", "st/joints.npy", "st", "--format", "ctrgcn"), "st: holds st/joints.npy, which is read"),
        (("export", "st", "st/joints.npy", "--format", "npy"), "is a file|lies in st|a clip store"),
        (("export", "st", "st", "--format", "skeleton"), "st: is read from"),
    ):
        before = tree(work)
        status, said = command(monkeypatch, capsys, *words, "--again")
        assert status == 2
        assert any(part in said.err for part in message.split("|")), said.err
        assert tree(work) == before


def test_notes_in_a_store_stay(work, monkeypatch, capsys):
    assert command(monkeypatch, capsys, "export", "st", "a.pkl", "--format", "pyskl")[0] == 0
    (work / "st/notes.txt").write_text("dear")
    status, said = command(monkeypatch, capsys, "import", "a.pkl", "st", "--again")
    assert (status, said.err.count("\n")) == (2, 1)
    assert "st: holds notes.txt, which no clip store has" in said.err
    assert (work / "st/notes.txt").read_text() == "dear"
    (work / "st/notes.txt").rename(work / "notes.txt")
    (work / "st/.DS_Store").touch()
    assert command(monkeypatch, capsys, "import", "a.pkl", "st", "--again")[0] == 0


def test_a_damaged_store_may_be_replaced(work, monkeypatch, capsys):
    assert command(monkeypatch, capsys, "export", "st", "a.pkl", "--format", "pyskl")[0] == 0
    (work / "st/store.json").write_text("")
    (work / "st/clips.csv").unlink()
    assert command(monkeypatch, capsys, "import", "a.pkl", "st", "--again")[0] == 0
    assert len(open_store(work / "st").clips) == 2


def test_somebodys_single_files_stay(work, monkeypatch, capsys):
    import pickle
    import zipfile

    (work / "theirs.pkl").write_bytes(pickle.dumps({"split": {}, "annotations": []}))
    with zipfile.ZipFile("theirs.zip", "w") as archive:
        archive.write("recordings/S001C001P001R001A001.skeleton")
    for output, format in (("theirs.pkl", "pyskl"), ("theirs.zip", "skeleton")):
        before = tree(work)
        status, said = command(monkeypatch, capsys, "export", "st", output, "--format", format, "--again")
        assert (status, said.err.count("\n")) == (2, 1)
        assert "was not made here" in said.err
        assert tree(work) == before
        ours = f"ours{Path(output).suffix}"
        for again in ((), ("--again",)):
            assert command(monkeypatch, capsys, "export", "st", ours, "--format", format, *again)[0] == 0


def recognize_config(folder, *overrides):
    return load_config(RecognizeConfig, Path(run.__file__).parent / "configs/recognize/default.yaml", [
        f"run.dir={folder}", "data.store=st", "simulate=null", *overrides])  # fmt: skip


def test_of_a_run_only_what_it_has_written_is_thrown_away(work):
    config = recognize_config("runs/x")
    opened = open_run(config)
    opened.write_json("history.json", {})
    opened.write_json("figures/of_another_name.json", {})
    for file in ("notes.txt", "checkpoints/mine.pt", "figures/mine.png", "tensorboard/mine"):
        (opened.dir / file).parent.mkdir(exist_ok=True)
        (opened.dir / file).write_text("dear")
    for file in ("checkpoints/best.pt", "tensorboard/events.out.tfevents.1"):
        (opened.dir / file).touch()
    open_run(recognize_config("runs/x/joint")).finish({})
    write_store(opened.dir / "joint/st")
    opened.finish({"top1": 1})
    assert not open_run(config, again=True).finished
    kept = {path.relative_to(opened.dir).as_posix() for path in opened.dir.rglob("*") if path.is_file()}
    stores = {name for name in kept if name.startswith("joint/st/")}
    assert len(stores) == 5
    assert kept - stores == {
        *("run.json", "versions.json", "config.yaml"),
        *("notes.txt", "checkpoints/mine.pt", "figures/mine.png", "tensorboard/mine"),
    }


@pytest.mark.parametrize("shape", ["older", "of another stage", "older, of another stage"])
def test_older_runs_are_known_and_those_of_other_stages_refused(work, monkeypatch, capsys, shape):
    """A run from before there was a marker: `config.yaml` and `versions.json`."""
    config = recognize_config("runs/x")
    folder = open_run(config).dir
    if "older" in shape:
        (folder / "run.json").unlink()
    if shape == "older":
        assert not open_run(recognize_config("runs/x", "train.epochs=77"), again=True).finished
        assert yaml.safe_load((folder / "config.yaml").read_text())["train"]["epochs"] == 77
        return
    before = tree(work)
    for stage in ("refine", "ablate"):
        status, said = command(monkeypatch, capsys, stage, f"run.dir={folder}", "--again")
        assert (status, said.err.count("\n")) == (2, 1)
        assert "run.dir: runs/x: holds" in said.err
        assert tree(work) == before


@pytest.mark.parametrize(
    "left", [(), ("run.json",), ("run.json", "versions.json"), ("versions.json",), (".config.yaml.abcd1234.tmp",)]
)
def test_a_run_that_was_killed_before_its_configuration_was_written_begins_anew(work, left):
    config = recognize_config("runs/x")
    folder = open_run(config).dir
    whole = tree(folder)
    for path in folder.iterdir():
        if path.name not in left:
            path.unlink()
    for name in left:
        (folder / name).touch()
    assert not open_run(config).finished
    assert tree(folder).items() >= whole.items()


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", "\0", "[" * 1500])
@pytest.mark.parametrize("file", ["results.json", "versions.json", "config.yaml"])
def test_damaged_files_of_a_run_are_told_in_one_line(work, monkeypatch, capsys, file, damage):
    folder = open_run(recognize_config("runs/x", "run.device=cpu")).dir
    if file != "versions.json":
        (folder / "results.json").write_text('{"top1": 1}')
    (folder / file).write_text(damage)
    words = ("recognize", "run.dir=runs/x", "data.store=st", "simulate=null", "run.device=cpu")
    status, said = command(monkeypatch, capsys, *words)
    assert (status, said.err.count("\n")) == (2, 1), said.err
    assert f"runs/x/{file}" in said.err
    open_run(recognize_config("runs/x"), again=True)


@pytest.mark.parametrize("content", ["{}", '{"rows": 3, "answer": 5, "split": []}', '{"rows": [{}], "answer": null}'])
@pytest.mark.parametrize("stage", STAGES)
def test_results_of_another_shape_are_told_in_one_line(work, monkeypatch, capsys, stage, content):
    default = Path(run.__file__).parent / "configs" / stage / "default.yaml"
    config = load_config(CONFIGS[stage], default, ["run.dir=runs/x"])
    folder = open_run(config).dir
    (folder / "report.html").touch()
    (folder / "results.json").write_text(content)
    monkeypatch.setattr("refine.single.ensure_stand_in", lambda *_: None)
    monkeypatch.setattr("refine.single.open_store", lambda *_: None)
    for module in ("single", "stage"):
        monkeypatch.setattr(f"refine.{module}.output_exists", lambda *_: True)
    status, said = command(monkeypatch, capsys, stage, "run.dir=runs/x")
    assert (status, said.err.count("\n")) == (2, 1), said.err
    assert "error: runs/x/results.json: damaged (" in said.err


KILLED = """
import os, signal, sys
from data.formats import {module} as module
write = module.{function}
def killed(store, split, *rest):
    if split == "xview":
        os.kill(os.getpid(), signal.SIGKILL)
    return write(store, split, *rest)
module.{function} = killed
import run
sys.argv = ["run.py", "export", "st", "out", "--format", "{module}"]
run.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
@pytest.mark.parametrize("module", ["ctrgcn", "stgcn"])
def test_an_export_that_is_killed_between_its_splits_leaves_nothing_in_the_way(work, monkeypatch, capsys, module):
    rng = np.random.default_rng(0)
    with StoreWriter(work / "st2", StoreInfo()) as writer:
        for camera, performer in ((1, 1), (2, 3), (3, 3)):
            joints = rng.normal(size=(5, 25, 3)).astype(np.float32)
            name = parse_name(f"S001C00{camera}P00{performer}R001A001")
            writer.add(name, 5, [Track(0, 0, joints, np.full((5, 25), 2, np.uint8))])
    shutil.rmtree("st")
    (work / "st2").rename(work / "st")
    code = KILLED.format(module=module, function=f"write_{module}")
    killed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(Path(run.__file__).parent)}
    )
    assert killed.returncode == -9, killed.stderr
    files = [path for path in (work / "out").rglob("*") if path.is_file() and ".tmp" not in str(path)]
    assert files == []
    status, said = command(monkeypatch, capsys, "export", "st", "out", "--format", module)
    assert (status, said.err) == (0, "")
    assert not [path for path in (work / "out").rglob("*") if path.name.startswith(".")]
    command(monkeypatch, capsys, "export", "st", "straight", "--format", module)
    assert tree(work / "out") == tree(work / "straight")


def test_a_full_disk_is_told_in_one_line_by_every_command(work, monkeypatch, capsys):
    def full(*words, **named):
        raise OSError(28, "No space left on device", "st.pkl")

    monkeypatch.setattr("data.formats.exporting.open_store", full)
    status, said = command(monkeypatch, capsys, "export", "st", "a.pkl", "--format", "pyskl")
    assert status == 2
    assert said.err == "error: st.pkl: cannot be written (No space left on device); make room and run it again\n"
