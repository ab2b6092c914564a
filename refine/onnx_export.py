"""`python run.py export-onnx` of a refiner: `steady` as a whole, or a SmoothNet, for other programs; checked."""

import json
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from base.errors import InputError
from base.files import atomic_file
from base.replacing import check_output
from refine.nets.registry import at_rest
from refine.refiner import Refiner, load_refiner
from refine.shipped.registry import shipped_name
from refine.steady.graph import LEAST_JOINTS, Graph, least_frames
from refine.steady.net import Networks
from refine.steady.smoother import measure, refine_sequence, shipped
from training.checkpoints import checkpoint_file, load_checkpoint

STEADY = "steady"

FPS = 30.0
"""Of the graph of `steady`."""

TOLERANCE = 1e-4
"""How far the exported graph may be from Python, body sizes."""

OPSET = 17


class Windows(nn.Module):
    """A SmoothNet as `refine.refiner.refine_poses` uses it on each window.

    Shapes
    ------
    windows float32 [N, C, W], each coordinate of each joint a row -> refined float32 [N, C, W]
    """

    def __init__(self, refiner: Refiner) -> None:
        super().__init__()
        self.net = at_rest(refiner.net)

    def forward(self, windows: Tensor) -> Tensor:
        """Take every row's mean out, refine, and put it back."""
        mean = windows.mean(-1, keepdim=True)
        return torch.as_tensor(self.net(windows - mean) + mean)


def is_refiner(model: Path) -> bool:
    """Say whether this names a refiner: `steady`, or anything but a recogniser's checkpoint.

    Raises
    ------
    InputError
        There is no such checkpoint, or it is another refiner that is shipped.
    """
    name = shipped_name(model)
    if name not in (None, STEADY):
        raise InputError(f"--model: {name} is not written as ONNX yet; give {STEADY}, or a run of refine or recognize")
    return name == STEADY or "actions" not in load_checkpoint(checkpoint_file(model))


def export(model: Path, output: Path) -> float:
    """Export `steady`, or the refiner of a run.

    Parameters
    ----------
    model
        `steady`, or a run of `python run.py refine`, its `best.pt`, or a released checkpoint.
    output
        The `.onnx` file.

    Returns
    -------
    float
        The largest difference from Python on random sequences: of body sizes for `steady`, of the input's unit for a
        SmoothNet.

    Raises
    ------
    InputError
        The output is not named `.onnx`, onnx or onnxruntime are not installed, there is no such refiner, or the
        exported graph computes something else.
    """
    if output.suffix != ".onnx":
        raise InputError(f"--output: found {output}, expected a name that ends in .onnx")
    if str(model) == STEADY:
        return export_steady(shipped(), output)
    check_output(output, [model])
    return export_windows(load_refiner(model), output)


def export_steady(networks: Networks, output: Path, fps: float = FPS) -> float:
    """Write `steady` as one graph for sequences of `fps` frames a second; see `refine.steady.graph.Graph`."""
    graph = Graph(networks, fps).eval()
    sizes = ((least_frames(fps), LEAST_JOINTS, 3), (40, 17, 2), (300, 12, 3))
    about = {
        "input": "poses float32 [1, frames, joints, 2 or 3], any unit, NaN where nothing is known; confidence float32 "
        "[1, frames, joints], 0 to 1, 0 for what is missing",
        "output": "refined float32, as poses; values where something was missing, too",
        "fps": json.dumps(fps),
        "least frames": json.dumps(least_frames(fps)),
        "least joints": json.dumps(LEAST_JOINTS),
    }

    def gap(run: Callable[..., np.ndarray]) -> float:
        worst = 0.0
        for number, size in enumerate(sizes):
            poses, confidence = _sequence(number, *size)
            expected = refine_sequence(networks, poses.astype(np.float64), fps, confidence)
            found = run(poses=poses[None], confidence=confidence[None])[0]
            body = measure(poses, confidence).size
            worst = max(worst, float(np.abs(found - expected).max()) / body)
        return worst

    free = {1: "frames", 2: "joints", 3: "dims"}
    axes = {"poses": free, "confidence": {1: "frames", 2: "joints"}, "refined": free}
    example = tuple(torch.from_numpy(one)[None] for one in _sequence(9, 70, 19, 3))
    return _write(graph, example, ("poses", "confidence"), axes, about, gap, output)


