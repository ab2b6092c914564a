import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import InputError
from data.ntu.text import Body, Skeleton, read_skeleton, write_skeleton
from tests.fuzz.skeletons import NASTY, a_text, check, damage


def make(bodies=2, frames=5, seed=0):
    rng = np.random.default_rng(seed)
    made = []
    for number in range(bodies):
        times = np.arange(number, frames)
        joints = rng.normal(0, 1, (len(times), 25, 3)).astype(np.float32)
        tracked = rng.integers(1, 3, (len(times), 25)).astype(np.uint8)
        made.append(Body(72057594037931101 + 4 * number, times, joints, tracked))
    return Skeleton(frames, tuple(made))


def read_by_the_book(text):
    """An independent reader: line by line, as the format is described."""
    lines = iter(text.decode().splitlines())
    found = {}
    frames = int(next(lines))
    for frame in range(frames):
        for _ in range(int(next(lines))):
            identity = int(next(lines).split()[0])
            rows = [[float(word) for word in next(lines).split()] for _ in range(int(next(lines)))]
            found.setdefault(identity, []).append((frame, rows))
    return frames, found


def test_what_is_written_is_read_back_to_the_bit():
    skeleton = make()
    again = read_skeleton(write_skeleton(skeleton), "clip")
    assert again.frames == 5
    for before, after in zip(skeleton.bodies, again.bodies, strict=True):
        assert before.id == after.id
        np.testing.assert_array_equal(before.frames, after.frames)
        np.testing.assert_array_equal(before.joints, after.joints)
        np.testing.assert_array_equal(before.tracked, after.tracked)


def test_agrees_with_an_independent_reader():
    text = write_skeleton(make(3, 7))
    frames, found = read_by_the_book(text)
    ours = read_skeleton(text, "clip")
    assert ours.frames == frames
    assert [body.id for body in ours.bodies] == list(found)
    for body in ours.bodies:
        rows = found[body.id]
        assert body.frames.tolist() == [frame for frame, _ in rows]
        table = np.array([joints for _, joints in rows])
        np.testing.assert_array_equal(body.joints, table[..., :3].astype(np.float32))
        np.testing.assert_array_equal(body.tracked, table[..., 11])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"\r\n", b"\n"),
        lambda text: text.rstrip(),
        lambda text: text + b"\r\n\r\n",
        lambda text: text.replace(b" ", b"  "),
        lambda text: text.replace(b" ", b"\t"),
        lambda text: text.replace(b"\r\n", b" \r\n"),
    ],
    ids=["lf", "no end of line", "blank lines", "two blanks", "tabs", "trailing blanks"],
)
def test_white_space_does_not_matter(change):
    text = write_skeleton(make())
    before, after = read_skeleton(text, "clip"), read_skeleton(change(text), "clip")
    for left, right in zip(before.bodies, after.bodies, strict=True):
        np.testing.assert_array_equal(left.joints, right.joints)


def test_ids_that_are_equal_as_floats_stay_two_bodies():
    skeleton = make(2)
    ids = [body.id for body in read_skeleton(write_skeleton(skeleton), "clip").bodies]
    assert float(ids[0]) == float(ids[1])
    assert ids[0] != ids[1]


def test_nan_in_colour_columns_is_no_matter():
    lines = write_skeleton(make(1, 2)).split(b"\r\n")
    fields = lines[4].split()
    fields[5] = b"NaN"
    lines[4] = b" ".join(fields)
    assert np.isfinite(read_skeleton(b"\n".join(lines), "clip").bodies[0].joints).all()


def test_a_clip_may_have_frames_without_bodies_and_no_bodies_at_all():
    assert read_skeleton(b"3\n0\n0\n0\n", "clip") == Skeleton(3, ())


def change_line(number, edit):
    def change(text):
        lines = text.split(b"\r\n")
        lines[number - 1] = edit(lines[number - 1])
        return b"\r\n".join(lines)

    return change


