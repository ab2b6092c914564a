"""Joints of one layout as those of another, against the tables of others and middles by hand."""

import numpy as np
import pytest
import yaml

from base.errors import InputError
from data.skeletons.conversion import MIDDLES, conversion
from data.skeletons.layouts import LAYOUTS, content_of, layouts_of, read_layout
from data.skeletons.store import Track

COCO_OF_OPENPOSE = [0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10]
"""Where OpenPose's 18 keypoints have COCO's 17, as OpenPose's documentation of its COCO output draws them."""
OPENPOSE_OF_COCO = [0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]
"""The other way; the neck, second, is the mean of the shoulders, COCO's 5 and 6 (as OpenPose was trained, and MMPose's
demos draw)."""
H36M_OF_COCO = {1: 12, 2: 14, 3: 16, 4: 11, 5: 13, 6: 15, 9: 0, 11: 5, 12: 7, 13: 9, 14: 6, 15: 8, 16: 10}
"""As MMPose lifts COCO's joints to Human3.6M's; there the hip is the middle of the hips, the thorax of the shoulders,
the spine of both."""


def some_track(layout, seed=0, frames=6, unseen=0.2):
    rng = np.random.default_rng(seed)
    joints = len(LAYOUTS[layout].joints)
    points = rng.normal(size=(frames, joints, LAYOUTS[layout].dims)).astype(np.float32)
    tracked = rng.choice(np.array([0, 1, 2], np.uint8), size=(frames, joints), p=[unseen, 0.2, 0.8 - unseen])
    return Track(0, 3, points, tracked, rng.random((frames, joints)).astype(np.float32))


def convert(source, target, track, missing=False):
    return conversion(LAYOUTS[source], LAYOUTS[target], "a", missing).track(track)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("openpose18", "coco17", COCO_OF_OPENPOSE),
        ("halpe26", "coco17", range(17)),
        ("wholebody133", "coco17", range(17)),
    ],
)
def test_joints_that_correspond_are_taken_to_the_bit(source, target, expected):
    track = some_track(source)
    found = convert(source, target, track)
    for one in ("joints", "tracked", "confidence"):
        assert np.array_equal(getattr(found, one), getattr(track, one)[:, list(expected)]), one
    assert (found.actor, found.first_frame) == (0, 3)


def test_openposes_neck_is_the_middle_of_cocos_shoulders():
    track = some_track("coco17", frames=40)
    found = convert("coco17", "openpose18", track)
    for at, joint in enumerate(OPENPOSE_OF_COCO):
        if joint is not None:
            assert np.array_equal(found.joints[:, at], track.joints[:, joint])
    seen = (track.tracked[:, 5] > 0) & (track.tracked[:, 6] > 0)
    assert 0 < seen.sum() < 40
    np.testing.assert_allclose(found.joints[seen, 1], (track.joints[seen, 5] + track.joints[seen, 6]) / 2, rtol=1e-6)
    assert np.array_equal(found.tracked[:, 1] > 0, seen)
    assert not found.joints[~seen, 1].any()
    assert np.array_equal(found.confidence[:, 1], np.minimum(track.confidence[:, 5], track.confidence[:, 6]))


def test_cocos_joints_as_human36ms():
    with pytest.raises(InputError, match=r"^a: joints of coco17 are no h36m17_2d: head cannot be had .* --missing"):
        conversion(LAYOUTS["coco17"], LAYOUTS["h36m17_2d"], "a")
    track = some_track("coco17", unseen=0.0)
    found = convert("coco17", "h36m17_2d", track, missing=True)
    for at, joint in H36M_OF_COCO.items():
        assert np.array_equal(found.joints[:, at], track.joints[:, joint])
    x = track.joints.astype(np.float64)
    hip, thorax = (x[:, 11] + x[:, 12]) / 2, (x[:, 5] + x[:, 6]) / 2
    for at, expected in ((0, hip), (8, thorax), (7, (hip + thorax) / 2)):
        np.testing.assert_allclose(found.joints[:, at], expected, rtol=1e-5, atol=1e-6)
    assert not any(array[:, 10].any() for array in (found.joints, found.tracked, found.confidence))
    assert found.tracked[:, :10].all()


def test_body25_as_coco_says_what_is_lost_and_back_what_is_made():
    there = conversion(LAYOUTS["body25"], LAYOUTS["coco17"], "a")
    assert there.told() == (
        "converted body25 to coco17: 17 of 17 joints; lost: neck, middle of hips, left big toe, left small toe, left "
        "heel, right big toe and 2 more"
    )
    back = conversion(LAYOUTS["coco17"], LAYOUTS["body25"], "a", missing=True)
    assert back.told() == (
        "converted coco17 to body25: 19 of 25 joints; made as middles: neck (left shoulder, right shoulder), middle of "
        "hips (left hip, right hip); missing, as never seen: left big toe, left small toe, left heel, right big toe, "
        "right small toe, right heel"
    )


