"""Which joints the recognisers of raw and of refined skeletons decide by."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data.skeletons.store import ClipStore
from recognition.use.explain import explain_clip, joint_shares
from recognition.use.recognizer import load_recognizer
from training.devices import pick_device

STEPS = 24
"""Points of the integral of the gradients; enough for a mean over clips."""


def joint_importance(
    folder: Path, store: ClipStore, names: np.ndarray, actions: Sequence[int], count: int, device: str
) -> np.ndarray:
    """Return how much each joint matters for a recogniser's score of the true action, a share per joint.

    The mean over clips spread evenly over those given, see `recognition.use.explain.explain_clip`.

    Parameters
    ----------
    folder
        The recogniser's run.
    store
        The skeletons it was tested on.
    names, actions
        [N], the clips to choose from and what they show.
    count
        How many clips at most.
    device
        Where to compute.

    Returns
    -------
    float64 [V], sum 1
    """
    recognizer = load_recognizer(folder, pick_device(device))
    chosen = np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int))
    shares = []
    for at in chosen.tolist():
        (row,) = np.flatnonzero(store.clips.name == names[at])
        if (store.tracks.clip == row).any():
            shares.append(joint_shares(explain_clip(recognizer, store, int(row), int(actions[at]), STEPS)))
    mean: np.ndarray = np.mean(shares, axis=0)
    return mean
