"""The recogniser that is shipped, on clips that it has not seen."""

import json
from pathlib import Path

import pytest

from base.config import load_config
from base.errors import InputError
from data.ntu.actions import ACTIONS
from data.ntu.simulate import SimulateSection, make_stand_in
from data.ntu.simulate.bodies import FPS
from recognition.config import RecognizeConfig
from recognition.use.first import FIRST, NAME, NOTE, shipped
from recognition.use.recognizer import load_recognizer
from run import app

ROOT = Path(__file__).parents[3]
UNLIKE = (8, 26, 43, 56)
"""Sit down, hop, fall, give an object: told apart by anyone."""


def test_predicts_skeleton_files_on_the_first_day_without_a_model(tmp_path, capsys):
    section = SimulateSection(folder=tmp_path / "made", clips=12, performers=(3, 6), actions=UNLIKE, seed=7)
    make_stand_in(section)
    (files,) = (tmp_path / "made").glob("*.zip")
    app(["predict", str(files), "--output", str(tmp_path / "found.json"), "--device", "cpu"], standalone_mode=False)
    assert NOTE in capsys.readouterr().out
    likeliest = [row for row in json.loads((tmp_path / "found.json").read_text()) if row["rank"] == 1]
    right = sum(int(row["clip"][-3:]) == row["action"] for row in likeliest)
    assert len(likeliest) == 12
    assert right >= 8  # of sixty actions; by chance none
    assert all(row["name"] == ACTIONS[row["action"] - 1] for row in likeliest)


def test_is_what_its_configuration_and_card_say():
    found, config = load_recognizer(Path(NAME)), load_config(RecognizeConfig, ROOT / "configs/recognize/first.yaml")
    assert found.view == config.input
    assert found.actions.tolist() == list(config.simulate.actions)
    assert found.fps == FPS  # of what the simulator's Kinect sees
    scores, card = json.loads((FIRST / "scores.json").read_text()), (FIRST / "card.md").read_text()
    assert f"| top-1 | {scores['top1']:.2f}%" in card
    assert "simulated actions" in card
    assert sum(path.stat().st_size for path in FIRST.iterdir()) < 2e6


def test_a_file_of_that_name_goes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shipped(Path("first")) == FIRST
    (tmp_path / "first").mkdir()
    assert shipped(Path("first")) == Path("first")
    with pytest.raises(InputError, match="no trained recogniser"):
        load_recognizer(Path("first"))
