import json

import numpy as np
import pytest
import torch

from base.errors import InputError
from data.skeletons.store import open_store
from refine import refine as python_refine
from refine.stage import refine
from refine.terminal import print_results
from tests.refine.conftest import moving_poses, write_benchmark


def test_trains_evaluates_and_applies(workplace, configured, capsys):
    results = refine(configured())
    assert capsys.readouterr().out == ""
    print_results(results, configured())
    assert results == json.loads((workplace / "run" / "results.json").read_text())
    [row] = results["rows"]
    assert (row["benchmark"], row["split"], row["window"], row["frames"]) == ("h36m_fcn_3D", "test", 8, 156)
    assert (
        set(row["input"])
        == set(row["output"])
        == {"mpjpe", "pa_mpjpe", "accel", "gain", "own_acceleration", "clean_error"}
    )
    assert 50 < row["input"]["mpjpe"] < 200  # noise of 50 mm on every axis
    [other] = results["filters"]
    assert (other["filter"], set(other["parameters"]), other["tuned_on"]) == ("gaussian", {"sigma_s"}, "h36m_fcn_3D")
    assert other["output"]["mpjpe"] < row["input"]["mpjpe"]
    refined = open_store(workplace / "refined")
    assert refined.info.refiner["sha256"] == results["refiner"]["sha256"]
    assert refined.info.refiner["trained_on"] == ["h36m_fcn_3D"]
    printed = capsys.readouterr().out
    assert f"{row['input']['mpjpe']:.2f}" in printed
    assert f"{row['output']['accel']:.2f}" in printed


def test_a_finished_run_is_not_run_again_unless_asked(workplace, configured):
    first = refine(configured())
    before = (workplace / "refined" / "joints.npy").stat().st_mtime_ns
    assert refine(configured()) == first
    assert (workplace / "refined" / "joints.npy").stat().st_mtime_ns == before
    refine(configured(), again=True)
    assert (workplace / "refined" / "joints.npy").stat().st_mtime_ns != before


def test_an_interrupted_run_goes_on(workplace, configured):
    first = refine(configured())
    (workplace / "run" / "results.json").unlink()
    again = refine(configured())
    assert again["refiner"] == first["refiner"]
    assert again["training"] == first["training"]


def test_a_checkpoint_instead_of_training(workplace, configured):
    first = refine(configured())
    checkpoint = workplace / "run" / "checkpoints" / "best.pt"
    words = (f"train.checkpoint={checkpoint}", f"run.dir={workplace}/b", f"apply.output={workplace}/b-refined")
    second = refine(configured(*words))
    assert second["rows"][0]["output"] == first["rows"][0]["output"]
    assert second["training"] is None
    np.testing.assert_array_equal(open_store(workplace / "b-refined").joints, open_store(workplace / "refined").joints)


def test_the_folder_of_a_run_instead_of_training(workplace, configured):
    first = refine(configured("apply.input=null", "apply.output=null"))
    second = refine(configured(f"train.checkpoint={workplace}/run", f"run.dir={workplace}/b"))
    assert second["refiner"]["sha256"] == first["refiner"]["sha256"]
    compared = ("train.on=[]", "apply.input=null", "apply.output=null", f"compare.checkpoints=[{workplace}/run]")
    third = refine(configured(*compared, f"run.dir={workplace}/c"))
    assert third["refiners"]["run"]["sha256"] == first["refiner"]["sha256"]
    with pytest.raises(InputError, match=r"poses: no trained network \(checkpoints/best.pt is missing\)"):
        refine(configured(f"train.checkpoint={workplace}/poses", "apply=null", f"run.dir={workplace}/d"))


def test_a_checkpoint_refines_a_store_without_any_benchmark(workplace, configured):
    """As docs/commands.md has it: nothing below benchmarks.root is needed."""
    refine(configured("apply.input=null", "apply.output=null"))
    words = ("train.on=[]", "evaluate.on=[]", f"train.checkpoint={workplace}/run", f"run.dir={workplace}/b")
    results = refine(configured(*words, "benchmarks.root=/nowhere"))
    assert results["rows"] == results["filters"] == []
    assert open_store(workplace / "refined").info.kind == "refined"


