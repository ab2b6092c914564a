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
from base.replacing import check_output
from recognition.input.loading import origin_of
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
    metadata (see `describe_input`) say how clips must be sampled, centred and turned into a stream, and which actions
    the classes are.

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
            _example(recognizer, 2, 2, recognizer.view.frames),
            path,
            input_names=["skeletons", "present"],
            output_names=["probabilities"],
            dynamic_shapes=({0: free, 1: free, 2: free}, {0: free, 1: free}),
            external_data=False,
            verbose=False,
            dynamo=True,
        )
        model = onnx.load(path)
    onnx.helper.set_model_props(model, describe_input(recognizer))
    onnx.checker.check_model(model)
    text = model.SerializeToString()
    session = onnxruntime.InferenceSession(text, providers=["CPUExecutionProvider"])
    gap = max(
        _difference(deployed, session, _example(recognizer, *size))
        for size in ((1, 1, recognizer.view.frames), (3, 3, recognizer.view.frames), (2, 2, 2 * recognizer.view.frames))
    )
    if not gap <= TOLERANCE:
        raise InputError(f"{output}: the exported network is off by {gap:.1g}; nothing is written")
    with atomic_file(output) as temporary:
        temporary.write_bytes(text)
    return gap


def export(model: Path, output: Path) -> float:
    """Export the recogniser of a run; return how far a probability is from PyTorch's at most, see `export_onnx`."""
    if output.suffix != ".onnx":
        raise InputError(f"--output: found {output}, expected a name that ends in .onnx")
    check_output(output, [model])
    return export_onnx(load_recognizer(model), output)


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


def describe_input(recognizer: Recognizer) -> dict[str, str]:
    """Return what must be done to clips before the network sees them; every value but `layout` and the texts is JSON.

    ================  ================================================================================================
    `actions`         NTU's number of each class
    `layout`          name of the joint layout
    `joints`          names of the joints, in the order of the input
    `bones`           [joint, parent] pairs, from 0
    `centre`          the joint that is no bone's outer end
    `channels`        what the input has of each joint: x, y, z, or x, y and maybe confidence
    `confidence`      whether the last channel is a confidence
    `input`           frames, sampling, test_crop, stream and rotate_to_body, as in the run's configuration
    `samplings`       how often the run's test samples each clip
    `origin`          the joint that is moved to 0 in the first frame of the first actor; null in an image
    `position`        in words: where 0 is and what 1 is
    `unseen`          in words: what stands for joints and actors that are not seen
    `order`           in words: what is done first
    ================  ================================================================================================
    """
    layout, flat = recognizer.layout, recognizer.layout.dims == 2
    origin = None if flat else origin_of(layout)
    if origin is None:
        position = (
            "x / (width / 2) - 1 and y / (height / 2) - 1 of pixels: -1 is the left or upper edge of the image, 1 the "
            "right or lower one; clips are not moved"
        )
    else:
        position = (
            f"metres; all frames and actors are moved by one vector, so that the {layout.joints[origin]} (joint "
            f"{origin}) of the first actor is at 0 in that actor's first seen frame"
        )
    unseen = (
        "a joint that is not seen has the position of the nearest frame of the clip in which its actor shows it, of "
        "two equally near the earlier one, and so have frames before an actor's first and after its last; a joint that "
        f"an actor never shows is at 0 ({'the middle of the image' if flat else 'after moving and turning'}); an actor "
        "who is never seen has present = False"
    )
    if recognizer.confidence:
        unseen += "; the confidence of a joint that is not seen is 0"
    return {
        "actions": json.dumps(recognizer.actions.tolist()),
        "joints": json.dumps(layout.joints),
        "bones": json.dumps(layout.bones),
        "centre": json.dumps(layout.centre),
        "channels": json.dumps([*"xyz"[: layout.dims], *(["confidence"] if recognizer.confidence else [])]),
        "layout": layout.name,
        "confidence": json.dumps(recognizer.confidence),
        "input": recognizer.view.model_dump_json(),
        "samplings": json.dumps(recognizer.samplings),
        "origin": json.dumps(origin),
        "position": position,
        "unseen": unseen,
        "order": (
            "fill in what is not seen, move or scale, turn to the body (input.rotate_to_body), sample frames "
            "(input.sampling, input.test_crop), turn into the stream (input.stream), score; average the probabilities "
            "of several samplings"
        ),
    }
