"""Files of a frame each, in a folder or alone."""

import numpy as np
import pytest

from base.errors import InputError
from data.recordings.frame_files import frame_files
from data.recordings.patching import Numbers
from data.recordings.rows import Row
from tests.data.recordings.json_checks import contents

TEXTS = {"a_10.txt": b"1 2", "a_2.txt": b"", "a_3.txt": b"3 4 5 6"}


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "in"
    path.mkdir()
    for name, text in {**TEXTS, "names.txt": b"x", "a_4.json": b"x"}.items():
        (path / name).write_bytes(text)
    return path


def test_files_and_frames(folder):
    found = frame_files(folder, ".txt", "names.txt")
    assert [file.name for file in found.files] == list(TEXTS)
    assert found.frames == (10, 2, 3)
    alone = frame_files(folder / "a_3.txt", ".txt")
    assert (alone.files, alone.frames) == ((folder / "a_3.txt",), (0,))


def test_each_row_is_written_into_its_file(folder, tmp_path):
    found = frame_files(folder, ".txt", "names.txt")
    texts = [
        Numbers(text, np.array([[at, at + 1] for at in range(0, len(text), 2)]).reshape(-1, 2))
        for text in TEXTS.values()
    ]
    slots, joints = np.array([[[0, 1]], [[0, 1]], [[2, 3]]]), np.array([[[1.0, 2]], [[3, 4]], [[5, 6]]])
    write = found.writer(texts, [0, 2, 2], slots, joints)
    write(joints, tmp_path / "same")
    assert contents(tmp_path / "same") == TEXTS
    write(np.add(joints, [[[0, 0.5]], [[0, 0]], [[1, 0]]]), tmp_path / "other")
    assert contents(tmp_path / "other") == {"a_10.txt": b"1 2.50", "a_2.txt": b"", "a_3.txt": b"3 4 6.00 6"}
    alone = frame_files(folder / "a_10.txt", ".txt")
    alone.writer(texts[:1], [0], slots[:1], joints[:1])(joints[:1] + 1, tmp_path / "one.txt")
    assert (tmp_path / "one.txt").read_bytes() == b"2.00 3.00"


def test_rows_of_one_frame(folder):
    found = frame_files(folder, ".txt", "names.txt")
    rows = [Row(7, np.zeros((1, 2)), np.zeros((1, 2)), who) for who in (None, 5)]
    assert [(row.frame, row.person) for row in found.of_one_frame(rows, 0)] == [(10, None), (10, 5)]
    with pytest.raises(InputError, match=r"a_2.txt: holds several frames, expected one per file"):
        found.of_one_frame([*rows, Row(8, np.zeros((1, 2)), np.zeros((1, 2)))], 1)


def test_folders_without_such_files_are_refused(folder):
    with pytest.raises(InputError, match=r"in: holds no .csv file, expected one per frame"):
        frame_files(folder, ".csv")
    with pytest.raises(InputError, match=r"in: found names.txt, expected names that end in the number of the frame"):
        frame_files(folder, ".txt")
