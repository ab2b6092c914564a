"""A recording becomes a clip: its people, its frames, its unit, and what is not seen."""

import pickle

import numpy as np
import pytest

from base.errors import InputError
from data.recordings.clip import (
    EXTRAS,
    FOLLOWED,
    LONGEST,
    NO_DEPTH,
    as_clip,
    image_of,
    in_image,
    layout_of,
    more_people,
    read_one,
    timing_of,
)
from data.recordings.joint_sets import COCO_133, HALPE_26, HALPE_136
from data.recordings.landmarks import OF_UNKNOWN_SIZE
from data.recordings.recording import Recording
from data.skeletons.layouts import COCO17, LAYOUTS, NTU25
from tests.refine.files.made import as_recording, never

BODY = np.random.default_rng(3).uniform([0, 0], [40, 180], (17, 2))


def people(*paths, **more):
    """Bodies that stand along paths [T, 2] each; NaN where they are not there."""
    return as_recording(np.array(paths, float)[:, :, None] + BODY, **more)


def standing(x):
    return BODY + np.array([x, 300.0])


def still(x, frames=12):
    return np.tile([float(x), 300.0], (frames, 1))


def test_who_is_seen_best_comes_first_and_a_third_is_left_out():
    short, long, middle = still(100), still(600), still(1100)
    short[3:] = np.nan
    middle[8:] = np.nan
    clip = as_clip(people(short, long, middle), "a", COCO17, fps=30)
    assert (clip.frames, clip.fps, clip.notes) == (12, 30, (more_people(2),))
    assert [len(track.joints) for track in clip.tracks] == [12, 8]
    np.testing.assert_allclose(clip.tracks[0].joints[0], standing(600), rtol=1e-6)
    np.testing.assert_allclose(clip.tracks[1].joints[0], standing(1100), rtol=1e-6)
    assert clip.tracks[0].confidence is None


@pytest.mark.parametrize(
    ("kept", "line"),
    [
        (1, "some clips have more than one person; the one that is seen best is kept"),
        (2, "some clips have more than two people; the two that are seen best are kept"),
        (5, "some clips have more than 5 people; the 5 that are seen best are kept"),
    ],
)
def test_who_is_left_out_is_told(kept, line):
    assert more_people(kept) == line


def test_confidence_chooses_and_is_kept():
    given = people(still(100), still(600), still(1100))
    sure = np.tile([0.2, 0.9, 0.5], 12)[:, None] * np.ones(17)
    sure[0, 4] = 0
    clip = as_clip(
        Recording(given.joints, given.frame, never, given.person, sure.astype(np.float32)),
        "a", COCO17, fps=30, confidence=True,
    )  # fmt: skip
    assert [track.confidence.max() for track in clip.tracks] == pytest.approx([0.9, 0.5])
    assert [track.joints[0, 0, 0] for track in clip.tracks] == pytest.approx(BODY[0, 0] + [600, 1100])


def test_a_joint_that_is_missing_or_of_no_confidence_is_not_seen():
    given = people(still(100))
    given.joints[2, 5] = np.nan
    given.joints[3, 6] = 1e30
    sure = np.full((12, 17), 0.5, np.float32)
    sure[4, 7] = 0
    [track] = as_clip(
        Recording(given.joints, given.frame, never, given.person, sure), "a", COCO17, fps=30, confidence=True
    ).tracks
    unseen = np.argwhere(track.tracked == 0).tolist()
    assert unseen == [[2, 5], [3, 6], [4, 7]]
    assert not track.joints[track.tracked == 0].any()
    assert not track.confidence[track.tracked == 0].any()
    [without] = as_clip(given, "a", COCO17, fps=30, confidence=True).tracks
    np.testing.assert_array_equal(without.confidence, without.tracked == 2)


