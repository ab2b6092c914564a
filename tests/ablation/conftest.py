"""Made-up scores and skeletons with known properties."""

from types import SimpleNamespace

import numpy as np
import pytest

from ablation.findings import Findings
from ablation.scores import Scores
from ablation.sections.movement import Movement
from ablation.sections.poses import ClipPoses, PoseFigures
from ablation.sections.spectrum import Spectrum
from ablation.statistics import (
    class_effects,
    compare,
    confusion_changes,
    find_crossing,
    paired_differences,
)
from ablation.study.grid import Condition, GridRow
from data.skeletons.layouts import ACTIONS, NTU25


def make_scores(right: np.ndarray, label: np.ndarray, classes: int, rng: np.random.Generator) -> Scores:
    """Scores of which the given ones are right: right bool [S, N]; wrong guesses prefer the next class."""
    seeds, clips = right.shape
    away = np.where(rng.random((seeds, clips)) < 0.6, 1, rng.integers(1, classes, (seeds, clips)))
    guess = np.where(right, label, (label + away) % classes)
    score = rng.random((seeds, clips, classes)) * 0.1
    np.put_along_axis(score, guess[..., None], rng.uniform(0.3, 1, (seeds, clips, 1)), -1)
    score /= score.sum(-1, keepdims=True)
    names = np.array([f"S001C001P{1 + n % 40:03d}R{1 + n // 40 % 99:03d}A{1 + c:03d}" for n, c in enumerate(label)])
    order = np.argsort(names)
    return Scores(names[order], label[order], score[:, order], 1 + np.arange(classes))


def make_arms(gains: dict[str, float], *, clips=480, classes=16, seeds=3, base=0.7, seed=0) -> dict[str, Scores]:
    """Arms whose accuracy lies `gains` above `base`, on clips of unequal difficulty that the arms share."""
    rng = np.random.default_rng(seed)
    label = np.arange(clips) % classes
    difficulty = rng.normal(0, 0.18, clips) + 0.12 * np.sin(1.7 * label)
    draw = rng.random((seeds, clips))
    arms = {}
    for arm, gain in gains.items():
        by_class = gain * (1 + 1.2 * np.cos(2.3 * label))
        own = np.where(rng.random((seeds, clips)) < 0.25, rng.random((seeds, clips)), draw)
        right = own < base + difficulty + by_class + rng.normal(0, 0.01, (seeds, 1))
        arms[arm] = make_scores(right, label, classes, np.random.default_rng(seed + 1))
    return arms


def make_clip(frames=70, seed=0) -> ClipPoses:
    rng = np.random.default_rng(seed)
    rest = np.array(
        [
            [0, 0], [0, 0.3], [0, 0.62], [0, 0.78], [-0.18, 0.5], [-0.25, 0.22], [-0.28, 0], [-0.28, -0.07],
            [0.18, 0.5], [0.3, 0.3], [0.34, 0.55], [0.35, 0.63], [-0.09, -0.02], [-0.1, -0.4], [-0.1, -0.8],
            [-0.14, -0.86], [0.09, -0.02], [0.1, -0.4], [0.1, -0.8], [0.14, -0.86], [0, 0.54], [-0.28, -0.14],
            [-0.24, -0.06], [0.36, 0.7], [0.32, 0.62],
        ]
    )  # fmt: skip
    truth = np.zeros((frames, 25, 3))
    truth[..., :2] = rest
    truth[..., 2] = 3
    wave = 0.12 * np.sin(np.arange(frames) / 5)
    truth[:, [10, 11, 23, 24], 0] += wave[:, None]
    noise = rng.normal(0, 0.006, truth.shape)
    noise[30:42, [5, 6, 7, 21, 22]] += rng.normal(0, 0.07, (12, 5, 3))
    kernel = np.ones(7) / 7
    smooth = np.apply_along_axis(lambda x: np.convolve(np.pad(x, 3, mode="edge"), kernel, "valid"), 0, noise)
    joints = {"raw": truth + noise, "refined": truth + smooth, "oracle": truth}
    seen = np.ones((frames, 25), bool)
    return ClipPoses("S001C001P003R001A023", 23, 0, {k: v.astype(np.float32) for k, v in joints.items()}, seen, NTU25)


SEVERITIES = (0.0, 1.0, 2.0, 4.0)
OTHERS = (
    *(Condition(severity=severity) for severity in SEVERITIES),
    Condition(severity=1.0, stream="bone"),
    Condition(severity=1.0, pairing="test"),
    Condition(severity=1.0, share=0.5),
)


