import numpy as np
import pytest
from pydantic import ValidationError

from base.errors import InputError
from data.ntu.names import ClipName
from data.ntu.prepare import ensure_stand_in
from data.ntu.simulate import SimulateSection, kinect_noise, make_stand_in
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from tests.data.ntu.simulate.sections import section

NAMES = [ClipName(1, 1, performer, 1, 3) for performer in (1, 2, 3)]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A store of three clips, of which the first has two people and the second a joint that is not seen."""
    simulated = section(tmp_path_factory.mktemp("recorded") / "simulated", text=False, clips=3, performers=3)
    make_stand_in(simulated, workers=1)
    people = open_store(simulated.folder / "truth")
    folder = simulated.folder.parent / "recorded"
    with StoreWriter(folder, StoreInfo(fps=30)) as writer:
        for row, name in enumerate(NAMES):
            joints = np.array(people.joints[people.rows_of(row)])[:40]
            states = np.full(joints.shape[:2], 2, np.uint8)
            if row == 1:
                states[:, 7], joints[:, 7] = 0, np.nan
            beside = [Track(1, 0, joints + np.float32([0.6, 0, 0]), states)] if row == 0 else []
            writer.add(name, len(joints), [Track(0, 0, joints, states), *beside])
    return folder


def noisy(recorded, name, **values):
    given = SimulateSection(folder=recorded.parent / name, clean=recorded, text=False, **values)
    make_stand_in(given, workers=1)
    return open_store(given.folder / "raw"), open_store(given.folder / "truth")


def test_the_truth_is_the_recording_and_the_errors_are_the_simulators(recorded):
    source = open_store(recorded)
    raw, truth = noisy(recorded, "noisy", severity=1.0)
    for key in ("joints", "tracked"):
        np.testing.assert_array_equal(getattr(truth, key), getattr(source, key))
    for store in (raw, truth):
        np.testing.assert_array_equal(store.clips.name, source.clips.name)
        np.testing.assert_array_equal(store.tracks.length, source.tracks.length)
    rows = source.rows_of(3)  # the clip of one person who is seen all over
    wanted, states = kinect_noise(source.joints[rows], np.random.default_rng([6, 0, 1, 1, 3, 1, 3]))
    np.testing.assert_allclose(raw.joints[rows], wanted, atol=1e-6)
    np.testing.assert_array_equal(raw.tracked[rows], states)


def test_a_joint_that_is_not_there_stays_away(recorded):
    source = open_store(recorded)
    raw, _ = noisy(recorded, "away")
    rows = source.rows_of(2)
    assert not raw.tracked[rows][:, 7].any()
    np.testing.assert_array_equal(raw.joints[rows][:, 7], source.joints[rows][:, 7])


def test_severity_scales_the_errors_and_is_made_for_a_study(recorded):
    sizes = []
    for severity in (0.0, 0.5, 2.0):
        given = SimulateSection(folder=recorded.parent / f"s{severity}", clean=recorded, severity=severity, text=False)
        ensure_stand_in(given, [given.folder / "raw"])
        raw, truth = (open_store(given.folder / side) for side in ("raw", "truth"))
        sizes.append(float(np.nanmean(np.abs(raw.joints - truth.joints))))
    assert sizes[0] == 0 < 2 * sizes[1] < sizes[2]


def test_other_joints_are_refused(tmp_path):
    with StoreWriter(tmp_path / "other", StoreInfo(layout="h36m17")) as writer:
        writer.add(NAMES[0], 1, [Track(0, 0, np.zeros((1, 17, 3), np.float32), np.full((1, 17), 2, np.uint8))])
    with pytest.raises(InputError, match=r"simulate.clean: .* has the joints of 'h36m17'"):
        make_stand_in(SimulateSection(folder=tmp_path / "made", clean=tmp_path / "other", text=False), workers=1)
    assert not (tmp_path / "made").exists()


def test_a_store_that_is_not_there_is_told_by_its_key(tmp_path):
    with pytest.raises(InputError, match=r"^simulate.clean: .*no clip store"):
        make_stand_in(SimulateSection(folder=tmp_path / "made", clean=tmp_path / "none", text=False), workers=1)


def test_they_are_no_text(tmp_path):
    with pytest.raises(ValidationError, match="give text: false"):
        SimulateSection(folder=tmp_path, clean=tmp_path)
    assert "clean" not in SimulateSection().model_dump()
