"""The page that refines keypoint files, in a Chromium that is installed."""

import csv
import io
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from refine import refine
from refine.browser.page import page as built

DOCS = Path(__file__).parents[3] / "docs/demo.html"
WIDTHS = (390, 1440)


def test_the_page_in_the_docs_is_the_one_of_these_parts():
    assert DOCS.read_text() == built()


playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """The page; it must neither complain nor ask for anything else."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(DOCS.as_uri())
    yield page
    assert said == []
    assert [url for url in asked if not url.startswith("blob:")] == [DOCS.as_uri()]
    page.close()


def swaying(frames, joints, dims, seed=0):
    rng = np.random.default_rng(seed)
    seconds = np.arange(frames)[:, None, None] / 30
    poses = rng.normal(0, 80, (1, joints, dims)) + 30 * np.sin(seconds * rng.uniform(1, 6, (1, joints, dims)))
    return np.round(poses + rng.normal(0, 4, poses.shape) + 400, 3)


def give(page, files, fps=30):
    page.fill("#fps", str(fps))
    given = [{"name": name, "mimeType": "text/plain", "buffer": text.encode()} for name, text in files.items()]
    page.set_input_files("#files", given)
    page.wait_for_function("() => /refined in|Not read|does not say/.test(document.getElementById('say').textContent)")


def download(page):
    with page.expect_download() as waiting:
        page.click("#download")
    return waiting.value.suggested_filename, Path(waiting.value.path()).read_bytes()


@needs_chromium
def test_arrays_come_out_as_python_refines_them(page):
    poses = swaying(50, 7, 3)
    given = [[None if np.isnan(v).any() else list(v) for v in frame] for frame in poses]
    give(page, {"a.json": json.dumps({"fps": 25, "poses": given})})
    assert page.input_value("#fps") == "25"
    name, text = download(page)
    assert name == "a_refined.json"
    expected = refine(poses, 25)
    assert np.abs(expected - poses).max() > 1
    np.testing.assert_allclose(json.loads(text)["poses"], expected, atol=0.05)  # 1e-3 of a body of 100


@needs_chromium
def test_openpose_files_come_back_as_a_zip(page):
    people = swaying(30, 8, 2), swaying(30, 8, 2, 1)
    scores = np.random.default_rng(0).uniform(0.3, 1, (2, 30, 8)).round(3)
    scores[0, 10:13, 2] = 0
    files = {}
    for frame in range(30):
        flat = []
        for poses, score in zip(people, scores, strict=True):
            triples = np.concatenate([poses[frame], score[frame, :, None]], axis=1)
            triples[score[frame] == 0] = 0
            flat.append({"person_id": [-1], "pose_keypoints_2d": triples.ravel().tolist()})
        files[f"v_{frame}_keypoints.json"] = json.dumps({"version": 1.3, "people": flat})
    give(page, dict(reversed(files.items())))
    name, data = download(page)
    assert name == "refined.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        frames = [json.loads(archive.read(file)) for file in files]
    assert frames[3]["version"] == 1.3
    for number, poses in enumerate(people):
        found = np.array([frame["people"][number]["pose_keypoints_2d"] for frame in frames]).reshape(30, 8, 3)
        seen = scores[number] > 0
        expected = refine(np.where(seen[..., None], poses, np.nan), 30, scores[number])
        np.testing.assert_allclose(found[..., :2][seen], expected[seen], atol=0.05)
        np.testing.assert_array_equal(found[..., 2], scores[number])
        assert (found[~seen] == 0).all()


@needs_chromium
def test_csv_keeps_its_other_columns(page):
    poses = swaying(25, 5, 3)
    head = ["frame", *(f"{name}_{part}" for name in "abcde" for part in ("x", "y", "z", "visibility")), "note"]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(head)
    for frame, pose in enumerate(poses):
        writer.writerow([frame, *np.concatenate([pose, np.ones((5, 1))], axis=1).ravel().tolist(), f"n{frame}"])
    give(page, {"pose.csv": out.getvalue()})
    _, text = download(page)
    rows = list(csv.reader(io.StringIO(text.decode(), newline="")))
    assert rows[0] == head
    assert [row[-1] for row in rows[1:]] == [f"n{frame}" for frame in range(25)]
    found = np.array([row[1:-1] for row in rows[1:]], float).reshape(25, 5, 4)
    np.testing.assert_allclose(found[..., :3], refine(poses, 30), atol=0.05)
    assert text.count(b"\r\n") == 26


@needs_chromium
@pytest.mark.parametrize("kind", ["coco", "mmpose"])
def test_results_of_detectors(page, kind):
    poses = swaying(20, 6, 2)
    if kind == "coco":
        rows = [np.concatenate([pose, np.full((6, 1), 0.5)], axis=1).ravel().tolist() for pose in poses]
        given = [{"image_id": frame, "keypoints": row, "score": 3.5} for frame, row in enumerate(rows)]
    else:
        instances = [{"keypoints": pose.tolist(), "keypoint_scores": [0.5] * 6} for pose in poses]
        given = {"instance_info": [{"frame_id": n, "instances": [one]} for n, one in enumerate(instances)]}
    give(page, {"results.json": json.dumps(given)})
    found = json.loads(download(page)[1])
    if kind == "coco":
        assert [one["score"] for one in found] == [3.5] * 20
        refined = np.array([one["keypoints"] for one in found]).reshape(20, 6, 3)[..., :2]
    else:
        refined = np.array([frame["instances"][0]["keypoints"] for frame in found["instance_info"]])
    np.testing.assert_allclose(refined, refine(poses, 30, np.full((20, 6), 0.5)), atol=0.05)


@needs_chromium
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "{", "neither JSON nor csv"),
        ("a.json", '{"a": 1}', "of no kind that is known"),
        ("a.json", "[[[1, 2]], [[1, 2], [3, 4]]]", "1 joints, then 2"),
        ("a.json", "[[[1, 2, 3, 4]]]", "4 numbers per joint"),
        ("a.json", '[{"image_id": 1, "keypoints": [[1]]}, {"image_id": 2}, 7]', "no joints"),
        ("a.json", '{"people": 3}', "of no kind"),
        ("a.csv", "a,b\n1,2\n", "no columns such as"),
        ("a.csv", "", "no columns such as"),
    ],
)
def test_what_cannot_be_read_is_said(page, name, text, said):
    give(page, {name: text})
    assert said in page.inner_text("#say")
    assert page.is_hidden("#result")


@needs_chromium
def test_frames_a_second_are_asked_for(page):
    give(page, {"a.json": json.dumps(swaying(9, 3, 2).tolist())}, "")
    assert "does not say how many frames a second" in page.inner_text("#say")
    page.fill("#fps", "20")
    page.press("#fps", "Enter")
    page.wait_for_function("() => document.getElementById('say').textContent.includes('refined in')")


@needs_chromium
@pytest.mark.parametrize("width", WIDTHS)
def test_the_example_fits_and_plays(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.click("#example")
    page.wait_for_function("() => !document.getElementById('result').hidden")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    drawn = """id => { const c = document.getElementById(id);
        return c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some(v => v) }"""
    assert all(page.evaluate(drawn, name) for name in ("before", "after", "graph"))
    assert page.input_value("#joint") in ("7", "8")  # the arm that waves
    page.click("#play")
    page.wait_for_function("() => Number(document.getElementById('slider').value) > 3")
    page.click("#play")
    page.fill("#slider", "50")
    assert "frame 50, 1.67 s" in page.inner_text("#when")