def test_filters_as_released_need_no_training_split(workplace, configured):
    """A checkpoint that does not say what it was trained on, and a test split alone."""
    refine(configured("apply.input=null", "apply.output=null"))
    state = torch.load(workplace / "run/checkpoints/best.pt", weights_only=True)["state_dict"]
    torch.save({"state_dict": state}, workplace / "released.pt")
    for path in (workplace / "poses").rglob("*_train.npz"):
        path.unlink()
    words = (
        "train.on=[]", "apply.input=null", "apply.output=null", f"train.checkpoint={workplace}/released.pt",
        "evaluate.filters=[gaussian, savitzky_golay]",
    )  # fmt: skip
    results = refine(configured(*words, "evaluate.released_filters=true", f"run.dir={workplace}/b"))
    assert [(row["filter"], row["tuned_on"]) for row in results["filters"]] == [
        ("gaussian", None),
        ("savitzky_golay", None),
    ]
    with pytest.raises(InputError, match=r"no training split to tune .* or evaluate.released_filters=true"):
        refine(configured(*words, f"run.dir={workplace}/c"))


def test_somebody_elses_store_is_not_replaced(workplace, configured):
    with pytest.raises(InputError, match="raw exists already; choose another folder, or pass --again"):
        refine(configured(f"apply.output={workplace}/raw"))
    (workplace / "notes").write_text("mine")
    with pytest.raises(InputError, match=r"apply\.output: .*notes exists already; choose another folder"):
        refine(configured(f"apply.output={workplace}/notes"))
    assert not (workplace / "run").exists()


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("train.on=[h36m_fnc_3D]", "h36m_fnc_3D: no such benchmark"),
        ("benchmarks.root=/nowhere", "no such file; h36m_fcn_3D needs it"),
        ("apply.input=/nowhere", "/nowhere: no clip store"),
        ("train.checkpoint=/nowhere/best.pt", "/nowhere/best.pt: cannot be read"),
        ("apply.stride=9", "apply.stride 9 is more than the window of 8 frames"),
        ("apply.output=null", "apply.input and apply.output go together"),
        ("train.on=[]", "give train.on"),
        ("model.windw=9", "did you mean 'window'"),
    ],
)
def test_mistakes_are_told_and_leave_nothing_behind(workplace, configured, override, text):
    with pytest.raises(InputError, match=text) as caught:
        refine(configured(override))
    assert "\n" not in str(caught.value)
    assert not (workplace / "run").exists()


def test_unusable_sequences_are_skipped_when_asked(workplace, configured, rng, capsys):
    detected, truth = moving_poses(rng, (60, 40, 50, 6))
    truth[2][3] = np.nan
    write_benchmark(workplace / "poses", detected, truth, split="test")
    with pytest.raises(InputError, match="sequence 2, frame 3, joint 0 is not finite"):
        refine(configured())
    results = refine(configured("benchmarks.on_error=skip"))
    print_results(results, configured())
    assert results["rows"][0]["frames"] == 106
    assert [len(lines) for lines in results["skipped"].values()] == [1]
    assert "left out 1 sequence" in capsys.readouterr().out


def test_equal_runs_end_in_equal_bytes(workplace, configured):
    """Checkpoints, and with them the hashes by which stores and studies name refiners."""
    first = refine(configured())
    second = refine(configured(f"run.dir={workplace}/other", f"apply.output={workplace}/other-refined"))
    checkpoints = [(workplace / name / "checkpoints" / "best.pt").read_bytes() for name in ("run", "other")]
    assert checkpoints[0] == checkpoints[1]
    assert first["refiner"] == second["refiner"]


