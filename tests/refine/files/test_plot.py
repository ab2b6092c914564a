import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data.recordings.rates import clock_of
from refine.files.measures import accelerations
from refine.files.plot import LARGEST, link_to, plot_page
from refine.files.refining import Refined
from refine.files.report import report_on
from tests.drawing.test_player import unpacked
from tests.refine.files.made import SKELETON, as_recording, walkers

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def page_of(recording, after=None, track=None, fps=30.0, name="walk.csv", link=""):
    clock = clock_of(recording, "a", fps) if recording.seconds is None else clock_of(recording, "a")
    after = recording.joints if after is None else after
    track = recording.person if track is None else track
    missing = np.zeros(recording.joints.shape[:2], bool)
    report = report_on(recording, clock, Refined(after, track, missing, 0, 0), 0)
    about = {"input": {"name": name, "sha256": ""}, "output": {"name": name, "sha256": ""}}
    return plot_page(recording, after, track, clock, about | report, link)


def clip_in(page):
    [clip] = json.loads(re.search(r'id="clips">(.*?)</script>', page, re.DOTALL)[1])
    return clip


def positions(clip, arm=0):
    """In the unit of what was drawn; NaN where nobody is."""
    dims = 2 if clip.get("flat") else 3
    steps = unpacked(clip["arms"][arm]["positions"], clip["frames"]).reshape(clip["frames"], -1, dims).astype(float)
    steps[steps == -32768] = np.nan
    return steps * clip["step"] + clip["origin"] if dims == 2 else steps


def test_positions_in_an_image_come_back_before_and_after(rng):
    people = walkers(rng, 2)
    people[0, 5, 3] = np.nan
    recording = replace(as_recording(people), bones=((0, 1), (1, 2)), unit="px")
    clip = clip_in(page_of(recording, recording.joints + 7))
    assert (clip["frames"], clip["joints"], clip["fps"], clip["first"], clip["unit"]) == (40, 28, 30, 0, "px/s²")
    assert clip["bones"] == [[0, 1], [1, 2], [14, 15], [15, 16]]
    laid_out = people.transpose(1, 0, 2, 3).reshape(40, 28, 2)
    for arm, shift in ((0, 0), (1, 7)):
        np.testing.assert_allclose(positions(clip, arm), laid_out + shift, atol=clip["step"])
    assert clip["step"] < 0.2
    curve = clip["arms"][0]["acceleration"]
    assert (curve[0], curve[-1]) == (None, None)
    expected = np.nanmean(accelerations(laid_out, np.arange(40) / 30), axis=1)
    np.testing.assert_allclose(curve[1:-1], expected, rtol=0.01)


def test_a_place_is_shared_by_people_who_come_one_after_the_other(rng):
    people = walkers(rng, 3)
    people[0, 15:] = people[1, :20] = np.nan
    clip = clip_in(page_of(as_recording(people)))
    assert clip["joints"] == 28
    shown = np.isfinite(positions(clip)[..., 0]).reshape(40, 2, 14).all(-1)
    assert sorted(shown.sum(0).tolist()) == [35, 40]


def test_coordinates_from_0_to_1_are_shown_in_pixels(rng):
    people = walkers(rng, 1)
    share = as_recording(people / [1920, 1080], scale=(1920.0, 1080.0))
    clip = clip_in(page_of(share))
    np.testing.assert_allclose(positions(clip), people[0], atol=clip["step"])


@pytest.mark.parametrize(("up", "sign"), [(0, 1), (1, -1), (2, 1)])
def test_bodies_in_space_stand_with_their_heads_up_and_are_not_mirrored(rng, up, sign):
    body = np.array([[0.1, 0.8, 0.05], [0, 0.4, 0], [-0.1, -0.9, 0.1], [0.2, 0, 0.5]])  # x right, y up, z to the eye
    turn = np.roll(np.eye(3), up - 1, axis=1) * sign
    if np.linalg.det(turn) < 0:
        turn[[0]] *= -1
    given = as_recording((body @ turn + rng.normal(0, 1e-4, (1, 9, 4, 3))), names=("Nose", "hip", "left_ankle", "hand"))
    shown = positions(clip_in(page_of(given)))[4]
    assert shown[0, 1] > shown[1, 1] > shown[2, 1]
    edges = [np.linalg.det(x[1:] - x[0]) for x in (shown, body)]
    assert np.sign(edges[0]) == np.sign(edges[1])


def test_a_minute_of_a_whole_body_is_less_than_a_megabyte(rng):
    """133 joints, 30 frames a second, with the jitter of a detector."""
    length = 1800
    path = rng.normal(0, 3, (length, 1, 2)).cumsum(0) + rng.uniform(0, 300, (133, 2))
    recording = as_recording((path + rng.normal(0, 1.5, (length, 133, 2)))[None])
    page = page_of(recording, path.astype(float))
    assert len(page.encode()) < 1_000_000
    assert clip_in(page)["frames"] == 1800


def test_rotations_are_not_drawn_and_places_beside_them_are(rng):
    """Two points at distance 1 from 0 each, in a group of their own, as recordings have rotations."""
    points = rng.normal(size=(1, 9, 4, 3))
    points /= np.linalg.norm(points, axis=-1, keepdims=True)
    path = rng.normal(size=(1, 9, 1, 3))
    both = as_recording(np.concatenate([points[:, :, :2], path, points[:, :, 2:]], 2), groups=((2,), (0, 1, 3, 4)))
    page = page_of(replace(both, bones=((0, 2), (1, 3)), names=tuple("abcde")))
    clip = clip_in(page)
    assert (clip["joints"], clip["bones"]) == (1, [])
    assert "Rotations are not drawn; the curve counts them." in page
    expected = accelerations(both.joints, np.arange(9) / 30).mean(1)
    np.testing.assert_allclose(clip["arms"][0]["acceleration"][1:-1], expected, rtol=0.01)
    alone = page_of(as_recording(points, groups=((0, 1, 2, 3),)))
    assert clip_in(alone)["joints"] == 4
    assert "Rotations" not in alone


