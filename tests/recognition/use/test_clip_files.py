import re
import shutil
import zipfile

import numpy as np
import pytest
import torch

from base.errors import InputError
from data.formats.exporting import ExportOptions, export_store
from data.ntu.actors import choose_actors
from data.ntu.names import parse_name
from data.ntu.text import Body, Skeleton, read_skeleton, write_skeleton
from data.skeletons.store import StoreInfo, StoreWriter
from recognition.use.predict import predict_clips


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
    for name in ("x.pkl", "notes.txt"):
        refused(tmp_path / name, r"is no .skeleton file, .* or clip stores \(`python run.py import` makes one of other")
    (tmp_path / "empty").mkdir()
    refused(
        tmp_path / "empty", "found no .skeleton file; give .skeleton files, folders or zips of them, or clip stores"
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
