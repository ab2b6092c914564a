import json
import re
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.interpolate import CubicSpline

from base.errors import InputError
from data.formats.exporting import ExportOptions, export_store
from data.ntu.actors import choose_actors
from data.ntu.names import parse_name
from data.ntu.text import Body, Skeleton, read_skeleton, write_skeleton
from data.skeletons.labels import OwnClip, code_clips
from data.skeletons.layouts import COCO17
from data.skeletons.store import StoreInfo, StoreWriter, Track
from recognition.config import InputSection, ModelSection
from recognition.nets.registry import build_model
from recognition.use.clip_files import read_chunks
from recognition.use.predict import predict_clips
from training.checkpoints import save_checkpoint


def as_text(store, row):
    """One clip of a store as the text of a .skeleton file."""
    bodies = []
    for track in np.flatnonzero(store.tracks.clip == row):
        rows = slice(store.tracks.first_row[track], store.tracks.first_row[track] + store.tracks.length[track])
        frames = store.tracks.first_frame[track] + np.arange(store.tracks.length[track])
        bodies.append(Body(72057594037927936 + int(track), frames, store.joints[rows], store.tracked[rows]))
    return write_skeleton_text(bodies, int(store.clips.frames[row]))


def write_skeleton_text(bodies, frames):
    return write_skeleton(Skeleton(frames, tuple(bodies)))


@pytest.mark.parametrize("kind", ["file", "folder", "zip"])
def test_files_of_any_name_are_predicted_as_their_clips_are(run, tmp_path, kind):
    store, folder = run
    rows = [0, 7]
    texts = {f"my clip {row}.skeleton": as_text(store, row) for row in rows}
    if kind == "zip":
        with zipfile.ZipFile(tmp_path / "clips.zip", "w") as packed:
            for name, text in texts.items():
                packed.writestr(name, text)
        paths = [tmp_path / "clips.zip"]
    else:
        (tmp_path / "clips").mkdir()
        for name, text in texts.items():
            (tmp_path / "clips" / name).write_bytes(text)
        paths = [tmp_path / "clips"] if kind == "folder" else sorted((tmp_path / "clips").iterdir())
    found = predict_clips(paths, [folder], output=tmp_path / "out.csv", device="cpu")
    assert [one.clip for one in found] == ["my clip 0", "my clip 7"]
    # the actors of a file are chosen anew, and the more mobile one comes first
    with StoreWriter(tmp_path / "store", StoreInfo()) as writer:
        for row, text in zip(rows, texts.values(), strict=True):
            frames, tracks = choose_actors(read_skeleton(text, "text"))
            writer.add(parse_name(str(store.clips.name[row])), frames, tracks)
    again = predict_clips([tmp_path / "store"], [folder], output=tmp_path / "out.csv", device="cpu")
    np.testing.assert_allclose([one.probabilities for one in again], [one.probabilities for one in found], atol=1e-5)


def test_a_clip_that_shows_nobody_is_called_as_its_owner_does(tmp_path):
    names, labels = code_clips([OwnClip("empty room", "nothing")])
    with StoreWriter(tmp_path / "own", StoreInfo(), labels=labels) as writer:
        writer.add(names[0], 3, [])
    told = []
    assert list(read_chunks([tmp_path / "own"], told.append)) == []
    assert told == [f"{tmp_path / 'own'}: clip empty room shows nobody"]


def test_clips_of_a_store_whose_joints_are_nowhere_are_named(run, tmp_path, capsys):
    store, folder = run
    shutil.copytree(store.folder, tmp_path / "store")
    joints = np.load(tmp_path / "store" / "joints.npy", mmap_mode="r+")
    joints[: store.tracks.length[store.tracks.clip == 0].sum()] = np.nan
    joints.flush()
    with pytest.raises(InputError, match=f"clip {store.clips.name[0]} shows nobody"):
        predict_clips([tmp_path / "store"], [folder], output=tmp_path / "out.csv", device="cpu")
    found = predict_clips([tmp_path / "store"], [folder], output=tmp_path / "out.csv", device="cpu", on_error="skip")
    assert [one.clip for one in found] == store.clips.name[1:].tolist()
    assert f"clip {store.clips.name[0]} shows nobody" in capsys.readouterr().err


