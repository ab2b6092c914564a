"""The data set's own files come back exactly."""

import numpy as np
import pytest

from data.ntu.text import Body, Skeleton, write_skeleton
from tests.data.formats.steps import NAMES, bring, export, refused, same


@pytest.mark.parametrize("output", ["skeletons.zip", "folder"])
def test_skeleton_files_come_back_exactly(store, tmp_path, output):
    export(store, tmp_path / output, "skeleton")
    back = bring(tmp_path / output, tmp_path / "store")
    same(store, back)
    states = dict.fromkeys(NAMES, store.tracked[store.tracks.clip[0]])
    assert len(states) == len(back.clips)
    by_name = {name: row for row, name in enumerate(store.clips.name.tolist())}
    for track in range(len(back.tracks)):
        row = by_name[back.clips.name[back.tracks.clip[track]]]
        twin = np.flatnonzero((store.tracks.clip == row) & (store.tracks.actor == back.tracks.actor[track]))[0]
        length = back.tracks.length[track]
        assert (length, back.tracks.first_frame[track]) == (store.tracks.length[twin], store.tracks.first_frame[twin])
        at, there = back.tracks.first_row[track], store.tracks.first_row[twin]
        np.testing.assert_array_equal(back.tracked[at : at + length], store.tracked[there : there + length])


def test_skeleton_files_of_three_bodies_are_for_prepare(tmp_path):
    bodies = [Body(number, np.arange(3), np.ones((3, 25, 3), "f4"), np.full((3, 25), 2, "u1")) for number in range(3)]
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / f"{NAMES[0]}.skeleton").write_bytes(write_skeleton(Skeleton(3, tuple(bodies))))
    refused(tmp_path / "a", tmp_path / "store", "has 3 bodies, expected at most 2 .* prepare")
    (tmp_path / f"a/{NAMES[0]}.skeleton").rename(tmp_path / "a/walking.skeleton")
    refused(tmp_path / "a", tmp_path / "store", "walking: not an NTU RGB")