FAULTS = {
    "empty": (lambda text: b"", "line 1: found an empty file"),
    "too few frames": (change_line(1, lambda line: b"9"), "found the end of the file, expected frame 6 of 9"),
    "too many frames": (change_line(1, lambda line: b"1"), "found more text"),
    "24 joints": (change_line(4, lambda line: b"24"), "line 4: found '24', expected 25 joints"),
    "26 joints": (change_line(4, lambda line: b"26"), "line 4: found '26', expected 25 joints"),
    "a field lost": (change_line(7, lambda line: line.rsplit(b" ", 1)[0]), "line 7: found 11 fields, expected frame 1"),
    "no number": (change_line(6, lambda line: line.replace(line.split()[1], b"oops")), "line 6: found 'oops'"),
    "state 7": (change_line(8, lambda line: line[:-1] + b"7"), "found tracking state 7"),
    "nan": (change_line(5, lambda line: line.replace(line.split()[0], b"nan")), "frame 1, joint 1: found NaN"),
    "zero": (
        change_line(5, lambda line: b" ".join([b"0", b"0", b"0", *line.split()[3:]])),
        "frame 1, joint 1: found 0 0 0",
    ),
    "far": (
        change_line(5, lambda line: line.replace(line.split()[2], b"1e39")),
        "frame 1, joint 1: found a position beyond 1000 m",
    ),
    "infinite": (change_line(5, lambda line: line.replace(line.split()[2], b"-Infinity")), "found NaN or infinity"),
    "an id beyond 64 bits": (change_line(3, lambda line: b"99" + line), "line 3: found '9972057594037931101'"),
    "underscores": (change_line(1, lambda line: b"0_5"), "line 1: found '0_5'"),
    "an underscore in a number": (change_line(5, lambda line: b"1_0 " + line.split(b" ", 1)[1]), "found '1_0'"),
    "a line of a megabyte": (change_line(4, lambda line: b"1 " * 2**19), "line 4: found more than 1 fields"),
    "an empty line": (change_line(5, lambda line: b"\r\n" + line), "line 5: found 0 fields"),
    "negative frames": (change_line(1, lambda line: b"-5"), "line 1: found '-5'"),
    "negative bodies": (change_line(2, lambda line: b"-1"), "line 2: found '-1'"),
}


@pytest.mark.parametrize(("change", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_told_in_one_line(change, message):
    with pytest.raises(InputError) as caught:
        read_skeleton(change(write_skeleton(make())), "S001.skeleton")
    assert str(caught.value).startswith("S001.skeleton: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_field_moved_to_the_next_line_is_noticed():
    lines = write_skeleton(make(1, 2)).split(b"\r\n")
    kept, _, moved = lines[6].rpartition(b" ")
    lines[6], lines[7] = kept, moved + b" " + lines[7]
    with pytest.raises(InputError, match="line 7: found 11 fields"):
        read_skeleton(b"\n".join(lines), "clip")


def test_a_joint_that_is_not_tracked_may_be_zero():
    skeleton = make(1, 2)
    skeleton.bodies[0].joints[0, 3] = 0
    skeleton.bodies[0].tracked[0, 3] = 0
    assert read_skeleton(write_skeleton(skeleton), "clip").bodies[0].tracked[0, 3] == 0


def test_truncated_anywhere_it_is_read_whole_or_refused():
    text = write_skeleton(make(1, 2))
    for end in range(len(text)):
        try:
            read_skeleton(text[:end], "clip")
        except InputError:
            continue
        assert end >= len(text.rstrip()), f"cut at byte {end} of {len(text)} and accepted"


@pytest.mark.parametrize("count", [b"100000", b"1000000000", b"9" * 18, b"9" * 5000])
@pytest.mark.parametrize("line", [1, 2], ids=["frames", "bodies"])
def test_a_count_that_lies_neither_loops_nor_allocates(line, count):
    text = change_line(line, lambda _: count)(write_skeleton(make(1, 3)))
    tracemalloc.start()
    with pytest.raises(InputError, match=r"line \d+: found"):
        read_skeleton(text, "clip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * len(text)


def test_a_body_that_appears_twice_in_a_frame_is_refused():
    twice = Skeleton(2, (make(1, 2).bodies[0],) * 2)
    with pytest.raises(InputError, match="frame 1: body 72057594037931101 appears twice"):
        read_skeleton(write_skeleton(twice), "clip")


def test_more_than_nine_bodies_in_a_frame_are_read():
    assert len(read_skeleton(write_skeleton(make(12, 13)), "clip").bodies) == 12


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32))
def test_a_damaged_text_is_refused_or_read(seed):
    chance = random.Random(seed)
    check(damage(a_text(chance), chance))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400), st.sampled_from(NASTY))
def test_any_field_may_hold_anything(number, field):
    lines = write_skeleton(make(1, 2)).split(b"\r\n")
    fields = [(line, place) for line, text in enumerate(lines) for place in range(len(text.split()))]
    line, place = fields[number % len(fields)]
    words = lines[line].split()
    words[place] = field
    lines[line] = b" ".join(words)
    check(b"\r\n".join(lines))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | st.text("0123456789 .-\r\n", max_size=200).map(str.encode))
def test_any_bytes_are_refused_or_read(text):
    check(text)
