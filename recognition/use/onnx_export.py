"""`python run.py export-onnx`: a trained recogniser for other programs, checked against PyTorch."""

import json
import logging
import tempfile
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from base.errors import InputError
from base.files import atomic_file
from recognition.use.recognizer import Recognizer, load_recognizer

TOLERANCE = 1e-4
"""How far a probability of the exported network may be from PyTorch's."""


class Deployed(nn.Module):
    """A recogniser on padded clips, as other programs have them.

    Shapes
    ------
    skeletons float [N, M, T, V, C], present bool [N, M] -> probabilities [N, classes]
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, skeletons: Tensor, present: Tensor) -> Tensor:
        """Score the clips; what stands in the places of absent actors counts for nothing."""
        clips, actors = skeletons.shape[:2]
        own = torch.arange(clips, device=skeletons.device).unsqueeze(1).expand(clips, actors)
        # absent actors go into one more clip, which is left out
        own = torch.where(present, own, clips).flatten()
        scores: Tensor = self.net(skeletons.flatten(0, 1), own, clips + 1)
        return scores[:-1].softmax(1)


def export_onnx(recognizer: Recognizer, output: Path) -> float:
    """Write a recogniser as ONNX and compare it with PyTorch on random clips of several sizes.

    The file's inputs are `skeletons` float32 [clips, actors, frames, joints, channels] and `present` bool [clips,
    actors]; its output is `probabilities` float32 [clips, classes]; numbers of clips, actors and frames are free. Its
    metadata say how clips must be sampled, centred and turned into a stream, and which actions the classes are.

    Parameters
    ----------
    recognizer
        What to export; from the CPU.
    output
        The `.onnx` file.

    Returns
    -------
    The largest difference of a probability from PyTorch's.

    Raises
    ------
    InputError
        onnx, onnxscript or onnxruntime are not installed, or the exported network computes something else.
    """
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401  torch.onnx needs it
    except ImportError as error:
        raise InputError(
            f"exporting needs {error.name}; install it with pip install 'steady-skeletons[onnx]'"
        ) from error
    deployed = Deployed(recognizer.net).eval()
    free = torch.export.Dim.DYNAMIC
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own, about its own parts
        for chatty in ("onnx_ir", "onnxscript", "torch.onnx"):
            logging.getLogger(chatty).setLevel(logging.ERROR)
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            deployed,
            _example(recognizer, 2, 2, recognizer.seen.frames),
            path,
            input_names=["skeletons", "present"],
            output_names=["probabilities"],
            dynamic_shapes=({0: free, 1: free, 2: free}, {0: free, 1: free}),
            external_data=False,
            verbose=False,
            dynamo=True,
        )
        model = onnx.load(path)
    onnx.helper.set_model_props(model, _metadata(recognizer))
    onnx.checker.check_model(model)
    text = model.SerializeToString()
    session = onnxruntime.InferenceSession(text, providers=["CPUExecutionProvider"])
    gap = max(
        _difference(deployed, session, _example(recognizer, *size))
        for size in ((1, 1, recognizer.seen.frames), (3, 2, recognizer.seen.frames), (2, 2, 2 * recognizer.seen.frames))
    )
    if not gap <= TOLERANCE:
        raise InputError(f"{output}: the exported network is off by {gap:.1g}; nothing is written")
    with atomic_file(output) as temporary:
        temporary.write_bytes(text)
    return gap


def export(model: Path, output: Path) -> None:
    """Export the recogniser of a run, and say how near it is to PyTorch."""
    if output.suffix != ".onnx":
        raise InputError(f"--output: found {output}, expected a name that ends in .onnx")
    gap = export_onnx(load_recognizer(model), output)
    print(f"{output}: probabilities differ from PyTorch's by at most {gap:.1g}")


def _example(recognizer: Recognizer, clips: int, actors: int, frames: int) -> tuple[Tensor, Tensor]:
    """Return random clips of which the last has one actor only."""
    generator = torch.Generator().manual_seed(clips)
    joints = len(recognizer.layout.joints)
    skeletons = torch.randn(clips, actors, frames, joints, recognizer.channels, generator=generator)
    present = torch.ones(clips, actors, dtype=torch.bool)
    present[-1, 1:] = False
    return skeletons, present


def _difference(deployed: nn.Module, session: object, example: tuple[Tensor, Tensor]) -> float:
    with torch.inference_mode():
        expected = deployed(*example).numpy()
    given = {"skeletons": example[0].numpy(), "present": example[1].numpy()}
    found = session.run(["probabilities"], given)[0]  # type: ignore[attr-defined]
    return float(np.abs(found - expected).max()) if found.shape == expected.shape else float("inf")


def _metadata(recognizer: Recognizer) -> dict[str, str]:
    return {
        "actions": json.dumps(recognizer.actions.tolist()),
        "joints": json.dumps(recognizer.layout.joints),
        "bones": json.dumps(recognizer.layout.bones),
        "layout": recognizer.layout.name,
        "confidence": json.dumps(recognizer.confidence),
        "input": recognizer.seen.model_dump_json(),
    }
