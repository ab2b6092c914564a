import numpy as np

from refine.trust import trust

TIMES = np.arange(60) / 30


def test_equal_confidences_are_trusted_fully():
    assert trust(np.full((60, 3), 0.4), np.ones((60, 3), bool), TIMES) is None


def test_below_half_of_what_is_usual_trust_falls_with_the_square():
    confidence = np.full((60, 2), 0.8)
    confidence[20], confidence[30], confidence[40] = 0.2, 0.1, 0.5
    expected = np.ones((60, 2))
    expected[20], expected[30] = 0.25, 0.0625
    np.testing.assert_allclose(trust(confidence, np.ones((60, 2), bool), TIMES), expected)


def test_what_is_unsure_for_longer_than_can_be_bridged_is_trusted():
    confidence = np.full((60, 1), 0.8)
    confidence[20:50] = 0.1
    assert trust(confidence, np.ones((60, 1), bool), TIMES) is None


def test_what_was_not_seen_says_nothing_of_what_is_usual():
    confidence, seen = np.full((60, 1), 0.3), np.ones((60, 1), bool)
    confidence[::2], seen[::2] = 9.0, False
    assert trust(confidence, seen, TIMES) is None


def test_tracks_one_after_another_are_judged_each_by_itself(rng):
    lengths = (20, 7, 40)
    seen = rng.random((67, 3)) < 0.9
    confidence = np.where(rng.random((67, 3)) < 0.2, 0.1, 1.0) * np.repeat([1.0, 5.0, 0.2], lengths)[:, None]
    times, ends = np.arange(67) / 30, np.cumsum(lengths)
    together = trust(confidence, seen, times, lengths)
    for end, length in zip(ends, lengths, strict=True):
        rows = slice(end - length, end)
        alone = trust(confidence[rows], seen[rows], times[rows])
        np.testing.assert_array_equal(together[rows], 1.0 if alone is None else alone)
    assert 0 < (together < 1).mean() < 0.5
