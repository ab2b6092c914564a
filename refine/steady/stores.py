"""Refining clip stores with `steady`."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from base.progress import progress
from data.skeletons.seen import seen_joints
from data.skeletons.store import ClipStore, derive_store
from refine.steady.bones import hang
from refine.steady.net import Networks, save_networks
from refine.steady.smoother import refine_sequence

TRUST = np.array([0.0, 0.5, 1.0], np.float32)
"""What joints that are not tracked, inferred and tracked count."""


def refine_store(
    store: ClipStore,
    networks: Networks,
    output: Path,
    *,
    strength: float = 1.0,
    bones: bool = False,
    replace: bool = False,
) -> None:
    """Write a store whose tracks are refined.

    Joints that were not seen in a frame (`tracked` 0, or not finite) stay exactly as they were. Clips, tracks, lengths,
    tracking states and confidences are taken over. What is interrupted goes on where it was, to the same bytes.

    Parameters
    ----------
    store
        What to refine.
    networks
        With which weights.
    output
        The new store's folder.
    strength
        From 0, the input, to 1.
    bones
        Whether bones are brought nearer to their usual lengths; of joints in an image they never are.
    replace
        Whether an existing store may be replaced.

    Raises
    ------
    InputError
        `output` exists and may not be replaced, or another run is writing it.
    """
    layout, fps = store.layout, store.info.fps
    tree = hang(layout.bones, len(layout.joints)) if bones and layout.dims == 3 else None
    weights = hashlib.sha256(save_networks(networks)).hexdigest()
    description = {"kind": "steady", "sha256": weights, "strength": strength, "bones": bones, "fps": fps}
    info = store.info.model_copy(update={"kind": "refined", "source": str(store.folder), "refiner": description})
    order = np.argsort(store.tracks.first_row, kind="stable")
    first = store.tracks.first_row[order]
    last = first + store.tracks.length[order]

    def track(start: int, stop: int) -> np.ndarray:
        joints, tracked = np.array(store.joints[start:stop]), np.array(store.tracked[start:stop])
        trust = TRUST[np.minimum(tracked, 2)]
        if store.confidence is not None:
            trust = np.where(tracked > 0, np.clip(np.nan_to_num(store.confidence[start:stop]), 1e-3, 1), np.float32(0))
        seen = (trust > 0) & seen_joints(joints)
        if seen.any():
            refined = refine_sequence(networks, joints, fps, trust, strength, tree)
            np.copyto(joints, refined, where=seen[..., None])
        return joints

    with progress() as bar:
        task = bar.add_task(f"refining {store.folder.name}", total=len(store.joints))

        def blocks(done: int) -> Iterator[np.ndarray]:
            bar.advance(task, done)
            row = done
            for start, stop in zip(first.tolist(), last.tolist(), strict=True):
                if stop <= done:
                    continue
                if start > row:  # rows of no track
                    yield np.array(store.joints[row:start])
                yield track(start, stop)
                bar.advance(task, stop - row)
                row = stop
            if row < len(store.joints):
                yield np.array(store.joints[row:])

        derive_store(store, output, blocks, info, replace, {"weights": weights})
