import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt, sosfreqz

from ablation.fidelity import (
    ArmFidelity,
    StudyFidelity,
    add_up,
    clip_words,
    find_fidelity,
    flattening_sentences,
    notes_of,
)
from ablation.study.known import OnKnown
from data.skeletons.fidelity import BANDS, RAW_BANDS
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from refine.known_movements import LeftOfKnown
from tests.ablation.small_study import parse_name, write_tracks

NAMES = ("S001C001P003R001A001", "S001C001P003R001A002", "S001C001P003R002A001")
ONE = np.ones((1, 1), np.uint8)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def walks(rng, frames=400, shape=(25, 3)):
    """Joints that each go their own way."""
    return rng.normal(size=(1, *shape)) + np.cumsum(rng.normal(0, 0.01, (frames, *shape)), axis=0)


def write(folder, clips):
    return write_tracks(folder, {name: [(0, 0, joints, seen)] for name, (joints, seen) in clips.items()})


def test_gain_of_filtered_clips_is_the_filters(tmp_path, rng):
    """Stores of 60 frames each: with truth, the gain of what a Butterworth filter made of it is SciPy's response."""
    truth = {name: walks(rng, 60) for name in NAMES}
    sections = butter(2, 4.0, fs=30, output="sos")
    made = {name: sosfiltfilt(sections, x, axis=0) for name, x in truth.items()}
    stores = [
        write(tmp_path / kind, {n: (x, ONE) for n, x in side.items()}) for kind, side in (("t", truth), ("m", made))
    ]
    sums = add_up(stores[0], [stores[1], stores[0]], np.array(NAMES), stores[0])
    frequency, response = sosfreqz(sections, 4096, fs=30)
    power = np.abs(response) ** 2
    for gain, (low, high) in zip(sums.figures(1)["gain"], BANDS, strict=True):
        inside = (frequency >= low) & (frequency < high)
        assert power[inside].min() - 0.03 < gain < power[inside].max() + 0.03
    assert sums.figures(0) == sums.figures(2) == {"gain": [1, 1, 1], "own_acceleration": 1}
    assert sums.bands.sequences == 3


def test_a_joint_counts_where_it_was_seen_and_the_truth_is_known(tmp_path, rng):
    truth, seen = walks(rng, 60), np.ones((60, 25), np.uint8)
    seen[20:30, 7] = seen[:, 9] = 0
    raw, half = truth.copy(), 0.5 * truth
    raw[seen == 0] = half[seen == 0] = 40.0
    known = np.ones((60, 25), np.uint8)
    known[50:, 3] = 0
    stores = [
        write(tmp_path / name, {NAMES[0]: (joints, mask)})
        for name, joints, mask in (
            ("raw", raw, seen),
            ("half", half, seen),
            ("truth", np.where(known[..., None], truth, 0), known),
        )
    ]
    figures = add_up(stores[0], [stores[1]], np.array(NAMES), stores[2]).figures(1)
    assert figures == {"gain": [0.5] * 3, "own_acceleration": 0.5}


def test_the_truth_may_number_the_actors_otherwise(tmp_path, rng):
    bodies = [walks(rng, 60), walks(rng, 60) + 3]
    raw = write_tracks(tmp_path / "raw", {NAMES[0]: [(actor, 0, bodies[actor], ONE) for actor in (0, 1)]})
    with StoreWriter(tmp_path / "truth", StoreInfo(kind="truth")) as writer:
        seen = np.full((60, 25), 2, np.uint8)
        tracks = [Track(actor, 0, bodies[1 - actor].astype(np.float32), seen) for actor in (0, 1)]
        writer.add(parse_name(NAMES[0]), 60, tracks)
    truth = open_store(tmp_path / "truth")
    sums = add_up(raw, [truth], np.array(NAMES), truth)
    assert sums.figures(0) == sums.figures(1) == {"gain": [1, 1, 1], "own_acceleration": 1}


def test_without_truth_the_raw_skeletons_stand_in_for_it_below_3_hz(tmp_path, rng):
    raw = walks(rng, 60)
    stores = [write(tmp_path / name, {NAMES[0]: (x, ONE)}) for name, x in (("raw", raw), ("made", 0.7 * raw))]
    sums = add_up(stores[0], stores, np.array(NAMES))
    assert sums.figures(0)["gain"] == [1, 1]
    assert sums.figures(2)["gain"] == [0.7, 0.7]
    assert sums.bands.bands == RAW_BANDS


