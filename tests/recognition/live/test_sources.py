import io
import json

import numpy as np
import pytest

from base.errors import InputError
from recognition.live.sources import LOOKS_S, WRITTEN_S, of_folder, of_lines


def lines(*texts):
    told = []
    stream = io.BytesIO("".join(text + "\n" for text in texts).encode())
    return list(of_lines(stream, told.append)), told


def test_a_pose_a_line():
    found, told = lines(
        '{"pose": [[1, 2], null, [3, null]], "time": 0.5, "person": "Ann", "confidence": [1, 0, null]}',
        "",
        '{"pose": [[1, 2, NaN]]}',
        '{"pose": null, "time": 7, "frame": 3}',
        '{"pose": [null, null], "frame": 4}',
    )
    assert [(one.where, one.time, one.person) for one in found] == [
        ("line 1", 0.5, "Ann"),
        ("line 3", None, 0),
        ("line 4", 7, 0),
        ("line 5", None, 0),
    ]
    np.testing.assert_array_equal(np.array(found[0].pose, float), [[1, 2], [np.nan] * 2, [3, np.nan]])
    assert found[0].confidence == [1, 0, None]
    assert found[2].pose is None
    assert np.array(found[3].pose, float).shape == (2, 3)
    assert told == ["line 4: nothing is done with 'frame'; used are pose, confidence, time, person"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{'pose': []}", "line 2, column 2: .*; expected JSON, one pose a line"),
        ("[1, 2]", r"line 2: found \[1, 2\], expected"),
        ('{"points": []}', 'line 2: found .*, expected {"pose"'),
        ('{"pose": 3}', "line 2: pose: found 3, expected a list of joints"),
        ('{"pose": null}', "line 2: nobody is seen, and it has no time"),
        ('{"pose": [], "time": "1"}', "line 2: time: found '1', expected seconds"),
        ('{"pose": [], "time": true}', "line 2: time: found True"),
        ('{"pose": [], "person": 1.5}', "line 2: person: found 1.5, expected a whole number"),
        ('{"pose": [], "person": "' + "x" * 70 + '"}', "line 2: person: found 'xxx"),
        ("[" * 100_000, "line 2: cannot be read as JSON"),
        ('{"pose": ' + "1" * 5000 + "}", "line 2: cannot be read as JSON"),
        ('{"pose": [' + " " * (1 << 20) + "]}", "line 2: longer than 1048576 bytes"),
        ("\udcff", "line 2: byte 0 is no UTF-8"),
    ],
)
def test_a_bad_line_is_told_by_its_number(line, message):
    stream = io.BytesIO(b'{"pose": [[1, 2, 3]]}\n' + line.encode("utf-8", "surrogateescape") + b"\n")
    with pytest.raises(InputError, match=message) as caught:
        list(of_lines(stream, lambda line: None))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def openpose(folder, frame, people, ids=None):
    found = [
        {"person_id": [-1 if ids is None else ids[at]], "pose_keypoints_2d": np.ravel(person).tolist()}
        for at, person in enumerate(people)
    ]
    path = folder / f"video_{frame:012d}_keypoints.json"
    path.write_text(json.dumps({"version": 1.3, "people": found}))
    return path


class Clock:
    """Time that passes only when somebody pauses, and then something may happen."""

    def __init__(self, *happens):
        self.time, self.happens = 0.0, list(happens)

    def now(self):
        return self.time

    def pause(self, seconds):
        self.time += seconds
        if self.happens:
            self.happens.pop(0)()


def body(rng, x):
    return np.column_stack([rng.normal(x, 30, 18), rng.normal(200, 60, 18), np.full(18, 0.8)])


def test_files_are_read_as_they_come(tmp_path, rng):
    """Two people, whose order in the list changes, are followed; the file that is half written is waited for."""
    left, right = body(rng, 100), body(rng, 500)
    left[3] = 0  # not seen
    openpose(tmp_path, 7, [left, right])
    (tmp_path / "notes.txt").write_text("")
    whole = openpose(tmp_path, 9, [right + np.array([2, 0, 0]), left]).read_text()
    (tmp_path / "video_000000000009_keypoints.json").write_text(whole[:100])
    clock = Clock(
        lambda: (tmp_path / "video_000000000009_keypoints.json").write_text(whole),
        lambda: openpose(tmp_path, 10, []),
    )
    found = list(of_folder(tmp_path, 10, idle=2 * LOOKS_S, now=clock.now, pause=clock.pause))
    assert [(one.time, one.person) for one in found] == [(0.7, 0), (0.7, 1), (0.9, 1), (0.9, 0), (1.0, 0)]
    np.testing.assert_array_equal(found[0].pose[:3], left[:3, :2])
    assert np.isnan(found[0].pose[3]).all()
    np.testing.assert_allclose(found[0].confidence[:3], 0.8)
    assert found[-1].pose is None


def test_identities_of_files_are_taken(tmp_path, rng):
    people = [body(rng, 100), body(rng, 500)]
    openpose(tmp_path, 0, people, [4, 2])
    clock = Clock()
    found = list(of_folder(tmp_path, 30, idle=0, now=clock.now, pause=clock.pause))
    assert [one.person for one in found] == [4, 2]


def test_what_is_no_file_of_openpose_is_told(tmp_path, rng):
    damaged = openpose(tmp_path, 3, [body(rng, 100)])
    damaged.write_text("{")
    clock = Clock()
    with pytest.raises(InputError, match=r"video_000000000003_keypoints.json: line 1"):
        list(of_folder(tmp_path, 30, idle=0, now=clock.now, pause=clock.pause))
    assert clock.time > WRITTEN_S
    openpose(tmp_path, 3, [])
    clock = Clock(lambda: openpose(tmp_path, 2, []))
    with pytest.raises(InputError, match=r"video_000000000002_keypoints.json: came after frame 3"):
        list(of_folder(tmp_path, 30, now=clock.now, pause=clock.pause))
    (tmp_path / "people.json").write_text("{}")
    with pytest.raises(InputError, match=r"people.json: its name has no number"):
        list(of_folder(tmp_path, 30, idle=0))
    with pytest.raises(InputError, match=r"gone: cannot be read \(No such file"):
        list(of_folder(tmp_path / "gone", 30, idle=0))
