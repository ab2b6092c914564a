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
