"""Somebody else's package adds a kind of each sort, and the real commands take it (docs/adding.md)."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from data.ntu.names import parse_name
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store

ROOT = Path(__file__).parents[2]
SMALL_STAND_IN = ["simulate.clips=48", "simulate.actions=[6, 9, 23, 50]", "simulate.performers=[1, 2, 3, 4, 5, 6]"]

RECOGNISER = """
import torch
from recognition.nets.registry import NETS, NetKind


class MeanPose(torch.nn.Module):
    def __init__(self, joints, channels, classes):
        super().__init__()
        self.linear = torch.nn.Linear(joints * channels, classes)
        torch.nn.init.normal_(self.linear.weight, std=0.01)

    def forward(self, x, clip, clips):
        mean = x.mean(1).flatten(1)
        summed = mean.new_zeros(clips, mean.shape[1]).index_add_(0, clip, mean)
        return self.linear(summed)


def build(section, layout, channels, classes):
    return MeanPose(len(layout.joints), channels, classes)


NETS.add("mean_pose", NetKind(build))
"""

FILTER = """
import numpy as np
from scipy.ndimage import median_filter
from refine.filters.registry import FILTERS, FilterKind


def running_median(x, window_s, fps):
    frames = 2 * round(window_s * fps / 2) + 1
    return median_filter(x, (frames, *[1] * (x.ndim - 1)), mode="nearest")


grid, colours = {"window_s": (0.1, 0.2, 0.4)}, ("#123456", "#abcdef")
FILTERS.add("running_median", FilterKind("Running median", running_median, grid, turned=True, colours=colours))
"""

REFINER = """
import torch
from refine.nets.registry import NETS, NetKind


class Mixed(torch.nn.Module):
    def __init__(self, window):
        super().__init__()
        self.frames = torch.nn.Linear(window, window)

    def forward(self, x):
        return x + 0.1 * self.frames(x)


