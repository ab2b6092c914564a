import numpy as np
import pytest

from refine.filters.smoothing import smooth
from refine.filters.tuning import tune_filter


@pytest.mark.parametrize("name", ["one_euro", "savitzky_golay", "gaussian", "butterworth"])
def test_tuning_finds_what_a_finer_search_finds(rng, name):
    time = np.arange(400)[:, None, None] / 50
    truth = [np.sin(2 * np.pi * 0.5 * time + rng.uniform(0, 6, (1, 5, 3))) for _ in range(2)]
    noisy = [x + rng.normal(0, 0.1, x.shape) for x in truth]
    parameters = tune_filter(name, noisy, truth, 50, ())

    def error(parameters):
        filtered = smooth(name, noisy, parameters, 50)
        return np.mean([np.linalg.norm(a - b, axis=-1).mean() for a, b in zip(filtered, truth, strict=True)])

    best = error(parameters)
    assert best < 0.75 * np.mean([np.linalg.norm(a - b, axis=-1).mean() for a, b in zip(noisy, truth, strict=True)])
    for key in parameters:
        if key == "order":
            continue
        for factor in (0.5, 0.7, 1.4, 2):
            assert error({**parameters, key: parameters[key] * factor}) > 0.98 * best
