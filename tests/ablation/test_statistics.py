import numpy as np
import pytest
from scipy.stats import bootstrap, norm

from ablation.statistics import (
    _crossings,
    bootstrap_interval,
    class_effects,
    compare,
    confusion_changes,
    equivalence_interval,
    find_crossing,
    holm,
    mcnemar,
    paired_differences,
    seed_deviations,
    share_won_back,
)
from recognition.scores import SeedScores

SETTINGS = {"resamples": 2000, "confidence": 0.95, "seed": 0}


def crossed(rng, clips, seeds, gain, clip_spread=1.0, seed_spread=0.05, noise=0.5, threshold=-0.5):
    """Draw differences [S, N] of two arms from a model of clips, seeds and chance, and the true difference."""
    clip = rng.normal(0, clip_spread, clips)
    before, after = (
        clip + rng.normal(0, seed_spread, (seeds, 1)) + rng.normal(0, noise, (seeds, clips)) for _ in range(2)
    )
    scale = np.sqrt(clip_spread**2 + seed_spread**2 + noise**2)
    true = norm.cdf((gain - threshold) / scale) - norm.cdf(-threshold / scale)
    return (after + gain > threshold).astype(int) - (before > threshold), true


@pytest.mark.parametrize(
    ("seeds", "seed_spread", "gain"), [(1, 0.0, 0.1), (3, 0.0, 0.0), (3, 0.05, 0.1), (5, 0.05, 0.1)]
)
def test_the_interval_covers_the_truth_about_as_often_as_it_says(seeds, seed_spread, gain):
    rng = np.random.default_rng(3)
    sets, covered = 400, 0
    for _ in range(sets):
        differences, true = crossed(rng, 250, seeds, gain, seed_spread=seed_spread)
        low, high = bootstrap_interval(differences, resamples=500, confidence=0.9, rng=rng)
        covered += low <= true <= high
    assert 0.86 <= covered / sets <= 0.97


def test_an_interval_that_ignores_the_seeds_is_too_narrow():
    """The coverage above is due to resampling the seeds: without it, it falls far below."""
    rng = np.random.default_rng(4)
    covered = {True: 0, False: 0}
    for _ in range(200):
        differences, true = crossed(rng, 400, 5, 0.1, seed_spread=0.25)
        for resample_seeds in covered:
            low, high = bootstrap_interval(
                differences, resamples=400, confidence=0.9, rng=rng, resample_seeds=resample_seeds
            )
            covered[resample_seeds] += low <= true <= high
    assert covered[True] >= 0.75 * 200
    assert covered[False] <= 0.6 * 200


