import os

import pytest

from data.recordings.peek import files_in, head


def test_the_head_is_the_first_bytes_of_a_file_and_nothing_of_anything_else(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"0123456789")
    assert (head(file, 4), head(file)) == (b"0123", b"0123456789")
    assert head(tmp_path) == head(tmp_path / "none") == head(tmp_path / "a\0b") == b""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert head(tmp_path / "pipe") == b""


def test_files_of_a_folder_by_their_ending(tmp_path):
    for name in ("b.JSON", "a.json", ".c.json", "a.json.txt", "d.jsonl"):
        (tmp_path / name).touch()
    assert [path.name for path in files_in(tmp_path, ".json")] == ["a.json", "b.JSON"]
    assert files_in(tmp_path / "a.json", ".json") == files_in(tmp_path / "none", ".json") == []


def test_so_many_entries_are_looked_at_and_no_more(tmp_path, monkeypatch):
    for number in range(5):
        (tmp_path / f"{number}.json").touch()
    monkeypatch.setattr("data.recordings.peek.MOST_FILES", 3)
    assert len(files_in(tmp_path, ".json")) == 3
