from contextlib import closing

import numpy as np
import pytest

from base.errors import InputError
from data.ntu.names import ClipName
from data.skeletons.layouts import NTU25
from data.skeletons.resumable import ResumableStore
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store, to_block

INFO = StoreInfo(source="made up")
NAMES = [ClipName(1, 1, 1, 1, action) for action in (1, 2, 3)]


def tracks(seed):
    rng = np.random.default_rng(seed)
    return [Track(0, 0, rng.normal(size=(9, 25, 3)).astype(np.float32), np.full((9, 25), 2, np.uint8))]


def add(store, number):
    skipped = [{"file": f"{number}.txt", "reason": "no clip"}]
    store.add(2, to_block([(NAMES[number], 9, tracks(number))], NTU25), skipped)


@pytest.fixture
def begun(tmp_path):
    """What a run has left that was ended after two of three blocks."""
    folder = tmp_path / "begun"
    folder.mkdir()
    with closing(ResumableStore(folder, INFO, "one")) as store:
        assert (store.entries, store.skipped) == (0, [])
        add(store, 0)
        add(store, 1)
    return folder


def test_a_second_run_ends_in_the_store_that_one_run_would_have_written(begun, tmp_path):
    with closing(ResumableStore(begun, INFO, "one")) as store:
        assert store.entries == 4
        assert [one["file"] for one in store.skipped] == ["0.txt", "1.txt"]
        add(store, 2)
        assert (store.entries, len(store.skipped)) == (6, 3)
        store.finish(INFO)
    with StoreWriter(tmp_path / "whole", INFO) as writer:
        for number, name in enumerate(NAMES):
            writer.add(name, 9, tracks(number))
    for path in (tmp_path / "whole").iterdir():
        assert (begun / path.name).read_bytes() == path.read_bytes(), path.name
    assert len(open_store(begun).clips) == 3


def test_what_is_not_whole_on_the_disk_is_to_be_read_again(begun):
    path = begun / "joints.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with closing(ResumableStore(begun, INFO, "one")) as store:
        assert (store.entries, [one["file"] for one in store.skipped]) == (2, ["0.txt"])


def test_what_a_run_of_another_source_has_left_is_removed(begun):
    with closing(ResumableStore(begun, INFO, "other")) as store:
        assert (store.entries, store.skipped, store.files.clips) == (0, [], 0)
    assert list(begun.iterdir()) == []


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("dear")
    with pytest.raises(InputError, match=r"holds thesis\.txt, which no clip store has"):
        ResumableStore(tmp_path, INFO, "one")
    assert (tmp_path / "thesis.txt").read_text() == "dear"
