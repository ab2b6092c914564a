"""Bringing bones nearer to their usual lengths: in space, a bone's length does not change.

The direction of each bone is kept; of how far its length is from the usual one, a share is taken back: half of it where
it is a few percent off, as when an estimator is not sure, and hardly anything where it is so far off that this is no
bone, or not its end. A skeleton whose bones keep their lengths is not changed at all. In images lengths do change: it
is not for them.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

STRENGTH = 0.5
"""The share of a small difference that is taken back. Usual lengths are estimates, too."""

BELIEVED = 0.2
"""Of a difference of this share of the length, half as much is taken back."""


@dataclass(frozen=True)
class Tree:
    """Bones in an order in which each hangs on one before it.

    Parameters
    ----------
    bones
        (parent, joint).
    parts
        The joints of each connected part of the skeleton.
    """

    bones: tuple[tuple[int, int], ...]
    parts: tuple[tuple[int, ...], ...]


def hang(bones: Sequence[tuple[int, int]], joints: int) -> Tree:
    """Hang bones on the joint from which the others are nearest; of a circle of bones, one is left out.

    Parameters
    ----------
    bones
        Pairs of joints, in any order.
    joints
        How many there are.

    Raises
    ------
    ValueError
        A bone has a joint that there is not, or joins a joint to itself.
    """
    return _hang(tuple((int(a), int(b)) for a, b in bones), joints)


@lru_cache
def _hang(bones: tuple[tuple[int, int], ...], joints: int) -> Tree:
    """Hang bones once for all tracks of a layout: it takes the square of the joints."""
    near: list[set[int]] = [set() for _ in range(joints)]
    for a, b in bones:
        if not (0 <= a < joints and 0 <= b < joints) or a == b:
            raise ValueError(f"bone ({a}, {b}) of a skeleton of {joints} joints")
        near[a].add(b)
        near[b].add(a)
    ordered: list[tuple[int, int]] = []
    parts = []
    left = {joint for joint in range(joints) if near[joint]}
    while left:
        part = [min(left), *(joint for _, joint, _ in _walk(near, min(left)))]
        centre = min(sorted(part), key=lambda joint: sum(steps for _, _, steps in _walk(near, joint)))
        ordered += [(parent, joint) for parent, joint, _ in _walk(near, centre)]
        parts.append(tuple(sorted(part)))
        left -= set(part)
    return Tree(tuple(ordered), tuple(parts))


def _walk(near: Sequence[set[int]], start: int) -> list[tuple[int, int, int]]:
    """Return (from, to, steps from the start) for each joint that can be reached."""
    found, seen, waiting = [], {start}, deque([(start, 0)])
    while waiting:
        joint, steps = waiting.popleft()
        for other in sorted(near[joint] - seen):
            seen.add(other)
            found.append((joint, other, steps + 1))
            waiting.append((other, steps + 1))
    return found


def lengths_of(x: np.ndarray, tree: Tree) -> np.ndarray:
    """Return each bone's length in each frame, [T, bones]."""
    if not tree.bones:
        return np.zeros((len(x), 0), x.dtype)
    parents, joints = np.array(tree.bones).T
    bone = x[:, joints] - x[:, parents]
    return np.sqrt(np.einsum("tbd,tbd->tb", bone, bone))


def bone_weights(weight: np.ndarray, tree: Tree) -> np.ndarray:
    """Return how far each bone can be trusted in each frame, [T, bones], from its joints' weights [T, J]."""
    if not tree.bones:
        return np.zeros((len(weight), 0), weight.dtype)
    parents, joints = np.array(tree.bones).T
    return np.minimum(weight[:, parents], weight[:, joints])


def usual_lengths(lengths: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted median of each bone's length, [bones]."""
    order = np.argsort(lengths, axis=0, kind="stable")
    ordered = np.take_along_axis(lengths, order, 0)
    share = np.cumsum(np.take_along_axis(weights.astype(np.float64), order, 0), axis=0)
    middle = (share < 0.5 * share[-1:]).sum(axis=0)
    return np.take_along_axis(ordered, np.minimum(middle, len(lengths) - 1)[None], 0)[0]


def hold_lengths(x: np.ndarray, tree: Tree, usual: np.ndarray, strength: float = STRENGTH) -> np.ndarray:
    """Bring bones nearer to their usual lengths.

    Parameters
    ----------
    x
        [T, J, D].
    tree
        The bones.
    usual
        Their usual lengths, [bones].
    strength
        0 changes nothing; 1 gives a bone its usual length, if it is not far off.

    Returns
    -------
    array [T, J, D]
        The mean of the joints of each connected part stays where it was.
    """
    moved = np.zeros_like(x)
    lengths = lengths_of(x, tree)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = usual / lengths - 1
        share = np.where(lengths > 0, strength * off / (1 + (off / BELIEVED) ** 2), 0).astype(x.dtype)
    for number, (parent, joint) in enumerate(tree.bones):
        moved[:, joint] = moved[:, parent] + share[:, number, None] * (x[:, joint] - x[:, parent])
    for part in tree.parts:
        members = list(part)
        moved[:, members] -= moved[:, members].mean(axis=1, keepdims=True)
    return x + moved