@pytest.mark.parametrize("source", LAYOUTS.keys())
def test_any_two_layouts_convert_and_back_or_are_refused(source):
    """What corresponds returns to the bit; each joint that is had is one of the source or the mean of several."""
    track = some_track(source, frames=1, unseen=0.0)
    for target in LAYOUTS:
        if LAYOUTS[source].dims != LAYOUTS[target].dims:
            with pytest.raises(InputError, match="between space and an image nothing is converted"):
                conversion(LAYOUTS[source], LAYOUTS[target], "a", True)
            continue
        there = conversion(LAYOUTS[source], LAYOUTS[target], "a", True)
        assert set(np.round(there.weights.sum(axis=1), 12)) <= {0.0, 1.0}
        back = convert(target, source, there.track(track), missing=True)
        direct = there.weights[(there.weights == 1).any(axis=1)].any(axis=0)
        assert direct.sum() >= 12, target
        assert np.array_equal(back.joints[:, direct], track.joints[:, direct])


def test_an_azure_kinect_has_all_joints_of_the_second_kinect():
    found = conversion(LAYOUTS["azure32"], LAYOUTS["ntu25"], "a")
    names = {"left wrist": "wrist left", "right foot": "foot right", "tip of left hand": "handtip left"}
    for target, source in names.items():
        at, place = LAYOUTS["ntu25"].joints.index(target), LAYOUTS["azure32"].joints.index(source)
        assert np.flatnonzero(found.weights[at]).tolist() == [place]
    made = {LAYOUTS["ntu25"].joints[at] for at in found.made}
    assert made == {"middle of spine", "neck", "head", "spine"}


def test_left_and_right_stay_apart():
    for source in LAYOUTS.values():
        for target in (one for one in LAYOUTS.values() if one.dims == source.dims):
            weights = conversion(source, target, "a", True).weights
            for at, joint in enumerate(target.joints):
                sides = {name.split()[0] for name, used in zip(source.joints, weights[at], strict=True) if used}
                for side, other in (("left", "right"), ("right", "left")):
                    assert not (f" {joint} ".find(f" {side} ") >= 0 and other in sides), (
                        source.name,
                        target.name,
                        joint,
                    )


def test_ones_own_layout_takes_part_if_it_names_standard_joints(tmp_path):
    mine = {
        "joints": ["Kopf", "left knee", "right knee", "Becken"],
        "bones": [["Kopf", "Becken"], ["left knee", "Becken"], ["right knee", "Becken"]],
        "centre": "Becken",
        "dims": 3,
        "standard": {"Kopf": "centre of head", "Becken": "pelvis"},
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mine))
    layout = read_layout(tmp_path / "mine.yaml")
    found = conversion(LAYOUTS["ntu25"], layout, "a")
    assert (found.missing, len(found.lost)) == ([], 21)
    assert found.weights.argmax(axis=1).tolist() == [3, 13, 17, 0]
    assert layouts_of("mine", content_of(layout), "a")[0].standard == mine["standard"]
    (tmp_path / "mine.yaml").write_text(
        yaml.safe_dump(
            {**mine, "joints": ["Kopf", "left knee", "right knee", "hip"]}
            | {"bones": [[0, 3], [1, 3], [2, 3]], "centre": 3, "standard": {}}
        )
    )
    with pytest.raises(InputError, match=r"are no mine: Kopf, hip cannot be had .* `standard` in a layout's file says"):
        conversion(LAYOUTS["ntu25"], read_layout(tmp_path / "mine.yaml"), "a")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**mine, "standard": {"Kopf": "left knee"}}))
    with pytest.raises(InputError, match=r"mine.yaml: standard: 'left knee' is what two joints are called"):
        read_layout(tmp_path / "mine.yaml")
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({**mine, "standard": {"Fuss": "left foot"}}))
    with pytest.raises(InputError, match=r"mine.yaml: standard: found 'Fuss', expected a joint's name"):
        read_layout(tmp_path / "mine.yaml")


def test_strangers_are_refused_and_who_has_nothing_left_is_left_out():
    mine = layouts_of("mine", {"joints": ["a", "b"], "bones": [[0, 1]], "centre": 1, "dims": 2}, "mine")[0]
    with pytest.raises(InputError, match=r"^x: joints of coco17 and mine have no standard name in common$"):
        conversion(LAYOUTS["coco17"], mine, "x", True)
    toes = some_track("body25", unseen=0.0)
    toes.tracked[:, :19] = 0
    assert conversion(LAYOUTS["body25"], LAYOUTS["coco17"], "a").tracks([toes, some_track("body25")])[0].tracked.any()
    assert len(conversion(LAYOUTS["body25"], LAYOUTS["coco17"], "a").tracks([toes])) == 0


def test_words_of_several_meanings_are_no_standard_names():
    for word in ("head", "neck", "spine", "hip", "left foot", "left thumb", "right foot", "right thumb"):
        assert not [one.name for one in LAYOUTS.values() if word in one.joints and word not in one.standard], word


def test_middles_have_names_that_layouts_know():
    known = {layout.standard.get(name, name) for layout in LAYOUTS.values() for name in layout.joints}
    assert {*MIDDLES, *(part for parts in MIDDLES.values() for part in parts)} <= known
