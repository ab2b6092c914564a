"""Trained on one kind of skeletons, tested on another."""

from dataclasses import replace

import numpy as np

from ablation.sections.matrix import _draw, _table, find_cells
from ablation.study.grid import Condition
from ablation.verdict import Verdict, judge


def test_each_cell_says_what_was_trained_and_tested_on(make):
    study = make.study({"raw": 0, "refined": 0.1, "oracle": 0.2}, clips=96, resamples=100, grid=True)
    verdict = study.get(judge)
    rows = [replace(row, condition=Condition(pairing="both")) for row in verdict.rows[:3]]
    assert [row.arm for row in rows] == ["raw", "refined", "oracle"]
    study = replace(study, plan=replace(study.plan, conditions=[Condition()]))

    def found(rows):
        study.memo[judge] = Verdict(verdict.comparisons, None, verdict.classes, rows)
        return find_cells(study)

    assert found(rows) is None  # nothing is tested on anything else than it was trained on
    pairs = ("oracle", "raw@lab-0.5", "test", "train")
    cells = found([*rows, *(replace(row, condition=Condition(pairing=pair)) for pair in pairs for row in rows)])
    sides = {(cell.trained, cell.tested): cell.alike for cell in cells}
    assert sides == {
        ("raw", "raw"): True,
        ("SmoothNet", "SmoothNet"): False,  # against raw trained on raw
        ("noise-free", "noise-free"): True,
        ("noise-free", "raw"): True,
        ("noise-free", "SmoothNet"): True,
        ("raw (lab, severity 0.5)", "raw"): True,
        ("raw (lab, severity 0.5)", "SmoothNet"): True,
        ("raw (lab, severity 0.5)", "noise-free"): True,
        ("raw", "SmoothNet"): True,
        ("raw", "noise-free"): True,
        ("SmoothNet", "raw"): False,
    }
    table = _table(study, cells)
    top1 = {(row[0], row[1]): row[2] for row in table.rows}
    assert top1["noise-free", "SmoothNet"] == np.mean(rows[1].top1)
    assert {row[3] for row in table.rows if row[:2] == ("SmoothNet", "raw")} == {None}
    (drawing,) = _draw(study, cells)
    texts = [text.get_text() for text in drawing.figure.axes[0].texts]
    assert len(texts) == len(cells)
    assert f"{np.mean(rows[0].top1):.1f}" in {text.split("\n")[0] for text in texts}
