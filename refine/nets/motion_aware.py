"""The motion-aware SmoothNet of the paper: it sees velocities and accelerations as well."""

from functools import partial

import torch
from torch import Tensor, nn

from refine.nets.backward import MotionAwarePass
from refine.nets.half import HalfInPlace
from refine.nets.registry import NETS, ModelSection, Net, NetKind
from refine.nets.smoothnet import InPlace, SmoothNet, sizes_below, still_by


class MotionAwareSmoothNet(Net):
    """The motion-aware net of the paper (section 3.3): basic nets over position, velocity and acceleration, fused.

    With the first difference v of a window x, and its second difference a,

        y = fusion([position(x), velocity(v), acceleration(a)])

    where the branches are basic nets over W, W - 1 and W - 2 frames, and the last layer is linear, from 3W - 3 to W.

    Parameters
    ----------
    window, hidden, res_hidden, blocks, dropout
        See `SmoothNet`; every branch has these sizes.
    """

    def __init__(self, window: int, hidden: int = 512, res_hidden: int = 16, blocks: int = 1, dropout: float = 0.5):
        super().__init__()
        self.kind, self.window = "motion_aware", window
        self.position = SmoothNet(window, hidden, res_hidden, blocks, dropout)
        self.velocity = SmoothNet(window - 1, hidden, res_hidden, blocks, dropout)
        self.acceleration = SmoothNet(window - 2, hidden, res_hidden, blocks, dropout)
        self.fusion = nn.Linear(3 * window - 3, window)

    @property
    def branches(self) -> tuple[SmoothNet, SmoothNet, SmoothNet]:
        """The basic nets, over W, W - 1 and W - 2 frames."""
        return self.position, self.velocity, self.acceleration

    def forward(self, x: Tensor) -> Tensor:
        """Map windows [..., W], such as [N, C, W], to refined windows of the same shape."""
        velocity = _change(x)
        return self.fusion(
            torch.cat([self.position(x), self.velocity(velocity), self.acceleration(_change(velocity))], dim=-1)
        )


def _change(x: Tensor) -> Tensor:
    """Return differences of neighbours; ONNX has no `diff`."""
    return x[..., 1:] - x[..., :-1]


class MotionAwareInPlace:
    """A motion-aware net on windows in columns, see `refine.nets.smoothnet.InPlace`.

    Parameters
    ----------
    net
        The network.
    columns
        The most windows of a call.
    branch
        What runs each branch.
    """

    def __init__(
        self,
        net: MotionAwareSmoothNet,
        columns: int,
        branch: type[InPlace] | type[HalfInPlace] = InPlace,
    ) -> None:
        self.net = net
        like = net.fusion.weight
        self._branches = [branch(basic, columns) for basic in net.branches]
        # The differences of the windows, and what the branches make of them.
        self._differences = [like.new_empty(net.window - order, columns) for order in (1, 2)]
        self._joined = like.new_empty(3 * net.window - 3, columns)

    def __call__(self, x: Tensor, out: Tensor) -> None:
        """Refine [W, n] into `out`."""
        net = self.net
        velocity, acceleration = (buffer[:, : x.shape[1]] for buffer in self._differences)
        torch.sub(x[1:], x[:-1], out=velocity)
        torch.sub(velocity[1:], velocity[:-1], out=acceleration)
        joined = self._joined[:, : x.shape[1]]
        parts = joined.split([branch.window for branch in net.branches])
        for branch, frames, part in zip(self._branches, (x, velocity, acceleration), parts, strict=True):
            branch(frames, part)
        torch.addmm(net.fusion.bias[:, None], net.fusion.weight, joined, out=out)


def _build(section: ModelSection) -> MotionAwareSmoothNet:
    return MotionAwareSmoothNet(section.window, section.hidden, section.res_hidden, section.blocks, section.dropout)


def _check(section: ModelSection) -> None:
    if section.window < 3:
        raise ValueError(f"a motion-aware net over {section.window} frames; accelerations take 3 frames or more")


NETS.add(
    "motion_aware",
    NetKind(
        _build,
        _check,
        sizes=lambda shapes: sizes_below(shapes, "position."),
        in_place=MotionAwareInPlace,
        in_half=partial(MotionAwareInPlace, branch=HalfInPlace),
        gradients=MotionAwarePass,
        at_rest=lambda net: still_by(net.fusion, net),
    ),
)
