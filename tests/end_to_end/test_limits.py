"""Values of a configuration that nobody means are refused before anything is made of them."""

import sys
from pathlib import Path

import pytest

import run
from ablation.study.config import AblateConfig
from base.config import load_config
from base.errors import InputError
from data.ntu.prepare import PrepareConfig
from recognition.config import RecognizeConfig
from refine.config import RefineConfig

CONFIGS = Path(__file__).parents[2] / "configs"
STAGES = {"prepare": PrepareConfig, "refine": RefineConfig, "recognize": RecognizeConfig, "ablate": AblateConfig}
HUGE = {
    "prepare": ["data.fps", "data.workers", "simulate.clips"],
    "refine": [
        "model.window", "model.hidden", "model.res_hidden", "model.blocks", "train.epochs", "train.windows",
        "train.batch", "train.lr", "train.position_weight", "evaluate.stride", "apply.stride", "compare.window",
        "figures.sequence",
    ],
    "recognize": [
        "model.width", "model.blocks", "model.temporal_kernel", "input.frames", "test.clips", "train.epochs",
        "train.repeat", "train.batch", "train.lr", "train.lr_batch", "train.weight_decay", "train.warmup",
        "train.patience", "run.devices", "run.nodes",
    ],
    "ablate": [
        "refine.model.window", "recognize.model.blocks", "recognize.test.clips", "refine.apply.stride", "workers",
        "report.explained", "statistics.resamples", "statistics.margin",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("stage", "key"), [(stage, key) for stage, keys in HUGE.items() for key in keys])
def test_huge_values(stage, key):
    for value in ("10000000001", ".inf", "1e300"):
        given = f"[{value}]" if key == "compare.window" else value
        with pytest.raises(InputError, match=key.replace(".", r"\.")) as caught:
            load_config(STAGES[stage], CONFIGS / stage / "default.yaml", [f"{key}={given}"])
        assert len(str(caught.value)) < 500


@pytest.mark.parametrize("fps", ["0", "-30", ".nan", ".inf", "1e-9", "1001"])
def test_frame_rates_are_from_1_to_1000(fps):
    with pytest.raises(InputError, match=r"data\.fps"):
        load_config(PrepareConfig, CONFIGS / "prepare" / "default.yaml", [f"data.fps={fps}"])


@pytest.mark.parametrize("fps", [1.0, 23.976, 1000.0])
def test_frame_rates_of_cameras_are_taken(fps):
    config = load_config(PrepareConfig, CONFIGS / "prepare" / "default.yaml", [f"data.fps={fps}"])
    assert config.data.fps == fps


def test_a_message_is_one_line_that_a_terminal_takes_for_text(tmp_path, monkeypatch, capsys):
    path = tmp_path / ("a[/b]\x1b[31m" + "x" * 200)
    monkeypatch.setattr(sys, "argv", ["run.py", "predict", str(path / ("y" * 4000)), "-m", str(path)])
    assert run.main() == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.rstrip("\n").isprintable()
    assert "a[/b]\\x1b[31mxxx" in said
    assert len(said) < 620
