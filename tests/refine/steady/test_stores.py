"""Whatever the weights: a method of whole sequences gets pieces that are one motion, and the rest of a store stays."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from base.errors import InputError
from data.ntu.names import parse_name
from data.skeletons.layouts import NTU25
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from refine.apply import apply_refiner
from refine.in_space import Sightings
from refine.shipped.registry import Shipped, load_shipped
from refine.shipped.steady import method_of
from refine.steady.features import JUDGE_FEATURES, MIXER_FEATURES
from refine.steady.net import Networks
from refine.steady.stores import refine_tracks
from tests.refine.steady.test_net import random_network


@pytest.fixture
def method():
    rng = np.random.default_rng(0)
    networks = Networks(random_network(rng, JUDGE_FEATURES, 8, 1), random_network(rng, MIXER_FEATURES, 8, 8))
    return method_of(networks)


@pytest.fixture
def refiner(method):
    return Shipped("steady", "steady", method, "0" * 64)


def body(seed=0):
    return np.random.default_rng(seed).normal([0, 0, 3], [0.25, 0.5, 0.15], (25, 3))


def dancing(times, seed=0):
    """Somebody who moves every joint, at any times [n]: [n, 25, 3]."""
    rng = np.random.default_rng(seed)
    waves = [
        size * np.sin(2 * np.pi * (rng.uniform(*rates, (25, 3)) * times[:, None, None] + rng.uniform(0, 1, (25, 3))))
        for size, rates in ((0.2, (0.3, 1.2)), (0.03, (2, 4)))
    ]
    return body(seed) + sum(waves)


def write_store(folder, clips, times=None):
    """Write one clip per list of (joints, tracked); the frames of all are at `times`, if given, in frames."""
    with StoreWriter(folder, StoreInfo(source="test", fps=30.0, times=times is not None)) as writer:
        for number, parts in enumerate(clips, 1):
            tracks = [Track(actor, 1, joints, tracked, frames=times) for actor, (joints, tracked) in enumerate(parts)]
            writer.add(parse_name(f"S001C001P001R001A{number:03d}"), 200, tracks)
    return open_store(folder)


@pytest.fixture
def store(tmp_path):
    """Write clips with two actors, one frame alone, gaps, inferred joints, and a joint that is not finite."""
    rng = np.random.default_rng(0)
    clips = []
    for lengths in [(50, 20), (1,), (), (41,)]:
        parts = []
        for length in lengths:
            joints = rng.normal(size=(1, 25, 3)) + rng.normal(0, 0.02, (length, 25, 3)).cumsum(0)
            joints, tracked = joints.astype(np.float32), rng.choice([1, 2], (length, 25)).astype(np.uint8)
            if length > 40:
                joints[10:14], tracked[10:14] = 0, 0
                tracked[:, 24] = 0
                joints[30, 3] = np.nan
            parts.append((joints, tracked))
        clips.append(parts)
    return write_store(tmp_path / "raw", clips)


def test_every_track_is_refined_by_itself_as_its_states_say(store, refiner, method, tmp_path):
    apply_refiner(store, refiner, tmp_path / "out")
    found = open_store(tmp_path / "out")
    np.testing.assert_array_equal(found.tracked, store.tracked)
    for start, length in zip(store.tracks.first_row.tolist(), store.tracks.length.tolist(), strict=True):
        rows = slice(start, start + length)
        joints, tracked = np.array(store.joints[rows]), np.array(store.tracked[rows])
        seen = (tracked > 0) & np.isfinite(joints).all(-1)
        trust = np.where(seen, np.array([0, 0.5, 1], np.float32)[tracked], 0)
        expected = method(np.where(seen[..., None], joints, np.nan), 30.0, trust, NTU25.bones)
        np.testing.assert_allclose(found.joints[rows][seen], expected[seen], atol=1e-6)
        assert found.joints[rows][~seen].tobytes() == joints[~seen].tobytes()
    assert found.info.kind == "refined"
    assert found.info.refiner == {"kind": "steady", "window": None, "fps": None, "trained_on": [], "sha256": "0" * 64}


def test_an_interrupted_store_is_finished_to_the_same_bytes(store, refiner, tmp_path, monkeypatch):
    apply_refiner(store, refiner, tmp_path / "whole")
    monkeypatch.setattr("refine.apply.ROWS", 1)
    calls = []

    def ended(*given):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(given)
        return refiner.method(*given)

    with pytest.raises(KeyboardInterrupt):
        apply_refiner(store, Shipped("steady", "steady", ended, "0" * 64), tmp_path / "out")
    apply_refiner(store, refiner, tmp_path / "out")
    for name in ("joints.npy", "tracked.npy"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_strength_goes_from_the_input_byte_for_byte_to_all(store, refiner, tmp_path):
    results = []
    for strength in (0.0, 0.25, 0.75, 1.0):
        apply_refiner(store, refiner, tmp_path / str(strength), strength=strength)
        results.append(open_store(tmp_path / str(strength)))
        assert results[-1].info.refiner.get("strength", 1.0) == strength
    assert (tmp_path / "0.0" / "joints.npy").read_bytes() == (store.folder / "joints.npy").read_bytes()
    joints = [np.nan_to_num(np.asarray(one.joints, np.float64)) for one in results]
    assert np.abs(joints[3] - joints[0]).max() > 0.01
    for share, between in ((0.25, joints[1]), (0.75, joints[2])):
        np.testing.assert_allclose(between, (1 - share) * joints[0] + share * joints[3], atol=1e-6)
    moved = [np.linalg.norm(one - joints[0], axis=-1) for one in joints]
    assert all((later >= earlier - 1e-6).all() for earlier, later in pairwise(moved))
    with pytest.raises(InputError, match=r"strength: found 1\.5, expected a number from 0"):
        apply_refiner(store, refiner, tmp_path / "more", strength=1.5)
    assert not (tmp_path / "more").exists()


def test_two_people_whose_ids_are_swapped_are_two_motions(refiner, method, tmp_path, capsys):
    """1.2 m apart: each half is refined as if it were alone, and how many were cut is said."""
    times = np.arange(40) / 30
    halves = [dancing(times).astype(np.float32), (dancing(times, 1) + np.array([1.2, 0, 0])).astype(np.float32)]
    raw = write_store(tmp_path / "raw", [[(np.concatenate(halves), np.full((80, 25), 2, np.uint8))]])
    apply_refiner(raw, refiner, tmp_path / "out")
    found = open_store(tmp_path / "out")
    for rows, half in ((slice(0, 40), halves[0]), (slice(40, 80), halves[1])):
        np.testing.assert_allclose(found.joints[rows], method(half, 30.0, None, NTU25.bones), atol=1e-5)
    assert (found.info.refiner["jumps"], found.info.refiner["gaps"]) == (1, 0)
    said = capsys.readouterr()
    assert "0 gaps of more than 0.5 s and at 1 jump;" in said.out + said.err


def test_a_gap_of_fifty_frames_during_a_step_is_not_bridged(method):
    """Both sides are refined as if they were alone; told nothing of times, they would be one motion."""
    frames = np.concatenate([np.arange(30), np.arange(80, 110)])
    x = (dancing(frames / 30) + np.array([1.2, 0, 0]) * frames[:, None, None] / 30).astype(np.float32)
    (result,), (pieces,) = refine_tracks(method, [Sightings(x, times=frames / 30)], 30.0)
    assert (pieces.spans, pieces.gaps) == ([(0, 30), (30, 60)], 1)
    for rows in (slice(0, 30), slice(30, 60)):
        np.testing.assert_allclose(result[rows], method(x[rows], 30.0, None, ()), atol=1e-5)


def test_a_short_gap_in_time_is_as_frames_that_were_not_seen(method):
    frames = np.delete(np.arange(60), range(20, 30))
    x = dancing(np.arange(60) / 30).astype(np.float32)
    (result,), (pieces,) = refine_tracks(method, [Sightings(x[frames], times=frames / 30)], 30.0)
    unseen = x.copy()
    unseen[20:30] = np.nan
    np.testing.assert_allclose(result, method(unseen, 30.0, None, ())[frames], atol=1e-5)
    assert pieces.spans == [(0, 50)]


@pytest.mark.parametrize("missing", [False, True])
def test_uneven_times_give_what_even_ones_give(missing):
    """The same movement recorded evenly, and with frames up to 10 ms early or late."""
    method = load_shipped("steady").method
    rng = np.random.default_rng(2)
    even = np.arange(90) / 30
    times = even + rng.uniform(-0.01, 0.01, 90) * (np.arange(90) > 0)
    x = dancing(times)
    if missing:
        x[40:44, 7] = x[:3, 9] = np.nan
    (result,), _ = refine_tracks(method, [Sightings(x, times=times)], 30.0)
    regular = dancing(even)
    if missing:
        regular[40:44, 7] = regular[:3, 9] = np.nan
    expected = CubicSpline(even, method(regular, 30.0, None, ()))(times)
    seen = np.isfinite(x).all(-1)
    off = np.linalg.norm(result - expected, axis=-1)[seen]
    assert off.mean() < 2e-3
    ignored = np.linalg.norm(method(x, 30.0, None, ()) - expected, axis=-1)[seen]
    assert off.mean() < 0.25 * ignored.mean()
    assert np.isnan(result[~seen]).all()


@pytest.mark.parametrize("uneven", [False, True])
def test_rest_and_constant_velocity_stay(method, uneven):
    rng = np.random.default_rng(1)
    times = np.arange(50) / 30 + uneven * rng.uniform(-0.01, 0.01, 50)
    for velocity in ([0, 0, 0], [1.5, 0, -0.7]):
        x = body() + np.array(velocity) * times[:, None, None]
        sighting = Sightings(x, rng.random((50, 25)) < 0.8, times=times if uneven else None)
        (result,), _ = refine_tracks(method, [sighting], 30.0)
        np.testing.assert_allclose(result, x, atol=1e-3)


def test_a_body_that_is_elsewhere_for_three_frames_has_not_been_there(method):
    x = np.repeat(body()[None], 60, 0)
    astray = x.copy()
    astray[30:33] += [0, 0.9, 0]
    (result,), (pieces,) = refine_tracks(method, [Sightings(astray)], 30.0)
    np.testing.assert_allclose(result, x, atol=1e-3)
    assert pieces.astray.tolist() == [30, 31, 32]


def test_an_existing_store_is_not_replaced(store, refiner, tmp_path):
    apply_refiner(store, refiner, tmp_path / "out")
    before = (tmp_path / "out" / "joints.npy").read_bytes()
    with pytest.raises(InputError, match="already exists"):
        apply_refiner(store, refiner, tmp_path / "out", strength=0.5)
    assert (tmp_path / "out" / "joints.npy").read_bytes() == before


def test_windows_and_joints_that_it_does_not_know_are_refused(store, refiner, method, tmp_path):
    with pytest.raises(InputError, match="found 8, but steady refines whole tracks, without windows; leave it out"):
        apply_refiner(store, refiner, tmp_path / "out", stride=8)
    coco = Shipped("other", "other", method, "", ("coco17",))
    with pytest.raises(InputError, match="its joints are ntu25, and other is for coco17; take steady or a network"):
        apply_refiner(store, coco, tmp_path / "out")
    assert not (tmp_path / "out").exists()
