import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from base.errors import InputError
from data.skeletons.layouts import NTU25
from recognition.config import InputSection, ModelSection
from recognition.nets.registry import build_model
from recognition.use.onnx_export import export_onnx
from recognition.use.recognizer import Recognizer


@pytest.fixture(scope="module", params=["stgcn", "stgcn++"])
def recognizer(request, tmp_path_factory):
    torch.manual_seed(0)
    section = ModelSection(name=request.param, width=6 if request.param == "stgcn" else 12, blocks=3)
    net = build_model(section, NTU25, 3, 4)
    with torch.no_grad():  # statistics as after training, not those of a fresh network
        for _ in range(3):
            net(torch.randn(6, 8, 25, 3), torch.arange(6), 6)
    return Recognizer(
        net.eval(), InputSection(frames=8), NTU25, False, np.array([1, 5, 9, 60]), 1, tmp_path_factory.mktemp("none")
    )


def test_the_exported_network_scores_clips_of_any_size_as_ours_does(recognizer, tmp_path):
    gap = export_onnx(recognizer, tmp_path / "model.onnx")
    assert gap < 1e-5
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    x = torch.randn(5, 8, 25, 3)
    clip = torch.tensor([0, 0, 1, 2, 2])
    with torch.no_grad():
        expected = recognizer.net(x, clip, 3).softmax(1).numpy()
    skeletons = np.full((3, 2, 8, 25, 3), 7, np.float32)  # what stands at an absent actor must not matter
    present = np.array([[True, True], [True, False], [True, True]])
    skeletons[present] = x.numpy()
    found = session.run(["probabilities"], {"skeletons": skeletons, "present": present})[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_file_says_what_it_takes_and_gives(recognizer, tmp_path):
    export_onnx(recognizer, tmp_path / "model.onnx")
    about = {entry.key: entry.value for entry in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert json.loads(about["actions"]) == [1, 5, 9, 60]
    assert json.loads(about["joints"]) == list(NTU25.joints)
    assert InputSection.model_validate_json(about["input"]) == recognizer.seen


def test_nothing_is_written_that_computes_something_else(recognizer, tmp_path, monkeypatch):
    monkeypatch.setattr("recognition.use.onnx_export.TOLERANCE", -1.0)
    with pytest.raises(InputError, match="is off by"):
        export_onnx(recognizer, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
