import json
import pickletools
import subprocess
import sys
import zipfile
from itertools import pairwise

import numpy as np
import pytest

from base.errors import InputError
from data.ntu.actors import choose_actors
from data.ntu.names import parse_name
from data.ntu.prepare import DataSection, PrepareConfig, prepare
from data.ntu.simulate import make_stand_in, stand_in
from data.ntu.simulate.clips import simulate_clip
from data.ntu.splits import TRAIN_PERFORMERS
from data.ntu.text import read_skeleton
from data.skeletons.store import open_store
from tests.data.ntu.simulate.sections import section

FILES = (
    "nturgbd_skeletons_simulated.zip", "truth/joints.npy", "truth/tracked.npy", "truth/clips.csv", "truth/tracks.csv",
    "truth/store.json", "simulate.json", "poses/ntusim_kinect_3D/detected/ntusim_kinect_3D_train.npz",
    "poses/ntusim_kinect_3D/groundtruth/ntusim_gt_3D_test.npz",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    wanted = section(tmp_path_factory.mktemp("stand_in") / "simulated")
    make_stand_in(wanted, workers=1)
    return wanted


def test_the_bytes_depend_on_the_seed_and_not_on_the_workers(made, tmp_path, monkeypatch):
    monkeypatch.setattr(stand_in, "IN_PROCESS", 0)
    same, other = section(tmp_path / "same"), section(tmp_path / "other", seed=1)
    make_stand_in(same, workers=2)
    make_stand_in(other, workers=1)
    for file in FILES:
        assert (same.folder / file).read_bytes() == (made.folder / file).read_bytes(), file
    assert (other.folder / FILES[0]).read_bytes() != (made.folder / FILES[0]).read_bytes()


def test_the_zip_reads_back_as_the_measured_joints_and_fits_the_truth(made):
    truth = open_store(made.folder / "truth")
    assert truth.info.kind == "truth"
    with zipfile.ZipFile(made.folder / FILES[0]) as archive:
        assert len(archive.namelist()) == made.clips == len(truth.clips)
        for row, path in enumerate(archive.namelist()):
            name = parse_name(path.removeprefix("nturgb+d_skeletons/").removesuffix(".skeleton"))
            assert truth.clips.name[row] == str(name)
            read = read_skeleton(archive.read(path), path)
            clip = simulate_clip(made, name)
            assert [body.id for body in read.bodies] == [body.id for body in sorted_bodies(clip.skeleton.bodies, read)]
            for body in clip.skeleton.bodies:
                again = next(other for other in read.bodies if other.id == body.id)
                np.testing.assert_allclose(again.joints, body.joints, rtol=1e-6)
                np.testing.assert_array_equal(again.tracked, body.tracked)
                np.testing.assert_array_equal(again.frames, body.frames)
            frames, tracks = choose_actors(read)
            mine = np.flatnonzero(truth.tracks.clip == row)
            assert frames == truth.clips.frames[row]
            assert [t.actor for t in tracks] == truth.tracks.actor[mine].tolist()
            assert [t.first_frame for t in tracks] == truth.tracks.first_frame[mine].tolist()
            assert [len(t.joints) for t in tracks] == truth.tracks.length[mine].tolist()
            for track, index in zip(tracks, mine, strict=True):
                start = truth.tracks.first_row[index]
                clean = truth.joints[start : start + len(track.joints)]
                seen = track.tracked.any(axis=1)
                trunk = [0, 1, 2, 3, 20]
                assert np.median(np.linalg.norm((track.joints[seen] - clean[seen])[:, trunk], axis=-1)) < 0.1


def test_without_text_the_store_is_what_prepare_makes_of_the_zip(made, tmp_path):
    short = section(tmp_path / "short", text=False)
    make_stand_in(short, workers=1)
    assert not (short.folder / FILES[0]).exists()
    prepare(PrepareConfig(simulate=made, data=DataSection(store=tmp_path / "raw")))
    for file in ("joints.npy", "tracked.npy", "tracks.csv", "clips.csv"):
        assert (short.folder / "raw" / file).read_bytes() == (tmp_path / "raw" / file).read_bytes()
    for file in FILES[1:5] + FILES[7:]:
        assert (short.folder / file).read_bytes() == (made.folder / file).read_bytes(), file
    again = PrepareConfig(simulate=short, data=DataSection(store=short.folder / "raw"))
    assert prepare(again)["clips"] == prepare(again, again=True)["clips"] == made.clips
    with pytest.raises(InputError, match=r"simulate\.text is false"):
        prepare(PrepareConfig(simulate=short, data=DataSection(store=tmp_path / "elsewhere")))


def test_the_benchmark_is_read_without_trusting_its_pickles(made):
    folder = made.folder / "poses" / "ntusim_kinect_3D" / "detected"
    with zipfile.ZipFile(folder / "ntusim_kinect_3D_test.npz") as archive:
        assert archive.namelist() == ["imgname.npy", "joints_3d.npy"]
        named = named_by(archive.read("joints_3d.npy")) | named_by(archive.read("imgname.npy"))
    assert {name for _, name in named} == {"_reconstruct", "ndarray", "dtype"}
    assert not list(made.folder.rglob(".*"))  # nothing is left lying about


def named_by(member):
    """Return the (module, name) pairs that a pickled array names."""
    body = member[member.index(b"\n") + 1 :]
    operations = list(pickletools.genops(body))
    texts = [argument for operation, argument, _ in operations if "UNICODE" in operation.name]
    return {pair for pair in pairwise(texts) if pair[0].startswith("numpy")}


def sorted_bodies(bodies, read):
    order = {body.id: place for place, body in enumerate(read.bodies)}
    return sorted(bodies, key=lambda body: order[body.id])


def test_the_truth_is_clean_and_covers_both_actors(made):
    truth = open_store(made.folder / "truth")
    assert (truth.tracked == 2).all()
    pairs = np.bincount(truth.tracks.clip)[truth.clips.action == 58]
    assert (pairs == 2).mean() > 0.8
    assert (np.bincount(truth.tracks.clip)[truth.clips.action != 58] == 1).all()


def test_the_benchmark_pairs_fit_and_keep_the_test_performers_apart(made):
    for part, wanted in (("train", True), ("test", False)):
        folder = made.folder / "poses" / "ntusim_kinect_3D"
        detected = np.load(folder / "detected" / f"ntusim_kinect_3D_{part}.npz", allow_pickle=True)
        truth = np.load(folder / "groundtruth" / f"ntusim_gt_3D_{part}.npz", allow_pickle=True)
        assert len(detected["joints_3d"]) > 0
        for noisy, clean, images, other in zip(
            detected["joints_3d"], truth["joints_3d"], detected["imgname"], truth["imgname"], strict=True
        ):
            assert noisy.shape == clean.shape == (len(images), 75)
            assert np.isfinite(noisy).all()
            assert 0 < np.abs(noisy - clean).mean() < 0.5
            np.testing.assert_array_equal(images, other)
            name = parse_name(str(images[0]).split("/")[0])
            assert (name.performer in TRAIN_PERFORMERS) == wanted
            if wanted:
                assert name.camera in (2, 3)


def test_a_folder_is_made_once_and_never_mixed_up(made, tmp_path):
    before = (made.folder / "simulate.json").stat().st_mtime_ns
    make_stand_in(made, workers=1)
    assert (made.folder / "simulate.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match=r"simulate\.seed = 0, asked for 5"):
        make_stand_in(made.model_copy(update={"seed": 5}))
    values = json.loads((made.folder / "simulate.json").read_text())
    older = section(tmp_path / "older")
    older.folder.mkdir()
    (older.folder / "simulate.json").write_text(json.dumps({**values, "model": 1}))
    with pytest.raises(InputError, match="another version"):
        make_stand_in(older)
    with pytest.raises(InputError, match="holds no simulated stand-in"):
        make_stand_in(section(tmp_path))


def test_mistakes_are_told(tmp_path):
    with pytest.raises(InputError, match=r"simulate\.clips: 9999"):
        make_stand_in(section(tmp_path / "a", clips=9999, performers=2))
    assert not (tmp_path / "a").exists()


def test_of_the_store_in_a_stand_in_the_rate_can_be_changed_and_nothing_else_is(tmp_path):
    short = section(tmp_path / "short", text=False)
    store = short.folder / "raw"

    def run(again=False, **given):
        return prepare(PrepareConfig(simulate=short, data=DataSection(store=store, **given)), again)

    first = run()
    before = {path: path.read_bytes() for path in short.folder.rglob("*") if path.is_file()}
    assert run(on_error="skip") == run(again=True, on_error="skip") == first
    with pytest.raises(InputError, match=r"already prepared, at 30 frames a second; give data.fps=30, or pass --again"):
        run(fps=25)
    assert {path: path.read_bytes() for path in short.folder.rglob("*") if path.is_file()} == before
    assert run(again=True, fps=25) == run(fps=25) == first
    assert open_store(store).info.fps == 25
    assert open_store(store).info.config["data"]["fps"] == 25
    changed = {path for path in short.folder.rglob("*") if path.is_file() and path.read_bytes() != before[path]}
    assert changed == {store / "store.json"}
    run(again=True)
    assert open_store(store).info.fps == 30


def test_two_processes_that_make_one_stand_in_both_end_well(tmp_path, monkeypatch):
    said = []
    code = (
        "import sys; from pathlib import Path; from data.ntu.simulate import stand_in, SimulateSection\n"
        "def ready(section, names, workers, make=stand_in._make_clips):\n"
        "    print('making', flush=True); sys.stdin.read(); yield from make(section, names, workers)\n"
        "stand_in._make_clips = ready\n"
        f"section = SimulateSection.model_validate_json({section(tmp_path / 'one', clips=4).model_dump_json()!r})\n"
        "stand_in.make_stand_in(section, 1)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"making\n"
        # the other process goes on once this one has said that it waits
        monkeypatch.setattr(stand_in, "say_waiting", lambda folder: (said.append(folder), other.stdin.close()))
        assert make_stand_in(section(tmp_path / "one", clips=4), 1) == tmp_path / "one"
    assert (said, other.returncode) == ([tmp_path / "one"], 0)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
    make_stand_in(section(tmp_path / "alone", clips=4), 1)
    for file in FILES:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "alone" / file).read_bytes(), file


def test_a_stand_in_is_never_replaced_and_no_store_takes_its_place(tmp_path):
    wanted = section(tmp_path / "thesis")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "simulate.json").write_text("3")
    for again in (False, True):
        with pytest.raises(InputError, match="holds no simulated stand-in"):
            prepare(PrepareConfig(simulate=wanted, data=DataSection(store=tmp_path / "store")), again)
        for store in (tmp_path / "new", tmp_path):
            with pytest.raises(InputError, match="would hold the stand-in"):
                prepare(PrepareConfig(simulate=section(tmp_path / "new"), data=DataSection(store=store)), again)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["simulate.json", "thesis"]
