"""The real commands, end to end, on a very small stand-in."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch

from data.skeletons.store import open_store
from refine.benchmarks.table import benchmarks
from run import main
from tests.refine.conftest import write_published

ROOT = Path(__file__).parents[2]
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}  # several only stand in their own way on work this small
SMALL_STAND_IN = ["simulate.clips=48", "simulate.actions=[6, 9, 23, 50]", "simulate.performers=[1, 2, 3, 4, 5, 6]"]
NO_STORE = ["apply.input=null", "apply.output=null"]
SMALL_REFINER = ["model.hidden=32", "train.epochs=2"]
SMALL_RECOGNISER = ["model.width=4", "model.blocks=3", "input.frames=16", "train.epochs=2", "train.warmup=0"]


def start(*words, folder):
    """Run a command in a process of its own, as a user does."""
    command = [sys.executable, str(ROOT / "run.py"), *map(str, words)]
    return subprocess.run(command, cwd=folder, env=ONE_THREAD, capture_output=True, text=True, timeout=300)


def run(*words, folder):
    """Run a command in this process, where everything is imported already: seconds less each time.

    Nothing is caught: a traceback of the command is one of the test.
    """
    out, errors = StringIO(), StringIO()
    before, on_interrupt = sys.argv, signal.getsignal(signal.SIGINT)
    with chdir(folder), redirect_stdout(out), redirect_stderr(errors):
        sys.argv = [str(ROOT / "run.py"), *map(str, words)]
        try:
            status = main()
        except SystemExit as left:
            status = left.code
        finally:
            sys.argv = before
            signal.signal(signal.SIGINT, on_interrupt)
    return subprocess.CompletedProcess(words, status, out.getvalue(), errors.getvalue())


def done(result):
    assert result.returncode == 0, result.stderr
    return result


def refused(result):
    """Exit status 2, one line on standard error, no traceback."""
    assert result.returncode == 2, result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A working folder in which the stand-in has been prepared."""
    folder = tmp_path_factory.mktemp("work")
    done(start("prepare", *SMALL_STAND_IN, folder=folder))
    return folder


COMMANDS = ("prepare", "refine", "recognize", "ablate", "predict", "export-onnx", "explain", "show", "export", "import")


def test_help_of_every_command():
    help_of_all = done(run("--help", folder=ROOT)).stdout
    for command in COMMANDS:
        assert f"\n  {command} " in help_of_all
        assert "Usage" in done(run(command, "--help", folder=ROOT)).stdout


def test_prepare_makes_a_store_with_its_truth(work):
    raw, truth = (open_store(work / "datasets/ntu/simulated" / name) for name in ("raw", "truth"))
    assert raw.clips.name.tolist() == truth.clips.name.tolist()
    assert len(raw.clips) == 48
    assert set(raw.clips.action.tolist()) == {6, 9, 23, 50}
    assert raw.info.kind == "raw"
    assert truth.info.kind == "truth"


def test_refine_then_recognize(work):
    done(start("refine", *SMALL_STAND_IN, *SMALL_REFINER, "run.dir=r", "apply.output=refined", folder=work))
    results = json.loads((work / "r/results.json").read_text())
    row = results["rows"][0]
    assert {"benchmark", "split", "window", "frames", "input", "output", "seconds"} <= set(row)
    assert (
        set(row["input"])
        == set(row["output"])
        == {"mpjpe", "pa_mpjpe", "accel", "gain", "own_acceleration", "clean_error"}
    )
    assert row["benchmark"] == "ntusim_kinect_3D"
    assert row["output"]["accel"] < row["input"]["accel"]
    raw, refined = open_store(work / "datasets/ntu/simulated/raw"), open_store(work / "refined")
    assert refined.info.kind == "refined"
    np.testing.assert_array_equal(refined.tracked, raw.tracked)
    assert not np.array_equal(refined.joints, raw.joints)

    words = ["recognize", *SMALL_STAND_IN, *SMALL_RECOGNISER, "run.dir=c", "data.store=refined"]
    done(run(*words, folder=work))
    results = json.loads((work / "c/results.json").read_text())
    assert set(results) == {
        "split", "classes", "train_clips", "test_clips", "top1", "top5", "mean_class_accuracy", "seconds",
        "intervals", "test_subjects", "intervals_over_subjects",
    }  # fmt: skip
    scores = np.load(work / "c/scores.npz", allow_pickle=False)
    assert results["classes"] == scores["score"].shape[1] == 4
    assert len(scores["clip"]) == len(scores["label"]) == results["test_clips"]
    assert results["top1"] == pytest.approx(100 * np.mean(scores["score"].argmax(1) == scores["label"]))
    before = (work / "c/results.json").stat().st_mtime_ns
    done(run(*words, folder=work))
    assert (work / "c/results.json").stat().st_mtime_ns == before, "a finished run was run again"
    assert "train.epochs is 2 there and 3 here" in refused(run(*words, "train.epochs=3", folder=work))
    assert (work / "c/results.json").stat().st_mtime_ns == before