def test_what_predict_does_not_read_is_told_without_other_commands_keys(run, tmp_path):
    store, folder = run

    def refused(path, message, **options):
        with pytest.raises(InputError, match=message) as caught:
            predict_clips([path], [folder], output=tmp_path / "out.csv", **{"device": "cpu", **options})
        said = str(caught.value)
        assert "\n" not in said
        assert not re.search(r"\b(data|run|input|train)\.(?!py)[a-z_]+", said.replace(str(tmp_path), ""))
        assert not (tmp_path / "out.csv").exists()

    export_store(store.folder, tmp_path / "x.pkl", ExportOptions("pyskl"))
    np.savez(tmp_path / "x.npz", x=np.ones(3))
    (tmp_path / "notes.txt").write_text("3 clips\n")
    refused(tmp_path / "x.npz", r"holds x, of which none is \[frames, joints, 2 or 3\]")
    refused(tmp_path / "x.pkl", "holds several clips or people, .* or what `python run.py import` reads")
    for name in ("notes.txt",):
        refused(tmp_path / name, r"is no .skeleton file, .* or clip stores \(`python run.py import` makes one of other")
    (tmp_path / "empty").mkdir()
    refused(
        tmp_path / "empty",
        "found no .skeleton file; give .skeleton files, folders or zips of them, what `smooth`",
    )
    refused(tmp_path / "absent", "no such file or folder; give .skeleton files")
    (tmp_path / "cut.skeleton").write_bytes(as_text(store, 0)[:900])
    refused(tmp_path / "cut.skeleton", "restore the file from the data set, or leave it out; go on .* --on-error skip")
    text = as_text(store, 0).split(b"\r\n")
    in_mm = [
        b" ".join([*(b"%.3f" % (1000 * float(word)) for word in line.split()[:3]), *line.split()[3:]])
        if len(line.split()) == 12
        else line
        for line in text
    ]
    (tmp_path / "mm.skeleton").write_bytes(b"\r\n".join(in_mm))
    refused(tmp_path / "mm.skeleton", r"they look like millimetres\); write the positions in metres")
    if not torch.cuda.is_available():
        refused(store.folder, "--device: found 'cuda', but this machine has no usable CUDA device", device="cuda")


def test_clips_that_cannot_be_used_stop_it_or_are_named(run, tmp_path, capsys):
    store, folder = run
    (tmp_path / "bad.skeleton").write_bytes(as_text(store, 0)[:1000])
    (tmp_path / "empty.skeleton").write_bytes(b"2\n0\n0\n")
    (tmp_path / "one.skeleton").write_bytes(as_text(store, 0))
    with pytest.raises(InputError, match=r"bad.skeleton: line"):
        predict_clips([tmp_path], [folder], output=tmp_path / "out.csv", device="cpu")
    assert not (tmp_path / "out.csv").exists()
    found = predict_clips([tmp_path], [folder], output=tmp_path / "out.csv", device="cpu", on_error="skip")
    assert [one.clip for one in found] == ["one"]
    said = capsys.readouterr().err
    assert "empty.skeleton: nobody is seen" in said
    assert "bad.skeleton: line" in said


def test_a_clip_of_one_frame_is_predicted(run, tmp_path):
    store, folder = run
    body = Body(1, np.array([0]), np.asarray(store.joints[:1]), np.full((1, 25), 2, np.uint8))
    (tmp_path / "still.skeleton").write_bytes(write_skeleton_text([body], 1))
    found = predict_clips([tmp_path / "still.skeleton"], [folder], output=tmp_path / "out.csv", device="cpu")
    assert sum(found[0].probabilities) == pytest.approx(1, abs=1e-5)


def npy_of(store, row, path, step=1):
    """Write the only track of a clip, or every so many frames of it, as an array of poses."""
    [track] = store.tracks_of(row)
    joints = np.asarray(store.joints[store.rows_of(track)])
    np.save(path, joints[::step])
    return joints


def one_actor(store):
    return [row for row in range(len(store.clips)) if store.tracks_per_clip[row] == 1 and whole(store, row)]


def whole(store, row):
    [track] = store.tracks_of(row)
    return store.tracks.length[track] == store.clips.frames[row] and store.tracked[store.rows_of(track)].all()


@pytest.fixture(scope="module")
def alone(run, make_store):
    """Clips of one person, for the recogniser of `run`."""
    store = make_store(replications=1)
    return store, one_actor(store)[:2]


