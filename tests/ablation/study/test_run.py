import os
import signal
import sys
from functools import partial

import numpy as np
import pytest

from ablation.stage import IncompleteError, ablate
from ablation.study.run import duration, train_all
from base.errors import InputError
from base.executors.registry import Pool, spread
from base.workers import WorkLostError
from data.ntu import read_clips
from data.skeletons.store import open_store
from refine.apply import apply_refiner
from refine.files.smoothing import Smoothing
from refine.files.stage import Scale, smooth
from refine.shipped.registry import load_shipped
from tests.ablation.small_study import configured, planned
from tests.data.ntu.recordings import clip, content, names, pack
from tests.data.ntu.recordings import run as prepare
from tests.refine.files.made import walkers, write_openpose


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


def die_once(note, function, item):
    """End this process at the first item, as the system does when memory is short."""
    if not note.exists():
        note.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return function(item)


def test_ray_gives_what_one_process_gives_though_a_worker_is_killed(settings, tmp_path, monkeypatch):
    """All that can be given to Ray, in one session, which takes seconds to start."""
    ray = pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "180")  # on a busy machine
    monkeypatch.setenv("RAY_agent_register_timeout_ms", "180000")
    monkeypatch.setattr("builtins.print", print)  # Ray puts another in its place, for its progress bars
    try:
        ray.init(num_cpus=1, log_to_driver=False, include_dashboard=False)
    except Exception as error:
        ray.shutdown()
        pytest.skip(f"Ray did not start in the time it gives itself: {error}")
    try:
        raw = pack(tmp_path / "raw.zip", {f"{name}.skeleton": clip(seed) for seed, name in enumerate(names(3))})
        prepare(raw, tmp_path / "prepared", executor="here")
        note = tmp_path / "killed"
        with monkeypatch.context() as patch:
            patch.setattr(read_clips, "spread", lambda work, *given: spread(partial(die_once, note, work), *given))
            prepare(raw, tmp_path / "prepared by ray", executor="ray")
        assert note.exists()
        assert content(tmp_path / "prepared by ray") == content(tmp_path / "prepared")

        store, refiner = open_store(tmp_path / "prepared"), load_shipped("steady")
        for name, pool in (("refined", Pool()), ("refined by ray", Pool("ray"))):
            apply_refiner(store, refiner, tmp_path / name, pool=pool)
        assert content(tmp_path / "refined by ray") == content(tmp_path / "refined")

        write_openpose(tmp_path / "walk", walkers(np.random.default_rng(0), 1, 9))
        for name, executor in (("smooth", "processes"), ("smooth by ray", "ray")):
            list(smooth([tmp_path / "walk"], tmp_path / name, Smoothing(fps=30.0), Scale(executor=executor)))
        files = [path.name for path in (tmp_path / "walk").iterdir()]
        for file in files:
            assert (tmp_path / "smooth by ray" / file).read_bytes() == (tmp_path / "smooth" / file).read_bytes()

        few = {"seeds": [0], "arms": ["raw", "oracle"]}
        other = {"run": {"dir": tmp_path / "ray" / "study", "device": "cpu"}, "executor": "ray"}
        expected, found = ablate(configured(settings, **few)), ablate(configured(settings, **few, **other))
        assert found.results["arms"] == expected.results["arms"]
    finally:
        ray.shutdown()


def test_processes_side_by_side_give_what_one_after_another_gives(settings, tmp_path):
    def trained(**changed):
        config = configured(settings, seeds=[0], arms=["raw", "oracle"], **changed)
        trainings = planned(config).trainings
        return trainings, train_all(config, trainings)

    (_, alone), (trainings, together) = (
        trained(),
        trained(run={"dir": tmp_path / "side" / "study", "device": "cpu"}, executor="processes", workers=2),
    )
    assert len(alone) == len(together) == 2
    for one, training in zip(alone, trainings, strict=True):
        scores = [np.load(folder / "scores.npz")["score"] for folder in (one, training.folder)]
        np.testing.assert_array_equal(*scores)


def test_a_recogniser_whose_processes_are_ended_is_told_and_the_rest_goes_on(settings, monkeypatch, capsys):
    def lost(work, trainings, pool):
        assert (pool.executor, pool.count) == ("processes", 2)
        yield from [WorkLostError("ended from outside"), *map(work, trainings[1:])]

    config = configured(settings, arms=["raw", "oracle"], executor="processes", workers=2)
    monkeypatch.setattr("ablation.study.run.spread", lost)
    with pytest.raises(IncompleteError, match=r"1 recogniser .*raw, seed 0 failed \(ended from outside\)"):
        ablate(config)


def test_ray_that_is_not_installed(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"executor: found 'ray', which is not installed"):
        ablate(configured(settings, executor="ray"))


def test_durations_are_rounded_sensibly():
    assert [duration(seconds) for seconds in (3.2, 130, 7300)] == ["3 s", "2 min", "2.0 h"]
