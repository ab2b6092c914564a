import pytest

from base.errors import InputError
from data.recordings.registry import BY_CONTENT, BY_NAME, RECORDINGS, find_recording


def test_content_goes_before_names():
    assert BY_CONTENT > BY_NAME > 0


@pytest.mark.parametrize("name", RECORDINGS.names())
def test_every_kind_says_what_it_reads_and_guesses_anything_at_all(name, tmp_path):
    kind = RECORDINGS[name]
    assert name == name.lower()
    assert kind.label
    assert kind.reads
    assert not kind.reads.endswith(".")
    (tmp_path / "empty").touch()
    (tmp_path / "bytes").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "folder").mkdir()
    for path in ("empty", "bytes", "folder", "none", "a\0b"):
        assert kind.guess(tmp_path / path) == 0


def test_a_format_is_found_by_its_name_and_another_name_is_refused():
    assert find_recording("bvh").label == "BVH"
    with pytest.raises(InputError, match=r"^--format: .*'bhv'.*'bvh'"):
        find_recording("bhv")
