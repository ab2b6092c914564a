"""Live recognition against `predict` of clips that are cut from the stream by hand."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from base.errors import InputError
from data.ntu.names import ClipName
from data.skeletons.store import StoreInfo, StoreWriter, Track
from recognition import Live
from recognition.use.first import FIRST
from recognition.use.predict import predict_clips
from recognition.use.recognizer import load_ensemble
from refine import Stream

SECOND = 30


@pytest.fixture(autouse=True)
def loaded_once(monkeypatch):
    """The shipped recogniser, from its file but once."""
    monkeypatch.setattr("recognition.live.live.load_ensemble", LOADED)


LOADED = cache(load_ensemble)


def moving(rng, frames=75, joints=25):
    t = np.arange(frames)[:, None, None] / SECOND
    swing = 0.2 * np.sin(2 * np.pi * rng.uniform(0.3, 2, (1, joints, 3)) * t + rng.uniform(0, 6, (1, joints, 3)))
    return (rng.normal(0, 0.4, (1, joints, 3)) + swing + [0.1, 0, 3]).astype(np.float32)


def predicted(folder: Path, clips, fps=30.0):
    """What `predict` says of clips, of each a list of actors' (first frame, joints, seen)."""
    with StoreWriter(folder / "store", StoreInfo(fps=fps)) as writer:
        for number, actors in enumerate(clips):
            tracks = [
                Track(actor, first, np.where(seen[..., None], joints, 0).astype(np.float32), 2 * seen.astype(np.uint8))
                for actor, (first, joints, seen) in enumerate(actors)
            ]
            frames = max(first + len(joints) for first, joints, _ in actors)
            writer.add(ClipName(1, 1, 1 + number, 1, 1), frames, tracks)
    found = predict_clips([folder / "store"], [FIRST], output=folder / "out.json", device="cpu")
    return {int(one.clip[9:12]) - 1: dict(zip(one.actions, one.probabilities, strict=True)) for one in found}


def alone(joints, seen=None):
    return [(0, joints, np.ones(joints.shape[:2], bool) if seen is None else seen)]


def probabilities(decision):
    return dict(zip(decision.actions, decision.probabilities, strict=True))


def fed(live, poses, times=None, person=0):
    times = np.arange(len(poses)) / SECOND if times is None else times
    return [one for pose, time in zip(poses, times, strict=True) for one in live.update(pose, time, person)]


def same(found, expected):
    assert found.keys() == expected.keys()
    np.testing.assert_allclose(list(found.values()), [expected[action] for action in found], atol=1e-6)


def test_decisions_are_those_of_predict_on_each_window_and_on_a_whole_clip(rng, tmp_path):
    poses = moving(rng)
    live = Live(window=1, rate=2, device="cpu")
    found = fed(live, poses, times=100 + np.arange(75) / SECOND) + live.flush()
    assert [round(one.time - 100, 6) for one in found] == [0.5, 1.0, 1.5, 2.0, round(74 / 30, 6)]
    ends = [16, 31, 46, 61, 75]  # the frames up to that time
    expected = predicted(tmp_path, [alone(poses[max(0, end - 30) : end]) for end in ends])
    for number, (one, end) in enumerate(zip(found, ends, strict=True)):
        same(probabilities(one), expected[number])
        assert (one.begin, one.end) == (100 + max(0, end - 30) / SECOND, 100 + (end - 1) / SECOND)
    assert fed(live, poses[:10]) == []
    (whole,) = live.flush()  # everything was forgotten, and a stream may be short
    assert (whole.begin, whole.end) == (0, 9 / SECOND)


def test_missing_joints_and_frames_are_those_of_a_clip_with_holes(rng, tmp_path):
    poses = moving(rng, 60)
    seen = rng.random(poses.shape[:2]) > 0.2
    seen[20:26] = False
    live = Live(window=3, rate=0.1, device="cpu")
    given = np.where(seen[..., None], poses, np.nan)
    times = np.round(np.arange(60) / SECOND, 3)  # as many trackers write them
    keep = [number for number in range(60) if number not in (40, 41, 50)]
    seen[[40, 41, 50]] = False
    for number in keep:
        live.update(given[number], times[number])
    (found,) = live.flush()
    same(probabilities(found), predicted(tmp_path, [alone(poses, seen)])[0])


def test_confidence_0_is_missing(rng):
    poses = moving(rng, 20)
    hidden = rng.random(poses.shape[:2]) > 0.8
    live = Live(device="cpu")
    fed(live, np.where(hidden[..., None], np.nan, poses))
    (one,) = live.flush()
    for number, pose in enumerate(poses):
        live.update(pose, number / SECOND, confidence=np.where(hidden[number], 0, 0.7))
    (other,) = live.flush()
    assert one == other


