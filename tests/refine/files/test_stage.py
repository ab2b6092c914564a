import json
import os
import random
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from base.errors import InputError
from refine.files.stage import Scale, Smoothing, smooth
from refine.steady.api import refine
from tests.fuzz.damage import cut, damaged, delete, digits, front, repeat, some_bytes
from tests.refine.files.made import SKELETON, tree, walkers, write_openpose
from tests.refine.files.test_plot import clip_in, positions

AT_30 = Smoothing(fps=30.0)


def run(inputs, output=None, smoothing=AT_30, **scale):
    inputs = inputs if isinstance(inputs, list) else [inputs]
    return list(smooth(inputs, output, smoothing, Scale(**scale)))


def poses(folder):
    """The first person of each frame, [T, 14, 3]."""
    texts = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    return np.array([text["people"][0]["pose_keypoints_2d"] for text in texts]).reshape(len(texts), 14, 3)


@pytest.fixture
def walk(tmp_path, rng):
    people = walkers(rng, 1, noise=2)
    people[0, 3, 4] = people[0, 10:13, 5] = np.nan
    return write_openpose(tmp_path / "walk", people)


def test_a_folder_is_written_once_more_with_other_positions_and_a_report(walk, tmp_path):
    before = tree(walk)
    [line] = run(walk)
    assert tree(walk) == before
    result = tmp_path / "walk_refined"
    assert tree(result).keys() == before.keys()
    given, found = poses(walk), poses(result)
    np.testing.assert_array_equal(found[..., 2], given[..., 2])
    missing = (given[..., :2] == 0).all(-1)
    np.testing.assert_array_equal(found[missing], given[missing])
    expected = refine(np.where(missing[..., None], np.nan, given[..., :2]), 30, given[..., 2])
    np.testing.assert_allclose(found[~missing][:, :2], expected[~missing], atol=6e-3)  # two or three decimals
    report = json.loads((tmp_path / "walk_refined.report.json").read_text())
    assert (report["format"], report["people"], report["frames"], report["fps_from"]) == ("openpose", 1, 40, "--fps")
    assert (report["left_alone"], report["page"]) == ({"missing": 4, "unsure": 0}, None)
    motion = report["motion"][0]
    assert motion["acceleration_after"] < 0.5 * motion["acceleration_before"]
    assert line.startswith(f"{result}: 1 person, 40 frames, 14 joints, 30 fps (--fps); acceleration ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["walk", "walk_refined", "walk_refined.report.json"]


def test_strength_0_gives_the_very_bytes(walk, tmp_path):
    run(walk, tmp_path / "same", Smoothing(fps=30.0, strength=0.0))
    assert tree(tmp_path / "same") == tree(walk)


def test_what_was_done_is_not_done_again_but_when_asked(walk, tmp_path):
    run(walk)
    before = tree(tmp_path)
    [line] = run(walk)
    assert line == f"{tmp_path / 'walk_refined'}: already refined, nothing was done"
    assert tree(tmp_path) == before
    half = Smoothing(fps=30.0, strength=0.5)
    with pytest.raises(InputError, match=r"walk_refined: already exists, refined with other settings or from another"):
        run(walk, None, half)
    assert tree(tmp_path) == before
    run(walk, None, Smoothing(fps=30.0, strength=0.5, again=True))
    assert tree(tmp_path) != before
    assert run(walk, None, half) == [line]


def test_another_input_is_refined_anew(walk, tmp_path):
    run(walk)
    file = next(walk.iterdir())
    file.write_text(file.read_text() + " ")
    with pytest.raises(InputError, match="already exists, refined with other settings or from another file"):
        run(walk)


@pytest.mark.parametrize("change", ["new", "changed", "removed"])
def test_again_replaces_nothing_that_was_changed(walk, tmp_path, change):
    run(walk)
    result = tmp_path / "walk_refined"
    file = next(result.iterdir())
    if change == "new":
        (result / "notes.txt").write_text("mine")
    elif change == "changed":
        file.write_text("{}")
    else:
        file.unlink()
    before = tree(tmp_path)
    for again, said in ((False, "already exists; choose another"), (True, "has been changed since it was made")):
        with pytest.raises(InputError, match=said):
            run(walk, None, Smoothing(fps=30.0, again=again))
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["walk_refined", "walk_refined.report.json", "walk_refined.html"])
def test_what_others_made_stays(walk, tmp_path, name):
    (tmp_path / name).mkdir() if name == "walk_refined" else (tmp_path / name).write_text("{}")
    for again in (False, True):
        with pytest.raises(InputError, match=f"{name}: .*(already exists|was not made here)"):
            run(walk, None, Smoothing(fps=30.0, again=again, plot=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["walk", name]


def test_a_report_without_its_result_is_replaced(walk, tmp_path):
    """As a run leaves it that was ended between the two."""
    run(walk)
    shutil.rmtree(tmp_path / "walk_refined")
    run(walk)
    assert (tmp_path / "walk_refined").is_dir()


def test_a_replacement_that_was_interrupted_can_be_done_again(walk, tmp_path):
    run(walk)
    old = tmp_path / "old"
    shutil.copytree(tmp_path / "walk_refined", old)
    half = Smoothing(fps=30.0, strength=0.5, again=True)
    run(walk, None, half)
    wanted = tree(tmp_path / "walk_refined")
    shutil.rmtree(tmp_path / "walk_refined")
    old.rename(tmp_path / "walk_refined")
    run(walk, None, half)
    assert tree(tmp_path / "walk_refined") == wanted


@pytest.mark.parametrize("place", ["writing", "reporting"])
def test_what_fails_leaves_nothing_behind(walk, tmp_path, monkeypatch, place):
    def fail(*given, **more):
        raise KeyboardInterrupt

    name = "json.dumps" if place == "reporting" else "data.recordings.patching.Numbers.patched"
    monkeypatch.setattr(name, fail)
    with pytest.raises(KeyboardInterrupt):
        run(walk)
    assert [path.name for path in tmp_path.iterdir()] == ["walk"]


def test_gaps_are_filled_where_the_file_has_a_place(walk, tmp_path):
    run(walk, None, Smoothing(fps=30.0, fill=0.05))
    report = json.loads((tmp_path / "walk_refined.report.json").read_text())
    assert report["gaps"] == {"filled": 1, "left": 3, "without_a_place": 0, "frames_without_a_row": 0}
    given, found = poses(walk), poses(tmp_path / "walk_refined")
    assert (given[3, 4, :2] == 0).all()
    np.testing.assert_allclose(found[3, 4, :2], (found[2, 4, :2] + found[4, 4, :2]) / 2, atol=3)
    assert found[3, 4, 2] == 0  # how sure somebody was is nobody's to invent


def test_gaps_that_the_file_has_no_place_for_are_told(walk, tmp_path, monkeypatch):
    """A format whose missing joints have no numbers: here, one that writes none over them."""
    from data.recordings.patching import Numbers

    real = Numbers.patched

    def only_known(self, slots, before, after, comma=False):
        return real(self, np.where(np.isfinite(before), slots, -1), before, after, comma)

    monkeypatch.setattr(Numbers, "patched", only_known)
    [line] = run(walk, None, Smoothing(fps=30.0, fill=1.0))
    report = json.loads((tmp_path / "walk_refined.report.json").read_text())
    assert report["gaps"] == {"filled": 0, "left": 4, "without_a_place": 4, "frames_without_a_row": 0}
    assert "4 could be filled and have no place in the file" in line


def test_a_page_is_written_at_once_or_later_and_goes_with_its_result(walk, tmp_path):
    page = tmp_path / "walk_refined.html"
    run(walk)
    [line] = run(walk, None, Smoothing(fps=30.0, plot=True))
    assert line.endswith("already refined; walk_refined.html shows it")
    later = page.read_text()
    run(walk, tmp_path / "walk_again", Smoothing(fps=30.0, plot=True))
    at_once = (tmp_path / "walk_again.html").read_text()
    for arm in (0, 1):
        shown = [positions(clip_in(text), arm) for text in (later, at_once)]
        np.testing.assert_allclose(*shown, atol=0.05)  # what was written is rounded
    run(walk, None, Smoothing(fps=30.0, strength=0.5, again=True))
    assert page.read_text() != later


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
    from tests.base.test_cluster import Ray

    monkeypatch.setitem(sys.modules, "ray", Ray())
    shutil.rmtree(many / "d")
    lines = run(many, tmp_path / "one")
    others = run(many, tmp_path / "ray", executor="ray")
    assert sorted(line.replace(str(tmp_path / "ray"), str(tmp_path / "one")) for line in others) == sorted(lines)


def test_a_fault_of_ours_stops_one_of_many_and_is_told(many, monkeypatch):
    real = refine_one = sys.modules["refine.files.stage"].refine_recording

    def faulty(recording, *given):
        if recording.frames == 20 and not faulty.done:
            faulty.done = True
            raise ZeroDivisionError("a\nb")
        return real(recording, *given)

    faulty.done = False
    monkeypatch.setattr("refine.files.stage.refine_recording", faulty)
    shutil.rmtree(many / "d")
    lines = run(many, on_error="skip")
    assert lines[0] == f"skipped: {many / 'a'}: failed (ZeroDivisionError: a b)"
    assert lines[3] == "3 inputs: 2 refined, 1 skipped"
    faulty.done = False
    shutil.rmtree(many / "c_refined")
    with pytest.raises(ZeroDivisionError):
        run(many)
    assert refine_one is real


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(InputError, match=r"pipe\.json: .*is a pipe, expected a regular file"):
        run(tmp_path / "pipe.json")


def test_stills_are_refused(tmp_path, rng):
    folder = write_openpose(tmp_path / "still", walkers(rng, 1, 2))
    with pytest.raises(InputError, match="shows somebody in 2 frames, expected 3 or more"):
        run(folder)


@pytest.mark.parametrize("seed", range(25))
def test_damaged_files_are_refined_or_refused_in_one_line(tmp_path, seed):
    """Whatever one file of a folder says, no more than an error of the user's, and nothing half-written."""
    r = random.Random(seed)
    folder = write_openpose(tmp_path / "walk", np.stack([SKELETON, SKELETON + 90])[:, None].repeat(5, 1))
    file = r.choice(sorted(folder.iterdir()))
    file.write_bytes(damaged(file.read_bytes(), r, (some_bytes, front, cut, delete, repeat, digits)))
    with suppress(InputError):
        run(folder)
        assert tree(tmp_path / "walk_refined").keys() == tree(folder).keys()
        return
    assert [path.name for path in tmp_path.iterdir()] == ["walk"]
