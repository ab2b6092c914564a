"""The four views of a skeleton that recognisers are trained on and whose scores are added (2s-AGCN, CVPR 2019)."""

from typing import Literal

import torch
from torch import Tensor

from data.ntu.layout import Layout

Stream = Literal["joint", "bone", "joint_motion", "bone_motion"]


def to_stream(x: Tensor, stream: Stream, layout: Layout) -> Tensor:
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

    Returns
    -------
    float [..., T, V, C]
    """
    if stream.startswith("bone"):
        joint, parent = torch.tensor(layout.bones, device=x.device).T
        x = torch.zeros_like(x).index_copy(-2, joint, x.index_select(-2, joint) - x.index_select(-2, parent))
    if stream.endswith("motion"):
        last = torch.zeros_like(x[..., :1, :, :])
        x = torch.cat([x[..., 1:, :, :] - x[..., :-1, :, :], last], dim=-3)
    return x