NETS.add("mixed", NetKind(lambda section: Mixed(section.window)))
"""


def install(folder: Path, name: str, source: str, group: str) -> None:
    """Lay a package with one entry point into a folder, as pip does."""
    (folder / f"{name}.py").write_text(source)
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {name}\n")


def run(*words, folder: Path, plugins: Path, **more: str) -> str:
    """Run a command with the packages in a folder and more in its environment; return its standard error."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(plugins), **more}
    command = [sys.executable, str(ROOT / "run.py"), *map(str, words)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture
def plugins(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    return folder


def test_a_recogniser(tmp_path, plugins):
    install(plugins, "mean_pose", RECOGNISER, "steady.recognizers")
    words = ["model.name=mean_pose", "input.frames=16", "train.epochs=2", "train.warmup=0", "train.precision=fp32"]
    run("recognize", *SMALL_STAND_IN, *words, "run.dir=toy", folder=tmp_path, plugins=plugins)
    kept = torch.load(tmp_path / "toy/checkpoints/best.pt", weights_only=True)
    assert set(kept["state_dict"]) == {"linear.weight", "linear.bias"}
    assert json.loads((tmp_path / "toy/results.json").read_text())["classes"] == 4
    store = next(tmp_path.glob("*/ntu/simulated/raw"))
    # loaded by its own kind
    said = run("predict", store, "-m", "toy", folder=tmp_path, plugins=plugins, PYTHONPROFILEIMPORTTIME="1")
    loaded = {line.rpartition("|")[2].strip() for line in said.splitlines() if line.startswith("import time:")}
    assert {"torch", "recognition.nets.stgcn"} <= loaded
    assert not {"torch_geometric", "torch._dynamo", "pandas", "sklearn"} & loaded  # seconds, and not needed
    assert (tmp_path / "predictions.csv").read_text().count(
        "\n"
    ) == 1 + 4 * 48  # the header, and the four actions of each clip


def test_a_filter_and_a_refiner(tmp_path, plugins):
    """Trained, tuned, kept, loaded, applied and evaluated by `refine`, and compared by `ablate`."""
    install(plugins, "running_median", FILTER, "steady.filters")
    install(plugins, "mixed", REFINER, "steady.refiners")
    small = ["model.kind=mixed", "train.epochs=1", "train.windows=128"]
    words = ["evaluate.filters=[running_median]", "evaluate.released_filters=true", "run.dir=toy"]
    run("refine", *SMALL_STAND_IN, *small, *words, "apply.output=toy-refined", folder=tmp_path, plugins=plugins)
    kept = torch.load(tmp_path / "toy/checkpoints/best.pt", weights_only=True)
    assert set(kept["state_dict"]) == {"frames.weight", "frames.bias"}
    results = json.loads((tmp_path / "toy/results.json").read_text())
    assert results["refiner"]["kind"] == results["rows"][0]["kind"] == "mixed"
    [row] = results["filters"]  # it is tuned, and was never released
    assert (row["filter"], row["tuned_on"]) == ("running_median", "ntusim_kinect_3D")
    assert "Running median" in (tmp_path / "toy/filters.md").read_text()
    assert json.loads((tmp_path / "toy-refined/store.json").read_text())["refiner"]["kind"] == "mixed"

    recogniser = ["model.width=4", "model.blocks=3", "input.frames=8", "train.epochs=1", "train.warmup=0"]
    words = [
        "arms=[raw, refined, running_median]", "seeds=[0]", "run.dir=study",
        "executor=serial", "refine.evaluate.filters=[running_median]",
        "statistics.resamples=100", "report.explained=0", *(f"recognize.{word}" for word in recogniser),
        *(f"refine.{word}" for word in small),
    ]  # fmt: skip
    run("ablate", *SMALL_STAND_IN, *words, folder=tmp_path, plugins=plugins)
    study = json.loads((tmp_path / "study/results.json").read_text())
    assert list(study["arms"]) == ["raw", "refined", "running_median"]
    page = (tmp_path / "study/report.html").read_text()
    assert "Running median" in page
    assert "--arm-running-median: #123456" in page
    assert "--arm-running-median: #abcdef" in page


FORMAT = r"""
import json

import numpy as np

from data.formats.clips import DenseClips, Incoming, as_tracks, clip_name, in_order
from data.formats.outputs import OneFile
from data.formats.registry import BY_CONTENT, FORMATS, FormatKind
from data.skeletons.layouts import NTU25

FIRST = b"a clip a line\n"


def is_ours(path):
    with path.open("rb") as file:
        return file.read(len(FIRST)) == FIRST


def guess(path):
    return BY_CONTENT if path.is_file() and is_ours(path) else 0


def save(store, file, options, advance):
    clips = DenseClips(store)
    with file.open("wb") as stream:
        stream.write(FIRST)
        for row in in_order(store):
            clip = clips[int(row)]
            stream.write(json.dumps([str(clip.name), clip.joints.tolist()]).encode() + b"\n")
            advance()
    return f"{len(store.clips)} lines"


def read_line(line, where):
    name, joints = json.loads(line)
    joints = np.array(joints)
    return clip_name(name, where), joints.shape[1], as_tracks(joints, None, where)


def open_lines(path, options):
    lines = path.read_bytes().splitlines()[1:]
    places = [f"{path}: line {number}" for number in range(2, len(lines) + 2)]
    clips = ((where, lambda: read_line(line, where)) for line, where in zip(lines, places))
    return Incoming(NTU25, len(lines), clips)


FORMATS.add(
    "lines",
    FormatKind("the toy", "files of a clip a line", guess, open_lines, (OneFile(".lines", save, is_ours),)),
)
"""


def test_a_file_format(tmp_path, plugins):
    install(plugins, "clip_lines", FORMAT, "steady.formats")
    joints = np.random.default_rng(0).normal(0, 0.4, (2, 9, 25, 3)).astype(np.float32)
    names = ["S001C001P001R001A001", "S001C001P003R001A060"]
    with StoreWriter(tmp_path / "store", StoreInfo()) as writer:
        for name, positions in zip(names, joints, strict=True):
            writer.add(parse_name(name), 9, [Track(0, 0, positions, np.full((9, 25), 2, np.uint8))])
    for again in ((), ("--again",)):
        run("export", "store", "a.lines", "--format", "lines", *again, folder=tmp_path, plugins=plugins)
    (tmp_path / "a.lines").rename(tmp_path / "a.pkl")  # its content says more than its name
    run("import", "a.pkl", "back", folder=tmp_path, plugins=plugins)
    back = open_store(tmp_path / "back")
    assert back.clips.name.tolist() == names
    np.testing.assert_array_equal(back.joints, joints.reshape(18, 25, 3))
    assert back.info.config["import"]["format"] == "lines"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("export --help", 0, "lines  the toy: a .lines file"),
        ("import --help", 0, "lines  files of a clip a line"),
        ("export s a --format line", 2, "error: --format: no format is called 'line'; did you mean 'lines'?"),
        ("import note.txt a", 2, "files of a clip a line"),
    ],
)
def test_the_commands_name_a_file_format_of_somebody_elses(tmp_path, plugins, words, status, said):
    install(plugins, "clip_lines", FORMAT, "steady.formats")
    (tmp_path / "note.txt").touch()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(plugins)}
    command = [sys.executable, str(ROOT / "run.py"), *words.split()]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == status
    assert said in re.sub(r"(?<=\w)  +", "  ", done.stdout + done.stderr)
    assert done.stderr.count("\n") == (status == 2)


def test_a_format_of_recordings(tmp_path, plugins):
    """The one of docs/adding.md, word by word."""
    page = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
    [block] = [code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "RECORDINGS.add" in code]
    imports = (
        "import re\nfrom pathlib import Path\nimport numpy as np\n"
        "from data.recordings.patching import Numbers, read_bytes\n"
        "from data.recordings.peek import head\nfrom data.recordings.recording import Recording\n"
        "from data.recordings.registry import BY_CONTENT, RECORDINGS, RecordingKind\n"
    )
    install(plugins, "dots", imports + block, "steady.recordings")
    jitter = np.random.default_rng(0).normal(0, 2, (60, 2)) + 200
    text = "dots\n" + "".join(f"{x:.1f} {y:.1f}\n" for x, y in jitter)
    (tmp_path / "a.txt").write_text(text)
    run("smooth", "a.txt", "--fps", "30", folder=tmp_path, plugins=plugins)
    run("smooth", "a.txt", "--fps", "30", "--strength", "0", "--output", "b.txt", folder=tmp_path, plugins=plugins)
    assert (tmp_path / "b.txt").read_text() == text
    assert json.loads((tmp_path / "a_refined.report.json").read_text())["format"] == "dots"
    refined = np.loadtxt(tmp_path / "a_refined.txt", skiprows=1)
    assert np.abs(np.diff(refined, 2, axis=0)).mean() < 0.6 * np.abs(np.diff(jitter, 2, axis=0)).mean()