def test_people_without_identities_are_followed_and_what_was_lost_is_found_again():
    """Two people, in a new order in each frame; the second is away for longer than anybody is waited for."""
    first, second = still(100, 60), still(900, 60)
    second[20:40] = np.nan
    order = np.array([[0, 1], [1, 0]] * 30)
    clip = as_clip(people(first, second, ids=False, order=order), "a", COCO17, fps=30)
    assert clip.notes == (FOLLOWED,)
    assert [(track.first_frame, len(track.joints)) for track in clip.tracks] == [(0, 60), (0, 60)]
    np.testing.assert_allclose(clip.tracks[0].joints, np.tile(standing(100), (60, 1, 1)), rtol=1e-6)
    assert np.flatnonzero(~clip.tracks[1].tracked.any(1)).tolist() == list(range(20, 40))


def test_frames_count_from_the_first_and_gaps_stay_gaps():
    clip = as_clip(people(still(100, 4), frames=[7, 8, 9, 12]), "a", COCO17, fps=30)
    assert (clip.frames, clip.fps) == (6, 30)
    assert clip.tracks[0].tracked.any(1).tolist() == [True, True, True, False, False, True]
    fifth = as_clip(people(still(100, 4), frames=[5, 10, 15, 25]), "a", COCO17, fps=30)
    assert (fifth.frames, fifth.fps) == (5, 6)


def test_times_that_are_not_even_are_brought_to_the_nearest_frame():
    seconds = np.array([0, 0.1, 0.2, 0.3, 0.62, 0.7])
    given = people(still(100, 6), seconds=seconds)
    timing = timing_of(given, "a")
    assert timing.fps == pytest.approx(10)
    assert timing.frame.tolist() == [0, 1, 2, 3, 6, 7]


def test_positions_in_space_are_in_metres_whatever_the_file_has():
    body = np.random.default_rng(5).uniform(-0.8, 0.8, (1, 6, 25, 3))
    for unit, factor in (("mm", 1000), ("cm", 100), ("m", 1)):
        said = as_clip(as_recording(body * factor, unit=unit), "a", NTU25, fps=30)
        asked = as_clip(as_recording(body * factor), "a", NTU25, fps=30, units=unit)
        for clip in (said, asked):
            np.testing.assert_allclose(clip.tracks[0].joints, body[0], rtol=1e-6)
    with pytest.raises(InputError, match=r"look like millimetres\); if that is their unit, pass --units mm"):
        as_clip(as_recording(body * 1000), "a", NTU25, fps=30)


def test_the_first_joints_are_taken_where_that_is_asked_for():
    body = np.random.default_rng(5).uniform(0, 200, (1, 6, 17 + EXTRAS, 2))
    clip = as_clip(as_recording(body), "a", COCO17, fps=30, prefix=True)
    np.testing.assert_allclose(clip.tracks[0].joints, body[0, :, :17], rtol=1e-6)
    with pytest.raises(InputError, match=r"a: has 59 joints with 2 coordinates, expected 17 with 2 \(coco17\)"):
        as_clip(as_recording(body), "a", COCO17, fps=30)


def test_joints_that_have_names_are_found_by_them():
    """A face comes before the body, whose parts lie in another space than it does."""
    face = tuple(f"face {number}" for number in range(20))
    body = np.random.default_rng(5).uniform(0, 200, (1, 6, 37, 2))
    both = as_recording(body, names=(*face, *reversed(COCO17.joints)), groups=(tuple(range(20)), tuple(range(20, 37))))
    clip = as_clip(both, "a", COCO17, fps=30, prefix=True)
    np.testing.assert_allclose(clip.tracks[0].joints, body[0, :, :19:-1], rtol=1e-6)
    nameless = as_recording(body, groups=(tuple(range(20)), tuple(range(20, 37))))
    with pytest.raises(InputError, match="a: has 37 joints with 2 coordinates, expected 17"):
        as_clip(nameless, "a", COCO17, fps=30, prefix=True)


def test_shares_of_an_image_become_pixels():
    body = np.random.default_rng(5).uniform(0.1, 0.9, (1, 6, 17, 2))
    clip = as_clip(as_recording(body, scale=(640.0, 480.0)), "a", COCO17, fps=30)
    np.testing.assert_allclose(clip.tracks[0].joints, body[0] * [640, 480], rtol=1e-6)