def test_clips_alone_agree_with_scipy():
    differences, _ = crossed(np.random.default_rng(0), 400, 3, 0.2)
    ours = bootstrap_interval(
        differences, resamples=20_000, confidence=0.95, rng=np.random.default_rng(1), resample_seeds=False
    )
    theirs = bootstrap(
        (differences.mean(0),), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    np.testing.assert_allclose(ours, theirs, atol=0.002)


def test_grouped_drawing_is_drawing_clip_by_clip():
    """Drawing groups of equal clips gives the distribution of drawing indices of clips and seeds."""
    differences, _ = crossed(np.random.default_rng(5), 120, 4, 0.2, seed_spread=0.3)
    rng = np.random.default_rng(6)
    means = []
    for _ in range(6000):
        clips = rng.integers(0, 120, 120)
        seeds = np.bincount(rng.integers(0, 4, 4), minlength=4) / 4 - 0.25
        means.append(differences[:, clips].mean() + np.sqrt(4 / 3) * differences.mean(1) @ seeds)
    ours = bootstrap_interval(differences, resamples=20_000, confidence=0.9, rng=rng)
    np.testing.assert_allclose(ours, np.quantile(means, [0.05, 0.95]), atol=0.006)


def test_chunks_do_not_change_the_kind_of_result(monkeypatch):
    differences, _ = crossed(np.random.default_rng(7), 200, 3, 0.2)
    whole = bootstrap_interval(differences, resamples=8000, confidence=0.9, rng=np.random.default_rng(0))
    monkeypatch.setattr("ablation.statistics.CHUNK", 100)
    parts = bootstrap_interval(differences, resamples=8000, confidence=0.9, rng=np.random.default_rng(0))
    np.testing.assert_allclose(whole, parts, atol=0.006)


def test_resampled_seeds_have_the_variance_of_a_sample_mean():
    values = np.array([1.0, 2.0, 6.0])
    means = seed_deviations(np.random.default_rng(0), 100_000, 3) @ values
    assert means.mean() == pytest.approx(0, abs=0.02)
    assert means.var() == pytest.approx(values.var(ddof=1) / 3, rel=0.02)


def test_mcnemar_by_hand():
    before = np.array([1] * 10 + [0] * 5 + [1] * 1 + [0] * 4, bool)
    after = np.array([1] * 10 + [1] * 5 + [0] * 1 + [0] * 4, bool)
    # Five repaired, one broken: 2 x (C(6,5) + C(6,6)) / 2^6 = 14 / 64.
    assert mcnemar(before, after) == (5, 1, pytest.approx(14 / 64))
    assert mcnemar(after, before) == (1, 5, pytest.approx(14 / 64))
    assert mcnemar(before, before) == (0, 0, 1.0)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_equal_scores_differ_by_nothing(make):
    arms = make.arms({"raw": 0})
    (found,) = compare({**arms, "refined": arms["raw"]}, [("refined", "raw")], **SETTINGS)
    assert (found.difference, found.interval, found.mcnemar_p, found.holm_p) == (0, (0, 0), 1, 1)
    assert not found.significant
    assert all(effect.interval == (0, 0) for effect in class_effects(arms["raw"], arms["raw"], **SETTINGS))
    assert confusion_changes(arms["raw"], arms["raw"], 5) == []


def test_better_is_positive(make):
    arms = make.arms({"raw": 0, "refined": 0.12})
    up, down = compare(arms, [("refined", "raw"), ("raw", "refined")], **SETTINGS)
    accuracy = {arm: 100 * scores.correct.mean() for arm, scores in arms.items()}
    assert up.difference > 0
    assert up.difference == pytest.approx(accuracy["refined"] - accuracy["raw"])
    assert up.difference == pytest.approx(-down.difference)
    assert up.repaired > up.broken
    assert up.interval[0] > 0 > down.interval[1]
    assert np.mean(up.by_seed) == pytest.approx(up.difference)


def test_classes_add_up_to_the_whole(make):
    arms = make.arms({"raw": 0, "refined": 0.1})
    effects = class_effects(arms["raw"], arms["refined"], **SETTINGS)
    (whole,) = compare(arms, [("refined", "raw")], **SETTINGS)
    clips = np.array([effect.clips for effect in effects])
    assert clips.sum() == len(arms["raw"].clip)
    assert np.average([effect.difference for effect in effects], weights=clips) == pytest.approx(whole.difference)
    assert all(effect.interval[0] <= effect.difference <= effect.interval[1] for effect in effects)


def test_confusions_find_what_was_repaired_and_broken():
    label = np.repeat([0, 1, 2], 10)
    before, after = label.copy(), label.copy()
    before[:6] = 1  # class 0 taken for 1 six times, repaired
    after[20:23] = 0  # class 2 taken for 0 three times, broken
    arms = [
        SeedScores(np.array([f"c{n:02d}" for n in range(30)]), label, np.eye(3)[guess][None], np.array([4, 7, 9]))
        for guess in (before, after)
    ]
    found = confusion_changes(*arms, 5)
    assert [(one.action, one.taken_for, one.before, one.after) for one in found] == [
        (4, 7, pytest.approx(60), 0),
        (9, 4, 0, pytest.approx(30)),
    ]


def wild_arms(make, rng, clips, seeds, accuracies=(0.6, 0.3)):
    """Two arms whose seeds differ by far more than chance, of one class."""
    label = np.zeros(clips, int)
    shares = [np.clip(rng.normal(share, 0.35, (seeds, 1)), 0, 1) for share in accuracies]
    return [make.scores(rng.random((seeds, clips)) < share, label, 2, rng) for share in shares]


@pytest.mark.parametrize(("clips", "seeds"), [(10, 3), (15, 2), (30, 1), (12, 5)])
def test_no_interval_is_wider_than_what_is_possible(make, clips, seeds):
    """With k of n right before, at most n - k can be gained and k lost, whatever the seeds do."""
    rng, cut = np.random.default_rng(0), 0
    for _ in range(25):
        before, after = wild_arms(make, rng, clips, seeds)
        right = int((before.score.argmax(-1) == before.label).sum())
        lowest, highest = -100 * right / (seeds * clips), 100 - 100 * right / (seeds * clips)
        few = {**SETTINGS, "resamples": 200}
        (found,) = compare({"a": after, "b": before}, [("a", "b")], **few, people=np.arange(clips) % 6)
        (effect,) = class_effects(before, after, **few)
        for low, high in (found.interval, found.people, found.narrow, effect.interval):
            assert lowest - 1e-9 <= low <= high <= highest + 1e-9
            cut += low <= lowest + 1e-9 or high >= highest - 1e-9
        assert -100 <= found.tested[0] <= found.tested[1] <= 100
    assert cut > 0 or seeds == 1, "none of these would have been too wide"


def test_cutting_off_at_what_is_possible_loses_no_coverage():
    """A class that is right in nearly all clips before, so that its limit is near: with and without the limit."""
    rng, sets = np.random.default_rng(13), 300
    covered = {True: 0, False: 0}
    for _ in range(sets):
        before, after = (rng.random((3, 20)) < share for share in (0.85, 0.9))
        differences = after.astype(int) - before
        for cut in covered:
            limits = (-before.mean(), 1 - before.mean()) if cut else (-1.0, 1.0)
            low, high = bootstrap_interval(differences, resamples=300, confidence=0.95, rng=rng, limits=limits)
            covered[cut] += low - 1e-9 <= 0.05 <= high + 1e-9
    assert covered[True] >= 0.9 * sets
    assert covered[True] >= covered[False] - 0.02 * sets


@pytest.mark.parametrize(
    ("clips", "seeds", "given"),
    [(9, 5, False), (10, 3, True), (14, 2, False), (15, 2, True), (29, 1, False), (30, 1, True)],
)
def test_there_is_no_interval_from_too_few_clips(make, clips, seeds, given):
    before, after = wild_arms(make, np.random.default_rng(1), clips, seeds)
    (found,) = compare({"a": after, "b": before}, [("a", "b")], **SETTINGS, people=np.arange(clips))
    (effect,) = class_effects(before, after, **SETTINGS)
    differences = paired_differences(before, after, "b", "a")
    crossing = find_crossing("a", (0.0, 1.0), [differences, differences + 1], **SETTINGS)
    for interval in (found.interval, found.narrow, found.people, effect.interval, crossing.interval):
        assert (interval is not None) == given
    if not given:
        assert not found.significant
        assert not found.equivalent(100.0)
    assert found.difference == pytest.approx(100 * differences.mean())


def test_the_fewest_clips_are_those_from_which_intervals_cover():
    """At the fewest clips a 95% interval covers in nearly as many cases; at a third of them it does not."""
    rng = np.random.default_rng(14)

    def coverage(clips, seeds, sets=250):
        found = 0
        for _ in range(sets):
            differences, true = crossed(rng, clips, seeds, 0.3)
            low, high = bootstrap_interval(differences, resamples=200, confidence=0.95, rng=rng)
            found += low <= true <= high
        return found / sets

    for clips, seeds in ((30, 1), (15, 2), (10, 3)):
        assert coverage(clips, seeds) >= 0.86
        assert coverage(clips // 3, seeds) <= 0.82


def test_the_crossings_interval_stays_between_the_severities(make):
    rng = np.random.default_rng(2)
    for _ in range(20):
        tables = [rng.integers(-1, 2, (2, 20)) for _ in range(3)]
        found = find_crossing("a", (0.5, 1.0, 3.0), tables, resamples=100, confidence=0.95, seed=0)
        for end in (found.severity, *found.interval):
            assert np.isinf(end) or 0.5 <= end <= 3.0


def by_people(rng, people, each, seeds=3, spread=0.12):
    """Differences [S, N] whose chance belongs to people more than to clips, who they are, and the true difference."""
    gain = 0.1 + rng.normal(0, spread, people)
    chance = np.clip(np.repeat(gain, each), -0.9, 0.9)
    draws = rng.random((seeds, people * each))
    found = np.where(draws < np.abs(chance), np.sign(chance), 0).astype(int)
    return found, np.repeat(np.arange(people), each), 0.1


def test_drawing_people_covers_where_clips_of_one_person_resemble_each_other():
    rng = np.random.default_rng(8)
    covered = {True: 0, False: 0}
    for _ in range(300):
        differences, people, true = by_people(rng, 20, 25)
        for grouped in covered:
            low, high = bootstrap_interval(
                differences, resamples=400, confidence=0.9, rng=rng, people=people if grouped else None
            )
            covered[grouped] += low <= true <= high
    assert 0.84 <= covered[True] / 300 <= 0.96
    assert covered[False] / 300 <= 0.75


def test_people_of_one_clip_each_are_clips():
    differences, _ = crossed(np.random.default_rng(9), 300, 3, 0.2)
    clips, people = (
        bootstrap_interval(differences, resamples=20_000, confidence=0.9, rng=np.random.default_rng(0), people=who)
        for who in (None, np.arange(300))
    )
    np.testing.assert_allclose(clips, people, atol=0.004)


def test_an_interval_over_people_takes_five_of_them(make):
    arms = make.arms({"raw": 0, "refined": 0.05}, clips=120)
    for count, expected in ((4, False), (5, True)):
        (found,) = compare(arms, [("refined", "raw")], **SETTINGS, people=np.arange(120) % count)
        assert (found.people is not None) == expected
    assert compare(arms, [("refined", "raw")], **SETTINGS)[0].people is None


def test_equivalence_is_the_narrow_interval_within_the_margin(make):
    same = make.arms({"raw": 0}, clips=60)["raw"]
    (alike,) = compare({"raw": same, "refined": same}, [("refined", "raw")], **SETTINGS)
    assert alike.interval == (0, 0)
    assert not alike.equivalent(1.0)  # 60 clips without a disagreement cannot rule out a point
    assert alike.equivalent(10.0)
    (found,) = compare(make.arms({"raw": 0, "refined": 0}, clips=480), [("refined", "raw")], **SETTINGS)
    low, high = found.tested
    assert not found.equivalent(max(-low, high))
    assert found.equivalent(max(-low, high) + 0.01)


def test_arms_a_margin_apart_are_seldom_called_equal():
    """At the margin itself the two one-sided tests err in at most alpha of the cases."""
    rng = np.random.default_rng(10)
    called = 0
    for _ in range(300):
        differences, true = crossed(rng, 1500, 3, 0.1, seed_spread=0.0)
        low, high = equivalence_interval(differences, resamples=400, confidence=0.95, rng=rng)
        called += -true < low and high < true  # the margin is the true difference
    assert called / 300 <= 0.08


@pytest.mark.parametrize(("clips", "gain"), [(30, 0.1), (100, 0.03), (400, 0.02)])
def test_few_clips_with_few_disagreements_are_seldom_called_equal(make, clips, gain):
    """Arms that differ by just the margin, in which a share `gain` of the clips is repaired and none broken."""
    rng, called = np.random.default_rng(12), 0
    for _ in range(200):
        label = np.zeros(clips, int)
        before = rng.random((1, clips)) < 0.5
        after = before | (rng.random((1, clips)) < 2 * gain)  # half of them were right already
        arms = {name: make.scores(right, label, 2, rng) for name, right in (("raw", before), ("refined", after))}
        (found,) = compare(arms, [("refined", "raw")], resamples=200, confidence=0.95, seed=0)
        called += found.equivalent(100 * gain)
    assert called / 200 <= 0.08


def test_a_reference_near_its_limit_does_not_make_arms_equal(make):
    """A true gain of the margin, 10 points to 100%: were its limit cut off, a quarter would be called equal."""
    rng, called, inside, sets = np.random.default_rng(15), 0, 0, 100
    for _ in range(sets):
        label = np.zeros(30, int)
        before, after = rng.random((1, 30)) < 0.9, np.ones((1, 30), bool)
        arms = {name: make.scores(right, label, 2, rng) for name, right in (("raw", before), ("refined", after))}
        (found,) = compare(arms, [("refined", "raw")], resamples=100, confidence=0.95, seed=0)
        called += found.equivalent(10.0)
        inside += found.narrow[0] > -10 and found.narrow[1] < 10
    assert called <= 0.08 * sets
    assert inside >= 0.2 * sets


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([-1, -1, 1, 3], 1.5),
        ([1, -1, -2, 2], 3.0),  # above it, the difference is positive for good
        ([1, 2, 3, 4], -np.inf),
        ([-3, 1, 2, 0], np.inf),
        ([-1, 0, 4, 4], 1.0),
    ],
)
def test_where_a_curve_becomes_positive_for_good(curve, expected):
    at = _crossings(np.array([0.0, 1.0, 2.0, 4.0]), np.array([curve], float))[0]
    assert at == pytest.approx(expected)


