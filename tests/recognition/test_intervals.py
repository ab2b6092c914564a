"""Intervals against SciPy's, by simulation, and by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest

from recognition.intervals import accuracy_intervals, weighted_interval


@pytest.mark.parametrize(("right", "clips"), [(0, 12), (7, 12), (12, 12), (301, 331)])
def test_over_clips_it_is_wilsons(right, clips):
    found = weighted_interval(np.arange(clips) < right, np.full(clips, 1 / clips))
    assert found == pytest.approx(
        [100 * end for end in binomtest(right, clips).proportion_ci(0.95, method="wilson")], abs=1e-5
    )


def test_each_figure_has_its_own():
    """Six classes of one clip and one of six: the mean over classes is worth fewer clips than there are."""
    label = np.array([*range(1, 7), *([0] * 6)])
    scores = np.eye(7)[np.array([*range(1, 7), *([0] * 3), *([6] * 3)])] + np.eye(7)[label] / 2
    found = accuracy_intervals(label, scores)
    assert found["top1"] == pytest.approx(
        [100 * end for end in binomtest(9, 12).proportion_ci(method="wilson")], abs=1e-5
    )
    assert found["top5"] == pytest.approx(
        [100 * end for end in binomtest(12, 12).proportion_ci(method="wilson")], abs=1e-5
    )
    worth = 49 / (6 + 1 / 6)  # 1 / sum of w^2 = C^2 / sum of 1 / n_c
    p, z = 6.5 / 7, 1.959964
    root = z * np.sqrt(p * (1 - p) / worth + z**2 / 4 / worth**2)
    expected = [100 * (p + z**2 / 2 / worth + side * root) / (1 + z**2 / worth) for side in (-1, 1)]
    assert found["mean_class_accuracy"] == pytest.approx(expected, abs=1e-4)


def test_people_who_differ_make_it_wider_and_those_who_do_not_leave_it():
    right = np.repeat([1, 0, 1, 0], 25)
    share = np.full(100, 0.01)
    alike, differing = np.tile(np.arange(4), 25), np.repeat(np.arange(4), 25)
    clips = weighted_interval(right, share)
    low, high = weighted_interval(right, share, differing)
    assert low < clips[0] - 20
    assert high > clips[1] + 20
    # alike people: as over clips, but for Student's quantile of 3 degrees of freedom
    z = 3.182446
    half = 100 * z * np.sqrt(0.25 / 100 + z**2 / 4 / 100**2) / (1 + z**2 / 100)
    assert weighted_interval(right, share, alike) == pytest.approx([50 - half, 50 + half], abs=1e-3)


def test_all_right_of_three_people_is_no_certainty():
    low, high = weighted_interval(np.ones(60, bool), np.full(60, 1 / 60), np.repeat([1, 2, 3], 20))
    assert [low, high] == [pytest.approx(100 / (1 + 4.302653**2 / 60), abs=1e-3), 100]


def test_it_covers_the_truth_in_about_95_of_100_test_sets():
    """Of eight people with skills of their own; clips alone cover it too seldom."""
    rng = np.random.default_rng(0)
    people, share = np.repeat(np.arange(8), 20), np.full(160, 1 / 160)
    by_people = by_clips = 0
    for _ in range(300):
        right = rng.random(160) < rng.beta(7, 3, 8)[people]  # the mean of Beta(7, 3) is 70%
        low, high = weighted_interval(right, share, people)
        by_people += low <= 70 <= high
        low, high = weighted_interval(right, share)
        by_clips += low <= 70 <= high
    assert 0.91 <= by_people / 300 <= 0.99
    assert by_clips / 300 < 0.85