def make_rows(arms: dict[str, Scores], against: str, settings: dict) -> list[GridRow]:
    """Every arm under several conditions, the same scores under each."""
    rows = []
    for condition in OTHERS:
        for arm, scores in arms.items():
            comparison = compare(arms, [(arm, against)], **settings)[0] if arm != against else None
            top1 = tuple((100 * scores.correct.mean(1)).tolist())
            rows.append(GridRow(condition, arm, tuple(range(len(top1))), top1, comparison))
    return rows


def make_findings(
    gains: dict[str, float], *, against="raw", actions=None, resamples=2000, grid=False, **how
) -> Findings:
    arms = make_arms(gains, **how)
    main = "refined" if "refined" in arms else next(arm for arm in arms if arm != against)
    settings = {"resamples": resamples, "confidence": 0.95, "seed": 0}
    filters = [arm for arm in arms if arm in ("one_euro", "savitzky_golay", "gaussian")]
    best = max(filters, key=lambda arm: arms[arm].correct.mean(), default=None)
    clip = make_clip()
    classes = class_effects(arms[against], arms[main], **settings)
    rng = np.random.default_rng(0)
    jitter, speed = rng.uniform(5, 40, (2, len(classes)))
    frequency = np.linspace(1, 15, 15)
    differences = paired_differences(arms[against], arms[main], against, main)
    shares = rng.dirichlet(np.ones(25), 2)
    errors = {"mpjpe": 50.3, "pa_mpjpe": 40.2, "accel": 21.9}
    return Findings(
        arms=arms,
        against=against,
        seeds=tuple(range(len(arms[against].score))),
        comparisons=compare(arms, [(arm, against) for arm in arms if arm != against], **settings),
        between=compare(arms, [(main, best)], **settings)[0] if best and main == "refined" else None,
        classes=classes,
        confusions=confusion_changes(arms[against], arms[main], 8),
        resamples=resamples,
        confidence=0.95,
        actions=actions or dict(enumerate(ACTIONS, 1)),
        split="xsub",
        performers=8,
        poses=[PoseFigures(arm, 30 / (1 + n), 45.0 - n, 22.0 / (1 + n)) for n, arm in enumerate(arms)],
        benchmarks={
            "rows": [
                {
                    "benchmark": "ntusim_kinect_3D", "split": "test", "window": 32, "frames": 1000, "unit": "mm",
                    "input": errors, "output": {"mpjpe": 45.1, "pa_mpjpe": 37.0, "accel": 3.1}, "seconds": 1.0,
                }
            ],
            "filters": [
                {
                    "benchmark": "ntusim_kinect_3D", "split": "test", "filter": "gaussian",
                    "parameters": {"sigma_s": 0.053}, "output": {"mpjpe": 47.1, "pa_mpjpe": 38.2, "accel": None},
                }
            ],
        },
        clip=clip,
        data={"store": "datasets/ntu/simulated/raw", "clips": 1440, "joints inferred": "4.1 %", "skipped": []},
        simulated=True,
        made={
            "config": "run:\n  dir: runs/ablate\n  seed: 0\n",
            "command": "python run.py ablate runs/ablate/config.yaml run.dir=runs/ablate-again",
            "cell_command": "python run.py recognize runs/ablate/shared/cells/0/config.yaml run.dir=again",
            "versions": {"python": "3.12", "torch": "2.13", "commit": "0123456789abcdef"},
            "arms": {arm: f"how {arm} was made" for arm in arms},
            "validation": "The epoch with the best accuracy on 15 % of the training performers; the test once.",
            "clip_choice": "the test clip at the upper quartile of jitter",
            "seconds": "6 min",
        },
        condition=Condition(severity=1.0),
        rows=make_rows(arms, against, {**settings, "resamples": 100}) if grid else [],
        crossings=[find_crossing(main, SEVERITIES, [differences - 1, *[differences] * 3], **settings)] if grid else [],
        movement=Movement(
            np.array([one.action for one in classes]), jitter, speed / 40,
            np.array([one.difference for one in classes]), "oracle", (0.3, 0.02), (-0.1, 0.6),
        ),
        spectrum=Spectrum(frequency, {arm: 100 / frequency**n for n, arm in enumerate(("raw", main, "oracle"), 1)}),
        importance={against: shares[0], main: shares[1]},
        clips=[("the test clip at the upper quartile of jitter", clip), ("repaired <most> clearly", make_clip(90, 1))],
    )  # fmt: skip


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    return SimpleNamespace(scores=make_scores, arms=make_arms, clip=make_clip, findings=make_findings)
