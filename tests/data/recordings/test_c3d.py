import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import InputError
from data.recordings.c3d import guess, read
from tests.data.recordings.checks import check_damaged, check_same, rewritten

INTEL, DEC, MIPS = 84, 85, 86
SCALE = 0.1


def number(value, processor):
    """A floating-point number; VAX's have their two words the other way round and are a quarter of today's."""
    if processor == DEC:
        low, high = struct.unpack("<HH", struct.pack("<f", value * 4))
        return struct.pack("<HH", high, low)
    return struct.pack(">f" if processor == MIPS else "<f", value)


def parameter(name, group, kind, sizes, content, processor):
    order = ">" if processor == MIPS else "<"
    body = struct.pack("bB", kind, len(sizes)) + bytes(sizes) + content + b"\0"
    return struct.pack("bb", len(name), group) + name + struct.pack(f"{order}h", 2 + len(body)) + body


def made(points, *, processor=INTEL, whole=False, first=5, said=None, analog=2, more=b""):
    """A file of points [T, P, 4], written by hand after the format's description."""
    frames, count = points.shape[:2]
    said = frames if said is None else said
    order = ">" if processor == MIPS else "<"
    names = b"".join(b"M%-3d" % n for n in range(count))
    scale = SCALE if whole else -SCALE
    groups = b"".join(
        [
            struct.pack("bb", 5, -1) + b"POINT" + struct.pack(f"{order}h", 3) + b"\0",
            parameter(b"USED", 1, 2, [], struct.pack(f"{order}h", count), processor),
            parameter(b"FRAMES", 1, 2, [], struct.pack(f"{order}H", said), processor),
            parameter(b"DATA_START", 1, 2, [], struct.pack(f"{order}h", 4), processor),
            parameter(b"RATE", 1, 4, [], number(120, processor), processor),
            parameter(b"SCALE", 1, 4, [], number(scale, processor), processor),
            parameter(b"UNITS", 1, -1, [2], b"mm", processor),
            parameter(b"LABELS", 1, -1, [4, count], names, processor),
            struct.pack("bb", 6, -2) + b"ANALOG" + struct.pack(f"{order}h", 3) + b"\0",
            parameter(b"USED", 2, 2, [], struct.pack(f"{order}h", analog // 2), processor),
            parameter(b"GEN_SCALE", 2, 4, [], number(1, processor), processor),
            parameter(b"SCALE", 2, 4, [analog // 2], number(1, processor) * (analog // 2), processor),
            parameter(b"OFFSET", 2, 2, [analog // 2], bytes(analog), processor),
            parameter(b"RATE", 2, 4, [], number(240, processor), processor),
            parameter(b"LABELS", 2, -1, [2, analog // 2], b"A1" * (analog // 2), processor),
            more + b"\0\0",
        ]
    )
    header = struct.pack("BB", 2, 0x50) + struct.pack(f"{order}5H", count, analog, first, first + said - 1, 0)
    header += number(scale, processor) + struct.pack(f"{order}2H", 4, 2) + number(120, processor)
    parameters = struct.pack("4B", 1, 80, 2, processor) + groups
    assert len(parameters) <= 1024
    data = b""
    for frame in points:
        for *place, residual in frame.tolist():
            if whole:
                data += struct.pack(f"{order}4h", *(round(value / SCALE) for value in place), int(residual))
            else:
                data += b"".join(number(value, processor) for value in (*place, residual))
        data += struct.pack(f"{order}{analog}h", *[7] * analog) if whole else number(7, processor) * analog
    return header.ljust(512, b"\0") + parameters.ljust(1024, b"\0") + data


def some_points(frames=4, count=3):
    points = np.zeros((frames, count, 4))
    points[..., :3] = np.round(np.random.default_rng(0).uniform(-900, 900, (frames, count, 3)), 1).astype(np.float32)
    points[1, 2] = [0, 0, 0, -1]
    return points


def saved(folder, content=None):
    path = folder / "a.c3d"
    path.write_bytes(made(some_points()) if content is None else content)
    return path


def by_ezc3d(path):
    ezc3d = pytest.importorskip("ezc3d")
    return np.moveaxis(ezc3d.c3d(str(path))["data"]["points"][:3], (0, 1, 2), (2, 1, 0))


def test_a_point_at_zero_is_missing_unless_it_always_is_there(tmp_path):
    points = some_points()
    points[2, 0] = 0
    points[:, 1] = 0
    recording = read(saved(tmp_path, made(points)))
    assert np.argwhere(np.isnan(recording.joints).all(-1)).tolist() == [[1, 2], [2, 0]]


LAYOUTS = [(processor, whole) for processor in (INTEL, DEC, MIPS) for whole in (False, True)]


@pytest.mark.parametrize(("processor", "whole"), LAYOUTS)
def test_points_of_every_layout_are_read_and_one_is_replaced(tmp_path, processor, whole):
    points = some_points()
    path = saved(tmp_path, made(points, processor=processor, whole=whole))
    recording = check_same(path, "c3d")
    wanted = points[..., :3].copy()
    wanted[1, 2] = np.nan
    np.testing.assert_allclose(recording.joints, wanted, atol=1e-4)
    assert recording.frame.tolist() == [5, 6, 7, 8]
    assert recording.fps == 120
    assert recording.names == ("M0", "M1", "M2")
    assert recording.unit == "mm"
    assert any("rounded to 0.1 mm" in note for note in recording.notes) == whole

    def change(joints):
        joints[2, 1] = [1.26, -2.5, 1e3]
        joints[1, 2] = np.nan

    output = rewritten(path, recording, change)
    points[2, 1, :3] = [1.3, -2.5, 1e3] if whole else [1.26, -2.5, 1e3]
    assert output.read_bytes() == made(points, processor=processor, whole=whole)


@pytest.mark.parametrize(("processor", "whole"), LAYOUTS[:4])  # ezc3d does not read MIPS's
def test_an_independent_reader_finds_what_was_written(tmp_path, processor, whole):
    path = saved(tmp_path, made(some_points(), processor=processor, whole=whole))
    before = by_ezc3d(path)
    after = by_ezc3d(rewritten(path, read(path), lambda joints: joints.__setitem__((0, 0), [10, 20, 30])))
    np.testing.assert_allclose(after[0, 0], [10, 20, 30], rtol=1e-6)
    np.testing.assert_array_equal(after[1:], before[1:])


def test_a_gap_that_is_filled_is_no_longer_missing(tmp_path):
    path = saved(tmp_path)
    output = rewritten(path, read(path), lambda joints: joints.__setitem__((1, 2), [1, 2, 3]))
    points = some_points()
    points[1, 2] = [1, 2, 3, 0]
    assert output.read_bytes() == made(points)


def test_a_header_that_lies_is_noted_and_the_data_are_read(tmp_path):
    recording = check_same(saved(tmp_path, made(some_points(), said=1149)), "c3d")
    assert recording.frames == 4
    assert recording.notes == ("says that it has 1149 frames (its header: 1149); it has 4",)


def test_more_frames_than_two_bytes_can_say_are_all_read(tmp_path):
    trial = struct.pack("bb", 5, -3) + b"TRIAL" + struct.pack("<h", 3) + b"\0"
    trial += parameter(b"ACTUAL_START_FIELD", 3, 2, [2], struct.pack("<HH", 1, 0), INTEL)
    trial += parameter(b"ACTUAL_END_FIELD", 3, 2, [2], struct.pack("<HH", 4, 1), INTEL)  # 65,536 + 4
    content = made(np.zeros((0, 1, 4)), first=1, said=65_535, analog=0, more=trial)
    data = np.full((65_540, 1, 4), [7, 8, 9, 0], "<f4").tobytes()
    recording = check_same(saved(tmp_path, content + data), "c3d")
    assert recording.frames == 65_540
    assert recording.notes == ()


def altered(at, new):
    content = made(some_points())
    return content[:at] + new + content[at + len(new) :]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (made(some_points())[:-5], "says that it has 4 frames, but ends within the one after 3"),
        (altered(2, b"\0\0"), "holds no points"),
        (altered(16, b"\xff\x7f"), "begin in block 32767"),
        (altered(12, struct.pack("<f", float("nan"))), "found the scale nan"),
        (altered(515, b"\x07"), "no parameters at byte 512"),
        (altered(0, b"\x7f"), "no parameters at byte"),
        (b"\x02\x50" + bytes(100), "does not begin as C3D does"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, content, told):
    with pytest.raises(InputError, match=told) as error:
        read(saved(tmp_path, content))
    assert "\n" not in str(error.value)


def test_other_files_are_not_its(tmp_path):
    assert guess(saved(tmp_path))
    assert not guess(saved(tmp_path, b"\x02\x50"))
    assert not guess(tmp_path)


@pytest.mark.parametrize("whole", [False, True])
def test_damaged_files_are_refused_in_one_line(tmp_path, whole):
    check_damaged(saved(tmp_path, made(some_points(), processor=DEC, whole=whole)), read)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(LAYOUTS),
    st.lists(st.floats(-3000, 3000, width=32), min_size=12, max_size=12),
    st.lists(st.sampled_from([0, 3, -1]), min_size=4, max_size=4),
)
def test_any_points_come_back_byte_for_byte(tmp_path_factory, layout, values, residuals):
    points = np.concatenate([np.reshape(values, (2, 2, 3)), np.reshape(residuals, (2, 2, 1))], -1)
    content = made(points, processor=layout[0], whole=layout[1])
    path = saved(tmp_path_factory.mktemp("c3d"), content)
    assert rewritten(path, read(path)).read_bytes() == content
