import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from ablation.arms.registry import ARMS, ArmKind, ArmStore
from ablation.study.known import measure_arms
from ablation.study.stores import list_sources, shared_folder
from base.errors import InputError
from data.skeletons.store import derive_store, open_store
from refine.known_movements import gesture
from tests.ablation.small_study import configured


@pytest.fixture
def smoothed():
    """An arm that smooths along time by SciPy, over 3 frames; and one that cannot."""

    def make(config, source, arm, base, content):
        folder = shared_folder(config, "stores", {"from": content, "arm": arm})
        if not (folder / "store.json").is_file():
            joints = np.array(base.joints)
            for track in range(len(base.tracks)):
                rows = base.rows_of(track)
                joints[rows] = gaussian_filter1d(joints[rows], 3, axis=0, mode="nearest")
            derive_store(base, folder, lambda done: [joints[done:]], base.info.model_copy(update={"kind": "filtered"}))
        return ArmStore(open_store(folder), "smoothed")

    def fail(config, source, arm, base, content):
        raise InputError("not today")

    ARMS.add("smoothed", ArmKind("smoothed", make))
    ARMS.add("failing", ArmKind("failing", fail))
    yield
    ARMS.remove("smoothed")
    ARMS.remove("failing")


def test_every_arm_is_given_what_is_known(settings, smoothed, capsys):
    config = configured(settings, arms=["raw", "smoothed", "failing", "oracle"])
    [source] = list_sources(config)
    found = measure_arms(config, source)
    assert list(found) == ["raw", "smoothed"]
    assert found["raw"].left.gesture_peak == pytest.approx(0.5, abs=1e-6)
    assert found["raw"].clean_error == found["raw"].left.travel_error == 0
    assert found["smoothed"].left.gesture_peak == pytest.approx(gaussian_filter1d(gesture(), 3).max(), abs=1e-3)
    truth = open_store(source.truth)
    tested = np.flatnonzero(truth.clips.performer[truth.tracks.clip] == 3)
    moved = []
    for track in tested.tolist():
        clean = np.array(truth.joints[truth.rows_of(track)], np.float64)
        moved.append(np.linalg.norm(gaussian_filter1d(clean, 3, axis=0, mode="nearest") - clean, axis=-1))
    assert found["smoothed"].clean_error == pytest.approx(1000 * np.mean(moved), rel=1e-4)
    assert "failing: not measured on known movements (not today)" in capsys.readouterr().err
    # What is there is not made again.
    before = {path: path.stat().st_mtime_ns for path in config.shared_folder.rglob("*.npy")}
    assert measure_arms(config, source) == found
    assert {path: path.stat().st_mtime_ns for path in config.shared_folder.rglob("*.npy")} == before


def test_without_truth_there_is_no_clean_error_and_long_stores_are_thinned(settings, monkeypatch):
    data = {**settings["data"], "truth": None}
    config = configured(settings, arms=["raw", "gaussian"], data=data)
    assert (
        measure_arms(config.model_copy(update={"arms": ("raw",)}), list_sources(config)[0])["raw"].clean_error is None
    )
    monkeypatch.setattr("ablation.study.known.CLEAN_FRAMES", 50)
    config = configured(settings, arms=["raw", "oracle"])
    measure_arms(config, list_sources(config)[0])
    frames = sorted(open_store(path).info.frames for path in (config.shared_folder / "known").iterdir())
    assert frames[0] == 48  # two clips of six
