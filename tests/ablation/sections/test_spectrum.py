"""Spectra of skeletons whose motion is known."""

import numpy as np
import pytest

from ablation.sections.spectrum import SEGMENT, joint_spectrum
from tests.ablation.small_study import moving, write_clips


def test_the_power_of_white_noise_is_flat_and_adds_up_to_its_variance(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.005, (20 * SEGMENT, 25, 3))
    store = write_clips(tmp_path / "raw", {1: noise})
    found = joint_spectrum({"raw": store}, store.clips.name)
    power = found.power["raw"]
    step = found.frequency[1] - found.frequency[0]
    assert step * power.sum() == pytest.approx(25, rel=0.08)  # 5 mm squared
    assert power[1:-1].std() / power.mean() < 0.1


def test_an_oscillation_shows_at_its_frequency(tmp_path):
    joints = np.zeros((8 * SEGMENT, 25, 3))
    joints[..., 2] = 0.01 * np.sin(2 * np.pi * 3.75 * np.arange(len(joints)) / 30)[:, None]
    store = write_clips(tmp_path / "raw", {1: joints})
    found = joint_spectrum({"raw": store, "again": store}, store.clips.name)
    assert found.frequency[found.power["raw"].argmax()] == pytest.approx(3.75)
    np.testing.assert_array_equal(found.power["raw"], found.power["again"])


def test_tracks_shorter_than_a_segment_have_no_spectrum(tmp_path):
    store = write_clips(tmp_path / "raw", {1: moving(0.01, SEGMENT - 1)})
    assert joint_spectrum({"raw": store}, store.clips.name) is None
