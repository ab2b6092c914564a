"""Made-up scores and skeletons with known properties."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ablation.fidelity import ArmFidelity, StudyFidelity, find_fidelity
from ablation.page.player import Browsed, find_browsed
from ablation.sections.benchmarks import find_benchmarks
from ablation.sections.clips import Clips, find_clips
from ablation.sections.confusions import find_confusions
from ablation.sections.importance import find_importance
from ablation.sections.made import describe_clips
from ablation.sections.methods import Counts, count
from ablation.sections.movement import Movement, find_movement
from ablation.sections.poses import PoseFigures, find_poses
from ablation.sections.spectrum import Spectrum, find_spectrum
from ablation.skeletons import ClipPoses
from ablation.statistics import class_effects, compare, confusion_changes, find_crossing, paired_differences
from ablation.study.config import AblateConfig
from ablation.study.grid import Condition, GridRow
from ablation.study.plan import Plan
from ablation.study.stores import Made, Source
from ablation.study.study import ClipsTested, Study
from ablation.verdict import Verdict, judge
from data.skeletons.layouts import NTU25
from recognition.scores import SeedScores
from tests.ablation.small_study import write_benchmark, write_store


def make_scores(right: np.ndarray, label: np.ndarray, classes: int, rng: np.random.Generator) -> SeedScores:
    """Scores of which the given ones are right: right bool [S, N]; wrong guesses prefer the next class."""
    seeds, clips = right.shape
    away = np.where(rng.random((seeds, clips)) < 0.6, 1, rng.integers(1, classes, (seeds, clips)))
    guess = np.where(right, label, (label + away) % classes)
    score = rng.random((seeds, clips, classes)) * 0.1
    np.put_along_axis(score, guess[..., None], rng.uniform(0.3, 1, (seeds, clips, 1)), -1)
    score /= score.sum(-1, keepdims=True)
    names = np.array([f"S001C001P{1 + n % 40:03d}R{1 + n // 40 % 99:03d}A{1 + c:03d}" for n, c in enumerate(label)])
    order = np.argsort(names)
    return SeedScores(names[order], label[order], score[:, order], 1 + np.arange(classes))


def make_arms(gains: dict[str, float], *, clips=480, classes=16, seeds=3, base=0.7, seed=0) -> dict[str, SeedScores]:
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


def make_rows(arms: dict[str, SeedScores], against: str, settings: dict) -> list[GridRow]:
    """Every arm under several conditions, the same scores under each."""
    rows = []
    for condition in OTHERS:
        for arm, scores in arms.items():
            comparison = compare(arms, [(arm, against)], **settings)[0] if arm != against else None
            top1 = tuple((100 * scores.correct.mean(1)).tolist())
            rows.append(GridRow(condition, arm, tuple(range(len(top1))), top1, comparison))
    return rows


def make_config(arms, against="raw", **changed) -> AblateConfig:
    """The configuration of a study of these arms; none of its files is there."""
    own = [arm for arm in arms if arm not in ("raw", "refined", "one_euro", "savitzky_golay", "gaussian", "oracle")]
    return AblateConfig.model_validate(
        {
            "run": {"dir": "runs/ablate"},
            "data": {"store": "raw"},
            "arms": list(arms),
            "against": against,
            "refiners": {arm: {"model": {"hidden": 8 + 8 * n}} for n, arm in enumerate(own)},
            "refine": {"benchmarks": {"root": "poses"}, "train": {"on": ["ntusim_kinect_3D"]}},
            **changed,
        }
    )


def make_study(gains, *, against="raw", resamples=2000, grid=False, report=None, statistics=None, **how) -> Study:
    """A study in which everything has been found already, as no store is there to find it in."""
    arms = make_arms(gains, **how)
    config = make_config(arms, against, report=report or {}, statistics={"resamples": resamples, **(statistics or {})})
    main, settings = config.main, {"resamples": resamples, "confidence": 0.95, "seed": 0}
    best = max(config.filters, key=lambda arm: arms[arm].correct.mean(), default=None)
    clips, clip = len(arms[against].clip), make_clip()
    classes = class_effects(arms[against], arms[main], **settings)
    rng = np.random.default_rng(0)
    jitter, speed = rng.uniform(5, 40, (2, len(classes)))
    frequency = np.linspace(1, 15, 15)
    differences = paired_differences(arms[against], arms[main], against, main)
    shares = rng.dirichlet(np.ones(25), 2)
    errors = {"mpjpe": 50.3, "pa_mpjpe": 40.2, "accel": 21.9}
    left = {
        arm: ArmFidelity(
            (0.9 - 0.1 * n, 0.9 - 0.2 * n, 0.9 - 0.3 * n), None, 20 / (1 + n), float(n), 0.5, 0.45, 0.0, n == 1
        )
        for n, arm in enumerate(arms)
    }
    verdict = Verdict(
        comparisons=compare(arms, [(arm, against) for arm in arms if arm != against], **settings),
        best_filter=compare(arms, [(main, best)], **settings)[0] if best and main == "refined" else None,
        classes=classes,
        rows=make_rows(arms, against, {**settings, "resamples": 100}) if grid else [],
        crossings=[find_crossing(main, SEVERITIES, [differences - 1, *[differences] * 3], **settings)] if grid else [],
    )
    why = "the test clip at the upper quartile of jitter"
    found = {
        judge: verdict,
        find_confusions: confusion_changes(arms[against], arms[main], 8),
        find_poses: [PoseFigures(arm, 30 / (1 + n), 45.0 - n, 22.0 / (1 + n)) for n, arm in enumerate(arms)],
        find_fidelity: StudyFidelity(left, True, (0.9, 0.9, 0.9), 120, (0, 0, 0)),
        find_benchmarks: {
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
        find_clips: Clips(clip, why, [(why, clip), ("repaired <most> clearly", make_clip(90, 1))]),
        find_browsed: Browsed([]),
        describe_clips: {
            "store": "datasets/ntu/simulated/raw", "clips": 1440, "joints inferred": "4.1 %", "skipped": []
        },
        count: Counts(
            clips, 48_000, 30.0, "made up", [400] * len(arms[against].score), [40] * len(arms[against].score),
            frozenset("abcd"), frozenset("efgh"), len(arms[against].action), 123_456,
        ),
        find_movement: Movement(
            np.array([one.action for one in classes]), jitter, speed / 40,
            np.array([one.difference for one in classes]), "oracle", (0.3, 0.02), (-0.1, 0.6),
        ),
        find_spectrum: Spectrum(
            frequency, {arm: 100 / frequency**n for n, arm in enumerate(("raw", main, "oracle"), 1)}
        ),
        find_importance: {against: shares[0], main: shares[1]},
    }  # fmt: skip
    source = Source(None, None, None, Path("raw"), None)
    return Study(
        config=config,
        plan=Plan([Condition(severity=1.0)], [], []),
        made=Made(source, {}, {arm: f"how {arm} was made" for arm in arms}, {}),
        truth=None,
        gathered={},
        arms=arms,
        seeds=tuple(range(len(arms[against].score))),
        clips=ClipsTested(np.arange(len(arms[against].clip)) % 8, True, NTU25),
        about={
            "config": "run:\n  dir: runs/ablate\n  seed: 0\n",
            "command": "python run.py ablate runs/ablate/config.yaml run.dir=runs/ablate-again",
            "training_command": "python run.py recognize runs/ablate/shared/cells/0/config.yaml run.dir=again",
            "versions": {"python": "3.12", "torch": "2.13", "commit": "0123456789abcdef"},
            "seconds": "6 min",
        },
        memo=found,
    )


def knowing(study: Study, found: dict | None = None, **fields) -> Study:
    """The same study with other fields, or in which some functions found something else."""
    put = {known: study.memo[known] for known in study.memo if known in FINDERS}
    return replace(study, memo={**put, **(found or {})}, **fields)


FINDERS = (
    judge, find_confusions, find_poses, find_fidelity, find_benchmarks, find_clips, describe_clips, count,
    find_movement, find_spectrum, find_importance, find_browsed,
)  # fmt: skip
"""What needs skeletons or is put in place by `make_study`; everything else follows from it."""


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    return SimpleNamespace(
        scores=make_scores, arms=make_arms, clip=make_clip, study=make_study, knowing=knowing, config=make_config
    )


@pytest.fixture
def settings(tmp_path):
    write_store(tmp_path / "raw", 0.02)
    write_store(tmp_path / "truth", 0, kind="truth")
    return {
        "run": {"dir": tmp_path / "runs" / "study", "device": "cpu"},
        "data": {"store": tmp_path / "raw", "truth": tmp_path / "truth", "validation": 0},
        "arms": ["raw", "gaussian", "oracle"],
        "seeds": [0, 1],
        "refine": {"benchmarks": {"root": write_benchmark(tmp_path / "poses")}, "train": {"on": ["ntusim_kinect_3D"]}},
        "recognize": {
            "input": {"frames": 8},
            "model": {"width": 4, "blocks": 3, "temporal_kernel": 3},
            "train": {"epochs": 1, "batch": 6, "lr": 0.01, "warmup": 0},
        },
        "statistics": {"resamples": 200},
        "report": {"explained": 2},  # every clip costs as much as training a recogniser
    }
