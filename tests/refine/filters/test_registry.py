import numpy as np
import pytest
from pydantic import ValidationError

from refine.config import EvaluateSection
from refine.filters.registry import FILTERS, filter_label

FPS = 30.0


@pytest.mark.parametrize("name", ["butterworth", "gaussian", "one_euro", "savitzky_golay"])
def test_each_is_a_file_of_its_own_that_takes_what_it_says(name, rng):
    kind, x = FILTERS[name], rng.normal(size=(40, 2, 3))
    parameters = {key: values[len(values) // 2] for key, values in kind.grid.items()}
    assert kind.smooth(x, **parameters, fps=FPS).shape == x.shape
    if kind.released is not None:
        assert set(parameters) <= set(kind.released(FPS))


@pytest.mark.parametrize("name", FILTERS.names())
def test_flags_are_as_the_filter_behaves(name, rng):
    """Scaling and turning commute with what does not mind them; a causal one knows nothing of what comes."""
    kind, x = FILTERS[name], rng.normal(size=(40, 4, 3)).cumsum(0)
    parameters = {key: values[len(values) // 2] for key, values in kind.grid.items()}
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))

    def smooth(y):
        return kind.smooth(y, **parameters, fps=FPS)

    assert np.allclose(smooth(1000 * x), 1000 * smooth(x)) == (not kind.sized)
    assert np.allclose(smooth(x @ turn), smooth(x) @ turn) == (not kind.turned)
    assert np.allclose(smooth(x[:30]), smooth(x)[:30]) == kind.causal


@pytest.mark.parametrize("name", [name for name in FILTERS.names() if FILTERS[name].reach is not None])
def test_what_is_out_of_reach_is_without_effect(name, rng):
    kind, x = FILTERS[name], rng.normal(size=(400, 1, 2))
    for at in (0, 2, 4):
        parameters = {key: values[min(at, len(values) - 1)] for key, values in kind.grid.items()}
        reach = kind.reach(**parameters, fps=FPS)
        other = x.copy()
        other[200:] += 1
        for function in (kind.smooth, kind.smooth_motion or kind.smooth):
            before, after = (function(one, **parameters, fps=FPS) for one in (x, other))
            np.testing.assert_array_equal(before[: 200 - reach], after[: 200 - reach])
            assert reach == 0 or (before[200 - reach :] != after[200 - reach :]).any()


def test_a_filter_that_there_is_not_is_told_with_the_nearest():
    with pytest.raises(ValidationError, match="no filter is called 'gausian'; did you mean 'gaussian'"):
        EvaluateSection(filters=("gausian",))


def test_results_of_a_filter_that_is_not_installed_are_shown_by_its_name():
    assert filter_label("one_euro") == "One-Euro"
    assert filter_label("somebodys") == "somebodys"
