"""A person or two who perform an action."""

import dataclasses

import numpy as np

from data.ntu.simulate.actions import repertoire
from data.ntu.simulate.bodies import make_performer
from data.ntu.simulate.motion import perform


def act(number, seed=0, azimuth=0.0, people=None):
    action = repertoire().actions[number]
    people = people or tuple(dataclasses.replace(make_performer(3, n), left_handed=False) for n in (1, 2))
    rngs = np.random.default_rng([1, seed]), np.random.default_rng([2, seed])
    return perform(action, people[: 2 if action.apart else 1], azimuth, *rngs)
