import json
import pickle

import numpy as np
import pytest
import torch

from base.errors import InputError
from base.executors.registry import EXECUTORS, Pool
from base.files import resumable_folder
from data.ntu.names import parse_name
from data.skeletons.layouts import LAYOUTS
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from refine import apply
from refine.apply import apply_filter, apply_refiner, default_stride
from refine.filters.smoothing import released_parameters
from refine.normalise import Normalise
from refine.refiner import Refiner, refine_poses
from refine.shipped.registry import load_shipped
from refine.trust import INFERRED
from tests.refine.conftest import make_refiner, new_net

FILES = ("joints.npy", "tracked.npy", "tracks.csv", "clips.csv", "store.json")


def write_store(folder, clips, info):
    """Write clips, each a list of (joints, tracked) or (joints, tracked, confidence) per actor."""
    with StoreWriter(folder, info) as writer:
        for number, actors in enumerate(clips, 1):
            tracks = [Track(actor, 1, *parts) for actor, parts in enumerate(actors)]
            frames = max((len(track.joints) for track in tracks), default=4) + 2
            writer.add(parse_name(f"S001C001P001R001A{number:03d}"), frames, tracks)
    return open_store(folder)


def walk(rng, length, joints=25, dims=3):
    x = rng.normal(size=(1, joints, dims)) + rng.normal(0, 0.02, (length, joints, dims)).cumsum(0)
    return (x + ([0, 0, 3] if dims == 3 else 0)).astype(np.float32)


@pytest.fixture
def store(tmp_path, rng):
    """Write clips with two actors, short tracks, gaps, inferred joints, and a joint that is not finite."""
    clips = []
    for lengths in [(50, 20), (3,), (), (41,)]:
        clips.append([])
        for length in lengths:
            joints, tracked = walk(rng, length), rng.choice([1, 2], (length, 25)).astype(np.uint8)
            if length > 40:
                joints[10:14], tracked[10:14] = 0, 0
                joints[20:22, 7], tracked[20:22, 7] = 0, 0
                tracked[:, 24] = 0
                joints[30, 3] = np.nan
            clips[-1].append((joints, tracked))
    return write_store(tmp_path / "raw", clips, StoreInfo(source="test", fps=30.0))


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def unseen(store):
    return (np.asarray(store.tracked) == 0) | ~np.isfinite(store.joints).all(-1)


def assert_only_seen_joints_differ(before, after):
    hidden = unseen(before)
    assert 0 < hidden.sum() < hidden.size / 2
    np.testing.assert_array_equal(after.joints[hidden], before.joints[hidden])
    assert (np.asarray(after.joints)[~hidden] != np.asarray(before.joints)[~hidden]).any(-1).mean() > 0.99
    assert np.isfinite(np.asarray(after.joints)[~hidden]).all()
    assert after.joints.dtype == np.float32
    np.testing.assert_array_equal(after.tracked, before.tracked)
    for table in ("tracks", "clips"):
        for name, column in vars(getattr(before, table)).items():
            np.testing.assert_array_equal(getattr(getattr(after, table), name), column)


def test_nothing_but_what_was_seen_changes(tmp_path, store):
    refiner = make_refiner(fps=50.0)
    apply_refiner(store, refiner, tmp_path / "refined", origin={"run": "runs/a"})
    refined = open_store(tmp_path / "refined")
    assert sorted(content(tmp_path / "refined")) == sorted(FILES)
    assert_only_seen_joints_differ(store, refined)
    assert (refined.info.kind, refined.info.source) == ("refined", str(store.folder))
    how = {"stride": default_stride(8), "merge": "smooth", "match_rate": True, "run": "runs/a"}
    assert refined.info.refiner == {**refiner.describe(), **how}
    apply_filter(store, "one_euro", {"min_cutoff_hz": 1.0, "beta": 1.0}, tmp_path / "filtered")
    filtered = open_store(tmp_path / "filtered")
    hidden = unseen(store)
    np.testing.assert_array_equal(filtered.joints[hidden], store.joints[hidden])
    assert filtered.info.refiner == {"filter": "one_euro", "parameters": {"min_cutoff_hz": 1.0, "beta": 1.0}}


