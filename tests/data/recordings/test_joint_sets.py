"""Well-known joints: their bones connect them all, the left side is like the right."""

import pytest
import scipy.sparse as sparse
from scipy.sparse.csgraph import connected_components

from data.recordings import joint_sets
from data.recordings.joint_sets import AZURE_32, BLAZEPOSE_33, COCO_17, COCO_133, HALPE_26, HALPE_136, HAND_21
from data.recordings.json_text import Number

SETS = {33: BLAZEPOSE_33, 17: COCO_17, 133: COCO_133, 26: HALPE_26, 136: HALPE_136, 21: HAND_21, 32: AZURE_32}
SETS[25] = joint_sets.KINECT_25


def parts(known):
    """Return how many parts the bones leave, those of the face and hands that no bone ties to the body counted."""
    count = len(known.names)
    ends = list(zip(*known.bones, strict=True))
    graph = sparse.coo_matrix(([1] * len(known.bones), ends), (count, count))
    return connected_components(graph, directed=False)[0]


@pytest.mark.parametrize(
    ("count", "number"), [(33, 3), (17, 1), (133, 1 + 68 + 2), (26, 2), (136, 2 + 68 + 2), (21, 1), (32, 1), (25, 1)]
)
def test_bones_connect_joints(count, number):
    # The faces of BlazePose and Halpe stand apart from the trunk, BlazePose's mouth from both; hands and the 68 joints
    # of a face are of their own.
    known = SETS[count]
    assert len(known.names) == len(set(known.names)) == count
    assert len(set(map(frozenset, known.bones))) == len(known.bones)
    assert parts(known) == number


@pytest.mark.parametrize("count", SETS)
def test_sides_are_alike(count):
    known = SETS[count]
    swap = str.maketrans({"L": "R", "R": "L"})
    other = [name.replace("left", "L").replace("right", "R").translate(swap) for name in known.names]
    other = [name.replace("L", "left").replace("R", "right") for name in other]
    twin = {name: known.names.index(name) for name in known.names}
    bones = set(map(frozenset, known.bones))
    mirrored = {frozenset(twin[other[end]] for end in bone) for bone in bones}
    assert mirrored == bones or count == 17  # PYSKL's tree of COCO's joints leans to one side: through the nose


def n(value):
    return Number(value)


def test_what_files_list():
    assert joint_sets.names_in(["a", "b"]) == ("a", "b")
    assert joint_sets.names_in(["a", n(1)]) == joint_sets.names_in("ab") == joint_sets.names_in(None) == ()
    pairs = [[n(1), n(2)], [n(3), n(1)], [n(0), n(1)], [n(1)], "12", [n(1.5), n(1)], [n(1), n(2), n(3)], [n(4), n(1)]]
    assert joint_sets.bones_in(pairs, 3, first=1) == ((0, 1), (2, 0))
    assert joint_sets.bones_in(None, 3) == ()