def test_joints_in_an_image_are_not_aligned_and_slow_cameras_have_no_fast_band(tmp_path, rng):
    truth = 100 * walks(rng, 60, (17, 2))
    moved = truth + 5 * np.sin(np.arange(60))[:, None, None]  # the body as a whole: an error in an image
    stores = []
    for name, joints in (("raw", truth), ("moved", moved)):
        with StoreWriter(tmp_path / name, StoreInfo(layout="coco17", image=(640, 480), fps=10)) as writer:
            seen = np.full(joints.shape[:2], 2, np.uint8)
            writer.add(parse_name(NAMES[0]), 60, [Track(0, 0, joints.astype(np.float32), seen)])
        stores.append(open_store(tmp_path / name))
    gain = add_up(stores[0], [stores[1]], np.array(NAMES), stores[0]).figures(1)["gain"]
    assert gain[2] is None
    assert gain[1] != pytest.approx(1, abs=1e-3)


def test_a_track_that_somebody_lacks_counts_for_nobody(tmp_path, rng):
    raw = write(tmp_path / "raw", {name: (walks(rng, 60), ONE) for name in NAMES[:2]})
    other = write_tracks(tmp_path / "other", {NAMES[0]: [(0, 0, raw.joints[:60], ONE)], NAMES[1]: []})
    sums = add_up(raw, [other], np.array(NAMES))
    assert sums.bands.sequences == 1
    assert sums.figures(1)["gain"] == [1, 1]


def studied(make, tmp_path, rng, truth, known=None):
    """A study of 3 clips: raw, and refined to 0.7 of what moves, with the truth or without."""
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    clips = {name: walks(rng, 60) for name in study.names[:3].tolist()}
    stores = {
        arm: write(tmp_path / arm, {name: (share * x, ONE) for name, x in clips.items()})
        for arm, share in (("raw", 1.0), ("refined", 0.7))
    }
    source = study.made.source.__class__(None, None, None, tmp_path / "raw", None)
    made = study.made.__class__(source, stores, {}, {})
    study = make.knowing(study, made=made, truth=stores["raw"] if truth else None, known=known or {})
    del study.memo[find_fidelity]
    return study


def test_who_keeps_seven_tenths_of_the_truth_flattens(make, tmp_path, rng):
    found = studied(make, tmp_path, rng, True).get(find_fidelity)
    assert (found.truth, found.raw, found.tracks, found.short) == (True, (1, 1, 1), 3, (0, 0, 0))
    assert found.arms["refined"].gain == (0.7, 0.7, 0.7)
    assert found.arms["refined"].own_acceleration == 0.7
    assert found.flattening == ["refined"]
    assert found.words("refined").startswith(
        "left 70% of the true movement between 0.5 and 1.5 Hz, 70% between 1.5 and"
    )
    assert notes_of(found.arms["raw"]) == {"gain": [1, 1, 1], "own_acceleration": 1, "flattens": False}


@pytest.mark.parametrize(("peak", "flattens"), [(0.45, False), (0.3, True)])
def test_without_truth_a_known_gesture_tells(make, tmp_path, rng, peak, flattens):
    """What raw skeletons do is noise in part: to keep less of it is no fault."""
    known = {"refined": OnKnown(LeftOfKnown(0.5, peak, 0.0))}
    study = studied(make, tmp_path, rng, False, known)
    found = study.get(find_fidelity)
    assert found.arms["refined"].kept_of_raw == (0.7, 0.7)
    assert found.arms["refined"].gain is None
    assert found.arms["refined"].noisy_gesture_peak == peak
    said = flattening_sentences(study)
    assert len(said) == flattens
    if flattens:
        told = (
            "it left 0.30 m of a known gesture of 0.5 m, and 70% of the raw skeletons' movement and noise between 0.5"
        )
        assert told in said[0]
    assert flattening_sentences(study, ["raw"]) == []


def test_of_no_skeletons_nothing_is_known(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    del study.memo[find_fidelity]
    found = study.get(find_fidelity)
    assert found == StudyFidelity()
    assert found.words("raw") == ""
    assert notes_of(ArmFidelity()) == {"flattens": False}


def test_a_clip_is_told_of_by_itself(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    clip = make.clip(90)
    assert clip_words(study, clip).startswith("SmoothNet left ")
    clip.joints["refined"][:] = clip.joints["oracle"][:1] + 0.2 * (clip.joints["oracle"] - clip.joints["oracle"][:1])
    said = clip_words(study, clip)
    assert "left 20% of the true movement between 0.5 and 1.5 Hz" in said
    assert "accelerates 0.20 times as much as the truth" in said
    del clip.joints["refined"]
    assert clip_words(study, clip) == ""