def test_each_track_is_refined_by_itself(tmp_path, store, monkeypatch):
    """To the bit, whatever else is refined with it."""
    refiner = make_refiner(fps=50.0)
    monkeypatch.setattr(apply, "ROWS", 1)
    apply_refiner(store, refiner, tmp_path / "one by one", stride=2)
    monkeypatch.setattr(apply, "ROWS", 10_000)
    apply_refiner(store, refiner, tmp_path / "at once", stride=2)
    one_by_one, at_once = (content(tmp_path / name) for name in ("one by one", "at once"))
    assert one_by_one == at_once
    second = slice(50, 70)
    track = np.array(store.joints[second])
    sure = np.where(np.asarray(store.tracked[second]) == 1, INFERRED, 1.0)
    [expected] = refine_poses(refiner, [track], stride=2, merge="smooth", fps=30.0, confidences=[sure])
    np.testing.assert_array_equal(open_store(tmp_path / "at once").joints[second], expected)


def test_half_the_precision_moves_little_and_is_written_down(tmp_path, store):
    for precision in ("fp32", "bf16"):
        apply_refiner(store, make_refiner(), tmp_path / precision, precision=precision)
    whole, half = (open_store(tmp_path / name) for name in ("fp32", "bf16"))
    assert (whole.info.refiner.get("precision"), half.info.refiner["precision"]) == (None, "bf16")
    seen = ~unseen(store)
    made, differs = (np.abs(np.asarray(half.joints) - x)[seen] for x in (store.joints, whole.joints))
    assert 0 < differs.mean() < 0.05 * made.mean()
    np.testing.assert_array_equal(half.joints[~seen], store.joints[~seen])


def test_what_was_not_seen_does_not_matter(tmp_path, store):
    """Whatever stands in a gap, the rest is refined alike: what fills it is made of what was seen."""
    hidden = unseen(store)
    clips, rng = [[] for _ in range(len(store.clips))], np.random.default_rng(3)
    for clip, row, length in zip(store.tracks.clip, store.tracks.first_row, store.tracks.length, strict=True):
        rows = slice(row, row + length)
        joints = np.where(hidden[rows, :, None], rng.choice([np.inf, np.nan, 1e9, 0.3]), store.joints[rows])
        tracked = np.where(hidden[rows], 0, store.tracked[rows]).astype(np.uint8)
        clips[clip].append((joints.astype(np.float32), tracked))
    other = write_store(tmp_path / "other", clips, StoreInfo(fps=30.0))
    for one, name in ((store, "a"), (other, "b")):
        apply_refiner(one, make_refiner(), tmp_path / name)
    first, second = (np.asarray(open_store(tmp_path / name).joints) for name in "ab")
    np.testing.assert_array_equal(first[~hidden], second[~hidden])
    np.testing.assert_array_equal(second[hidden], other.joints[hidden])


@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_a_run_that_is_ended_goes_on_to_the_same_bytes(tmp_path, store, monkeypatch, blocks):
    monkeypatch.setattr(apply, "ROWS", 1)
    refiner, refined = make_refiner(fps=50.0), tmp_path / "refined"
    apply_refiner(store, refiner, refined)
    straight = content(refined)
    again = tmp_path / "again"
    original, rows = apply._transformed, []

    def ends(*given):
        for number, block in enumerate(original(*given)):
            if number == blocks:
                raise KeyboardInterrupt
            rows.append(len(block[0]))
            yield block

    monkeypatch.setattr(apply, "_transformed", ends)
    with pytest.raises(KeyboardInterrupt):
        apply_refiner(store, refiner, again)
    assert not again.exists()
    part = tmp_path / ".again.part"
    with (part / "joints.npy").open("ab") as file:  # a block that was not written to its end, nor listed
        file.write(b"torn")
    with (part / "journal.jsonl").open("a") as file:
        file.write('{"rows": 12')
    done = []

    def counts(store, transform, first, workers):
        done.append(first)
        return original(store, transform, first, workers)

    monkeypatch.setattr(apply, "_transformed", counts)
    apply_refiner(store, refiner, again)
    assert done == [sum(rows)]
    assert content(again) == straight
    assert not part.exists()


def interrupted(store, refiner, output, monkeypatch, **given):
    """Refine the first block alone; return the folder of what is there."""
    original = apply._transformed

    def ends(*words):
        yield next(original(*words))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(apply, "_transformed", ends)
        patch.setattr(apply, "ROWS", 1)
        with pytest.raises(KeyboardInterrupt):
            apply_refiner(store, refiner, output, **given)
    return output.with_name(f".{output.name}.part")


