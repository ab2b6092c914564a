import io

import pytest
from rich.console import Console

import run
from ablation.sections.accuracy import accuracy_table
from ablation.stage import Ablation, IncompleteError
from ablation.terminal import narrow, print_ablation
from ablation.verdict import judge
from base.errors import InputError


def test_the_terminal_shows_the_columns_that_fit(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    table = narrow(accuracy_table(study, study.get(judge)))
    assert [column.header for column in table.columns] == [
        "skeletons", "top-1", "difference", "95% interval", "verdict"
    ]  # fmt: skip
    written = io.StringIO()
    Console(file=written, width=80).print(table)
    assert "SmoothNet" in written.getvalue()


def test_the_answer_and_the_report_are_told(capsys, tmp_path):
    print_ablation(Ablation({}, tmp_path / "report.html", ["One [sentence].", "Another."]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["One [sentence].", "Another."]
    assert "".join(lines[2:]) == f"report: {tmp_path / 'report.html'}"


def test_the_command_tells_what_there_is_before_it_says_what_is_missing(monkeypatch, capsys, tmp_path):
    def incomplete(config, again):
        raise IncompleteError("1 recogniser is missing", Ablation({}, tmp_path / "report.html", ["All the same."]))

    monkeypatch.setattr("ablation.stage.ablate", incomplete)
    with pytest.raises(InputError, match="1 recogniser is missing"):
        run.ablate(None, [], False)
    assert capsys.readouterr().out.startswith("All the same.\nreport: ")
