from dataclasses import replace

import numpy as np
import pytest

from base.errors import InputError
from data.ntu.names import ClipName
from data.skeletons.layouts import NTU25
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from recognition.use.other_skeletons import score_on
from recognition.use.recognizer import load_recognizer

HAND, CENTRE = NTU25.joints.index("left hand"), 1


def held(store, height):
    """Give the clips of a store, the left hand held so far above where the middle of the spine is first."""
    joints = np.array(store.joints)
    for first, length in zip(store.tracks.first_row, store.tracks.length, strict=True):
        joints[first : first + length, HAND, 1] = joints[first, CENTRE, 1] + height
    return replace(store, joints=joints)


@pytest.mark.parametrize("height", [1.0, -0.5])
def test_the_skeletons_given_are_scored_and_of_test_clips_only(one_joint, make_store, height):
    store = make_store(replications=1)
    found = score_on(one_joint, held(store, height), "xsub", batch=3)
    # 3 and 6 are no training performers of cross-subject; the network has the logits 0 and twice the height
    assert found.clip.tolist() == [f"S001C001P{performer:03d}R001A{a:03d}" for performer in (3, 6) for a in (1, 23)]
    assert (found.label.tolist(), found.action.tolist()) == ([0, 1, 0, 1], [1, 23])
    np.testing.assert_allclose(found.score, [[1 / (1 + np.exp(2 * height)), 1 / (1 + np.exp(-2 * height))]] * 4, 1e-4)


def test_on_its_own_clips_a_run_scores_what_it_has_saved(run):
    store, folder = run
    saved, found = np.load(folder / "scores.npz"), score_on(load_recognizer(folder), store, "xsub")
    for key in ("clip", "label", "action"):
        np.testing.assert_array_equal(getattr(found, key), saved[key])
    np.testing.assert_allclose(found.score, saved["score"], atol=1e-5)


def test_other_joints_and_clips_without_labels_are_refused(one_joint, make_store, tmp_path):
    with StoreWriter(tmp_path / "flat", StoreInfo(layout="coco17", image=(1920, 1080))) as writer:
        track = Track(0, 0, np.ones((5, 17, 2), np.float32), np.full((5, 17), 2, np.uint8))
        writer.add(ClipName(1, 1, 3, 1, 1), 5, [track])
    with pytest.raises(InputError, match=r"has skeletons of coco17, and .* is for ntu25"):
        score_on(one_joint, open_store(tmp_path / "flat"), "xsub")
    with pytest.raises(InputError, match="5 of its 10 clips have no label"):
        score_on(one_joint, make_store(replications=1, actions=(0, 23)), "xsub")
