"""The paragraphs for a paper say what the configuration and the clips are."""

from dataclasses import replace

import pytest

from ablation.sections.methods import count, describe_methods
from ablation.study.plan import Plan
from ablation.study.stores import list_sources, make_stores
from data.skeletons.labels import Labels
from tests.ablation.small_study import configured


@pytest.fixture(scope="module")
def study(make):
    return make.study({"raw": 0, "gaussian": 0.02, "oracle": 0.2}, clips=96, resamples=100)


def test_the_paragraphs_hold_what_was_configured(make, study):
    config = make.config(
        study.arms,
        recognize={
            "input": {"frames": 48},
            "model": {"name": "stgcn++", "width": 24, "blocks": 6},
            "train": {"epochs": 17, "batch": 16, "lr": 0.05, "warmup": 2, "scaling": 0.1, "precision": "bf16"},
        },
        data={"store": "raw", "validation": 0.2},
        statistics={"resamples": 3000, "confidence": 0.9},
    )
    about = {**study.about, "begun": "2026-11-25"}
    data, skeletons, recogniser, statistics, software = describe_methods(
        make.knowing(study, config=config, about=about)
    )
    assert "of 16 actions (chance level 6.2%; the most frequent action is 6.2% of the test clips)" in data  # 6 of 96
    assert "400 clips for training, 40 for choosing the epoch and 96 for testing; 4 people in training and" in data
    assert "4 in testing, nobody in both" in data
    assert "raw (as measured); Gaussian (how gaussian was made); noise-free (before noise was added)" in skeletons
    assert "ST-GCN++ (width 24, 6 blocks, temporal kernel 9, spatial partition; 123,456 parameters)" in recogniser
    assert "17 epochs of stochastic" in recogniser
    assert "batch 16, learning rate 0.05 after 2 epochs of warm-up, falling along a cosine" in recogniser
    assert "with rotation by up to 0.3 rad about each axis and scaling by up to 10%, computed in bf16" in recogniser
    assert "best on 20% of the training people" in recogniser
    assert "3 seeds (0, 1, 2)" in recogniser
    assert "90% intervals" in statistics
    assert "(3,000 resamples)" in statistics
    assert "below 0.1 a difference" in statistics
    assert "begun on 2026-11-25; python 3.12, torch 2.13" in software


@pytest.mark.parametrize(
    ("pairing", "said"),
    [
        ("both", "For each kind of skeletons others were trained on it, and tested on it."),
        ("oracle", "All were trained on noise-free skeletons and tested on each kind."),
        ("test", "All were trained on raw skeletons and tested on each kind."),
    ],
)
def test_what_was_trained_on_is_said(make, study, pairing, said):
    first = replace(study.condition, pairing=pairing)
    found = make.knowing(study, plan=Plan([first, replace(first, share=0.5)], [], []))
    recogniser = describe_methods(found)[2]
    assert said in recogniser
    assert "The study also varied training clips (100%; 50%)." in recogniser


def test_clips_people_and_parameters_are_counted(study, settings):
    """18 clips of performers 1 to 3, of whom NTU trains on 1 and 2; ST-GCN has 3.10 million weights for 60 actions."""
    settings["recognize"]["model"] = {}
    config = configured(settings)
    [source] = list_sources(config)
    small = replace(study, config=config, made=make_stores(config, source, ["raw"]), seeds=(0, 1), memo={})
    found = small.get(count)
    parts = (18, 18 * 24, 30.0, [12, 12], [0, 0], frozenset({"1", "2"}), frozenset({"3"}), 2)
    assert parts == (
        found.clips, found.frames, found.fps, found.train, found.validation, found.people, found.test_people,
        found.actions,
    )  # fmt: skip
    assert round((found.parameters + 58 * (256 + 1)) / 1e6, 2) == 3.10


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (
            Labels(clips={}, actions=("a",)),
            "best on 20% of the training clips, held out and drawn by the seed was kept",
        ),
        (Labels(clips={}, actions=("a",), subjects=("b",)), "best on 20% of the training people, held out as whole"),
        (Labels(clips={}, actions=("a",), splits={"xsub": {"validation": ("c",)}}), "best on the split's own valid"),
    ],
)
def test_what_the_epoch_was_chosen_by_is_said(make, study, labels, said):
    config = make.config(study.arms, data={"store": "raw", "validation": 0.2})
    found = make.knowing(study, config=config, clips=replace(study.clips, labels=labels))
    assert said in describe_methods(found)[2]
