"""The programs in docs/live.md, with a camera, a tracker and a dataset that are not real."""

import re
import socket
import struct
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from refine import refine
from refine.live.stream import Refined

BLOCKS = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[3] / "docs/live.md").read_text(), re.S)


def program(word):
    """Run the block of the docs that defines a function; returns its names."""
    names = {}
    exec(next(block for block in BLOCKS if f"def {word}" in block), names)
    return names


def test_the_webcam_loop(monkeypatch):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(33, 3))

    class Camera:
        def __init__(self, number):
            self.left = 12

        def read(self):
            self.left -= 1
            return self.left >= 0, self.left

    class Tracker:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def process(self, image):
            if image == 5:
                return SimpleNamespace(pose_world_landmarks=None)
            points = [SimpleNamespace(x=x, y=y, z=z, visibility=1.01) for x, y, z in truth]
            return SimpleNamespace(pose_world_landmarks=SimpleNamespace(landmark=points))

    cv2 = SimpleNamespace(VideoCapture=Camera, cvtColor=lambda image, kind: image, COLOR_BGR2RGB=4)
    monkeypatch.setitem(sys.modules, "cv2", cv2)
    mediapipe = SimpleNamespace(solutions=SimpleNamespace(pose=SimpleNamespace(Pose=Tracker)))
    monkeypatch.setitem(sys.modules, "mediapipe", mediapipe)
    shown = []
    program("follow")["follow"](shown.append)
    assert len(shown) == 12 - 1 - 4
    for one in shown:
        np.testing.assert_allclose(one.pose, truth, atol=1e-6)
    assert sorted(one.time for one in shown) == [one.time for one in shown]


def test_messages_by_osc():
    pose = np.array([[1.5, -2.0], [np.nan, np.nan], [0.25, 8.0]])
    names = program("send")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, names["out"]:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        names["send"](Refined(pose, 12.5, "me"), server.getsockname())
        for joint in (0, 2):
            # OSC 1.0: address and types end with zeros up to a multiple of four; big-endian numbers.
            message = server.recv(1000)
            assert message[:12] == f"/pose/me/{joint}".encode() + b"\0" * 2
            assert message[12:20] == b",dff" + b"\0" * 4
            assert struct.unpack(">dff", message[20:]) == (12.5, *pose[joint])


class Named:
    """As much of a labelled array as the recipe uses."""

    def __init__(self, values, dims):
        self.values, self.dims = values, dims

    def transpose(self, *dims):
        return Named(self.values.transpose([self.dims.index(name) for name in dims]), dims)

    def copy(self, data):
        assert data.shape == self.values.shape
        return Named(data, self.dims)


class Dataset(SimpleNamespace):
    def assign(self, position):
        return Dataset(**vars(self) | {"position": position})


@pytest.mark.parametrize("known", [True, False])
def test_datasets_of_movement_in_and_out(known):
    rng = np.random.default_rng(0)
    position = rng.normal(size=(20, 2, 5, 3))  # time, space, keypoints, individuals
    confidence = rng.uniform(0.1, 1, (20, 5, 3)) if known else np.full((20, 5, 3), np.nan)
    dims = ("time", "space", "keypoints", "individuals")
    try:
        import xarray
    except ImportError:
        ds = Dataset(
            position=Named(position, dims),
            confidence=Named(confidence, ("time", "keypoints", "individuals")),
            attrs={"fps": 30},
        )
    else:
        parts = {"position": (dims, position), "confidence": (("time", "keypoints", "individuals"), confidence)}
        ds = xarray.Dataset(parts, attrs={"fps": 30})
    names = program("from_movement")
    poses, trust, fps = names["from_movement"](ds)
    np.testing.assert_array_equal(poses[2, 7], position[7, :, :, 2].T)
    assert (trust is not None) == known
    after = names["to_movement"](ds, refine(poses, fps, trust))
    assert after.position.dims == ds.position.dims
    expected = refine(position[:, :, :, 1].transpose(0, 2, 1), 30, confidence[..., 1] if known else None)
    np.testing.assert_allclose(after.position.values[..., 1].transpose(0, 2, 1), expected)