def test_the_crossings_interval_covers_the_crossing():
    """Differences that grow linearly with the severity and vanish at 1.2."""
    rng = np.random.default_rng(11)
    severities, covered, sets = (0.0, 1.0, 2.0, 3.0), 0, 200
    for _ in range(sets):
        who = rng.normal(0, 0.1, 400)
        tables = []
        for severity in severities:
            chance = np.clip(0.15 * (severity - 1.2) + who, -0.95, 0.95)
            tables.append(np.where(rng.random((3, 400)) < np.abs(chance), np.sign(chance), 0).astype(int))
        found = find_crossing("refined", severities, tables, resamples=400, confidence=0.9, seed=0)
        covered += found.interval[0] <= 1.2 <= found.interval[1]
    assert 0.83 <= covered / sets <= 0.98


def test_p_values_per_class_are_corrected_for_all_classes(make):
    arms = make.arms({"raw": 0, "refined": 0.15})
    effects = class_effects(arms["raw"], arms["refined"], **SETTINGS)
    assert [effect.holm_p for effect in effects] == pytest.approx(holm([effect.mcnemar_p for effect in effects]))
    raw, refined = (arms[name] for name in ("raw", "refined"))
    mine = raw.label == effects[3].action - 1
    p = mcnemar(*((one.prediction == one.label)[mine] for one in (raw, refined)))[2]
    assert effects[3].mcnemar_p == pytest.approx(p)


