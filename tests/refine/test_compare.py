import json

import pytest

from base.errors import InputError
from refine.compare import compare_refiners, transfer_table
from refine.nets.registry import NETS, NetKind
from refine.stage import refine
from refine.terminal import print_results

ALONE = ("apply.input=null", "apply.output=null", "train.epochs=1")


def row(cell, benchmark, given, output):
    figures = ({"mpjpe": given, "accel": given}, {"mpjpe": output, "accel": 2 * output})
    return {"cell": cell, "benchmark": benchmark, "input": figures[0], "output": figures[1]}


def test_the_transfer_table_has_changes_in_percent():
    table = transfer_table([row("a", "x", 20.0, 15.0), row("a", "y", 10.0, 11.0), row("b", "x", 20.0, 30.0)])
    assert [column.label for column in table.columns] == ["tested on", "metric", "a", "b"]
    assert table.rows == [
        ("x", "MPJPE", pytest.approx(-25), pytest.approx(50)),
        ("x", "Accel", pytest.approx(50), pytest.approx(200)),
        ("y", "MPJPE", pytest.approx(10), None),
        ("y", "Accel", pytest.approx(120), None),
    ]


def test_every_combination_is_a_run_of_its_own_and_nothing_is_printed(workplace, configured, capsys):
    config = configured(*ALONE, "compare.kind=[basic, motion_aware]", "compare.window=[8, 9]")
    results = compare_refiners(config)
    assert capsys.readouterr().out == ""
    cells = {(cell["kind"], cell["window"]) for cell in results["refiners"].values()}
    assert cells == {(kind, window) for kind in ("basic", "motion_aware") for window in (8, 9)}
    assert len(results["filters"]) == 1  # the same beside every refiner
    assert json.loads((workplace / "run/results.json").read_text()) == results
    assert refine(config) == results
    print_results(results, config)
    assert "trained refiner, basic, window 8: " in capsys.readouterr().out


def test_a_kind_that_cannot_have_such_a_window_is_told_before_anything_is_run(workplace, configured):
    def check(section):
        if section.window % 2:
            raise ValueError(f"window must be even, found {section.window}")

    NETS.add("even", NetKind(NETS["basic"].build, check))
    try:
        with pytest.raises(InputError, match="compare: window must be even, found 9"):
            refine(configured(*ALONE, "compare.kind=[basic, even]", "compare.window=[8, 9]"))
    finally:
        NETS.remove("even")
    assert not (workplace / "run").exists()


def test_a_shipped_refiner_beside_trained_ones(workplace, configured):
    plain = ("apply.input=null", "apply.output=null")
    config = configured("compare.window=[4, 8]", "compare.checkpoints=[steady]", "evaluate.stride=[1, 4]", *plain)
    results = refine(config)
    found = {(row["line"], row["window"], row["stride"]) for row in results["rows"]}
    assert {("steady", None, 1), ("h36m_fcn_3D", 4, 4), ("h36m_fcn_3D", 8, 1)} <= found
    assert [row["window"] for row in results["rows"] if row["line"] == "steady"] == [None]
    alone = refine(configured("train.checkpoint=steady", *plain, f"run.dir={workplace}/alone"))
    [mine] = [row for row in results["rows"] if row["line"] == "steady"]
    assert mine["output"] == alone["rows"][0]["output"]
    assert (workplace / "run" / "trade_off_h36m_fcn_3D.png").is_file()