@pytest.fixture(scope="module")
def recogniser(work):
    """A trained recogniser of raw clips."""
    words = ["train.precision=fp32", "run.dir=used"]
    done(start("recognize", *SMALL_STAND_IN, *SMALL_RECOGNISER, *words, folder=work))
    return work / "used"


def test_predict_repeats_the_scores_of_the_test_clips(work, recogniser):
    words = ["predict", "datasets/ntu/simulated/raw", "-m", recogniser, "--output", "p.json", "--batch", "7"]
    printed = done(run(*words, "--names", "ntu", folder=work)).stdout
    assert "hand waving" in printed
    first = {row["clip"]: row for row in json.loads((work / "p.json").read_text()) if row["rank"] == 1}
    scores = np.load(recogniser / "scores.npz", allow_pickle=False)
    for clip, score in zip(scores["clip"], scores["score"], strict=True):
        assert first[str(clip)]["action"] == scores["action"][score.argmax()]
        assert first[str(clip)]["probability"] == pytest.approx(score.max(), abs=1e-4)


def test_explain_and_export_a_recogniser(work, recogniser):
    clip = open_store(work / "datasets/ntu/simulated/raw").clips.name[0]
    done(run("explain", "datasets/ntu/simulated/raw", "--clip", clip, "-m", recogniser, folder=work))
    assert (work / "explanation.png").read_bytes().startswith(b"\x89PNG")
    assert "probabilities differ from PyTorch" in done(run("export-onnx", "-m", recogniser, folder=work)).stdout
    assert (work / "recognizer.onnx").stat().st_size > 1000


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with small files of every benchmark of the table, as released, and a body model."""
    return write_published(tmp_path_factory.mktemp("published"))


SMALL_NET = ["model.window=8", "model.hidden=16", "model.res_hidden=4", "train.epochs=2", "train.windows=60"]
PUBLISHED = ["configs/refine/h36m_fcn_3D.yaml", "benchmarks.root=poses", *SMALL_NET]


def refine_published(folder, *words):
    config, *others = PUBLISHED
    return run("refine", ROOT / config, *others, *words, folder=folder)


def test_the_whole_published_table_from_one_command(published):
    words = ["evaluate.on=all", "smpl.model=SMPL_NEUTRAL.pkl", "evaluate.released_filters=true", "run.dir=all"]
    printed = done(refine_published(published, *words)).stdout
    results = json.loads((published / "all/results.json").read_text())
    assert [row["benchmark"] for row in results["rows"]] == list(benchmarks())
    with (published / "all/benchmarks.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == sum(
        len(row["input"]) - 1 + len(results["bands"]) for row in results["rows"]
    )  # the gain is a line per band
    for line in lines:
        row = next(row for row in results["rows"] if row["benchmark"] == line["benchmark"])
        metric = line["metric"].partition(",")[0]
        if metric == "MPJPE":
            assert float(line["output"]) == row["output"]["mpjpe"]
            published_output = row["published"] and row["published"]["output"]["mpjpe"]
            assert line["published output"] == ("" if published_output is None else str(published_output))
            if published_output is not None:
                assert float(line["difference"]) == pytest.approx(row["output"]["mpjpe"] - published_output)
    for name in ("benchmarks", "worst", "filters"):
        assert (published / f"all/{name}.md").read_text().count("|") > 100
        assert json.loads((published / f"all/{name}.json").read_text())
    assert "jhmdb_simplepose_2D" in printed
    assert "PCK@0.05" in printed


def test_a_mixture_then_a_released_checkpoint_of_it(published):
    words = [
        "train.on={h36m_fcn_3D: 3, aist_vibe_3D: 1}",
        "evaluate.on=[pw3d_spin_3D, h36m_cpn_2D]",
        "evaluate.filters=[]",
    ]
    done(refine_published(published, *words, "normalise.scale=none", "normalise.centre=none", "run.dir=mixed"))
    ours = json.loads((published / "mixed/results.json").read_text())
    assert ours["refiner"]["trained_on"] == ["h36m_fcn_3D", "aist_vibe_3D"]
    state = torch.load(published / "mixed/checkpoints/best.pt", weights_only=True)["state_dict"]
    released = {"epoch": 70, "state_dict": state, "performance": [{"mpjpe": torch.tensor(1.0)}], "optimizer": {}}
    torch.save(released, published / "checkpoint_8.pth.tar")
    words = ["train.on=[]", "train.checkpoint=checkpoint_8.pth.tar", *words[1:], "run.dir=released"]
    done(refine_published(published, *words))
    theirs = json.loads((published / "released/results.json").read_text())
    for one, other in zip(ours["rows"], theirs["rows"], strict=True):
        assert one["output"] == other["output"]


def test_windows_kinds_and_training_sets_compared(published):
    words = [
        "compare.train_on=[h36m_fcn_3D, {h36m_fcn_3D: 1, pw3d_spin_3D: 2}]",
        "compare.window=[8, 16]",
        "compare.kind=[basic, motion_aware]",
        "evaluate.on=[h36m_fcn_3D, mupots_tposenet_3D]",
        "evaluate.stride=[1, 4, 16]",
        "evaluate.filters=[gaussian]",
        "evaluate.released_filters=true",
        "run.dir=compared",
    ]
    done(refine_published(published, *words))
    results = json.loads((published / "compared/results.json").read_text())
    cells = {(row["line"], row["window"], row["stride"]) for row in results["rows"]}
    strides = [(8, 1), (8, 4), (16, 1), (16, 4), (16, 16)]
    lines = [
        f"{trained}, {kind}"
        for trained in ("h36m_fcn_3D", "1 h36m_fcn_3D + 2 pw3d_spin_3D")
        for kind in ("basic", "motion-aware")
    ]
    assert cells == {(line, *stride) for line in lines for stride in strides}
    assert len(results["filters"]) == 4  # tuned and as released on either benchmark, the same beside every refiner
    for name in ("trade_off_h36m_fcn_3D.png", "trade_off_mupots_tposenet_3D.png", "transfer.png", "transfer.csv"):
        assert (published / "compared" / name).stat().st_size > 100
    checkpoints = sorted((published / "compared/cells").glob("h36m_fcn_3D--basic--*/checkpoints/best.pt"))
    words_of_trained = ["train.on=[]", f"compare.checkpoints=[{', '.join(map(str, checkpoints))}]", *words[3:6]]
    done(refine_published(published, *words_of_trained, "run.dir=trained"))
    trained = json.loads((published / "trained/results.json").read_text())
    assert len(trained["refiners"]) == len(checkpoints) == 2
    assert {row["window"] for row in trained["rows"]} == {8, 16}
    before = {path: path.stat().st_mtime_ns for path in (published / "compared").rglob("best.pt")}
    assert len(before) == 8
    (published / "compared/results.json").unlink()  # as if it had been interrupted in the end
    done(refine_published(published, *words))
    assert {path: path.stat().st_mtime_ns for path in before} == before, "a finished refiner was trained again"
    assert json.loads((published / "compared/results.json").read_text())["refiners"] == results["refiners"]


ABLATE = [
    *SMALL_STAND_IN,
    *(f"refine.{word}" for word in SMALL_REFINER),
    "refine.train.windows=1000",
    "refine.evaluate.filters=[gaussian]",
    *(f"recognize.{word}" for word in SMALL_RECOGNISER),
    "arms=[raw, refined, gaussian, oracle]",
    "seeds=[0, 1]",
    "statistics.resamples=200",
    "grid.pairings=[both]",
    "report.explained=2",
]


def check_report(folder):
    results = json.loads((folder / "results.json").read_text())
    assert results["arms"].keys() == {"raw", "refined", "gaussian", "oracle"}
    assert all(len(arm["top1"]) == 2 for arm in results["arms"].values())
    for row in results["comparisons"]:
        assert {"arm", "against", "difference", "interval", "mcnemar_p"} <= set(row)
        difference = np.mean(results["arms"][row["arm"]]["top1"]) - np.mean(results["arms"][row["against"]]["top1"])
        assert row["difference"] == pytest.approx(difference)
        assert row["interval"][0] <= row["difference"] <= row["interval"][1]
    page = (folder / "report.html").read_text()
    assert "<html" in page
    assert 'src="http' not in page
    return results


def test_ablate_interrupted_and_killed_ends_in_the_same_result(work):
    done(run("ablate", *ABLATE, "run.dir=straight", "executor=serial", folder=work))
    straight = check_report(work / "straight")
    broken, cells = ["run.dir=broken", "shared=own"], work / "own"  # cells of its own, or there were nothing to do
    for blow, status, executor in ((signal.SIGINT, 130, "processes"), (signal.SIGKILL, -9, "serial")):
        command = [sys.executable, str(ROOT / "run.py"), "ablate", *ABLATE, *broken, f"executor={executor}"]
        process = subprocess.Popen(
            command,
            cwd=work,
            env=ONE_THREAD,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Where the tests run in the background of a shell, Ctrl-C is ignored by whatever they start.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        already = len(list(cells.glob("cells/*/checkpoints/last.pt")))
        while process.poll() is None and len(list(cells.glob("cells/*/checkpoints/last.pt"))) < already + 2:
            time.sleep(0.02)
        process.send_signal(blow)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == status, errors
        if blow == signal.SIGINT:
            assert errors.strip().splitlines()[-1].startswith("interrupted")
            assert "Traceback" not in errors
        assert not (work / "broken/results.json").exists()
    done(run("ablate", *ABLATE, *broken, "executor=serial", folder=work))
    again = check_report(work / "broken")
    assert again["arms"] == straight["arms"]
    assert again["comparisons"] == straight["comparisons"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["prepare", "data.roww=x"], "data.roww: unknown key; did you mean 'raw'?"),
        (["prepare", "data.raw=absent.zip", "data.store=s"], "absent.zip: no such file or folder"),
        (["refine", "train.on=[h36m_fcn_3D]", "benchmarks.root=nowhere", *NO_STORE, "run.dir=x"], "nowhere"),
        (
            ["refine", "train.on=[]", "train.checkpoint=absent.pt", "evaluate.on=[]", *NO_STORE, "run.dir=x"],
            "absent.pt",
        ),
        (["refine", "evaluate.on=[pw3d_spin_smpl]", *NO_STORE, "run.dir=x"], "smpl.model: found null"),
        (["recognize", "data.store=absent", "run.dir=x"], "absent"),
        (["recognize", "absent.yaml"], "absent.yaml: cannot read the configuration"),
        (["recognize", "data.split=xsup", "run.dir=x"], "data.split: found 'xsup'"),
        (["ablate", "arms=[raw, refind]", "run.dir=x"], "refind"),
        (["refnie"], "refnie"),
        (["recognize", "--agian"], "--agian"),
    ],
)
def test_a_mistake_costs_one_line(tmp_path, words, message):
    assert message in refused(run(*words, folder=tmp_path))
    assert not list(tmp_path.rglob("results.json"))
