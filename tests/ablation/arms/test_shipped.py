import numpy as np

from ablation.study.stores import ensure_source, list_sources, make_stores
from data.skeletons.seen import seen_joints
from tests.ablation.small_study import configured


def test_steady_refines_what_was_seen_and_keeps_the_rest(settings):
    config = configured(settings, arms=["raw", "steady"])
    (source,) = list_sources(config)
    ensure_source(config, source)
    made = make_stores(config, source)
    raw, refined = made.stores["raw"], made.stores["steady"]
    assert refined.info.kind == "refined"
    assert refined.info.refiner is not None
    assert refined.info.refiner["kind"] == "steady"
    assert refined.info.refiner["sha256"][:12] in made.how["steady"]
    seen = (raw.tracked > 0) & seen_joints(np.asarray(raw.joints))
    moved = np.linalg.norm(np.asarray(refined.joints) - np.asarray(raw.joints), axis=-1)
    assert not moved[~seen].any()
    tracks = len(raw.tracks)
    accelerations = [
        np.mean([np.abs(np.diff(store.joints[store.rows_of(track)], 2, axis=0)).mean() for track in range(tracks)])
        for store in (raw, refined)
    ]
    assert accelerations[1] < 0.5 * accelerations[0]
    assert np.median(moved[seen]) < 0.05  # metres: it takes no pose for another


def test_a_refiner_of_the_studys_own_may_be_shipped(settings):
    """Of full strength it is the arm of its name, and shares its store; of half, half-way between it and raw."""
    half = {"train": {"checkpoint": "steady"}, "apply": {"strength": 0.5}}
    settings["refine"]["train"]["checkpoint"] = "steady"
    settings["report"] = {"labels": {"refined": "the main one"}}
    config = configured(settings, arms=["raw", "steady", "refined", "half"], refiners={"half": half})
    assert [config.label(arm) for arm in ("steady", "half")] == ["steady", "steady half"]
    (source,) = list_sources(config)
    ensure_source(config, source)
    made = make_stores(config, source)
    assert made.stores["refined"].folder == made.stores["steady"].folder != made.stores["half"].folder
    raw, whole, between = (np.asarray(made.stores[arm].joints) for arm in ("raw", "steady", "half"))
    np.testing.assert_allclose(between, (raw + whole) / 2, atol=1e-6)
    assert "strength 0.5" in made.how["half"]
    assert "strength" not in made.how["steady"]
