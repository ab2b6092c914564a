import numpy as np
import pytest
import torch

from base.errors import InputError
from data.skeletons.layouts import NTU25
from recognition.use.explain import explain_clip, joint_shares

HAND = NTU25.joints.index("left hand")


def test_what_matters_is_found_and_nothing_else(one_joint, make_store):
    store = make_store(replications=1)
    found = explain_clip(one_joint, store, 3, action=23)
    assert (found.clip, found.action, found.importance.shape) == (store.clips.name[3], 23, (1, 10, 25))
    assert joint_shares(found)[HAND] == pytest.approx(1)
    assert not found.importance[:, :5].any()
    assert found.importance[0, 5:, HAND].min() > 0
    assert np.all(np.diff(found.frame) > 0)
    assert found.frame[-1] < store.clips.frames[3]


def test_the_parts_of_a_score_add_up_to_it(one_joint, make_store):
    # of one sign here: the hand is held far above the middle of the spine
    store = make_store(replications=1)
    joints = np.array(store.joints)
    joints[:, HAND, 1] = joints[:, 1, 1] + 2
    store = type(store)(store.folder, joints, store.tracked, store.tracks, store.clips, store.info)
    found = explain_clip(one_joint, store, 0, action=23)
    with torch.no_grad():
        start = joints[store.tracks.first_row[0], 1]
        rows = store.tracks.first_row[0] + found.frame
        x = torch.from_numpy(joints[rows] - start)[None]
        score = float(one_joint.net(x, torch.tensor([0]), 1)[0, 1])
    assert found.importance.sum() == pytest.approx(score, rel=1e-4)
    assert found.probability == pytest.approx(1 / (1 + np.exp(-score)), rel=1e-4)


def test_the_likeliest_action_is_explained_by_default(one_joint, make_store):
    store = make_store(replications=1)
    found = explain_clip(one_joint, store, 0)
    assert found.probability >= 0.5
    assert found.action == (23 if found.probability == explain_clip(one_joint, store, 0, 23).probability else 1)


def test_unknown_actions_and_empty_clips_are_refused(one_joint, make_store):
    store = make_store(replications=1)
    with pytest.raises(InputError, match=r"--action: found 2, but .* knows 1, 23"):
        explain_clip(one_joint, store, 0, action=2)
    tracks = type(store.tracks)(**{name: values[1:] for name, values in vars(store.tracks).items()})
    store = type(store)(store.folder, store.joints, store.tracked, tracks, store.clips, store.info)
    with pytest.raises(InputError, match="shows nobody"):
        explain_clip(one_joint, store, 0)


def test_a_clip_whose_joints_are_nowhere_is_refused(one_joint, make_store):
    store = make_store(replications=1)
    joints = np.array(store.joints)
    joints[: store.tracks.length[0]] = np.nan
    store = type(store)(store.folder, joints, store.tracked, store.tracks, store.clips, store.info)
    with pytest.raises(InputError, match=f"clip {store.clips.name[0]} shows nobody"):
        explain_clip(one_joint, store, 0)
    assert explain_clip(one_joint, store, 1).probability > 0