def test_the_share_won_back_is_that_of_the_mean_differences():
    """Noise takes 40 of 100 clips and an arm wins 10 of them back, with every seed."""
    taken, won = np.zeros((2, 3, 100), np.int64)
    taken[:, :40], won[:, :10] = 1, 1
    share, (low, high) = share_won_back(taken, won, resamples=4000, confidence=0.95, seed=0)
    assert share == 0.25
    # of 40 clips that noise takes 10 come back: the spread of such a share, sqrt(0.25 * 0.75 / 40), to either side
    assert (low, high) == pytest.approx((0.25 - 1.96 * 0.0685, 0.25 + 1.96 * 0.0685), abs=0.02)


def test_what_is_won_back_entirely_has_no_doubt_and_of_nothing_there_is_no_interval():
    taken = np.zeros((3, 100), np.int64)
    taken[:, :40] = 1
    assert share_won_back(taken, taken, resamples=200, confidence=0.95, seed=0) == (1, (1, 1))
    taken[:, 38:78] = -1
    taken[:, 78:80] = 1  # 40 are won and 40 lost, but for the one or other drawn
    taken[0, 80] = 1
    assert share_won_back(taken, abs(taken), resamples=200, confidence=0.95, seed=0)[1] is None
    assert share_won_back(taken[:, 60:68] * -1, taken[:, 60:68], resamples=200, confidence=0.95, seed=0) == (-1, None)