@pytest.mark.parametrize("change", ["refiner", "stride", "source", "damage"])
def test_what_another_run_left_is_not_gone_on_with(tmp_path, store, monkeypatch, change):
    refiner, output = make_refiner(), tmp_path / "refined"
    part = interrupted(
        store, make_refiner(seed=1) if change == "refiner" else refiner, output, monkeypatch,
        stride=3 if change == "stride" else 2,
    )  # fmt: skip
    if change == "source":
        joints = np.load(store.folder / "joints.npy")
        np.save(store.folder / "joints.npy", joints[::-1] + np.float32(1))
        store = open_store(store.folder)
    if change == "damage":
        damaged = bytearray((part / "joints.npy").read_bytes())
        damaged[-100] ^= 1
        (part / "joints.npy").write_bytes(damaged)
    apply_refiner(store, refiner, output, stride=2)
    apply_refiner(store, refiner, tmp_path / "straight", stride=2)
    assert content(output) == content(tmp_path / "straight")


def test_two_runs_into_one_store_and_a_full_disk(tmp_path, store, monkeypatch):
    with resumable_folder(tmp_path / "refined"), pytest.raises(InputError, match="refined: another run is writing it"):
        apply_refiner(store, make_refiner(), tmp_path / "refined")
    (tmp_path / "refined").rmdir()

    def full(*given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(apply, "_transformed", full)
    with pytest.raises(InputError, match=r"No space left on device.*goes on where it was"):
        apply_refiner(store, make_refiner(), tmp_path / "refined")
    assert not (tmp_path / "refined").exists()
    monkeypatch.undo()
    apply_refiner(store, make_refiner(), tmp_path / "refined")


def test_an_existing_store_stays(tmp_path, store, monkeypatch):
    before = content(store.folder)
    with pytest.raises(InputError, match="already exists"):
        apply_refiner(store, make_refiner(), store.folder)
    assert content(store.folder) == before
    output = tmp_path / "refined"
    apply_refiner(store, make_refiner(), output)
    first = content(output)
    interrupted(store, make_refiner(seed=1), output, monkeypatch, replace=True)
    assert content(output) == first
    apply_refiner(store, make_refiner(seed=1), output, replace=True)
    assert content(output)["joints.npy"] != first["joints.npy"]


@pytest.mark.parametrize("layout", ["coco17", "openpose18"])
def test_poses_in_an_image(tmp_path, rng, layout):
    joints = len(LAYOUTS[layout].joints)
    clips = []
    for length in (30, 6):
        x = 500 + 200 * walk(rng, length, joints, 2)
        tracked = rng.choice([0, 2], (length, joints), p=[0.2, 0.8]).astype(np.uint8)
        clips.append([(x, tracked, (rng.random((length, joints)) * (tracked > 0)).astype(np.float32))])
    info = StoreInfo(layout=layout, image=(1920, 1080), confidence=True)
    store = write_store(tmp_path / "raw", clips, info)
    for name, refiner in (("ours", make_refiner("root")), ("released", make_refiner("none", "none"))):
        apply_refiner(store, refiner, tmp_path / name)
        refined = open_store(tmp_path / name)
        assert_only_seen_joints_differ(store, refined)
        np.testing.assert_array_equal(refined.confidence, store.confidence)
        assert refined.info.image == (1920, 1080)
    # Neither where the body is in the image matters, nor how large it is, to a refiner that scales bodies.
    moved = [[(2 * x + 30, *rest) for x, *rest in actors] for actors in clips]
    other = write_store(tmp_path / "moved", moved, info)
    apply_refiner(other, make_refiner("root"), tmp_path / "moved refined")
    seen = ~unseen(store)
    expected = 2 * np.asarray(open_store(tmp_path / "ours").joints)[seen] + 30
    np.testing.assert_allclose(open_store(tmp_path / "moved refined").joints[seen], expected, atol=0.05)


def test_released_networks_see_an_image_in_halves_of_its_width(tmp_path, rng):
    x = 500 + 200 * walk(rng, 20, 17, 2)
    clips = [[(x, np.full((20, 17), 2, np.uint8))]]
    store = write_store(tmp_path / "raw", clips, StoreInfo(layout="coco17", image=(1000, 800)))
    apply_refiner(store, make_refiner("none", "none"), tmp_path / "refined")
    [expected] = refine_poses(make_refiner("channel", "none"), [(x - 500) / 500], stride=2, merge="smooth")
    np.testing.assert_allclose(open_store(tmp_path / "refined").joints, 500 * expected + 500, atol=0.01)
    blind = write_store(tmp_path / "blind", clips, StoreInfo(layout="coco17"))
    with pytest.raises(InputError, match="image null"):
        apply_refiner(blind, make_refiner("none", "none"), tmp_path / "refined2")


def test_an_empty_store(tmp_path):
    store = write_store(tmp_path / "raw", [[], []], StoreInfo())
    apply_refiner(store, make_refiner(), tmp_path / "refined")
    assert len(open_store(tmp_path / "refined").joints) == 0


def test_pages_that_were_read_are_given_back(tmp_path, store):
    apply_refiner(store, make_refiner(), tmp_path / "refined")
    journal = json.loads((tmp_path / "refined" / "store.json").read_text())
    assert journal["frames"] == len(store.joints)
    assert np.isfinite(np.asarray(store.joints)[0]).all()  # and can be read again


def still(frames, seed=5):
    """Somebody who stands 3 m away."""
    pose = np.random.default_rng(seed).normal([0.1, 0, 3], [0.2, 0.5, 0.1], (25, 3))
    return np.tile(pose.astype(np.float32), (frames, 1, 1))


def both_ways(store, folder):
    """Refine and filter a store; return both."""
    apply_refiner(store, make_refiner("root", fps=50.0), folder / "refined")
    apply_filter(store, "gaussian", {"sigma_s": 0.1}, folder / "filtered")
    return open_store(folder / "refined"), open_store(folder / "filtered")


def test_zeros_are_joints_that_were_not_seen_in_stores_of_any_age(tmp_path):
    """Earlier imports took them for tracked positions: three frames of zeros cost 22 frames up to 0.4 m."""
    x = still(60)
    x[30:33, 7] = 0
    store = write_store(tmp_path / "raw", [[(x, np.full((60, 25), 2, np.uint8))]], StoreInfo())
    for after in both_ways(store, tmp_path):
        np.testing.assert_allclose(after.joints, x, atol=1e-3)
        assert np.asarray(after.joints[30:33, 7]).tobytes() == x[30:33, 7].tobytes()


def test_what_the_kinect_inferred_drags_nothing(tmp_path):
    x = still(60)
    truth = x.copy()
    x[30:36, 11] += [0.3, 0, 0]
    tracked = np.full((60, 25), 2, np.uint8)
    tracked[30:36, 11] = 1
    store = write_store(tmp_path / "raw", [[(x, tracked)]], StoreInfo())
    blind = write_store(tmp_path / "blind", [[(x, np.full((60, 25), 2, np.uint8))]], StoreInfo())
    for after, without in zip(both_ways(store, tmp_path), both_ways(blind, tmp_path / "more"), strict=True):
        error, other = (np.linalg.norm(each.joints - truth, axis=-1).max() for each in (after, without))
        assert error < 0.3 * 0.3 < other


def test_gaps_and_jumps_are_cut_counted_and_told(tmp_path, capsys):
    """A second is missing while somebody steps aside; then the ids of two people, 1.2 m apart, are swapped."""
    x = still(90)
    x[30:] += np.float32([1, 0, 0])
    x[60:] += np.float32([1.2, 0, 0])
    frames = np.arange(90) + 30 * (np.arange(90) >= 30)
    tracked = np.full((90, 25), 2, np.uint8)
    with StoreWriter(tmp_path / "raw", StoreInfo(times=True)) as writer:
        writer.add(parse_name("S001C001P001R001A001"), 90, [Track(0, 0, x, tracked, frames=frames)])
    store = open_store(tmp_path / "raw")
    np.testing.assert_array_equal(store.times, frames / 30)
    for after in both_ways(store, tmp_path):
        np.testing.assert_allclose(after.joints, x, atol=1e-3)
        cuts = {key: after.info.refiner[key] for key in ("gaps", "jumps", "astray")}
        assert cuts == {"gaps": 1, "jumps": 1, "astray": 0}
        np.testing.assert_array_equal(after.times, store.times)
    assert capsys.readouterr().err.count("cut tracks at 1 gap of more than 0.5 s and at 1 jump; in 0 frames") == 2


def through_pickles(function, items, pool):
    """Work as other processes and machines do, without their taking seconds to start."""
    function = pickle.loads(pickle.dumps(function))
    for item in items:
        yield pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(item)))))