def test_what_is_no_clip_is_told(tmp_path):
    with pytest.raises(InputError, match=r"^a: does not say how many frames a second it has; give --fps 30, say$"):
        as_clip(people(still(100)), "a", COCO17)
    with pytest.raises(InputError, match=f"^a: has {LONGEST + 1} frames, expected 1 to {LONGEST}"):
        as_clip(people(still(100, 3), frames=[0, 1, LONGEST]), "a", COCO17, fps=30)
    parts = as_recording(np.ones((1, 6, 25, 3)) * np.arange(25)[:, None], groups=((0,), tuple(range(1, 25))))
    with pytest.raises(InputError, match=r"^a: has rotations, or parts with places of their own"):
        as_clip(parts, "a", NTU25, fps=30)
    for count in (1, 2):
        clips = [{"frame_dir": f"c{at}", "label": 0, "keypoint": BODY + np.ones((1, 9, 1, 1))} for at in range(count)]
        (tmp_path / f"{count}.pkl").write_bytes(pickle.dumps({"split": {}, "annotations": clips}))
    assert as_clip(read_one(tmp_path / "1.pkl"), "a", COCO17, fps=30).frames == 9
    with pytest.raises(InputError, match=r"2.pkl: holds several clips or people, which nothing tells apart"):
        read_one(tmp_path / "2.pkl")


def test_a_still_is_a_clip_of_one_frame():
    clip = as_clip(people(still(100, 1), fps=25.0), "a", COCO17)
    assert (clip.frames, clip.fps, len(clip.tracks)) == (1, 25, 1)


def test_landmarks_in_an_image_have_no_depth_and_a_size_if_it_is_said():
    joints = np.full((2, 33, 3), 0.5)
    parts = Recording(joints, np.arange(2), never, notes=(OF_UNKNOWN_SIZE,))
    flat = in_image(parts, (640, 480))
    assert (flat.joints.shape, flat.scale, image_of(flat)) == ((2, 33, 2), (640.0, 480.0), (640, 480))
    assert flat.notes == (OF_UNKNOWN_SIZE, NO_DEPTH)
    assert image_of(in_image(parts, None)) is None
    told = in_image(Recording(joints, np.arange(2), never, scale=(1280.0, 720.0, 1280.0), unit="px"), (640, 480))
    assert (told.joints.shape, image_of(told)) == ((2, 33, 2), (1280, 720))
    world = Recording(joints, np.arange(2), never, unit="m")
    assert in_image(world, (640, 480)) is world


def test_joints_are_told_by_their_names_then_by_what_is_wanted_then_by_their_number():
    def of(wanted, names=(), joints=17, dims=2):
        given = Recording(np.ones((2, joints, dims)), np.arange(2), never, names=names)
        found = layout_of(given, "a", LAYOUTS[wanted])
        return found.name, found.dims

    assert of("coco17") == ("coco17", 2)
    assert of("h36m17_2d") == ("h36m17_2d", 2)
    assert of("h36m17_2d", COCO17.joints) == ("coco17", 2)
    assert of("openpose18") == ("coco17", 2)
    assert of("coco17", joints=25) == ("body25", 2)
    assert of("coco17", joints=17 + EXTRAS) == ("coco17", 2)
    body = LAYOUTS["body25"].joints
    assert of("coco17", (*body, *map(str, range(EXTRAS))), 25 + EXTRAS) == ("coco17", 2)  # by their names
    assert of("halpe26", (*body, *map(str, range(EXTRAS))), 25 + EXTRAS) == ("body25", 2)
    assert of("halpe26", (*body, *map(str, range(112))), 137) == ("body25", 2)
    assert of("halpe26", HALPE_136.names, 136) == ("halpe26", 2)
    assert of("openpose18", HALPE_26.names[:17], 17) == ("coco17", 2)
    assert of("mediapipe33_2d", HALPE_26.names, 26) == ("halpe26", 2)
    assert of("wholebody133", COCO_133.names, 133) == ("wholebody133", 2)
    assert of("ntu25", body, 25, 3) == ("body25", 3)  # in space as well, and no Kinect's
    assert of("ntu25", joints=4, dims=3) == ("ntu25", 3)
