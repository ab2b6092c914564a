import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import InputError
from data.recordings.ntu_skeleton import guess, read
from tests.data.recordings.checks import check_damaged, check_same, rewritten

IDS = (72057594037931101, 72057594037931368)


def body(identity, seed, state="2", end="\n"):
    rng = np.random.default_rng(seed)
    place = np.array([0.2, 0.3, 3.0]) + rng.normal(0, 0.3, (25, 3))
    lines = [f"{identity} 0 1 1 1 1 0 0.02764709 0.05745083 2", "25"]
    lines += [f"{x:.7g} {y:.6g} {z:.7g} 277.419 NaN 1036.2 519.1 -0.2 0.05 0.9 -0.1 {state}" for x, y, z in place]
    return end.join(lines) + end


def whole(end="\n"):
    frames = [
        [],
        [body(IDS[0], 1, end=end)],
        [body(IDS[0], 2, "1", end), body(IDS[1], 3, end=end)],
        [body(IDS[1], 4, "0", end)],
    ]
    return (f"4{end}" + "".join(f"{len(frame)}{end}{''.join(frame)}" for frame in frames)).encode()


def saved(folder, content):
    path = folder / "S001C001P001R001A001.skeleton"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_bodies_are_people_and_states_how_sure_they_are(tmp_path, end):
    recording = check_same(saved(tmp_path, whole(end)), "ntu_skeleton")
    assert recording.frame.tolist() == [1, 2, 2, 3]
    assert recording.person.tolist() == [IDS[0], IDS[0], IDS[1], IDS[1]]
    assert recording.confidence[:, 3].tolist() == [1, 0.5, 1, 0]
    assert np.isnan(recording.joints[3]).all()
    first = body(IDS[0], 1).splitlines()[2].split()
    assert recording.joints[0, 0].tolist() == [float(word) for word in first[:3]]
    assert recording.fps == 30
    assert len(recording.names) == 25


def test_only_the_numbers_that_change_are_others(tmp_path):
    path = saved(tmp_path, whole())
    recording = read(path)

    def change(joints):
        joints[2, 7, 1] = 1.25
        joints[3] = np.nan

    line = body(IDS[1], 3).splitlines()[2 + 7].split(" ")
    before, line[1] = " ".join(line), "1.250000000"
    wanted = whole().replace(before.encode(), " ".join(line).encode())
    assert rewritten(path, recording, change).read_bytes() == wanted


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (whole()[:-200], "line"),
        (whole().replace(b"\n25\n", b"\n24\n", 1), "found '24', expected 25 joints"),
        (whole().replace(str(IDS[1]).encode(), str(IDS[0]).encode()), "appears twice"),
        (b"", "found an empty file"),
    ],
)
def test_what_is_damaged_is_told_with_its_place(tmp_path, content, told):
    with pytest.raises(InputError, match=told):
        read(saved(tmp_path, content))


def test_the_name_is_enough_for_a_guess_and_the_content_is_more(tmp_path):
    assert guess(saved(tmp_path, b"x")) == 1
    assert guess(saved(tmp_path, whole())) == 2
    assert guess(tmp_path) == 0


def test_damaged_files_are_refused_in_one_line(tmp_path):
    check_damaged(saved(tmp_path, whole()), read, 40)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 99), st.sampled_from("012")), max_size=2), min_size=1, max_size=4))
def test_any_clip_comes_back_byte_for_byte(tmp_path_factory, frames):
    text = f"{len(frames)}\r\n"
    for frame in frames:
        text += f"{len(frame)}\r\n" + "".join(body(n, seed, state, "\r\n") for n, (seed, state) in enumerate(frame))
    path = saved(tmp_path_factory.mktemp("ntu"), text.encode())
    assert rewritten(path, read(path)).read_bytes() == text.encode()