@pytest.fixture
def elsewhere():
    yield EXECUTORS.add("elsewhere", through_pickles) and Pool("elsewhere")
    EXECUTORS.remove("elsewhere")


@pytest.mark.parametrize("strength", [1, 0.5])
def test_work_that_is_done_elsewhere_gives_the_same_bytes(tmp_path, store, elsewhere, monkeypatch, strength):
    monkeypatch.setattr(apply, "ROWS", 1)
    for name, refiner in (("net", make_refiner("root", fps=50.0)), ("steady", load_shipped("steady"))):
        apply_refiner(store, refiner, tmp_path / name, strength=strength)
        apply_refiner(store, refiner, tmp_path / f"{name} elsewhere", strength=strength, pool=elsewhere)
        assert content(tmp_path / name) == content(tmp_path / f"{name} elsewhere")


@pytest.mark.parametrize("name", ["gaussian", "one_euro"])
def test_so_does_filtering(tmp_path, store, elsewhere, monkeypatch, name):
    monkeypatch.setattr(apply, "ROWS", 1)
    parameters = released_parameters(name, store.info.fps)
    for place, pool in (("one", Pool("here", 1)), ("two", Pool("here", 2)), ("elsewhere", elsewhere)):
        apply_filter(store, name, parameters, tmp_path / place, pool=pool)
        assert content(tmp_path / place) == content(tmp_path / "one")


