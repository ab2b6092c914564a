"""What the command line itself does: its environment, its help, how it ends. Nothing is computed."""

import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer

import run as command_line
from run import app

ROOT = Path(__file__).parents[2]
WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def run(*words, first=None, **environment):
    """Run a command; modules in the folder `first` stand in for those of the same name."""
    settings = {name: value for name, value in os.environ.items() if name not in WAITING} | environment
    if first is not None:
        settings["PYTHONPATH"] = str(first)
    command = [sys.executable, str(ROOT / "run.py"), *words]
    return subprocess.run(command, env=settings, capture_output=True, text=True, timeout=120, cwd=first or ROOT)


@pytest.mark.parametrize(
    ("idle", "given", "expected"),
    [
        (0.0, {}, ["PASSIVE", None, None]),
        (1e6, {}, [None, None, None]),
        (0.0, {"OMP_WAIT_POLICY": "ACTIVE"}, ["ACTIVE", None, None]),
        (0.0, {"GOMP_SPINCOUNT": "7"}, [None, "7", None]),
        (0.0, {"KMP_BLOCKTIME": "5"}, [None, None, "5"]),
    ],
    ids=["others at work", "quiet", "openmp", "gnu", "llvm"],
)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what its processors do")
def test_threads_wait_passively_beside_others_unless_the_user_says_otherwise(tmp_path, idle, given, expected):
    """A torch that tells what it finds when it is loaded; processors that are idle for so long between two looks."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, pathlib\n"
        "os.sched_getaffinity = lambda process: {0, 1, 2, 3}\n"
        "read, looks = pathlib.Path.read_text, []\n"
        "def read_text(path, *given, **named):\n"
        "    if str(path) != '/proc/stat':\n"
        "        return read(path, *given, **named)\n"
        "    looks.append(path)\n"
        f"    return f'cpu  5 5 5 {{len(looks) * {idle:.0f}}} 5 5 5 5 5 5'\n"
        "pathlib.Path.read_text = read_text\n"
    )
    (tmp_path / "torch.py").write_text(
        f"import os\nprint([os.environ.get(name) for name in {WAITING}], flush=True)\nos._exit(0)\n"
    )
    assert run("recognize", first=tmp_path, **given).stdout.strip() == str(expected)


def test_no_words_show_the_help():
    alone, asked = run(), run("--help")
    assert (alone.returncode, alone.stderr) == (0, "")
    assert alone.stdout == asked.stdout
    assert "\n  recognize " in alone.stdout


def test_the_version_is_the_projects():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    told = run("--version")
    assert (told.returncode, told.stdout) == (0, f"{project['name']} {project['version']}\n")


def test_without_an_installation_the_version_is_read_from_the_folder(monkeypatch):
    import importlib.metadata

    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    assert command_line._version() == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.mark.parametrize(
    ("words", "advice"), [(["refnie"], "'refine'"), (["recognise"], "'recognize'"), (["refine", "--agian"], "--again")]
)
def test_what_is_misspelt_gets_the_nearest_word(words, advice):
    told = run(*words)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("error: No such ")
    assert advice in told.stderr
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["import", "a", "b", "--people", "x\ny"], "--people x y: Input should be a valid integer"),
        (["import", "a", "b", "--units=ft"], "'ft' is not one of 'm', 'cm', 'mm'"),
        (["import", "a"], "Missing argument"),
    ],
)
def test_a_command_line_that_cannot_be_read_is_told_in_one_line(words, told, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["run.py", *words])
    assert command_line.main() == 2
    out, line = capsys.readouterr()
    assert out == ""
    assert line.startswith("error: ")
    assert told in line
    assert line.endswith(" import --help`\n")
    assert line.count("\n") == 1


@pytest.mark.parametrize("module", ["typer", "torch"])
@pytest.mark.parametrize("then", ["", "raise ImportError('half loaded')"], ids=["plain", "with an error of its own"])
def test_an_interrupt_in_the_middle_of_imports_leaves_without_a_traceback(tmp_path, module, then):
    """Ctrl-C while a module is loaded; some turn it into an error of their own."""
    (tmp_path / f"{module}.py").write_text(
        "import os, signal\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    for _ in range(10**6): pass\n"
        f"except KeyboardInterrupt:\n    {then or 'raise'}\n"
    )
    command = [sys.executable, str(ROOT / "run.py"), "recognize"]
    told = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        # Where the tests run in the background of a shell, Ctrl-C is ignored by whatever they start.
        preexec_fn=restore_interrupts,
    )
    assert told.returncode == 130, told.stderr
    assert told.stderr == "interrupted; the same command goes on where it was\n"
    assert list(tmp_path.glob("runs")) == []


def restore_interrupts():
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize("words", [["refine", "--help"], []])
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["at the end", "at once"])
def test_a_reader_that_has_left_gets_no_traceback(words, unbuffered):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, str(ROOT / "run.py"), *words]
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    done = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=120, cwd=ROOT, env=environment
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def commands():
    return typer.main.get_command(app).commands.items()


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_help_says_something_of_every_option_and_names_what_is_there(name, command):
    helps = {parameter.name: parameter.help or "" for parameter in command.params if parameter.name != "help"}
    assert all(helps.values()), f"{name}: no help for {[key for key, text in helps.items() if not text]}"
    text = " ".join([command.help or "", *helps.values()])
    for path in re.findall(r"\b(?:configs|docs)/[\w./<>]+\.\w+", text):
        places = [path.replace("<stage>", stage) for stage in ("prepare", "cut", "refine", "recognize", "ablate")]
        assert all((ROOT / place).is_file() for place in places), path


def test_again_means_the_same_wherever_it_is():
    texts = {p.help for _, command in commands() for p in command.params if p.name == "again"}
    assert len(texts) == 1


@pytest.mark.parametrize(
    "words", [["predict", "A" * 300 + ".skeleton", "-m", "x"], ["recognize", f"run.dir={'A' * 300}"]]
)
def test_names_that_are_too_long_are_told(words, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["run.py", *words])
    assert command_line.main() == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert len(said) < 700


def test_the_home_folder_is_meant_behind_an_option(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    words = ["predict", "--output=~/p.csv", "names=~/x", "--output", "a=~/b"]
    assert list(map(command_line._at_home, words)) == ["predict", f"--output={tmp_path}/p.csv", *words[2:]]
