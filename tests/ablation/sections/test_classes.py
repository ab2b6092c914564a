import numpy as np
import pytest

from ablation.sections.classes import _caveats, _short, _table, find_classes
from ablation.sections.movement import find_movement


def test_every_action_has_its_share_of_right_answers(make):
    study = make.study({"raw": 0, "refined": 0.1}, resamples=100)
    table = _table(study, find_classes(study))
    labels = [column.label for column in table.columns]
    raw = study.arms["raw"]
    moving = study.get(find_movement)
    gains = []
    for row in table.rows:
        cells = dict(zip(labels, row, strict=True))
        mine = raw.label == cells["number"] - 1
        assert cells["test clips"] == mine.sum()
        assert cells["raw"] == pytest.approx(100 * np.mean((raw.score.argmax(-1) == raw.label)[:, mine]))
        assert cells["jitter, mm/frame²"] == moving.jitter[moving.action == cells["number"]]
        gains.append(cells["difference"])
    assert gains == sorted(gains, reverse=True)


def test_actions_whose_movement_is_unknown_have_dashes(make):
    study = make.knowing(make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100), {find_movement: None})
    assert {row[-2:] for row in _table(study, find_classes(study)).rows} == {(None, None)}


def test_intervals_per_class_that_are_wrong_by_chance_are_counted(make):
    study = make.study({"raw": 0, "refined": 0.1}, resamples=100)  # 16 classes of 30 clips
    (said,) = _caveats(study, find_classes(study))
    assert said.startswith("Of 16 intervals per class, about 0.8 would")


def test_long_names_are_cut():
    assert _short("brush teeth") == "brush teeth"
    assert _short("put on a hat or a cap, and then some") == "put on a hat or a cap, an…"
    assert len(_short("x" * 80)) == 26
