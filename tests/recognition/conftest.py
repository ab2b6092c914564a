from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from data.ntu.names import ClipName
from data.skeletons.store import ClipStore, StoreInfo, StoreWriter, Track, open_store

Maker = Callable[..., ClipStore]


@pytest.fixture(scope="session")
def make_store(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Make stores of two actions: a hand that swings up and down, and one that swings to the side."""

    def make(
        performers: tuple[int, ...] = (1, 2, 3, 4, 6),
        actions: tuple[int, ...] = (1, 23),
        replications: int = 3,
        second_actor: bool | Literal["some"] = False,
        noise: float = 0.01,
        seed: int = 0,
    ) -> ClipStore:
        rng = np.random.default_rng(seed)
        folder: Path = tmp_path_factory.mktemp("store") / "store"
        pose = rng.normal(0, 0.3, (25, 3)).astype(np.float32)
        with StoreWriter(folder, StoreInfo()) as writer:
            for number in range(len(performers) * len(actions) * replications):
                rest, replication = divmod(number, replications)
                performer, kind = divmod(rest, len(actions))
                frames = int(rng.integers(12, 40))
                joints = pose + np.float32(3) + np.zeros((frames, 1, 1), np.float32)
                joints[:, 8:12, kind % 3] += np.sin(np.arange(frames) / 3)[:, None]
                joints += rng.normal(0, noise, joints.shape).astype(np.float32)
                tracks = [Track(0, 0, joints, np.full((frames, 25), 2, np.uint8))]
                if second_actor is True or (second_actor and number % 3 == 0):
                    part = joints[3:-2] + np.float32(0.8)
                    tracks.append(Track(1, 3, part, np.full((frames - 5, 25), 2, np.uint8)))
                writer.add(ClipName(1, 1, performers[performer], replication + 1, actions[kind]), frames, tracks)
        return open_store(folder)

    return make
