import numpy as np
import pytest

from base.errors import InputError
from data.recordings.guessing import describe_recordings, guess_recording, read_recording
from data.recordings.recording import Recording
from data.recordings.registry import BY_CONTENT, BY_NAME, RECORDINGS, RecordingKind


def read_toy(path):
    return Recording(np.ones((2, 1, 2)), np.array([0, 1]), lambda *_: None, fps=0.0, seconds=np.array([1.0, 0.0]))


@pytest.fixture
def toys(tmp_path):
    """Three formats: by the ending, by the first word, and by both."""
    kinds = {
        "toy_by_name": lambda path: BY_NAME * (path.suffix == ".toy"),
        "toy_by_content": lambda path: BY_CONTENT * (path.is_file() and path.read_bytes()[:3] == b"TOY"),
        "toy_by_both": lambda path: BY_CONTENT * (path.is_file() and path.read_bytes() == b"TOY too"),
    }
    for name, guess in kinds.items():
        RECORDINGS.add(name, RecordingKind("Toy", f"a toy's files, {name}", guess, read_toy))
    for name, content in (("a.toy", b"x"), ("b.toy", b"TOY"), ("c.toy", b"TOY too"), ("d.oty", b"x")):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.toy").mkdir()
    yield tmp_path
    for name in kinds:
        RECORDINGS.remove(name)


def test_content_goes_before_names_and_a_folder_is_no_file(toys):
    assert [guess_recording(toys / name) for name in ("a.toy", "b.toy", "d.oty", "folder.toy")] == [
        "toy_by_name",
        "toy_by_content",
        None,
        None,
    ]


def test_of_two_that_are_as_sure_the_user_has_to_say_which(toys):
    said = r"c\.toy: may be of toy_by_content, toy_by_both; say which with --format toy_by_content\|toy_by_both$"
    with pytest.raises(InputError, match=said):
        read_recording(toys / "c.toy", timed=False)
    assert read_recording(toys / "c.toy", "toy_by_both", timed=False)[0] == "toy_by_both"


def test_the_rate_of_a_file_is_checked_unless_the_user_says_it(toys):
    with pytest.raises(InputError, match=r"a\.toy: found 0\.0 frames a second; say the rate with --fps"):
        read_recording(toys / "a.toy")
    name, recording = read_recording(toys / "a.toy", timed=False)
    assert (name, recording.fps, recording.seconds) == ("toy_by_name", None, None)


@pytest.mark.parametrize(
    ("name", "format", "said"),
    [
        ("none", None, r"none: is not there; give a file, or a folder of files$"),
        (
            "d.oty",
            None,
            r"d\.oty: a file with the ending '\.oty' whose content is of no known tool; what is read: .*toy",
        ),
        ("folder.toy", None, r"folder\.toy: a folder whose content is of no known tool"),
        ("a.toy", "opnpose", r"^--format: no format is called 'opnpose'; did you mean 'openpose'\?$"),
        ("folder.toy", "toy_by_name", r"folder\.toy: is a folder; Toy is read from a file$"),
    ],
)
def test_what_cannot_be_read_is_told(toys, name, format, said):
    with pytest.raises(InputError, match=said):
        read_recording(toys / name, format)


def test_formats_are_listed_with_what_is_read(toys):
    assert ("toy_by_name", "a toy's files, toy_by_name") in describe_recordings()
    assert "openpose" in dict(describe_recordings())