def test_another_frame_rate_is_resampled_as_predict_does_it_and_told_once(rng, tmp_path):
    poses, told = moving(rng, 40), []
    live = Live(window=5, rate=1, device="cpu", tell=told.append)
    fed(live, poses, times=np.arange(40) / 15.2)
    same(probabilities(live.flush()[0]), predicted(tmp_path, [alone(poses)], fps=15.2)[0])
    assert told == [
        "WARNING: the poses: 15.2 frames a second, and the recogniser has learnt from 30; resampled to that"
    ]


def test_uneven_times_are_brought_to_even_ones(rng):
    """The same movement, seen at random times, is seen alike."""
    at = np.sort(rng.uniform(0, 2, 60))
    t = np.arange(60) / SECOND
    base, way = rng.normal(0, 0.4, (25, 3)), rng.normal(0, 0.3, (25, 3))
    found = []
    for times in (t, at):
        live = Live(window=3, rate=0.1, device="cpu", tell=lambda line: None)
        fed(live, base + way * np.sin(np.pi * times)[:, None, None], times)
        found.append(probabilities(live.flush()[0]))
    assert next(iter(found[0])) == next(iter(found[1]))
    shared = found[0].keys() & found[1].keys()
    np.testing.assert_allclose([found[0][a] for a in shared], [found[1][a] for a in shared], atol=0.1)


def test_two_people_by_themselves_or_as_a_pair(rng, tmp_path):
    one, two = moving(rng, 40), moving(rng, 30) + np.float32(0.8)
    whole = np.ones((40, 25), bool)
    clips = [alone(one), alone(two), [(0, one, whole), (10, two, whole[:30])]]
    expected = predicted(tmp_path, clips)
    for people, groups in (("each", [("Ann",), (5,)]), ("pair", [("Ann", 5)])):
        live = Live(window=3, rate=0.1, people=people, device="cpu")
        for number in range(40):
            live.update(one[number], number / SECOND, "Ann")
            if number >= 10:
                live.update(two[number - 10], number / SECOND, 5)
        found = live.flush()
        assert [decision.people for decision in found] == groups
        for decision in found:
            same(probabilities(decision), expected[["Ann", 5, 2].index(decision.people[0]) if people == "each" else 2])
    assert found[0].begin == 0


def test_who_returns_within_a_second_goes_on_and_later_begins_anew(rng):
    poses = moving(rng, 40)
    for away, begin in ((0.9, 0.0), (1.1, 20 / SECOND + 1.1)):
        live = Live(window=5, rate=1, device="cpu")
        times = np.arange(40) / SECOND
        times[20:] += away
        fed(live, poses, times)
        assert live.flush()[0].begin == pytest.approx(begin)


def test_who_has_left_gets_no_decision_and_nobody_is_nothing(rng):
    poses = moving(rng, 40)
    live = Live(window=1, rate=1, least=0.1, device="cpu")
    fed(live, poses[:10], person="gone")
    found = live.advance(1.2)
    assert [(one.people, one.time) for one in found] == [(("gone",), 1.0)]
    assert live.advance(2.5) == live.advance(7) == []
    assert fed(live, np.full((40, 25, 3), np.nan), 8 + np.arange(40) / SECOND) == live.flush() == []


def test_refined_first(rng):
    """As if refined poses had been given, with the confidences that belong to them."""
    noisy = moving(rng, 60) + rng.normal(0, 0.03, (60, 25, 3))
    trust = rng.uniform(0.2, 1, (60, 25))
    trust[30, :5] = 0
    live = Live(window=1, rate=2, device="cpu", refiner=Stream(SECOND, lag=3))
    found = []
    for number, pose in enumerate(noisy):
        found += live.update(pose, number / SECOND, confidence=trust[number])
    found += live.flush()
    stream, refined = Stream(SECOND, lag=3), []
    for number, pose in enumerate(noisy):
        refined.append(stream.update(pose, trust[number], number / SECOND))
    refined = [one.pose for one in (*refined[3:], *stream.flush())]
    plain = Live(window=1, rate=2, device="cpu")
    for number, pose in enumerate(refined):
        plain.update(pose, number / SECOND, confidence=trust[number])
    (expected,) = plain.flush()
    same(probabilities(found[-1]), probabilities(expected))
    assert found[-1].end == expected.end
    assert found[1].time - found[1].end == pytest.approx(3 / SECOND)


