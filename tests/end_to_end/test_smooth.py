"""The command that refines other tools' files, as a user calls it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import run as command_line
from tests.end_to_end.test_command_line import restore_interrupts
from tests.refine.files.made import tree, walkers, write_openpose

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, str(ROOT / "run.py"), "smooth"]


@pytest.fixture
def walks(tmp_path, rng):
    folder = tmp_path / "walks"
    for number in range(4):
        write_openpose(folder / f"walk{number}", walkers(rng, 2, 30))
    return folder


def run(*words, cwd, **environment):
    return subprocess.run(
        [*COMMAND, *map(str, words)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_folder_of_recordings_without_torch(walks, tmp_path):
    """Where torch is not to be had."""
    (tmp_path / "stubs").mkdir()
    (tmp_path / "stubs" / "torch.py").write_text("raise ImportError('torch is not wanted here')\n")
    done = run("walks", "--fps", 30, "--plot", "--output", "out", cwd=tmp_path, PYTHONPATH=str(tmp_path / "stubs"))
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines[:4]] == [f"out/walk{number}" for number in range(4)]
    assert lines[4] == "4 inputs: 4 refined"
    out = tree(tmp_path / "out")
    assert len(out) == 4 * (30 + 2)
    assert json.loads(out["walk0.report.json"])["people"] == 2
    again = run("walks", "--fps", 30, "--output", "out", cwd=tmp_path)
    assert again.stdout.splitlines()[-1] == "4 inputs: 4 already refined"
    assert tree(tmp_path / "out") == out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["walks/walk0"], "walks/walk0: does not say how many frames a second it has"),
        (["none", "--fps", "30"], "none: is not there"),
        (["walks", "--fps", "30", "--output", "walks/walk1"], "--output: walks/walk1/walk0: lies in "),
        ([], "Missing argument 'INPUT'"),
    ],
)
def test_a_mistake_is_one_line(walks, tmp_path, monkeypatch, capsys, words, said):
    before = tree(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["run.py", "smooth", *words])
    assert command_line.main() == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("error: ")
    assert said in error
    assert error.count("\n") == 1
    assert tree(tmp_path) == before


def test_an_interrupt_leaves_nothing_half_written_and_the_same_command_goes_on(walks, tmp_path):
    command = [*COMMAND, "walks", "--fps", "30", "--output", "out"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=restore_interrupts,
    ) as process:
        assert process.stdout.readline().startswith("out/walk0: ")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    if process.returncode == 130:  # it may have been done already
        assert said == "interrupted; the same command goes on where it was\n"
    else:
        assert process.returncode == 0
    done = {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()}
    assert done <= {f"walk{number}" for number in range(4)}
    assert all((tmp_path / "out" / f"{name}.report.json").is_file() for name in done)
    assert all(len(tree(tmp_path / "out" / name)) == 30 for name in done)
    last = run("walks", "--fps", 30, "--output", "out", cwd=tmp_path).stdout.splitlines()[-1]
    assert last.startswith("4 inputs: ")
    assert last.endswith(f"{len(done)} already refined")
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()} == {f"walk{n}" for n in range(4)}


def test_the_help_lists_the_formats(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["run.py", "smooth", "--help"])
    assert command_line.main() == 0
    assert "  openpose " in capsys.readouterr().out
