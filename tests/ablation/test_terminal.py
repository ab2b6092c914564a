import io

from rich.console import Console

from ablation.sections.accuracy import accuracy_table
from ablation.stage import Ablation
from ablation.terminal import narrow, print_ablation
from ablation.verdict import judge


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
