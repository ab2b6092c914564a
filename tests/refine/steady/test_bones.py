import numpy as np
import pytest

from data.skeletons.layouts import NTU25
from refine.steady.bones import bone_weights, hang, hold_lengths, lengths_of, usual_lengths


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_tree_hangs_on_its_middle_in_any_order(rng):
    tree = hang(NTU25.bones, 25)
    reordered = hang([tuple(rng.permutation(bone)) for bone in rng.permutation(NTU25.bones)], 25)
    assert tree == reordered
    assert tree.bones[0][0] == 20  # the spine's top, as the layout says
    placed = {20}
    for parent, joint in tree.bones:
        assert parent in placed
        assert joint not in placed
        placed.add(joint)
    assert placed == set(range(25))


def test_circles_and_parts():
    tree = hang([(0, 1), (1, 2), (2, 0), (4, 5)], 7)
    assert len(tree.bones) == 3
    assert tree.parts == ((0, 1, 2), (4, 5))
    for bad in ([(0, 0)], [(0, 7)], [(-1, 2)]):
        with pytest.raises(ValueError, match="bone"):
            hang(bad, 7)
    assert hold_lengths(np.ones((4, 2, 3)), hang([], 2), np.zeros(0)).tolist() == np.ones((4, 2, 3)).tolist()


def test_lengths_are_brought_nearer_and_directions_kept(rng):
    bones = [(0, 1), (1, 2), (1, 3), (3, 4)]
    tree = hang(bones, 6)
    x = rng.normal(size=(20, 6, 3))
    usual = np.array([1.0, 0.5, 0.7, 0.2])
    for strength in (0.0, 0.4, 1.0):
        y = hold_lengths(x, tree, usual, strength)
        for (parent, joint), wanted in zip(tree.bones, usual, strict=True):
            before, after = x[:, joint] - x[:, parent], y[:, joint] - y[:, parent]
            length = np.linalg.norm(before, axis=-1)
            off = wanted - length
            believed = 1 / (1 + (off / (0.2 * length)) ** 2)
            np.testing.assert_allclose(np.linalg.norm(after, axis=-1), length + strength * believed * off, atol=1e-12)
            np.testing.assert_allclose(
                after / np.linalg.norm(after, axis=-1, keepdims=True), before / length[:, None], atol=1e-12
            )
        np.testing.assert_allclose(y[:, 5], x[:, 5])
        np.testing.assert_allclose(y[:, :5].mean(1), x[:, :5].mean(1), atol=1e-12)


def test_rigid_skeletons_stay_exactly(rng):
    tree = hang([(0, 1), (1, 2)], 3)
    directions = rng.normal(size=(30, 2, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    x = np.cumsum(np.concatenate([rng.normal(size=(30, 1, 3)), directions * [[0.4], [0.3]]], axis=1), axis=1)
    usual = usual_lengths(lengths_of(x, tree), bone_weights(np.ones((30, 3)), tree))
    np.testing.assert_allclose(hold_lengths(x, tree, usual), x, atol=1e-12)


def test_usual_lengths_are_medians_of_what_is_trusted(rng):
    lengths = rng.uniform(1, 2, (41, 3))
    np.testing.assert_allclose(usual_lengths(lengths, np.ones((41, 3))), np.median(lengths, axis=0))
    weights = np.zeros((41, 3))
    weights[5:8] = 1
    np.testing.assert_allclose(usual_lengths(lengths, weights), np.median(lengths[5:8], axis=0))
