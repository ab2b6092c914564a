import numpy as np

from refine.filters.one_euro import one_euro


def one_euro_of_a_number(values, min_cutoff, beta, fps):
    """The algorithm of the paper's appendix for a list of numbers."""

    def alpha(cutoff):
        tau = 1 / (2 * np.pi * cutoff)
        return 1 / (1 + tau * fps)

    result, speed = [values[0]], 0.0
    for value in values[1:]:
        speed = alpha(1.0) * (value - result[-1]) * fps + (1 - alpha(1.0)) * speed
        a = alpha(min_cutoff + beta * abs(speed))
        result.append(a * value + (1 - a) * result[-1])
    return result


def test_one_euro_is_the_published_algorithm(rng):
    x = rng.normal(size=(40, 2, 3)).cumsum(0)
    filtered = one_euro(x, 1.3, 0.7, 30)
    for joint, axis in np.ndindex(2, 3):
        np.testing.assert_allclose(filtered[:, joint, axis], one_euro_of_a_number(x[:, joint, axis], 1.3, 0.7, 30))
