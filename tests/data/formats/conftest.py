from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data.ntu.names import ClipName, parse_name
from data.skeletons.layouts import LAYOUTS
from data.skeletons.store import ClipStore, StoreInfo, StoreWriter, Track, open_store
from tests.data.formats.steps import NAMES_120

CLIPS = (
    # (performer, camera, action), frames, tracks as (actor, first frame, length)
    ((1, 1, 1), 20, [(0, 0, 20)]),
    ((3, 2, 60), 25, [(0, 0, 25), (1, 4, 10)]),
    ((2, 3, 50), 18, [(0, 3, 15), (1, 0, 12)]),  # the first actor comes later
    ((6, 1, 9), 310, [(0, 0, 310), (1, 305, 5)]),  # longer than 300 frames
    ((1, 2, 9), 12, [(0, 0, 12)]),
    ((38, 3, 23), 30, [(0, 0, 30)]),  # with a gap
)


def walk(rng: np.random.Generator, frames: int, layout: str) -> np.ndarray:
    joints, dims = len(LAYOUTS[layout].joints), LAYOUTS[layout].dims
    pose = rng.normal(0, 0.3, (joints, dims)) + (3 if dims == 3 else 0)
    moving = pose + np.cumsum(rng.normal(0, 0.01, (frames, joints, dims)), 0)
    return (moving if dims == 3 else 960 + 300 * moving).astype(np.float32)


@pytest.fixture(scope="session")
def make_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ClipStore]:
    def make(layout: str = "ntu25", clips=CLIPS, states: bool = True) -> ClipStore:
        rng = np.random.default_rng(3)
        folder: Path = tmp_path_factory.mktemp("formats") / "store"
        flat = LAYOUTS[layout].dims == 2
        info = StoreInfo(layout=layout, confidence=flat, image=(1920, 1080) if flat else None)
        with StoreWriter(folder, info) as writer:
            for name, frames, tracks in clips:
                if isinstance(name, tuple):
                    performer, camera, action = name
                    name = str(ClipName(1, camera, performer, 1, action))
                written = []
                for actor, first, length in tracks:
                    joints = walk(rng, length, layout)
                    shape = joints.shape[:2]
                    tracked = rng.integers(1, 3, shape) if states else np.full(shape, 2)
                    confidence = rng.uniform(0.1, 1, shape).astype(np.float32) if flat else None
                    if length == 30:
                        joints[10:13], tracked[10:13] = 0, 0
                        if confidence is not None:
                            confidence[10:13] = 0
                    written.append(Track(actor, first, joints, tracked.astype(np.uint8), confidence))
                writer.add(parse_name(name), frames, written)
        return open_store(folder)

    return make


@pytest.fixture(scope="session")
def store_120(make_store: Callable[..., ClipStore]) -> ClipStore:
    """Four clips that NTU RGB+D 120 has and 60 has not, in the order of `steps.NAMES_120`."""
    return make_store(clips=[(name, 9, [(0, 0, 9)]) for name in NAMES_120])


@pytest.fixture(scope="session")
def store(make_store: Callable[..., ClipStore]) -> ClipStore:
    """Six clips: one actor, two, the first one late, longer than 300 frames, and one with a gap."""
    return make_store()
