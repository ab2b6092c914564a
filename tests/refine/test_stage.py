import json

import numpy as np
import pytest

from base.config import load_config
from base.errors import InputError
from data.ntu.names import parse_name
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from refine.config import RefineConfig
from refine.stage import refine
from tests.refine.conftest import moving_poses, write_benchmark


@pytest.fixture
def workplace(tmp_path, rng):
    for split in ("train", "test"):
        write_benchmark(tmp_path / "poses", *moving_poses(rng, (60, 40, 50, 6)), split=split)
    with StoreWriter(tmp_path / "raw", StoreInfo(fps=30.0)) as writer:
        joints = rng.normal(size=(40, 25, 3)).astype(np.float32)
        track = Track(0, 0, joints, np.full((40, 25), 2, np.uint8))
        writer.add(parse_name("S001C001P001R001A001"), 40, [track])
    return tmp_path


@pytest.fixture
def configured(workplace):
    """Return a function that makes a small configuration; it takes overrides."""
    (workplace / "refine.yaml").write_text(f"""
run: {{dir: {workplace}/run, device: cpu}}
benchmarks: {{root: {workplace}/poses}}
model: {{window: 8, hidden: 16, res_hidden: 4, blocks: 1, dropout: 0.1}}
train: {{on: [h36m_fcn_3D], epochs: 2, windows: 100, validation: 0.3}}
evaluate: {{on: [h36m_fcn_3D], filters: [gaussian]}}
apply: {{input: {workplace}/raw, output: {workplace}/refined}}
""")
    return lambda *overrides: load_config(RefineConfig, workplace / "refine.yaml", overrides)


def test_trains_evaluates_and_applies(workplace, configured, capsys):
    results = refine(configured())
    assert results == json.loads((workplace / "run" / "results.json").read_text())
    [row] = results["rows"]
    assert (row["benchmark"], row["split"], row["window"], row["frames"]) == ("h36m_fcn_3D", "test", 8, 156)
    assert set(row["input"]) == set(row["output"]) == {"mpjpe", "pa_mpjpe", "accel"}
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


def test_somebody_elses_store_is_not_replaced(workplace, configured):
    with pytest.raises(InputError, match="raw exists already; choose another folder, or pass --again"):
        refine(configured(f"apply.output={workplace}/raw"))
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
    assert results["rows"][0]["frames"] == 106
    assert [len(lines) for lines in results["skipped"].values()] == [1]
    assert "left out 1 sequences" in capsys.readouterr().out
