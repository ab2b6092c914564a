import pytest

from data.skeletons.layouts import LAYOUTS


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
