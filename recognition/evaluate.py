"""Scoring clips with a network, and the accuracies that are reported."""

import numpy as np
import torch
from torch import Tensor, nn

from recognition.config import InputSection
from recognition.input.batches import scoring_batches
from recognition.input.loading import LoadedClips
from recognition.nets.folding import fold
from training.distributed import ALONE, Workers


@torch.inference_mode()
def score(
    model: nn.Module,
    clips: LoadedClips,
    section: InputSection,
    *,
    batch: int,
    samplings: int = 1,
    bf16: bool = False,
    workers: Workers = ALONE,
) -> Tensor:
    """Score clips with a network in evaluation mode.

    Parameters
    ----------
    model
        The network.
    clips
        N clips.
    section
        What the network sees of a clip.
    batch
        Clips per batch.
    samplings
        How often each clip is sampled, at evenly spaced places of the segments and windows; the softmax scores are
        averaged.
    bf16
        Whether to compute in bfloat16 where autocast does.
    workers
        The processes that share the clips; each gets all scores.

    Returns
    -------
    float32 [N, classes], softmax scores
    """
    model.eval()
    model = fold(model)
    device = clips.device
    alone = workers.count == 1 or len(clips) < workers.count
    rows = slice(0, len(clips)) if alone else workers.share(len(clips))
    scores = []
    for sampling in range(samplings):
        place = (sampling + 0.5) / samplings
        parts = []
        for part in scoring_batches(clips, section, batch=batch, place=place, rows=rows):
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                logits = model(part.x, part.clip, len(part.label))
            parts.append(logits.float().softmax(1))
        scores.append(torch.cat(parts))
    mine = torch.stack(scores).mean(0)
    if alone:
        return mine
    found = mine.new_zeros(len(clips), mine.shape[1])
    found[rows] = mine
    return workers.total(found)


def accuracies(label: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Return top-1, top-5 and mean class accuracy in percent.

    Parameters
    ----------
    label
        int64 [N], the class from 0.
    scores
        float [N, classes].

    Returns
    -------
    `top1`, `top5` (100 with five classes or fewer), `mean_class_accuracy` (the mean over the classes that occur)
    """
    from sklearn.metrics import accuracy_score, recall_score, top_k_accuracy_score  # who only predicts needs none

    classes, guess = scores.shape[1], scores.argmax(1)
    top5 = top_k_accuracy_score(label, scores, k=5, labels=np.arange(classes)) if classes > 5 else 1.0
    per_class = recall_score(label, guess, labels=np.unique(label), average="macro", zero_division=0)
    return {
        "top1": 100 * float(accuracy_score(label, guess)),
        "top5": 100 * float(top5),
        "mean_class_accuracy": 100 * float(per_class),
    }
