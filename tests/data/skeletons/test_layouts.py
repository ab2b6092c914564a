import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from base.errors import InputError
from data.skeletons.layouts import LAYOUTS, Layout, content_of, layouts_of, read_layout


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=str)
def test_the_bones_of_a_layout_are_a_tree_that_ends_at_its_centre(layout):
    parent = dict(layout.bones)
    assert sorted([*parent, layout.centre]) == list(range(len(layout.joints)))
    for joint in range(len(layout.joints)):
        steps = 0
        while joint != layout.centre:
            joint, steps = parent[joint], steps + 1
            assert steps < len(layout.joints)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_left_and_right_are_mirror_images(layout):
    """The bones of the left limbs are those of the right; a joint is named once."""
    assert len(set(layout.joints)) == len(layout.joints)
    named = {(layout.joints[joint], layout.joints[parent]) for joint, parent in layout.bones}
    swap = {"left": "right", "right": "left"}
    mirrored = {tuple(" ".join(swap.get(word, word) for word in name.split()) for name in bone) for bone in named}
    assert mirrored == named


@pytest.mark.parametrize(
    ("name", "joints", "dims", "centre"),
    [("ntu25", 25, 3, "spine"), ("coco17", 17, 2, "nose"), ("openpose18", 18, 2, "neck")],
)
def test_a_layout_is_found_by_its_name(name, joints, dims, centre):
    layout = LAYOUTS[name]
    assert (layout.name, len(layout.joints), layout.dims) == (name, joints, dims)
    assert layout.joints[layout.centre] == centre
    assert 0 <= layout.root < joints


def test_all_shipped_layouts_are_trees_with_two_equal_sides():
    assert {name: len(layout.joints) for name, layout in LAYOUTS.items()} == {
        "ntu25": 25, "coco17": 17, "openpose18": 18, "body25": 25, "h36m17": 17, "h36m17_2d": 17, "halpe26": 26,
        "h36m16": 16, "kinect20": 20, "mediapipe33": 33, "mediapipe33_2d": 33, "smpl24": 24, "wholebody133": 133,
        "azure32": 32,
    }  # fmt: skip
    for layout in LAYOUTS.values():
        joints = len(layout.joints)
        graph = coo_array(([1] * len(layout.bones), np.transpose(layout.bones)), shape=(joints, joints))
        assert connected_components(graph, directed=False)[0] == 1, layout.name
        assert len(layout.bones) == joints - 1
        named = " ".join(layout.joints).split()
        assert named.count("left") == named.count("right"), layout.name


def test_keypoints_that_extend_cocos_begin_with_them():
    for name in ("halpe26", "wholebody133"):
        assert LAYOUTS[name].joints[:17] == LAYOUTS["coco17"].joints


def test_a_layout_of_ones_own(tmp_path):
    text = "joints: [head, hip, knee]\nbones: [[head, hip], [2, 1]]\ncentre: hip\ndims: [2, 3]\nunit: cm\n"
    (tmp_path / "mine.yaml").write_text(text)
    assert read_layout(tmp_path / "mine.yaml") == Layout("mine", ("head", "hip", "knee"), ((0, 1), (2, 1)), 1, 1, 3)
    content = content_of(LAYOUTS["h36m17"])
    assert layouts_of("h36m17", content, "f") == [LAYOUTS["h36m17"]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bones": [[0, 1], [2, 3]]}, "bones: found 3, expected a joint's name, or its number from 0 to 2"),
        ({"bones": [["head", "hip"], ["knee", "foot"]]}, "bones: found 'foot'"),
        ({"bones": [[0, 2], [2, 0]]}, "the path from 'head' is a loop"),
        ({"bones": [[0, 1]]}, "the path from 'knee' ends at 'knee'"),
        ({"bones": [[0, 1], [0, 2], [2, 1]]}, "'head' has two parents"),
        ({"bones": [[0, 1], [2, 1], [1, 0]]}, "'hip' is the centre and has a parent"),
        ({"bones": [[0, 1, 2]]}, "expected a list of pairs"),
        ({"joints": ["head", "head", "knee"]}, "different names"),
        ({"centre": "foot"}, "centre: found 'foot'"),
        ({"dims": 4}, "dims: found 4, expected 3, 2"),
        ({"colour": "red"}, "expected joints, bones, centre and dims"),
    ],
)
def test_a_layout_that_makes_no_sense(change, message):
    content = {"joints": ["head", "hip", "knee"], "bones": [[0, 1], [2, 1]], "centre": 1, "dims": 3}
    with pytest.raises(InputError, match=message):
        layouts_of("mine", content | change, "mine.yaml")


@pytest.mark.parametrize("content", [b"[1, 2", b"\0\1", b"\xff\xfe", b"joints: !!python/name:os.system x"])
def test_a_layout_that_is_no_yaml(tmp_path, content):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"mine\.yaml: cannot be read .* expected a YAML file of a layout") as caught:
        read_layout(path)
    assert "\n" not in str(caught.value)
