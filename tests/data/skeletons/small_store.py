"""A small store: three clips, the second of two people."""

import numpy as np

from data.ntu.names import ClipName
from data.skeletons.store import StoreInfo, StoreWriter, Track

NAMES = [ClipName(1, 1, 1, 1, 1), ClipName(1, 2, 3, 1, 2), ClipName(2, 1, 3, 2, 60)]


def tracks(seed, lengths):
    rng = np.random.default_rng(seed)
    return [
        Track(
            actor, actor, rng.normal(size=(n, 25, 3)).astype(np.float32), rng.integers(0, 3, (n, 25)).astype(np.uint8)
        )
        for actor, n in enumerate(lengths)
    ]


def write_store(folder):
    with StoreWriter(folder, StoreInfo(source="made up")) as writer:
        for number, name in enumerate(NAMES):
            writer.add(name, 20 + number, tracks(number, [10 + number, 5][: 1 + number % 2]))
