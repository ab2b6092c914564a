import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from base.errors import InputError
from data.recordings.bvh import guess, read
from tests.data.recordings.checks import check_damaged, check_same, rewritten

HEAD = (
    b"HIERARCHY\r\nROOT rig:Hips\r\n{\r\n\tOFFSET 0 0 0\r\n"
    b"\tCHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation \r\n"
    b"\tJOINT Spine\r\n\t{\r\n\t\tOFFSET 0.0 9.5 0.0\r\n\t\tCHANNELS 3 Yrotation Xrotation Zrotation\r\n"
    b"\t\tEnd Site\r\n\t\t{\r\n\t\t\tOFFSET 0 1 0\r\n\t\t}\r\n\t}\r\n"
    b"\tJOINT Leg\r\n\t{\r\n\t\tOFFSET 1 -9.5 0.0\r\n\t\tCHANNELS 3 Xrotation Yrotation Zrotation\r\n"
    b"\t\tEnd Site\r\n\t\t{\r\n\t\t\tOFFSET 0 1 0\r\n\t\t}\r\n\t}\r\n}\r\n"
)
FRAMES = (
    b" 0.5000 90.1 -3e-001 10.0 20.0 -30.0 1.0 2.0 3.0 0.0 -0.0 0.000 \n"
    b" 0.6000 90.2 -3e-001 11.0 20.5 -30.5 361.5 2.5 3.5 0.0 -0.0 0.000 \n"
    b" 0.7000 90.3 -3e-001 12.0 21.0 -31.0 2.0 3.0 4.0 0.0 -0.0 0.000"
)
WHOLE = HEAD + b"MOTION\r\nFrames:\t3\r\nFrame Time: .0083333\r\n" + FRAMES


def saved(folder, content=WHOLE):
    path = folder / "a.bvh"
    path.write_bytes(content)
    return path


def by_pybvh(path):
    pybvh = pytest.importorskip("pybvh")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about which way is up
        found = pybvh.read_bvh_file(str(path))
    return found.root_pos, np.degrees(found.joint_angles)


def test_root_and_turning_joints_are_read(tmp_path):
    recording = check_same(saved(tmp_path), "bvh")
    assert recording.names == ("rig:Hips", "rig:Hips x", "rig:Hips y", "Spine x", "Spine y")  # the leg never turns
    assert recording.groups == ((0,), (1, 2, 3, 4))
    assert recording.rotations == (1,)
    assert recording.fps == pytest.approx(120.00048)
    np.testing.assert_array_equal(recording.joints[:, 0], [[0.5, 90.1, -0.3], [0.6, 90.2, -0.3], [0.7, 90.3, -0.3]])
    spine = Rotation.from_euler("YXZ", [361.5, 2.5, 3.5], degrees=True).as_matrix()
    np.testing.assert_allclose(recording.joints[1, 3:], spine[:, :2].T, atol=1e-14)


def test_only_changed_numbers_are_written_with_the_files_decimals(tmp_path):
    path = saved(tmp_path)
    recording = read(path)

    def change(joints):
        joints[0, 0, 1] = 91.23456
        spine = Rotation.from_euler("YXZ", [0.5, 2.25, 3.5], degrees=True).as_matrix()
        joints[1, 3:] = spine[:, :2].T

    output = rewritten(path, recording, change)
    # 0.5 degrees become 360.5, which is nearer to the 361.5 that were there; 3.5 stays if it comes back exactly
    wanted = WHOLE.replace(b"90.1 ", b"91.2346 ").replace(b"361.5 2.5 3.5", b"360.5000 2.2500 3.5000")
    assert output.read_bytes() in (wanted, wanted.replace(b"2.2500 3.5000", b"2.2500 3.5"))


