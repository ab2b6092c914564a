"""The four views of a skeleton that recognisers are trained on and whose scores are added (2s-AGCN, CVPR 2019)."""

from functools import cache
from typing import Literal

import torch
from torch import Tensor

from data.skeletons.layouts import Layout

Stream = Literal["joint", "bone", "joint_motion", "bone_motion"]


def to_stream(x: Tensor, stream: Stream, layout: Layout, confidence: bool = False) -> Tensor:
    """Turn joint positions into the input of a stream.

    Parameters
    ----------
    x
        float [..., T, V, C], joint positions.
    stream
        `joint`: as they are. `bone`: each joint minus its parent, the centre 0. `joint_motion`, `bone_motion`: the same
        of the next frame minus that of this one; the last frame 0.
    layout
        The bones.
    confidence
        Whether the last channel is a confidence. That of a bone or of a motion is the mean of the two that it comes
        from (PYSKL); the centre keeps its own, and in motion streams the last frame has 0.

    Returns
    -------
    float [..., T, V, C]
    """
    if stream.startswith("bone"):
        joint, parent = _bones(layout, x.device)
        child, other = x.index_select(-2, joint), x.index_select(-2, parent)
        base = torch.zeros_like(x)
        if confidence:
            base[..., -1] = x[..., -1]
        x = base.index_copy(-2, joint, _difference(child, other, confidence))
    if stream.endswith("motion"):
        last = torch.zeros_like(x[..., :1, :, :])
        x = torch.cat([_difference(x[..., 1:, :, :], x[..., :-1, :, :], confidence), last], dim=-3)
    return x


def _difference(x: Tensor, other: Tensor, confidence: bool) -> Tensor:
    if not confidence:
        return x - other
    return torch.cat([x[..., :-1] - other[..., :-1], (x[..., -1:] + other[..., -1:]) / 2], dim=-1)


@cache
def _bones(layout: Layout, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the bones on a device; once, since the copy waits for the accelerator."""
    with torch.inference_mode(False):
        joint, parent = torch.tensor(layout.bones, device=device).T
        return joint, parent
