import sys

import pytest

from ablation.stage import IncompleteError, ablate
from ablation.study.run import duration, train_all
from base.errors import InputError
from base.workers import WorkerEndedError
from tests.ablation.small_study import configured, planned


def test_a_cell_that_fails_is_told_and_the_rest_goes_on(settings, monkeypatch, capsys):
    config = configured(settings)
    broken = planned(config).trainings[3]
    assert broken.title == "raw, seed 1"
    real = train_all.__globals__["train_one"]

    def run(training):
        if training.folder == broken.folder:
            raise RuntimeError("no more\nmemory")
        return real(training)

    monkeypatch.setattr("ablation.study.run.train_one", run)
    with pytest.raises(
        IncompleteError, match=r"1 recogniser .*raw, seed 1 failed .RuntimeError: no more memory"
    ) as told:
        ablate(config)
    assert told.value.ablation.page.is_file()
    assert "no more memory" in (config.run.dir / "cells.csv").read_text()
    assert (config.run.dir / "report.html").is_file()
    assert not (config.run.dir / "results.json").exists()
    monkeypatch.undo()
    results = ablate(config).results
    assert [len(found["top1"]) for found in results["arms"].values()] == [2, 2, 2]
    assert "no more memory" not in (config.run.dir / "cells.csv").read_text()


def test_ray_gives_what_one_process_gives(settings, tmp_path):
    pytest.importorskip("ray")
    config = configured(settings, seeds=[0], arms=["raw", "oracle"])
    other = configured(
        settings,
        seeds=[0],
        arms=["raw", "oracle"],
        run={"dir": tmp_path / "ray" / "study", "device": "cpu"},
        executor="ray",
        workers=1,
    )
    assert ablate(other).results["arms"] == ablate(config).results["arms"]


def test_processes_side_by_side_give_what_one_after_another_gives(settings, tmp_path):
    config = configured(settings, seeds=[0], arms=["raw", "oracle"])
    place = {"dir": tmp_path / "side" / "study", "device": "cpu"}
    other = configured(settings, seeds=[0], arms=["raw", "oracle"], run=place, executor="processes", workers=2)
    assert ablate(other).results["arms"] == ablate(config).results["arms"]


def test_a_process_that_is_ended_costs_no_result(settings, monkeypatch, capsys):
    """Whoever ends processes when memory is short ends one here before it has done anything."""

    def broken(*given, **named):
        raise WorkerEndedError("a process has been ended from outside")
        yield

    config = configured(settings, seeds=[0], arms=["raw", "oracle"], executor="processes", workers=2)
    monkeypatch.setattr("ablation.study.run.map_in_processes", broken)
    assert all(len(found["top1"]) == 1 for found in ablate(config).results["arms"].values())
    assert "going on one at a time" in capsys.readouterr().err


def test_ray_that_is_not_installed(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"executor: found 'ray', which is not installed"):
        ablate(configured(settings, executor="ray"))


def test_durations_are_rounded_sensibly():
    assert [duration(seconds) for seconds in (3.2, 130, 7300)] == ["3 s", "2 min", "2.0 h"]
