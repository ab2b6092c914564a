from dataclasses import replace

import numpy as np

from ablation.page.player import Browsed, find_browsed, shown_arms
from ablation.sections.clips import _values, find_clips
from ablation.study.stores import Made
from recognition.scores import SeedScores
from tests.ablation.small_study import moving, write_clips


def test_the_clips_that_tell_most_are_found(make, tmp_path):
    """Of five clips one is repaired surely, one barely, one is broken; the most jittery but one is shown first."""
    rng = np.random.default_rng(0)
    clips = {
        action: moving(0.01) + rng.normal(0, 0.001 * shake, (64, 25, 3))
        for action, shake in zip(range(1, 6), (1, 2, 3, 4, 5), strict=True)
    }
    store = write_clips(tmp_path / "raw", clips)
    order = np.argsort(store.clips.name)
    label = np.zeros(5, int)

    def scores(right):
        one = np.array(right)
        return SeedScores(store.clips.name[order], label, np.stack([one, 1 - one], -1)[None], np.array([1, 2]))

    arms = {"raw": scores([0.4, 0.1, 0.9, 0.8, 0.9]), "refined": scores([0.6, 0.95, 0.2, 0.8, 0.9])}
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    stores = {"raw": store, "refined": store}
    study = replace(study, arms=arms, made=Made(study.made.source, stores, {}, {}), memo={})
    found = find_clips(study)
    assert found.chosen.name.endswith("A004")
    assert [clip.action for _, clip in found.played] == [4, 2, 3]
    assert [why.partition(":")[0] for why, _ in found.played[1:]] == ["repaired most clearly", "broken most clearly"]
    assert found.played[1][0].endswith("10% to 95%")
    assert shown_arms(study, found.chosen) == ["raw", "refined"]
    study = replace(study, memo={find_browsed: Browsed([], 3, 2)})
    assert "2 more had no room" in _values(study, found)["kept"]
