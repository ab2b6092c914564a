import numpy as np
import pytest

from data.ntu.simulate.bodies import make_performer
from data.ntu.splits import TRAIN_PERFORMERS


def test_either_half_of_the_split_has_left_handers():
    for seed in range(4):
        people = {n: make_performer(seed, n) for n in range(1, 41)}
        for half in (set(TRAIN_PERFORMERS), set(people) - set(TRAIN_PERFORMERS)):
            assert 2 <= sum(people[n].left_handed for n in half) <= 3


def test_limbs_have_the_published_shares_of_the_height():
    """Drillis and Contini (1966), as tabulated by Winter; persons vary around them."""
    people = [make_performer(2, number) for number in range(1, 201)]
    for limb, share in {"upper_arm": 0.186, "forearm": 0.146, "thigh": 0.245, "shank": 0.246}.items():
        shares = np.array([person.lengths[limb] / person.height for person in people])
        assert shares.mean() == pytest.approx(share, rel=0.01)
        assert 0.01 < shares.std() / share < 0.05
    heights = [person.height for person in people]
    assert 1.5 <= min(heights) < max(heights) <= 1.95


def test_a_performer_is_the_same_in_every_clip_and_another_with_another_seed():
    assert make_performer(4, 7) == make_performer(4, 7)
    assert len({make_performer(seed, number).height for seed in (0, 1) for number in range(1, 21)}) == 40