def predicted(paths, folder, tmp_path, **options):
    found = predict_clips(paths, [folder], output=tmp_path / "out.csv", device="cpu", **options)
    return {one.clip: one for one in found}


def test_recordings_of_other_tools_are_predicted_as_clips_are(run, alone, tmp_path, capsys):
    (store, rows), (_, folder) = alone, run
    expected = predicted([store.folder], folder, tmp_path)
    (tmp_path / "some/deep").mkdir(parents=True)
    npy_of(store, rows[0], tmp_path / "some/one.npy")
    npy_of(store, rows[1], tmp_path / "some/deep/two.npy")
    (tmp_path / "some/notes.txt").write_text("mine")
    found = predicted([tmp_path / "some"], folder, tmp_path, fps=30.0)
    assert list(found) == ["deep/two", "one"]
    for clip, row in (("one", rows[0]), ("deep/two", rows[1])):
        same = expected[str(store.clips.name[row])]
        assert found[clip].actions == same.actions
        np.testing.assert_allclose(found[clip].probabilities, same.probabilities, atol=1e-5)
    said = capsys.readouterr().err
    assert "left out: 1 file of no known tool, such as 'notes.txt'" in said
    assert "WARNING" not in said


def test_another_rate_is_told_and_brought_to_that_of_the_training(run, alone, tmp_path, capsys):
    """Every second frame at half the rate is predicted as the same motion by SciPy's spline at the whole rate."""
    (store, rows), (_, folder) = alone, run
    joints = npy_of(store, rows[0], tmp_path / "half.npy", step=2)
    half = joints[::2].astype(float)
    np.save(tmp_path / "whole.npy", CubicSpline(np.arange(len(half)), half)(np.arange(2 * len(half) - 1) / 2))
    slow = predicted([tmp_path / "half.npy"], folder, tmp_path, fps=15.0)
    said = capsys.readouterr().err
    assert f"WARNING: {tmp_path / 'half.npy'}: 15 frames a second, and the recogniser has learnt from 30" in said
    same = predicted([tmp_path / "whole.npy"], folder, tmp_path, fps=30.0)
    assert "WARNING" not in capsys.readouterr().err
    np.testing.assert_allclose(slow["half"].probabilities, same["whole"].probabilities, atol=1e-4)


def test_a_store_of_another_rate_is_resampled_too(run, alone, tmp_path, capsys):
    (store, rows), (_, folder) = alone, run
    shutil.copytree(store.folder, tmp_path / "store")
    text = (tmp_path / "store/store.json").read_text()
    (tmp_path / "store/store.json").write_text(re.sub(r'"fps": 30.0', '"fps": 60.0', text))
    joints = npy_of(store, rows[0], tmp_path / "fast.npy")
    assert joints.shape[1:] == (25, 3)
    of_store = predicted([tmp_path / "store"], folder, tmp_path)
    assert "60 frames a second, and the recogniser has learnt from 30; resampled to that" in capsys.readouterr().err
    of_file = predicted([tmp_path / "fast.npy"], folder, tmp_path, fps=60.0)
    name = str(store.clips.name[rows[0]])
    np.testing.assert_allclose(of_store[name].probabilities, of_file["fast"].probabilities, atol=1e-5)


def test_a_checkpoint_that_does_not_say_its_rate_predicts_as_before(run, alone, tmp_path, capsys):
    (store, _), (_, folder) = alone, run
    best = torch.load(folder / "checkpoints/best.pt", weights_only=True)
    assert best.pop("fps") == 30.0
    torch.save(best, tmp_path / "old.pt")
    before = predicted([store.folder], folder, tmp_path)
    after = predicted([store.folder], tmp_path / "old.pt", tmp_path)
    assert before == after
    npy_of(store, one_actor(store)[0], tmp_path / "a.npy")
    with pytest.raises(InputError, match=r"a.npy: does not say how many frames a second it has; give --fps 30, say"):
        predicted([tmp_path / "a.npy"], tmp_path / "old.pt", tmp_path)
    predicted([tmp_path / "a.npy"], folder, tmp_path)
    assert "a.npy: does not say how many frames a second it has; taken for 30" in capsys.readouterr().err
    torch.save(best | {"fps": -1.0}, tmp_path / "bad.pt")
    with pytest.raises(InputError, match=r"bad.pt: damaged checkpoint of a recogniser \(fps: .*train it again"):
        predicted([store.folder], tmp_path / "bad.pt", tmp_path)


