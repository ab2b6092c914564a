import io
import pickle

import numpy as np
import pytest

from base.pickle_scan import UnsafeError, scan_pickle


def test_a_scan_agrees_with_python_on_what_is_sound():
    value = {
        "a": [1, -5, 2.5, "text", b"bytes", None, True, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), 10**30],
        (1, "key"): {"b": {3: [[], {}]}},
        "array": np.arange(6.0).reshape(2, 3),
        "objects": np.array([np.zeros(2), "x", None], object),
        "same": [np.float32(1)] * 2,
    }
    for protocol in range(6):
        content = pickle.dumps(value, protocol)
        assert scan_pickle(io.BytesIO(content + b"more"), len(content) + 4) == len(content)
        for end in range(0, len(content) - 1, 7):
            with pytest.raises(UnsafeError):
                scan_pickle(io.BytesIO(content[:end]), end)


def test_what_follows_a_pickle_is_left_to_be_read():
    """As Python's own unpickler leaves it, so that several may follow each other."""
    first, second = pickle.dumps([1, "a"]), pickle.dumps({"b": 2.5})
    stream, oracle = io.BytesIO(first + second), io.BytesIO(first + second)
    for _ in range(2):
        scan_pickle(stream, len(first + second))
        pickle.load(oracle)
        assert stream.tell() == oracle.tell()


@pytest.mark.parametrize(("levels", "fits"), [(99, True), (101, False)])
def test_a_hundred_levels_of_lists_are_the_most(levels, fits):
    value = None
    for _ in range(levels):
        value = [value]
    content = pickle.dumps(value)
    if fits:
        assert scan_pickle(io.BytesIO(content), len(content)) == len(content)
    else:
        with pytest.raises(UnsafeError, match="nests more than 100 levels"):
            scan_pickle(io.BytesIO(content), len(content))