def test_of_a_long_recording_the_most_jittery_part_is_shown(rng):
    x = as_recording(np.repeat(SKELETON[None], 9000, 0)[None] + rng.normal(0, 0.1, (1, 9000, 14, 2)))
    x.joints[8000] += 500
    page = page_of(x)
    clip = clip_in(page)
    assert clip["frames"] == 3600  # two minutes
    assert clip["first"] <= 8000 < clip["first"] + 3600
    assert "Of 9000 frames, those around the most jittery one are shown." in page


def test_what_does_not_fit_is_cut(rng, monkeypatch):
    monkeypatch.setattr("refine.files.plot.LARGEST", 20_000)
    recording = as_recording(rng.normal(0, 100, (1, 900, 14, 2)))
    clip = clip_in(page_of(recording))
    assert sum(len(arm["positions"]) for arm in clip["arms"]) <= 20_000 < LARGEST
    assert 50 < clip["frames"] < 900


def test_times_that_are_not_even_are_told(rng):
    times = np.array([2, 2.03, 2.05, 2.12, 2.15])
    clip = clip_in(page_of(as_recording(walkers(rng, 1, 5), seconds=times), link="v.mp4"))
    assert (clip["times"], clip["start"]) == (times.tolist(), 2)


def test_frames_far_apart_are_shown_one_after_the_other(rng):
    given = as_recording(walkers(rng, 1, 4), frames=[5, 1000, 100_000, 900_000])
    clip = clip_in(page_of(given))
    assert (clip["frames"], clip["first"]) == (4, 5)


def test_names_are_text_and_cannot_end_the_script(rng):
    page = page_of(replace(as_recording(walkers(rng, 1)), unit="</script>"), name="<b>&.csv")
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;.csv" in page
    assert page.count("</script>") == 2


def test_the_video_is_linked_from_where_the_page_is(tmp_path):
    page = tmp_path / "out" / "a.html"
    assert link_to(tmp_path / "a b#1.mp4", page) == "../a%20b%231.mp4"
    assert link_to(Path("a.mp4"), Path("b.html")) == "a.mp4"


def test_only_positions_in_an_image_are_drawn_over_a_video(rng):
    assert '<video src="v.mp4"' in page_of(as_recording(walkers(rng, 1)), link="v.mp4")
    assert "<video" not in page_of(as_recording(walkers(rng, 1)))
    solid = np.concatenate([walkers(rng, 1), rng.normal(size=(1, 40, 14, 1))], -1)
    assert "<video" not in page_of(as_recording(solid), link="v.mp4")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize(("width", "dims"), [(390, 2), (1440, 3)])
def test_it_plays_in_a_browser_and_asks_for_nothing(browser, tmp_path, rng, width, dims):
    people = walkers(rng, 2)
    if dims == 3:
        people = np.concatenate([people, rng.normal(0, 20, (2, 40, 14, 1))], -1)
    path = tmp_path / "walk.html"
    path.write_text(page_of(replace(as_recording(people), bones=((0, 1), (1, 2)))), "utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_function("() => document.querySelector('.now').textContent === '0 of 0 to 39'")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    picture = "() => document.querySelector('.scene').toDataURL()"
    first = page.evaluate(picture)
    page.locator(".frame").focus()
    page.keyboard.press("End")
    assert page.locator(".now").inner_text() == "39 of 0 to 39"
    assert page.evaluate(picture) != first
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => Number(document.querySelector('.frame').value) < 39", timeout=10_000)
    page.get_by_role("button", name="Pause").click()
    assert (said, asked) == ([], [path.as_uri()])
    page.close()


def test_what_is_drawn_is_where_it_should_be(browser, tmp_path):
    """One joint that goes through the image from left to right: the middle of its ink does so in either picture."""
    way = np.stack([np.linspace(0, 300, 31), np.full(31, 50.0)], -1)[None, :, None]
    corners = np.array([[0.0, 0], [300, 100]])[None, None].repeat(31, 1)
    recording = as_recording(np.concatenate([way, corners], 2))
    path = tmp_path / "dot.html"
    path.write_text(page_of(recording), "utf-8")
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.goto(path.as_uri())
    page.wait_for_function("() => document.querySelector('.now').textContent === '0 of 0 to 30'")
    ink = """() => { const c = document.querySelector('.scene');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; const xs = [];
        for (let i = 0; i < d.length / 4; i++)
            if (d[4 * i + 3] > 128 && Math.floor(i / c.width) > 30) xs.push(i % c.width);
        return xs.reduce((a, b) => a + b) / xs.length; }"""
    middles = []
    for frame in (0, 15, 30):
        page.evaluate("f => { const s = document.querySelector('.frame'); s.value = f;"
                      "s.dispatchEvent(new Event('input')); }", frame)  # fmt: skip
        middles.append(page.evaluate(ink))
    steps = np.diff(middles)
    assert steps[0] > 20
    assert steps[1] == pytest.approx(steps[0], rel=0.1)
    page.close()
