"""A trained recogniser on other skeletons of the clips that it was tested on."""

import numpy as np

from data.skeletons.store import ClipStore
from recognition.evaluate import score
from recognition.input.loading import load_clips
from recognition.input.selection import select_clips
from recognition.scores import Scores
from recognition.use.recognizer import Recognizer, check_store


def score_on(recognizer: Recognizer, store: ClipStore, split: str, *, batch: int = 32, bf16: bool = False) -> Scores:
    """Score the test clips of a store.

    Parameters
    ----------
    recognizer
        The recogniser.
    store
        Clips with labels, of the actions that it tells apart.
    split
        Which of them are for testing.
    batch
        Clips at a time.
    bf16
        Whether to compute in bfloat16, as the recogniser was trained.

    Raises
    ------
    InputError
        The store has other skeletons, no labels, or no test clips.
    """
    check_store(recognizer, store)
    rows = select_clips(store, split, 0, 0).test
    clips = load_clips(
        store, rows, recognizer.actions, recognizer.device, recognizer.view.rotate_to_body, recognizer.view.people
    )
    found = score(recognizer.net, clips, recognizer.view, batch=batch, samplings=recognizer.samplings, bf16=bf16)
    return Scores(np.asarray(clips.name), clips.label.cpu().numpy(), found.cpu().numpy(), recognizer.actions)
