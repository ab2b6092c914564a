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
