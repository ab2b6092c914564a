import csv

import pytest

from base.errors import InputError
from recognition.terminal import print_explanation
from recognition.use.explain_report import explain


def test_the_command_writes_a_figure_and_a_table(one_joint, make_store, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("recognition.use.explain_report.load_recognizer", lambda path, device: one_joint)
    store = make_store(replications=1, second_actor=True)
    name = str(store.clips.name[2])
    found = explain(store.folder, tmp_path, name=name, output=tmp_path / "why.png", action=23, device="cpu")
    assert capsys.readouterr().out == ""
    print_explanation(found, tmp_path / "why.png")
    assert "rests most on left hand 100%" in capsys.readouterr().out
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((tmp_path / "why.csv").open()))
    assert len(rows) == 2 * 10 * 25
    assert {row["joint"] for row in rows if float(row["importance"]) > 0} == {"left hand"}
    with pytest.raises(InputError, match="holds more than one clip; say which one with --clip"):
        explain(store.folder, tmp_path, output=tmp_path / "why.png", device="cpu")
    with pytest.raises(InputError, match="has no clip nothing"):
        explain(store.folder, tmp_path, name="nothing", output=tmp_path / "why.png", device="cpu")