@pytest.mark.parametrize("output", ["raw", "run", "poses", "thesis", "."])
def test_again_replaces_no_store_of_others_and_nothing_that_is_read(workplace, configured, output):
    (workplace / "thesis").mkdir()
    (workplace / "thesis" / "chapter.tex").write_text("dear")
    before = {path: path.is_file() and path.read_bytes() for path in workplace.rglob("*")}
    with pytest.raises(InputError, match=r"^apply\.output: ") as caught:
        refine(configured(f"apply.output={workplace}/{output}"), again=True)
    assert "\n" not in str(caught.value)
    assert {path: path.is_file() and path.read_bytes() for path in workplace.rglob("*")} == before


def test_shipped_weights_are_named_like_a_checkpoint(workplace, configured, capsys):
    words = ("train.checkpoint=steady", "figures={benchmark: h36m_fcn_3D, frames: [0, 6], still: 1, animation: none}")
    config = configured(*words)
    results = refine(config)
    print_results(results, config)
    [row] = results["rows"]
    assert (row["refiner"], row["window"], row["stride"]) == ("steady", None, 1)
    pairs = config.benchmarks.read("h36m_fcn_3D", "test")
    refined = [python_refine(x, fps=50, skeleton=pairs.benchmark.lines) for x in pairs.detected]
    off = [x - y for x, y in zip(refined, pairs.truth, strict=True)]
    errors = np.concatenate([np.linalg.norm(x - x[:, :1], axis=-1) for x in off])
    assert row["output"]["mpjpe"] == pytest.approx(1000 * errors.mean(), rel=1e-4)
    assert row["output"]["mpjpe"] < row["input"]["mpjpe"]
    assert row["output"]["accel"] < 0.5 * row["input"]["accel"]
    assert results["refiner"]["kind"] == "steady"
    assert results["training"] is None
    assert open_store(workplace / "refined").info.refiner["sha256"] == results["refiner"]["sha256"]
    assert "whole sequences" in capsys.readouterr().out


def test_a_share_of_the_change(workplace, configured):
    refine(configured("train.checkpoint=steady"))
    refine(
        configured(
            "train.checkpoint=steady", "apply.strength=0.5", f"run.dir={workplace}/b", f"apply.output={workplace}/half"
        )
    )
    raw, half, whole = (np.asarray(open_store(workplace / name).joints) for name in ("raw", "half", "refined"))
    np.testing.assert_allclose(half, (raw + whole) / 2, atol=1e-6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train.checkpoint=steady", "evaluate.stride=8"], "evaluate.stride: found 8, but steady refines whole tracks"),
        (["train.checkpoint=steady", "apply.stride=8"], "apply.stride: found 8, but steady refines whole tracks"),
        (
            ["train.checkpoint=stedy"],
            "stedy: no such file, and no shipped refiner is called so; those",
        ),
        (["train.checkpoint=steady", "apply.strength=1.5"], "apply.strength"),
        (
            ["train.checkpoint=steady", "apply.precision=bf16"],
            "apply.precision: found bf16, but steady computes in fp32 only; leave it out",
        ),
        (["model.kind=steady"], "steady is shipped with its weights, and is not trained here; give train.checkpoint="),
        (
            ["compare.kind=[basic, steady]", "apply=null"],
            "steady is shipped with its weights, and is not trained here; give train.checkpoint=",
        ),
        (
            ["train.checkpoint=steady", "evaluate.on=[aist_vibe_3D, aist_spin_3D, aist_vibe_smpl]"],
            "evaluate.on: aist_vibe_smpl is of rotations, and steady refines positions",
        ),
    ],
)
def test_what_shipped_weights_cannot_do_is_told_before_anything_is_made(workplace, configured, words, said):
    with pytest.raises(InputError) as told:
        refine(configured(*words))
    assert said in str(told.value)
    assert "\n" not in str(told.value)
    assert not (workplace / "run").exists()
    assert not (workplace / "refined").exists()
