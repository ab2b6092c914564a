import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from base.errors import InputError
from base.workers import WorkLostError
from refine.files.smoothing import Smoothing
from refine.files.stage import Scale, smooth
from tests.refine.files.made import tree, walkers, write_openpose

AT_30 = Smoothing(fps=30.0)


def run(inputs, output=None, smoothing=AT_30, **scale):
    inputs = inputs if isinstance(inputs, list) else [inputs]
    return list(smooth(inputs, output, smoothing, Scale(**scale)))


@pytest.fixture
def walk(tmp_path, rng):
    people = walkers(rng, 1, noise=2)
    people[0, 3, 4] = people[0, 10:13, 5] = np.nan
    return write_openpose(tmp_path / "walk", people)


@pytest.fixture
def many(tmp_path, rng):
    """Three recordings in folders, and one that cannot be used."""
    folder = tmp_path / "many"
    for name in ("a", "deep/b", "c"):
        write_openpose(folder / name, walkers(rng, 1, 20))
    broken = write_openpose(folder / "d", walkers(rng, 1, 4))
    (broken / "clip_000000000002_keypoints.json").write_text('{"people": [')
    (folder / "readme.txt").write_text("notes")
    return folder


def test_one_bad_input_stops_or_is_told_and_skipped(many, tmp_path):
    with pytest.raises(InputError, match=r"many/d/clip_.*2_keypoints\.json: line 1.*; go on .*--on-error skip$"):
        run(many)
    lines = run(many, on_error="skip")
    assert [line.partition(": ")[0] for line in lines[:3]] == [
        str(many / "a_refined"),
        str(many / "c_refined"),
        "skipped",
    ]
    assert lines[-2:] == [
        "4 inputs: 1 refined, 2 already refined, 1 skipped",
        "left out: 1 file of no known format (readme.txt)",
    ]
    assert not (many / "d_refined").exists()


def test_processes_and_one_after_another_give_the_same(many, tmp_path):
    shutil.rmtree(many / "d")
    one, several = tmp_path / "one", tmp_path / "several"
    lines = run(many, one)
    assert [line.replace(str(several), str(one)) for line in run(many, several, workers=2)] == lines
    trees = [{name: text for name, text in tree(where).items() if "report" not in name} for where in (one, several)]
    assert trees[0] == trees[1]
    assert trees[0].keys() >= {"a/clip_000000000000_keypoints.json", "deep/b/clip_000000000000_keypoints.json"}


def test_ray_gives_the_same(many, tmp_path, monkeypatch):
    from tests.base.executors.test_ray import Ray

    monkeypatch.setitem(sys.modules, "ray", Ray())
    shutil.rmtree(many / "d")
    lines = run(many, tmp_path / "one")
    others = run(many, tmp_path / "ray", executor="ray")
    assert sorted(line.replace(str(tmp_path / "ray"), str(tmp_path / "one")) for line in others) == sorted(lines)


def test_a_fault_of_ours_stops_one_of_many_and_is_told(many, monkeypatch):
    real = refine_one = sys.modules["refine.files.smoothing"].refine_recording

    def faulty(recording, *given):
        if recording.frames == 20 and not faulty.done:
            faulty.done = True
            raise ZeroDivisionError("a\nb")
        return real(recording, *given)

    faulty.done = False
    monkeypatch.setattr("refine.files.smoothing.refine_recording", faulty)
    shutil.rmtree(many / "d")
    lines = run(many, on_error="skip")
    assert lines[0] == f"skipped: {many / 'a'}: failed (ZeroDivisionError: a b)"
    assert lines[3] == "3 inputs: 2 refined, 1 skipped"
    faulty.done = False
    shutil.rmtree(many / "c_refined")
    with pytest.raises(ZeroDivisionError):
        run(many)
    assert refine_one is real


def test_a_process_that_is_ended_from_outside_is_told(many, monkeypatch):
    def lost(work, jobs, pool):
        yield from [WorkLostError("ended from outside"), *map(work, jobs[1:])]

    monkeypatch.setattr("refine.files.stage.spread", lost)
    with pytest.raises(InputError, match=r"many/a: failed \(ended from outside\); go on .* --on-error skip$"):
        run(many, workers=2)
    assert run(many, workers=2, on_error="skip")[-2] == "4 inputs: 2 already refined, 2 skipped"


def test_an_executor_that_is_none(many):
    with pytest.raises(InputError, match=r"^--executor: no executor is called 'rya'; did you mean 'ray'\?$"):
        run(many, executor="rya")


def test_if_none_can_be_used_it_is_an_error(many):
    with pytest.raises(InputError, match=r"^none of 1 input can be used; the first: .*many/d/"):
        run(many / "d", on_error="skip")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"strength": 1.5}, r"^--strength: found 1\.5, expected a number from 0 to 1$"),
        ({"strength": float("nan")}, r"^--strength: found nan"),
        ({"fill": -1}, r"^--fill: found -1, expected seconds, 0 or more$"),
        ({"fill": float("inf")}, r"^--fill: found inf"),
        ({"min_confidence": 2}, r"^--min-confidence: found 2, expected a number from 0 to 1$"),
        ({"fps": None}, r"walk: does not say how many frames a second"),
        ({"fps": 0}, r"^--fps: found 0 frames a second"),
        ({"model": "x"}, r"^--model: found x"),
        ({"format": "x"}, r"^--format: no format is called 'x'"),
        ({"fps": None, "video": Path("none.mp4")}, r"none\.mp4: cannot be read"),
    ],
)
def test_settings_that_make_no_sense(walk, tmp_path, settings, said):
    with pytest.raises(InputError, match=said):
        run(walk, None, Smoothing(**{"fps": 30.0} | settings))
    assert [path.name for path in tmp_path.iterdir()] == ["walk"]


def test_workers_and_videos_that_make_no_sense(many, walk):
    with pytest.raises(InputError, match=r"^--workers: found 0, expected 1 or more$"):
        run(walk, workers=0)
    with pytest.raises(InputError, match=r"^--video: v\.mp4 is one recording's, and 4 are given; give --fps$"):
        run(many, None, Smoothing(video=Path("v.mp4")))
    with pytest.raises(InputError, match=r"^--video: .*gone\.mp4: cannot be read"):
        run(walk, None, Smoothing(fps=30.0, video=walk.with_name("gone.mp4")))
    assert not list(walk.parent.glob("walk_refined*"))
