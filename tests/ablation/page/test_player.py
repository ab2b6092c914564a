import json
import zlib
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest

from ablation.page.player import _clip, pack_clips, player_data
from ablation.study.stores import Made
from recognition.scores import SeedScores
from tests.ablation.small_study import moving, write_clips


def unpacked(clip):
    """Read a clip's text the way the script does: the positions of each arm [n, V, 3] and their accelerations [n]."""
    planes = np.frombuffer(zlib.decompress(b64decode(clip["packed"])), np.uint8).reshape(2, -1).astype(np.uint16)
    zigzag = planes[0] | planes[1] << 8
    change = (zigzag >> 1) ^ -(zigzag & 1)
    columns = change.reshape(-1, clip["frames"]).cumsum(1, dtype=np.uint16).view(np.int16).T
    size, count = 3 * clip["joints"], len(clip["arms"])
    parts = [columns[:, at * size : (at + 1) * size] for at in range(count)]
    parts = [part + parts[-1] if at < count - 1 else part for at, part in enumerate(parts)]
    return [part.reshape(len(part), -1, 3) for part in parts], columns[:, count * size :].T


@pytest.fixture
def study(make):
    return make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)


def test_positions_come_back_in_millimetres(make, study):
    clip = make.clip(60)
    clip.seen[3, 7] = False
    (shown,) = json.loads(player_data(study, [("why", clip)]))
    assert (shown["frames"], shown["joints"], shown["unit"]) == (60, 25, "mm/frame²")
    positions, accelerations = unpacked(shown)
    for arm, steps, found in zip(("raw", "refined", "oracle"), positions, accelerations, strict=True):
        assert (steps[3, 7] == -32768).all()
        known = clip.seen & np.isfinite(clip.joints[arm]).all(-1)
        apart = shown["step"] * np.linalg.norm(steps[known] - steps[0, 0].astype(float), axis=-1)
        wanted = 1000 * np.linalg.norm(clip.joints[arm][known] - clip.joints[arm][0, 0], axis=-1)
        np.testing.assert_allclose(apart, wanted, atol=1.8 * shown["step"])
        assert found[0] == found[-1] == -32768
        np.testing.assert_allclose(found[1:-1] / 10, clip.acceleration(arm), atol=0.051)


def test_a_long_clip_is_cut_around_its_most_jittery_frame(make, study):
    clip = make.clip(900)
    clip.joints["raw"][700, 5] += 3
    (shown,) = json.loads(player_data(study, [("why", clip)]))
    assert shown["frames"] == 300
    assert shown["first"] <= 700 < shown["first"] + 300


def test_frames_that_are_kept_are_told(make, study):
    clip = make.clip(70)
    shown = _clip(study, "", clip, 100, 4)
    assert (shown["frames"], shown["every"], shown["fps"]) == (18, 4, 7.5)
    (raw, *_), _ = unpacked(shown)
    all_frames = unpacked(_clip(study, "", clip, 100))[0][0]
    spread = np.abs(np.diff(raw - all_frames[::4], axis=0))  # the middle and the step may differ by a trifle
    assert spread.max() <= 3


def test_text_cannot_end_the_script(make, study):
    assert "<" not in player_data(study, [("</script>", make.clip(50))])


@pytest.fixture
def stored(study, tmp_path):
    """A study of five clips that are there."""
    rng = np.random.default_rng(0)
    clips = {action: moving(0.01) + rng.normal(0, 0.003, (64, 25, 3)) for action in range(1, 6)}
    store = write_clips(tmp_path / "raw", clips)
    names = np.sort(store.clips.name)

    def scores(right):
        one = np.array(right)
        return SeedScores(names, np.zeros(5, int), np.stack([one, 1 - one], -1), np.array([1, 2]))

    arms = {"raw": scores([[0.4, 0.1, 0.9, 0.8, 0.9], [0.7, 0.1, 0.9, 0.2, 0.9]]), "refined": scores([[0.6] * 5] * 2)}
    stores = {"raw": store, "refined": store}
    return replace(study, arms=arms, made=Made(study.made.source, stores, {}, {}), memo={})


def test_every_clip_says_what_it_is_taken_for(stored):
    """Class, then per arm: the class of the highest mean score, its mean and the true class's, and the seeds right."""
    found = pack_clips(stored, stored.names.tolist())
    assert (len(found.clips), found.every, found.left_out) == (5, 1, 0)
    by_name = {clip["name"]: clip for clip in found.clips}
    first, second, *_, last = (by_name[name] for name in stored.names.tolist())
    assert (first["label"], first["taken"]) == (0, [[0, 55, 55, 1], [0, 60, 60, 2]])
    assert second["taken"][0] == [1, 90, 10, 0]
    assert last["taken"][0] == [0, 90, 90, 2]


def test_a_budget_first_costs_frames_and_then_clips(stored):
    names = stored.names.tolist()
    whole = sum(len(clip["packed"]) for clip in pack_clips(stored, names).clips)
    fewer = pack_clips(stored, names, whole // 2)
    assert fewer.every > 1
    assert fewer.left_out == 0
    least = pack_clips(stored, names, whole // 12)
    assert least.left_out == 5 - len(least.clips) > 0
    assert sum(len(clip["packed"]) for clip in least.clips) <= whole // 12
