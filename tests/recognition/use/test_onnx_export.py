import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from base.errors import InputError
from data.formats.clips import DenseClips
from data.ntu.names import ClipName
from data.skeletons.layouts import COCO17, LAYOUTS, NTU25
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from recognition.config import InputSection, ModelSection
from recognition.nets.registry import build_model
from recognition.use.onnx_export import describe_input, export_onnx
from recognition.use.predict import predict
from recognition.use.recognizer import Recognizer

DOCS = Path(__file__).parents[3] / "docs/recognition.md"


def build(name, layout, confidence, folder):
    torch.manual_seed(0)
    section = ModelSection(name=name, width=6 if name == "stgcn" else 12, blocks=3)
    channels = layout.dims + confidence
    net = build_model(section, layout, channels, 4)
    with torch.no_grad():  # statistics as after training, not those of a fresh network
        for _ in range(3):
            net(torch.randn(6, 8, len(layout.joints), channels), torch.arange(6), 6)
    return Recognizer(net.eval(), InputSection(frames=8), layout, confidence, np.array([1, 5, 9, 60]), 1, folder)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Recognisers by kind, and their files: exporting takes seconds, so that it is done once for each."""
    made = {}

    def export(name, layout=NTU25, confidence=False):
        key = (name, layout.name, confidence)
        if key not in made:
            folder = tmp_path_factory.mktemp("onnx")
            recognizer = build(name, layout, confidence, folder)
            made[key] = recognizer, folder / "model.onnx", export_onnx(recognizer, folder / "model.onnx")
        return made[key]

    return export


@pytest.mark.parametrize("name", ["stgcn", "stgcn++"])
def test_the_exported_network_scores_clips_of_any_size_as_ours_does(exported, name):
    recognizer, path, gap = exported(name)
    assert gap < 1e-5
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    x = torch.randn(5, 8, 25, 3)
    clip = torch.tensor([0, 0, 1, 2, 2])
    with torch.no_grad():
        expected = recognizer.net(x, clip, 3).softmax(1).numpy()
    skeletons = np.full((3, 2, 8, 25, 3), 7, np.float32)  # what stands at an absent actor must not matter
    present = np.array([[True, True], [True, False], [True, True]])
    skeletons[present] = x.numpy()
    found = session.run(["probabilities"], {"skeletons": skeletons, "present": present})[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_file_says_what_it_takes_and_gives(exported):
    recognizer, path, _ = exported("stgcn")
    about = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert about == describe_input(recognizer)
    assert json.loads(about["actions"]) == [1, 5, 9, 60]
    assert json.loads(about["joints"]) == list(NTU25.joints)
    assert InputSection.model_validate_json(about["input"]) == recognizer.view
    assert (json.loads(about["origin"]), json.loads(about["centre"]), json.loads(about["samplings"])) == (1, 20, 1)
    assert json.loads(about["channels"]) == ["x", "y", "z"]
    assert "middle of spine (joint 1) of the first actor is at 0" in about["position"]
    assert "nearest frame" in about["unseen"]


def test_a_file_of_skeletons_in_an_image_says_how_pixels_are_scaled(tmp_path):
    about = describe_input(build("stgcn", COCO17, True, tmp_path))
    assert json.loads(about["origin"]) is None
    assert json.loads(about["channels"]) == ["x", "y", "confidence"]
    assert "x / (width / 2) - 1 and y / (height / 2) - 1" in about["position"]
    assert "confidence of a joint that is not seen is 0" in about["unseen"]


def test_nothing_is_written_that_computes_something_else(exported, tmp_path, monkeypatch):
    recognizer, path, _ = exported("stgcn")
    monkeypatch.setattr("torch.onnx.export", lambda net, given, target, **options: shutil.copy(path, target))
    with torch.no_grad():
        other = replace(recognizer, net=build("stgcn", NTU25, False, tmp_path).net)
        other.net.classifier.bias += torch.tensor([1.0, 0, 0, 0])
    with pytest.raises(InputError, match="is off by"):
        export_onnx(other, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def make_clips(folder, layout, confidence):
    """Clips of one and of two actors, who come late, go early and hide joints, and of one frame."""
    rng = np.random.default_rng(0)
    joints, dims = len(LAYOUTS[layout].joints), LAYOUTS[layout].dims
    flat = {"image": (640, 480), "confidence": confidence} if dims == 2 else {}
    with StoreWriter(folder, StoreInfo(layout=layout, **flat)) as writer:
        for number, (frames, spans) in enumerate(
            ((30, [(0, 0, 30)]), (23, [(0, 4, 12), (1, 0, 20)]), (5, [(0, 0, 5)]), (1, [(0, 0, 1)]), (60, [(1, 3, 50)]))
        ):
            tracks = []
            for actor, first, length in spans:
                at = 2 + rng.normal(0, 0.4, (length, joints, dims)).cumsum(0) / 5
                seen = rng.random((length, joints)) < 0.8
                seen[:, 7] = length == 1  # never
                seen[0, 1] |= number == 0
                seen[[0, -1], 5] = True
                at = np.where(seen[..., None], at if dims == 3 else 300 + 100 * at, 0).astype(np.float32)
                trust = rng.uniform(0.2, 1, seen.shape).astype(np.float32) * seen if confidence else None
                tracks.append(Track(actor, first, at, np.where(seen, 2, 0).astype(np.uint8), trust))
            writer.add(ClipName(1, 1, 1, 1, number + 1), frames, tracks)
    return open_store(folder)


SETTINGS = {
    "uniform": {},
    "several samplings": {"samplings": 3},
    "resized bones": {"sampling": "resize", "stream": "bone", "test_crop": 0.7, "samplings": 2},
    "padded motion": {"sampling": "pad", "stream": "joint_motion", "rotate_to_body": True},
    "turned": {"rotate_to_body": True, "stream": "bone_motion", "test_crop": 0.5},
    "coco17": {"layout": "coco17"},
    "coco17, resized motion of bones": {"layout": "coco17", "stream": "bone_motion", "sampling": "resize"},
    "coco17, padded": {"layout": "coco17", "sampling": "pad", "stream": "bone", "samplings": 2},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_the_docs_program_gives_the_probabilities_of_predict(exported, tmp_path, monkeypatch, settings):
    settings = dict(settings)
    layout, samplings = settings.pop("layout", "ntu25"), settings.pop("samplings", 1)
    confidence = layout == "coco17"
    recognizer, path, _ = exported("stgcn", LAYOUTS[layout], confidence)
    recognizer = replace(recognizer, view=InputSection(frames=8, **settings), samplings=samplings)
    model = onnx.load(path)
    onnx.helper.set_model_props(model, describe_input(recognizer))
    onnx.save(model, tmp_path / "recognizer.onnx")
    store = make_clips(tmp_path / "store", layout, confidence)
    expected = predict([(1.0, recognizer)], store, np.arange(len(store.clips)))
    [code] = [block for block in re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL) if "onnx" in block]
    monkeypatch.chdir(tmp_path)
    clips = DenseClips(store)
    for row in range(len(store.clips)):
        clip = clips[row]
        more = {"image": np.array(store.info.image), "confidence": clip.confidence} if confidence else {}
        np.savez("clip.npz", joints=clip.joints, seen=clip.tracked > 0, **more)
        names = {}
        exec(compile(code, "docs/recognition.md", "exec"), names)
        np.testing.assert_allclose(names["probabilities"], expected[row], atol=2e-5)
    assert np.abs(expected - expected[0]).max() > 1e-3