def test_an_independent_reader_finds_what_was_written(tmp_path):
    path = saved(tmp_path)
    turned = Rotation.from_euler("ZYX", [15.0, -40.0, 170.0], degrees=True)

    def change(joints):
        joints[2, 0] = [1, 2, 3]
        joints[2, 1:3] = turned.as_matrix()[:, :2].T

    before_root, before = by_pybvh(path)
    root, angles = by_pybvh(rewritten(path, read(path), change))
    np.testing.assert_allclose(root[2], [1, 2, 3])
    np.testing.assert_array_equal(root[:2], before_root[:2])
    found = Rotation.from_euler("ZYX", angles[2, 0], degrees=True)
    assert (found.inv() * turned).magnitude() < 1e-5
    np.testing.assert_allclose(angles[:, 1:], before[:, 1:], atol=1e-12)


def test_places_of_joints_that_move_are_a_group_of_their_own(tmp_path):
    six = WHOLE.replace(
        b"CHANNELS 3 Yrotation Xrotation", b"CHANNELS 6 Xposition Yposition Zposition Yrotation Xrotation"
    )
    rows = [b"0 1 0 1 2 3 %d 8 9 1 2 3 0 0 0" % number for number in range(3)]
    path = saved(tmp_path, six.replace(FRAMES, b"\n".join(rows)))
    recording = check_same(path, "bvh")
    assert recording.names == ("Spine",)
    np.testing.assert_array_equal(recording.joints[:, 0], [[0, 8, 9], [1, 8, 9], [2, 8, 9]])


def test_a_still_file_is_read_whole(tmp_path):
    still = b"\n".join([FRAMES.split(b"\n")[0]] * 3)
    assert check_same(saved(tmp_path, WHOLE.replace(FRAMES, still)), "bvh").joints.shape == (3, 7, 3)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b"MOTION", b"", "no line MOTION"),
        (b"Frames:\t3", b"Frames: x", "no `Frames: N`"),
        (b"Frames:\t3", b"Frames: 0", "found 0 frames"),
        (b"Frames:\t3", b"Frames: 4", "found 36 numbers, expected 48"),
        (b".0083333", b"0", "expected `Frame Time: SECONDS`"),
        (b"Frame Time", b"Frames Time", "expected `Frame Time: SECONDS`"),
        (b"20.5", b"2O.5", "line 29: found '2O.5', expected a number"),
        (b"20.5", b"nan", "frame 2, channel 5: found nan"),
        (b"CHANNELS 3 X", b"CHANNELS 4 X", "line 18: found 'CHANNELS 4"),
        (b"CHANNELS 3 Xrotation Yrotation Zrotation", b"CHANNELS 2 Xrotation Yrotation", "about all three axes"),
        (b"CHANNELS 3 Xrotation", b"CHANNELS 3 Yrotation", "no more than once"),
        (b"\tJOINT Leg", b"\tROOT Leg", "ROOT outside"),
        (b"}\r\n}\r\nMOTION", b"}\r\nMOTION", "ends too early"),
        (b"}\r\nMOTION", b"}\r\n}\r\nMOTION", "as many closing brackets"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, old, new, told):
    assert old in WHOLE
    with pytest.raises(InputError, match=told.replace("(", r"\(")) as error:
        read(saved(tmp_path, WHOLE.replace(old, new)))
    assert "\n" not in str(error.value)


def test_other_texts_are_not_its(tmp_path):
    assert not guess(saved(tmp_path, b"HIERARCHY of needs"))
    assert not guess(tmp_path / "none")


def test_damaged_files_are_refused_in_one_line(tmp_path):
    check_damaged(saved(tmp_path), read)


numbers = st.sampled_from(["%.2f", "%.6f", "%g", "%.3e", "%d"]).flatmap(
    lambda form: st.floats(-400, 400).map(lambda value: (form % value).encode())
)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(numbers, min_size=24, max_size=24),
    st.sampled_from([b" ", b"\t", b"  "]),
    st.sampled_from([b"\n", b"\r\n"]),
)
def test_any_frames_come_back_byte_for_byte(tmp_path_factory, words, space, end):
    rows = end.join(space.join(words[row : row + 12]) for row in (0, 12))
    content = HEAD + b"MOTION\nFrames: 2\nFrame Time: 0.04\n" + rows
    path = saved(tmp_path_factory.mktemp("bvh"), content)
    assert rewritten(path, read(path)).read_bytes() == content