def test_skeletons_of_others_are_told_in_one_line(run, alone, tmp_path):
    _, folder = run
    np.save(tmp_path / "flat.npy", np.random.default_rng(0).uniform(20, 400, (9, 17, 2)))
    with pytest.raises(
        InputError, match=r"flat.npy: has skeletons of coco17 with 2 coordinates, expected ntu25 with 3"
    ):
        predicted([tmp_path / "flat.npy"], folder, tmp_path, fps=30.0)
    np.save(tmp_path / "good.npy", np.random.default_rng(0).uniform(-0.7, 0.7, (9, 25, 3)))
    found = predicted([tmp_path / "flat.npy", tmp_path / "good.npy"], folder, tmp_path, fps=30.0, on_error="skip")
    assert list(found) == ["good"]
    with pytest.raises(InputError, match=r"--fps 0: expected a number from 1 to 1000"):
        predicted([tmp_path / "good.npy"], folder, tmp_path, fps=0)


def test_clips_are_refined_first_if_that_is_asked_for(run, alone, tmp_path):
    """A refiner that puts the joints of another clip in their places, and is told what it refines."""
    (store, rows), (_, folder) = alone, run
    joints = [npy_of(store, row, tmp_path / f"{row}.npy")[:12] for row in rows]
    for row, some in zip(rows, joints, strict=True):
        np.save(tmp_path / f"{row}.npy", some)
    told = []

    def refine(info, tracks, where):
        told.append((info.layout, info.fps, where))
        return [replace(track, joints=joints[1]) for track in tracks]

    first, second = (tmp_path / f"{row}.npy" for row in rows)
    refined = predicted([first], folder, tmp_path, fps=30.0, refine=refine)
    assert told == [("ntu25", 30.0, str(first))]
    plain = predicted([second], folder, tmp_path, fps=30.0)
    np.testing.assert_array_equal(refined[first.stem].probabilities, plain[second.stem].probabilities)
    of_store = predicted([store.folder], folder, tmp_path, refine=lambda info, tracks, where: list(tracks))
    assert of_store == predicted([store.folder], folder, tmp_path)


COCO_IN_BODY_25 = [0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11]
"""OpenPose's documentation of its BODY_25."""


@pytest.fixture(scope="module")
def of_coco(tmp_path_factory):
    """Recognisers of COCO's joints in pictures of 1280 x 720, at 30 and at 60 frames a second; not trained."""
    folder = tmp_path_factory.mktemp("of_coco")
    section, view = ModelSection(width=6, blocks=3), InputSection(frames=8)
    for fps in (30, 60):
        torch.manual_seed(fps)
        net = build_model(section, COCO17, 3, 3)
        with torch.no_grad():
            net.classifier.weight.mul_(20)
        kept = {"model": section.model_dump(mode="json"), "input": view.model_dump(mode="json"), "layout": "coco17"}
        kept |= {"actions": [1, 2, 3], "confidence": True, "fps": float(fps), "image": [1280, 720]}
        save_checkpoint(folder / f"{fps}.pt", {"state_dict": net.state_dict(), **kept})
    return folder


def some_points(joints, dims=2, frames=9):
    rng = np.random.default_rng(joints)
    return rng.uniform(100, 600, (1, joints, dims)) + rng.normal(0, 5, (frames, joints, dims)).cumsum(0)


def one(path, folder, tmp_path, **settings):
    return next(iter(predicted([path], folder, tmp_path, **settings).values())).probabilities


def test_skeletons_of_other_joints_are_converted_and_what_is_lost_is_said(of_coco, tmp_path, capsys):
    body = some_points(25).astype(np.float32)
    np.save(tmp_path / "body.npy", body)
    np.save(tmp_path / "coco.npy", body[:, COCO_IN_BODY_25])
    with StoreWriter(tmp_path / "store", StoreInfo(layout="body25", image=(1280, 720), confidence=True)) as writer:
        seen = np.full((9, 25), 2, np.uint8)
        writer.add(parse_name("S001C001P001R001A001"), 9, [Track(0, 0, body, seen, np.ones((9, 25), np.float32))])
    expected = one(tmp_path / "coco.npy", of_coco / "30.pt", tmp_path, fps=30.0)
    assert "converted" not in capsys.readouterr().err
    for given in ("body.npy", "store"):
        assert one(tmp_path / given, of_coco / "30.pt", tmp_path, fps=30.0) == expected
        assert "converted body25 to coco17: 17 of 17 joints; lost: neck, middle of hips, " in capsys.readouterr().err


