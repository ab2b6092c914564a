import hashlib
import json

from ablation.study.hashes import content_of, content_of_files, name_of
from data.skeletons.store import open_store
from tests.ablation.small_study import write_store


def test_a_name_depends_on_kind_and_content_alone():
    expected = hashlib.sha256(json.dumps(["store", {"a": 1, "b": [2, None]}]).encode()).hexdigest()[:16]
    assert name_of("store", {"b": [2, None], "a": 1}) == expected
    assert name_of("cell", {"b": [2, None], "a": 1}) != expected


def test_stores_of_equal_clips_have_one_content(tmp_path):
    one, other, noisy = (write_store(tmp_path / name, noise) for name, noise in (("a", 0), ("b", 0), ("c", 0.1)))
    assert content_of(open_store(one)) == content_of(open_store(other))
    assert content_of(open_store(one)) != content_of(open_store(noisy))


def test_a_file_that_is_not_there_has_no_hash(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    found = content_of_files([tmp_path / "file", tmp_path / "none"])
    assert found == [hashlib.sha256(b"abc").hexdigest(), "absent"]
