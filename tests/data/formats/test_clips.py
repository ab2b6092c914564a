"""Clips between a store and dense arrays: which joints were seen, and how long a clip may be."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from base.errors import InputError
from data.formats import clips
from data.formats.clips import DenseClips
from data.formats.importing import ImportOptions, import_store
from tests.data.formats.made_files import annotation, save
from tests.data.formats.steps import NAMES, bring, clips_of, export


def test_dense_clips_are_the_stores(store):
    expected = clips_of(store)
    dense = DenseClips(store)
    for row, name in enumerate(store.clips.name.tolist()):
        clip = dense[row]
        assert str(clip.name) == name
        np.testing.assert_array_equal(clip.joints.swapaxes(0, 1), expected[name][:, : len(clip.joints)])
        np.testing.assert_array_equal(np.any(clip.tracked, axis=-1), np.any(clip.joints, axis=(-1, -2)))


def test_unseen_frames_are_exported_as_zeros_whatever_the_store_has_there(store, tmp_path):
    joints = np.array(store.joints)
    joints[~store.tracked.any(1)] = 7  # as a refiner may leave it
    clips = DenseClips(replace(store, joints=joints))
    row = int(np.flatnonzero(store.clips.frames == 30)[0])
    assert not clips[row].joints[:, 10:13].any()


def pickled(path, keypoint, score=None):
    """One clip as PYSKL has it."""
    item = {"frame_dir": NAMES[0], "label": 0, "keypoint": keypoint, "total_frames": keypoint.shape[1]}
    if score is not None:
        item |= {"keypoint_score": score, "img_shape": (1080, 1920), "original_shape": (1080, 1920)}
    path.write_bytes(pickle.dumps({"split": {}, "annotations": [item]}))
    return path


def test_a_joint_of_zeros_was_not_seen(tmp_path):
    """Three frames of zeros in one joint of a seen actor: no position, in space as in an image."""
    keypoint = np.random.default_rng(0).normal(3, 0.3, (1, 20, 25, 3)).astype(np.float32)
    keypoint[0, 7:10, 4] = 0
    keypoint[0, 0, 6, :2] = 0  # an x and a y of 0 are a position
    read = bring(pickled(tmp_path / "a.pkl", keypoint), tmp_path / "a")
    expected = np.full((20, 25), 2)
    expected[7:10, 4] = 0
    np.testing.assert_array_equal(read.tracked, expected)
    np.testing.assert_array_equal(read.joints, keypoint[0])


def test_a_joint_of_zeros_in_an_image_was_not_seen_whatever_a_low_score_says(tmp_path):
    keypoint = np.random.default_rng(0).uniform(100, 900, (1, 20, 17, 2)).astype(np.float32)
    score = np.full((1, 20, 17), 0.8, np.float32)
    keypoint[0, 7:10, 4] = 0
    score[0, 7:10, 4] = [0.0, 0.05, 0.9]
    keypoint[0, :2] = 0  # the actor comes later, though the estimator gave it small scores
    score[0, :2] = 0.01
    read = bring(pickled(tmp_path / "a.pkl", keypoint, score), tmp_path / "a")
    expected = np.full((18, 17), 2)
    expected[5:7, 4] = 0
    np.testing.assert_array_equal(read.tracked, expected)
    assert (read.tracks.first_frame.tolist(), read.tracks.length.tolist()) == ([2], [18])
    np.testing.assert_array_equal(read.confidence, score[0, 2:])


def test_positions_may_be_relative_to_a_joint(store, tmp_path):
    """The root of a whole clip at 0, or the middle of the spine that CTR-GCN and 2s-AGCN centre on, was seen."""
    keypoint = np.random.default_rng(0).normal(0, 0.3, (1, 20, 25, 3)).astype(np.float32)
    keypoint -= keypoint[:, :, :1]
    keypoint[0, 4:6] = 0  # a gap
    read = bring(pickled(tmp_path / "a.pkl", keypoint), tmp_path / "a")
    np.testing.assert_array_equal(read.tracked, np.where(keypoint[0].any((1, 2)), 2, 0)[:, None].repeat(25, 1))
    export(store, tmp_path / "ctrgcn", "ctrgcn")
    export(store, tmp_path / "stgcn", "stgcn")
    sources = (tmp_path / "ctrgcn" / "NTU60_CS.npz", tmp_path / "stgcn" / "xsub")
    for source, at in zip(sources, ("c", "s"), strict=True):
        read = bring(source, tmp_path / at)
        whole = np.asarray(read.tracked).all(1) | ~np.asarray(read.tracked).any(1)
        assert whole.all()
        assert (np.asarray(read.joints)[:, 1] == 0).all(-1).sum() >= 6


@pytest.mark.parametrize("frames", [0, 20_001])
def test_the_limit_of_frames_is_said(tmp_path, frames):
    assert clips.LONGEST == 20_000
    message = f"has {frames} frames, expected 1 to 20000"
    keypoint = np.ones((1, frames, 25, 3), np.float16)
    save(tmp_path / "a.pkl", [annotation(0, keypoint=keypoint)])
    x, y = np.zeros((1, frames, 150), np.float32), np.eye(60)
    np.savez(tmp_path / "NTU60_CS.npz", x_train=x, y_train=y[:1], x_test=x, y_test=y[1:2])
    (tmp_path / "agcn").mkdir()
    np.save(tmp_path / "agcn/train_data_joint.npy", np.zeros((1, 3, frames, 25, 2), np.float32))
    (tmp_path / "agcn/train_label.pkl").write_bytes(pickle.dumps(([NAMES[0]], [0])))
    (tmp_path / "npy").mkdir()
    np.save(tmp_path / f"npy/{NAMES[0]}.skeleton.npy", np.array({"skel_body0": np.zeros((frames, 25, 3))}))
    for source in ("a.pkl", "NTU60_CS.npz", "agcn", "npy"):
        with pytest.raises(InputError, match=message):
            import_store(tmp_path / source, tmp_path / "store", ImportOptions())
