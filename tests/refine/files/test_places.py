import json
from pathlib import Path

import pytest

from base.errors import InputError
from refine.files.places import find_jobs
from refine.files.report import MADE_BY
from tests.refine.files.made import SKELETON, write_openpose


def coco(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    one = {"image_id": 1, "category_id": 1, "keypoints": [1.5, 2.5, 0.9] * 17, "score": 1.0}
    path.write_text(json.dumps([one | {"image_id": at} for at in range(3)]))
    return path


def report(path, output, page=None):
    about = {"name": "x", "sha256": ""}
    content = {"made_by": MADE_BY, "input": about, "output": about | {"name": output}, "page": page, "settings": {}}
    path.write_text(json.dumps(content))


def openpose(folder):
    return write_openpose(folder, SKELETON[None, None].repeat(3, 1))


@pytest.fixture
def folder(tmp_path):
    """Two recordings, one of them deeper, with all sorts of files around them."""
    root = tmp_path / "all"
    openpose(root / "b" / "walk")
    coco(root / "run.json")
    coco(root / ".hidden.json")
    openpose(root / ".cache" / "walk")
    (root / "notes.txt").write_text("these are mine")
    coco(root / "run_refined.json")
    report(root / "run_refined.report.json", "run_refined.json", "run_refined.html")
    (root / "run_refined.html").write_text("<p>")
    openpose(root / "b" / "walk_refined")
    report(root / "b" / "walk_refined.report.json", "walk_refined")
    (root / "b" / "round").symlink_to(root, target_is_directory=True)
    return root


def places(jobs, root):
    return [(str(job.source.relative_to(root)), str(job.output.relative_to(root))) for job in jobs]


def test_results_are_beside_recordings_and_are_none_themselves(folder):
    jobs, others = find_jobs([folder])
    assert places(jobs, folder) == [("b/walk", "b/walk_refined"), ("run.json", "run_refined.json")]
    assert [(job.report.name, job.page.name) for job in jobs] == [
        ("walk_refined.report.json", "walk_refined.html"),
        ("run_refined.report.json", "run_refined.html"),
    ]
    assert [path.name for path in others] == ["notes.txt"]


def test_names_are_mirrored_in_another_folder(folder, tmp_path):
    jobs, _ = find_jobs([folder], tmp_path / "out")
    assert places(jobs, tmp_path) == [("all/b/walk", "out/b/walk"), ("all/run.json", "out/run.json")]
    jobs, _ = find_jobs([folder / "b", folder / "run.json"], tmp_path / "out")
    assert places(jobs, tmp_path) == [("all/b/walk", "out/b/walk"), ("all/run.json", "out/run.json")]


def test_the_result_of_one_recording_is_where_it_is_wanted(folder, tmp_path):
    [job], _ = find_jobs([folder / "run.json"], tmp_path / "new.json")
    assert (job.output, job.report) == (tmp_path / "new.json", tmp_path / "new.report.json")
    [job], _ = find_jobs([folder / "run.json"], tmp_path)
    assert job.output == tmp_path / "run.json"
    [job], _ = find_jobs([folder / "b" / "walk"], tmp_path / "new.x")
    assert (job.output, job.report) == (tmp_path / "new.x", tmp_path / "new.x.report.json")


def test_recordings_beside_each_other_are_no_frames(tmp_path):
    """OpenPose has a file per frame; these are three recordings of a frame each, or one of three."""
    openpose(tmp_path / "frames")
    files = sorted((tmp_path / "frames").iterdir())
    jobs, _ = find_jobs([tmp_path])
    assert places(jobs, tmp_path) == [("frames", "frames_refined")]
    for file, name in zip(files, ("walk", "run", "jump"), strict=True):
        file.rename(file.with_name(f"{name}.json"))
    jobs, _ = find_jobs([tmp_path])
    assert [job.source.name for job in jobs] == ["jump.json", "run.json", "walk.json"]


def test_what_was_made_here_may_be_named(folder):
    [job], _ = find_jobs([folder / "run_refined.json"])
    assert job.output.name == "run_refined_refined.json"


def test_two_that_differ_in_their_endings_have_a_report_each(tmp_path):
    first, second = coco(tmp_path / "a.json"), coco(tmp_path / "a.txt")
    jobs, _ = find_jobs([first, second])
    assert [job.report.name for job in jobs] == ["a_refined.report.json", "a_refined.txt.report.json"]
    report(tmp_path / "a_refined.report.json", "a_refined.json")
    [alone], _ = find_jobs([second])
    assert (alone.report.name, alone.page.name) == ("a_refined.txt.report.json", "a_refined.txt.html")


def test_the_working_folder_has_a_name(folder, monkeypatch):
    monkeypatch.chdir(folder / "b" / "walk")
    [job], _ = find_jobs([Path()])
    assert job.output == folder / "b" / "walk_refined"


@pytest.mark.parametrize(
    ("given", "output", "said"),
    [
        (
            ["none.json"],
            None,
            r"none\.json: is not there; give files, folders of a file per frame",
        ),
        (["empty"], None, r"empty: holds nothing of a format that is read"),
        (["all/run.json"], "all/run.json", r"--output: .*run\.json: is read from"),
        (
            ["all/run.json", "other/run.json"],
            "out",
            r"--output: .*: .*all/run\.json and .*other/run\.json would",
        ),
    ],
)
def test_what_cannot_be(folder, tmp_path, given, output, said):
    (tmp_path / "empty").mkdir()
    coco(tmp_path / "other" / "run.json")
    with pytest.raises(InputError, match=said):
        find_jobs([tmp_path / name for name in given], None if output is None else tmp_path / output)


def test_a_format_that_is_told(folder):
    jobs, _ = find_jobs([folder], None, "openpose")
    assert places(jobs, folder) == [("b/walk", "b/walk_refined")]
    with pytest.raises(InputError, match=r"^--format: no format is called 'opnpose'; did you mean 'openpose'"):
        find_jobs([folder], None, "opnpose")
    with pytest.raises(InputError, match="holds nothing of this format"):
        find_jobs([folder], None, "mmpose")
