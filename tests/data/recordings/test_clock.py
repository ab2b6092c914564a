"""Times in units that are told, or have to be told from the steps."""

import numpy as np
import pytest

from data.recordings.clock import as_seconds, says_time

FRAME = np.array([3, 3, 4, 6])
SECONDS = np.array([1.0, 1.0, 1.04, 1.12])  # 25 frames a second


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("timestamp", 1), ("timestamp", 1e-3), ("timestamp", 1e-6), ("timestamp", 1e-9), ("time_s", 1), ("t_sec", 1),
        ("seconds", 1), ("Time (s)", 1), ("timestamp_ms", 1e-3), ("timestampMs", 1e-3), ("time [ms]", 1e-3),
        ("milliseconds", 1e-3), ("timestamp_usec", 1e-6), ("timestampUs", 1e-6), ("time_ns", 1e-9), ("times", 1e-3),
    ],
)  # fmt: skip
def test_seconds(name, unit):
    np.testing.assert_allclose(as_seconds(SECONDS / unit, FRAME, name), SECONDS, rtol=1e-12)


def test_a_name_goes_before_the_steps():
    np.testing.assert_array_equal(as_seconds(SECONDS, FRAME, "time_ms"), SECONDS * 1e-3)


@pytest.mark.parametrize(
    ("times", "frame"),
    [([1.0], [0]), ([], []), ([1.0, np.nan], [0, 1]), ([1.0, 1.0], [0, 1]), ([2.0, 1.0], [0, 1]), ([0, 1e30], [0, 1])],
)
def test_what_tells_nothing_is_none(times, frame):
    assert as_seconds(np.array(times), np.array(frame), "time") is None


@pytest.mark.parametrize(
    "name",
    [
        "time", "Timestamp", "timestamp_ms", "timestampMs", "Time (s)", "t", "timestamp_usec", "time_sec", "seconds",
        "frameTime", "timeStamp", "video_time_s", "timestamp_seconds",
    ],
)  # fmt: skip
def test_names_of_times(name):
    assert says_time(name)


@pytest.mark.parametrize("name", ["timestamps_of", "x", "sometime", "time_x", "frame", "", "s", "ms", "timezone"])
def test_other_names(name):
    assert not says_time(name)
