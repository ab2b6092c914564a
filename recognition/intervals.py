"""How far accuracies are to be trusted: 95% intervals over the test clips, and over the people in them."""

import numpy as np
from scipy.stats import norm, t

CONFIDENCE = 0.95

Interval = list[float]
"""Its lower and its upper end, as JSON has it."""


def accuracy_intervals(label: np.ndarray, scores: np.ndarray, subject: np.ndarray | None = None) -> dict[str, Interval]:
    """Return an interval for each figure of `recognition.evaluate.accuracies`, in percent.

    Parameters
    ----------
    label
        int64 [N], the class from 0.
    scores
        float [N, classes].
    subject
        [N], who is in each clip: then clips of one person count as alike as they are. None takes each clip for itself.
    """
    right = scores.argmax(1) == label
    among_five = (np.argsort(scores, 1, kind="stable")[:, -5:] == label[:, None]).any(1)
    share = np.full(len(label), 1 / len(label))
    _, place, counts = np.unique(label, return_inverse=True, return_counts=True)
    per_class = 1 / (len(counts) * counts[place])
    return {
        "top1": weighted_interval(right, share, subject),
        "top5": weighted_interval(among_five, share, subject),
        "mean_class_accuracy": weighted_interval(right, per_class, subject),
    }


def weighted_interval(
    right: np.ndarray, weight: np.ndarray, subject: np.ndarray | None = None, confidence: float = CONFIDENCE
) -> Interval:
    """Return the interval of a weighted share, in percent.

    Wilson's score interval (JASA 1927) of the share p = sum of w x, of as many clips as the weights are worth,
    1 / sum of w^2 (Kish, Survey Sampling, 1965). It has ends within 0 and 100, and a width where all are right.

    Of people the number is p (1 - p) / V, where it is smaller: V is the variance of the share between them,
    G / (G - 1) sum over the G people of (sum of w (x - p))^2, and Student's quantile of G - 1 degrees of freedom takes
    the normal one's place (Korn & Graubard, Survey Methodology 1998, do alike).

    Parameters
    ----------
    right
        [N], whether each clip is right, or its share of the seeds that are.
    weight
        float [N], positive, sum 1.
    subject
        [N], who is in each clip, two people at least; None draws clips and not people.
    confidence
        E.g. 0.95.
    """
    p = float(np.clip(weight @ right, 0, 1))
    number = 1 / float(weight @ weight)
    quantile = float(norm.ppf((1 + confidence) / 2))
    if subject is not None:
        people, place = np.unique(subject, return_inverse=True)
        count = len(people)
        apart = np.bincount(place, weight * (right - p))
        variance = count / (count - 1) * float(apart @ apart)
        if variance > 0:
            number = min(number, p * (1 - p) / variance)
        quantile = float(t.ppf((1 + confidence) / 2, count - 1))
    square = quantile**2 / number
    centre = (p + square / 2) / (1 + square)
    half = np.sqrt(square * (p * (1 - p) + square / 4)) / (1 + square)
    return [round(100 * float(end), 6) for end in (max(centre - half, 0), min(centre + half, 1))]