def test_an_ended_run_counts_the_cuts_of_both(tmp_path, monkeypatch):
    clips = [[(still(40), np.full((40, 25), 2, np.uint8))] for _ in range(3)]
    for joints, _ in (clips[0][0], clips[2][0]):
        joints[20:] += np.float32([1.2, 0, 0])
    store = write_store(tmp_path / "raw", clips, StoreInfo())
    interrupted(store, make_refiner(), tmp_path / "refined", monkeypatch)
    apply_refiner(store, make_refiner(), tmp_path / "refined")
    assert open_store(tmp_path / "refined").info.refiner["jumps"] == 2


@pytest.mark.parametrize("centre", ["root", "none", "channel"])
@pytest.mark.parametrize("kind", ["basic", "motion_aware"])
def test_what_a_network_learnt_of_other_bodies_is_not_applied(tmp_path, centre, kind):
    """A static pose comes out as it went in, whatever the checkpoint was centred on; store.json says how it was."""
    torch.manual_seed(2)
    refiner = Refiner(new_net(kind, 8, 16, 4, 2).eval(), Normalise(centre, "body"), 50.0, ("h36m_fcn_3D",))
    x = still(50)
    store = write_store(tmp_path / "raw", [[(x, np.full((50, 25), 2, np.uint8))]], StoreInfo())
    apply_refiner(store, refiner, tmp_path / "refined")
    refined = open_store(tmp_path / "refined")
    np.testing.assert_allclose(refined.joints, x, atol=1e-3)
    note = refined.info.refiner.get("centred")
    assert note == (None if centre == "channel" else "channel")


def test_times_that_do_not_rise_are_told(tmp_path):
    track = Track(0, 0, still(9), np.full((9, 25), 2, np.uint8))
    with StoreWriter(tmp_path / "raw", StoreInfo(times=True)) as writer:
        writer.add(parse_name("S001C001P001R001A001"), 9, [track])
    times = np.load(tmp_path / "raw" / "times.npy")
    np.testing.assert_allclose(times, np.arange(9) / 30)
    np.save(tmp_path / "raw" / "times.npy", times[::-1].copy())
    with pytest.raises(InputError, match=r"times.npy: the times of a track do not rise"):
        apply_refiner(open_store(tmp_path / "raw"), make_refiner(), tmp_path / "refined")
    assert not (tmp_path / "refined").exists()


@pytest.mark.parametrize("weight", [3e38, 1e10])
def test_weights_that_make_no_sense_make_no_store(store, tmp_path, weight):
    """Finite as they are: what they give is not, or lies kilometres away."""
    refiner = make_refiner(fps=30.0)
    with torch.no_grad():
        next(refiner.net.parameters()).fill_(weight)
    with pytest.raises(InputError, match="far from all that was seen, or no numbers; its weights make no sense"):
        apply_refiner(store, refiner, tmp_path / "out")
    assert not (tmp_path / "out").exists()