def test_who_begins_anew_leaves_no_pose_in_the_refiner(rng):
    poses = moving(rng, 40)
    times = np.arange(40) / SECOND + np.where(np.arange(40) < 20, 0, 1.1)
    live = Live(window=5, rate=0.1, device="cpu", refiner=Stream(SECOND, lag=3))
    fed(live, poses, times)
    again = Live(window=5, rate=0.1, device="cpu", refiner=Stream(SECOND, lag=3))
    fed(again, poses[20:], times[20:])
    (found,), (expected,) = live.flush(), again.flush()
    same(probabilities(found), probabilities(expected))
    assert (found.begin, found.end) == (times[20], times[39])


def test_somebody_new_without_a_time_comes_with_the_last_pose(rng):
    poses = moving(rng, 20)
    live = Live(device="cpu", fps=SECOND)
    for number in range(10):
        live.update(poses[number], 5 + number / SECOND, "Ann")
    live.update(poses[10], person="Bo")
    live.update(poses[11], person="Bo")
    assert [one.begin for one in live.flush()] == pytest.approx([5, 5 + 9 / SECOND])


def test_recognisers_of_clips_of_different_rates_are_refused(monkeypatch):
    ((weight, first),) = LOADED(FIRST, torch.device("cpu"))
    others = [(weight, first), (weight, replace(first, fps=25.0))]
    monkeypatch.setattr("recognition.live.live.load_ensemble", lambda path, device: others)
    with pytest.raises(InputError, match="an ensemble of clips of different rates or images; watch with one"):
        Live(device="cpu")


def test_without_times_frames_follow_each_other_as_in_the_training(rng):
    poses, told = moving(rng, 20), []
    live = Live(device="cpu", tell=told.append)
    for pose in poses:
        live.update(pose)
    assert live.flush()[0].end == pytest.approx(19 / SECOND)
    assert len(told) == 1
    assert "taken for 30 frames a second" in told[0]
    live = Live(device="cpu", fps=10)
    for pose in poses:
        live.update(pose)
    assert live.flush()[0].end == pytest.approx(1.9)


@pytest.mark.parametrize(
    ("pose", "given", "message"),
    [
        (np.zeros((17, 3)), {}, r"pose: joints of h36m17 are no ntu25: neck, head, .* cannot be had from them"),
        (np.zeros((25, 2)), {}, r"pose: has skeletons of body25 with 2 coordinates, expected ntu25 with 3"),
        (np.full((25, 3), np.inf), {}, "infinite"),
        (np.linspace(0, 1800, 75).reshape(25, 3), {}, "they look like millimetres"),
        (np.ones((25, 3)), {"time": "now"}, "time: found 'now', expected seconds"),
        (np.ones((25, 3)), {"confidence": [1]}, "one number per joint"),
    ],
)
def test_a_first_pose_that_cannot_be_used(pose, given, message):
    with pytest.raises(InputError, match=message):
        Live(device="cpu").update(pose, **given)


def test_later_poses_that_cannot_be_used_are_not_taken_in(rng):
    poses = moving(rng, 10)
    live = Live(device="cpu")
    fed(live, poses)
    for pose, time, person, message in (
        (np.ones((17, 3)), 1.0, 0, r"found shape \(17, 3\), expected \(25, 3\) as before"),
        (poses[0], 9 / SECOND, 0, "each pose of a person must be later"),
        (poses[0], 0.1, 1, "time: found 0.1 s after 0.3 s; poses must come in the order of their times"),
    ):
        with pytest.raises(InputError, match=message):
            live.update(pose, time, person)
    with pytest.raises(InputError, match=r"found 0\.1 s after 0\.3 s"):
        live.advance(0.1)
    (found,) = live.flush()
    assert (found.people, found.end) == ((0,), 9 / SECOND)


def test_a_crowd_without_end_is_refused(rng, monkeypatch):
    monkeypatch.setattr("recognition.live.live.MOST_PEOPLE", 3)
    live, pose = Live(device="cpu"), moving(rng, 1)[0]
    for person in range(3):
        live.update(pose, 0.0, person)
    with pytest.raises(InputError, match="found 4 people at once, expected at most 3"):
        live.update(pose, 0.1, 3)


@pytest.mark.parametrize(
    ("keys", "message"),
    [({"rate": 0}, "rate: found 0; "), ({"people": "all"}, "people: found 'all'; "), ({"rat": 1}, "rat: ")],
)
def test_keys_are_checked(keys, message):
    with pytest.raises(InputError, match=message):
        Live(device="cpu", **keys)
