import numpy as np
import pytest

from data.recordings.tensors import Tensor


@pytest.mark.parametrize(
    ("offset", "shape", "strides", "numbers", "fits"),
    [
        (0, (2, 3), (3, 1), 6, True),
        (0, (3, 2), (1, 3), 6, True),
        (2, (2, 3), (3, 1), 8, True),
        (3, (2, 3), (3, 1), 8, False),
        (0, (2, 3), (2, 1), 6, False),  # one number at two places
        (0, (5, 3), (0, 1), 15, False),
        (-1, (2,), (1,), 6, False),
        (0, (0, 3), (3, 1), 6, False),
    ],
)
def test_a_tensor_must_lie_within_its_storage_once(offset, shape, strides, numbers, fits):
    assert Tensor("0", "<f4", offset, shape, strides).fits(numbers) == fits


def test_a_view_is_of_the_storage():
    storage = np.arange(8, dtype=np.float32)
    view = Tensor("0", "<f4", 2, (3, 2), (1, 3)).view(storage)
    np.testing.assert_array_equal(view, [[2, 5], [3, 6], [4, 7]])
    view[1, 1] = 9
    assert storage[6] == 9