def test_a_body_with_hands_and_a_face_is_told_by_its_names(of_coco, tmp_path, capsys):
    """OpenPose's 25, 70 and twice 21 joints; the first 17 of them are not COCO's."""
    body = some_points(25)
    (tmp_path / "clip").mkdir()
    for frame, points in enumerate(body.round(3)):
        three = {"pose_keypoints_2d": np.c_[points, np.ones(25)].ravel().tolist(), "person_id": [0]}
        three |= {
            f"{part}_keypoints_2d": [50.0, 60.0, 1.0] * count for part, count in (("face", 70), ("hand_left", 21))
        }
        (tmp_path / f"clip/a_{frame:03d}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": [three]}))
    np.save(tmp_path / "coco.npy", body.round(3)[:, COCO_IN_BODY_25])
    expected = one(tmp_path / "coco.npy", of_coco / "30.pt", tmp_path, fps=30.0)
    found = one(tmp_path / "clip", of_coco / "30.pt", tmp_path, fps=30.0)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (
        "of 116 joints the 17 of coco17 are taken; lost: neck, middle of hips, left big toe" in capsys.readouterr().err
    )


def test_joints_that_cannot_be_had_are_refused_or_left_unseen(run, tmp_path, capsys):
    _, folder = run
    np.save(tmp_path / "kinect.npy", some_points(20, 3) / 1000)
    with pytest.raises(
        InputError, match=r"kinect.npy: joints of kinect20 are no ntu25: tip of left hand, left thumb, "
    ):
        predicted([tmp_path / "kinect.npy"], folder, tmp_path, fps=30.0)
    assert one(tmp_path / "kinect.npy", folder, tmp_path, fps=30.0, missing=True)
    told = capsys.readouterr().err
    assert "converted kinect20 to ntu25: 21 of 25 joints; made as middles: neck (centre of shoulders, head)" in told
    assert "missing, as never seen: tip of left hand, left thumb, tip of right hand, right thumb" in told


def test_the_size_of_the_image_is_asked_for_and_taken(of_coco, tmp_path, capsys):
    points = some_points(17)
    np.save(tmp_path / "a.npy", points)
    np.save(tmp_path / "half.npy", points / 2)
    whole = one(tmp_path / "a.npy", of_coco / "30.pt", tmp_path, fps=30.0)
    warning = (
        "the size of the image is not known; taken for 1280 x 720, as the recogniser has learnt from; --image-size"
    )
    assert warning in capsys.readouterr().err
    said = one(tmp_path / "half.npy", of_coco / "30.pt", tmp_path, fps=30.0, image_size=(640, 360))
    assert "size of the image" not in capsys.readouterr().err
    np.testing.assert_allclose(said, whole, atol=1e-5)
    np.save(tmp_path / "square.npy", points - (280, 0))  # the middle of the same picture: nothing is stretched
    square = one(tmp_path / "square.npy", of_coco / "30.pt", tmp_path, fps=30.0, image_size=(720, 720))
    np.testing.assert_allclose(square, whole, atol=1e-5)
    assert np.abs(np.subtract(one(tmp_path / "half.npy", of_coco / "30.pt", tmp_path, fps=30.0), whole)).max() > 1e-3


def test_recognisers_of_several_rates_each_see_the_clip_at_theirs(of_coco, tmp_path):
    np.save(tmp_path / "a.npy", some_points(17, frames=40))

    def of(*rates):
        models = [of_coco / f"{rate}.pt" for rate in rates]
        [found] = predict_clips([tmp_path / "a.npy"], models, output=tmp_path / "a.csv", device="cpu", fps=60.0)
        return dict(zip(found.actions, found.probabilities, strict=True))

    slow, fast, both = of(30), of(60), of(30, 60)
    assert both == pytest.approx({action: (slow[action] + fast[action]) / 2 for action in slow})
    assert max(abs(slow[action] - fast[action]) for action in slow) > 1e-3
