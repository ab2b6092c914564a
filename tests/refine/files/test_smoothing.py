import json
import os
import random
import shutil
from contextlib import suppress

import numpy as np
import pytest

from base.errors import InputError
from refine.files.smoothing import Smoothing
from refine.files.stage import smooth
from refine.steady.api import refine
from tests.fuzz.damage import cut, damaged, delete, digits, front, repeat, some_bytes
from tests.refine.files.made import SKELETON, tree, walkers, write_openpose
from tests.refine.files.test_plot import clip_in, positions

AT_30 = Smoothing(fps=30.0)


def run(source, output=None, smoothing=AT_30):
    return list(smooth([source], output, smoothing))


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
    with pytest.raises(InputError, match="walk_refined: already exists; choose"):
        run(walk, None, Smoothing(fps=30.0, strength=0.5))
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
