import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from data.recordings.rates import Clock
from refine.files.measures import Motion
from refine.files.refining import Refined
from refine.files.report import MADE_BY, hash_of, is_ours, read_report, recap, report_of, report_on
from tests.refine.files.made import SKELETON, as_recording

ABOUT = {"name": "a", "sha256": ""}
WHOLE = {
    "made_by": MADE_BY,
    "input": ABOUT,
    "output": {"name": "a_refined.csv", "sha256": ""},
    "page": None,
    "settings": {},
}


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_files_hash_is_its_bytes_and_a_folders_is_of_names_and_bytes(tmp_path):
    file = write(tmp_path / "a", "abc")
    assert hash_of(file) == hashlib.sha256(b"abc").hexdigest()
    folders = []
    for names in (("x", "y"), ("y", "x"), ("x", "z")):
        folder = tmp_path / "-".join(names)
        folder.mkdir()
        for name in names:
            write(folder / name, name)
        folders.append(hash_of(folder))
    assert folders[0] == folders[1] != folders[2]
    write(tmp_path / "x-y" / "y", "else")
    assert hash_of(tmp_path / "x-y") != folders[0]


def test_reports_are_read_and_nothing_else_is(tmp_path):
    path = tmp_path / "a_refined.report.json"
    assert read_report(path) is None
    assert read_report(write(path, WHOLE)) == WHOLE
    for other in ("{", "[]", "3", "[" * 100_000, {**WHOLE, "made_by": "me"}, {**WHOLE, "output": {"name": 3}}, {}):
        assert read_report(write(path, other)) is None
    path.write_bytes(b"\xff\xfe")
    assert read_report(path) is None
    assert read_report(write(path, json.dumps(WHOLE) + " " * (1 << 20))) is None
    path.unlink()
    path.mkdir()
    assert read_report(path) is None


def test_what_was_made_here_is_what_a_report_names(tmp_path):
    write(tmp_path / "a_refined.report.json", {**WHOLE, "page": "a_refined.html"})
    write(tmp_path / "a_refined.c3d.report.json", {**WHOLE, "output": {"name": "a_refined.c3d", "sha256": ""}})
    ours = ["a_refined.csv", "a_refined.html", "a_refined.report.json", "a_refined.c3d", "a_refined.c3d.report.json"]
    assert [is_ours(tmp_path / name) for name in ours] == [True] * 5
    write(tmp_path / "b.report.json", "{}")
    assert [is_ours(tmp_path / name) for name in ("a.csv", "a_refined.trc", "b.report.json", "b")] == [False] * 4
    assert report_of(tmp_path / "a_refined.c3d")["output"]["name"] == "a_refined.c3d"
    assert report_of(tmp_path / "a.csv") is None


@pytest.fixture
def made():
    recording = as_recording(SKELETON[None, None].repeat(2, 0).repeat(5, 1), frames=[3, 4, 5, 8, 9], unit="px")
    filled = np.zeros((10, 14), bool)
    filled[:3, 0] = True
    refined = Refined(recording.joints, recording.person, filled, 7, 2, 1, 4, 1, 3)
    refined.motion.append(Motion(14, 1234.56, 10.0, 0.987))
    return recording, Clock(29.97, recording.frame / 29.97, "the file"), refined


def test_a_report_says_what_was_done(made):
    recording, clock, refined = made
    report = report_on(recording, clock, refined, 2)
    assert report == {
        "fps": 29.97,
        "fps_from": "the file",
        "even": True,
        "people": 2,
        "people_from": "identities in the file",
        "frames": 7,
        "rows": 10,
        "joints": 14,
        "dimensions": 2,
        "gaps": {"filled": 2, "left": 5, "without_a_place": 1, "frames_without_a_row": 1},
        "left_alone": {"missing": 5, "unsure": 2},
        "jumps": 4,
        "cut_at_gaps": 1,
        "astray": 3,
        "acceleration_unit": "px/s²",
        "motion": [{"joints": 14, "acceleration_before": 1235.0, "acceleration_after": 10.0, "gain": 0.987}],
        "notes": [],
    }
    assert recap(report) == (
        "2 people, 7 frames, 14 joints, 29.97 fps (the file); acceleration 1235 to 10 px/s², 99% of 0.5 to 3 Hz kept; "
        "2 gaps filled; 1 could be filled and have no place in the file; 7 of 140 joint positions missing or unsure, "
        "left as they are; cut at 4 jumps"
    )


def test_a_recap_says_no_more_than_there_is(made):
    recording, clock, _ = made
    plain = Refined(recording.joints, np.zeros(10, int), np.zeros((10, 14), bool), 0, 0)
    plain.motion += [Motion(1, 3.0, 2.0, None), Motion(13, None, None, None)]
    report = report_on(replace(recording, person=None, unit=""), clock, plain, 0)
    assert report["people_from"] == "where they are"
    assert recap(report) == (
        "1 person, 7 frames, 14 joints, 29.97 fps (the file); acceleration of 1 joint 3 to 2 units/s²"
    )