def export_windows(refiner: Refiner, output: Path) -> float:
    """Write a SmoothNet as a graph of windows; what is done around it is told in the file's metadata."""
    windows = Windows(refiner).eval()
    about = {
        "refiner": json.dumps(refiner.describe()),
        "input": f"windows float32 [windows, joints x dims, {refiner.window} frames]"
        + (
            ", in body sizes (the median distance of joints from their median)"
            if refiner.normalise.scale == "body"
            else ""
        ),
        "output": "refined float32, as windows",
        "order": "take travel out, turn into the body's axes, divide by the body's size, cut a window at every frame, "
        "refine, average what overlaps, and all the way back; docs/refining.md",
    }

    def gap(run: Callable[..., np.ndarray]) -> float:
        worst = 0.0
        for count, columns in ((1, 1), (5, 51)):
            given = np.random.default_rng(count).normal(size=(count, columns, refiner.window)).astype(np.float32)
            with torch.inference_mode():
                expected = windows(torch.from_numpy(given)).numpy()
            worst = max(worst, float(np.abs(run(windows=given) - expected).max()))
        return worst

    axes = {"windows": {0: "windows", 1: "columns"}, "refined": {0: "windows", 1: "columns"}}
    example = (torch.randn(2, 6, refiner.window),)
    return _write(windows, example, ("windows",), axes, about, gap, output)


def _sequence(seed: int, frames: int, joints: int, dims: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random poses of which some are missing, and confidences."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(frames)[:, None, None] / FPS
    swing = 0.2 * np.sin(seconds * rng.uniform(1, 9, (1, joints, dims)))
    poses = rng.normal(0, 0.4, (1, joints, dims)) + swing + 0.5 * seconds + rng.normal(0, 0.02, (frames, joints, dims))
    poses[rng.random((frames, joints)) < 0.1] = np.nan
    poses[: frames // 2, 1] = np.nan
    if joints > LEAST_JOINTS:
        poses[:, 3] = np.nan
    return poses.astype(np.float32), rng.uniform(0.2, 1, (frames, joints)).astype(np.float32)


def _write(
    module: nn.Module,
    example: tuple[Tensor, ...],
    inputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]],
    about: Mapping[str, str],
    gap: Callable[[Callable[..., np.ndarray]], float],
    output: Path,
) -> float:
    """Export a module, compare what it computes in onnxruntime, and write it if that is the same."""
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise InputError(
            f"exporting needs {error.name}; install it with pip install 'steady-skeletons[onnx]'"
        ) from error
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        path = Path(folder) / "model.onnx"
        # The tracing exporter: the other one takes a minute for a graph of this many small steps.
        torch.onnx.export(
            module,
            example,
            str(path),
            input_names=list(inputs),
            output_names=["refined"],
            dynamic_axes={name: dict(free) for name, free in axes.items()},
            opset_version=OPSET,
            do_constant_folding=False,
            dynamo=False,
        )
        model = onnx.load(path)
    onnx.helper.set_model_props(model, dict(about))
    onnx.checker.check_model(model)
    text = model.SerializeToString()
    session = onnxruntime.InferenceSession(text, providers=["CPUExecutionProvider"])

    def run(**given: Any) -> np.ndarray:
        return np.asarray(session.run(["refined"], given)[0])

    found = gap(run)
    if not found <= TOLERANCE:
        raise InputError(f"{output}: the exported graph is off by {found:.1g}; nothing is written")
    with atomic_file(output) as temporary:
        temporary.write_bytes(text)
    return found
