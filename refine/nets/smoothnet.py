"""SmoothNet (Zeng et al., ECCV 2022): a network that sees nothing but time."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ENCODER_SLOPE = 0.1
BLOCK_SLOPE = 0.2

MOST_FRAMES = 10_000
MOST_UNITS = 65_536
MOST_BLOCKS = 1000
"""Sizes that no SmoothNet comes near: the release has windows of 64 frames, 512 units and 5 blocks."""


class ResidualBlock(nn.Module):
    """x + act(linear2(act(linear1(x)))), with dropout before each activation.

    Parameters
    ----------
    hidden
        Width of input and output.
    res_hidden
        Width between the two layers.
    dropout
        Share of units dropped in training.
    """

    def __init__(self, hidden: int, res_hidden: int, dropout: float) -> None:
        super().__init__()
        self.linear1 = nn.Linear(hidden, res_hidden)
        self.linear2 = nn.Linear(res_hidden, hidden)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., hidden] to [..., hidden]."""
        # In place: the derivative needs no more than the sign, which the result keeps.
        y = F.leaky_relu_(self._drop(self.linear1(x)), BLOCK_SLOPE)
        return x + F.leaky_relu_(self._drop(self.linear2(y)), BLOCK_SLOPE)

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout) if self.training and self.dropout else x


class SmoothNet(nn.Module):
    """The basic net of the paper, with the parameter names of the released checkpoints.

    One set of weights serves every joint and every coordinate: linear layers act on the frames of a window alone,

        y = decoder(block_n(... block_1(leaky_relu(encoder(x)))))

    and nothing leads from the input to the output past the encoder.

    Parameters
    ----------
    window
        Frames per window, W.
    hidden
        Width of the encoder's output.
    res_hidden
        Width inside the residual blocks.
    blocks
        How many residual blocks.
    dropout
        Share of units dropped in training, inside the blocks only.
    """

    def __init__(self, window: int, hidden: int = 512, res_hidden: int = 16, blocks: int = 1, dropout: float = 0.5):
        super().__init__()
        self.window = window
        self.encoder = nn.Sequential(nn.Linear(window, hidden), nn.LeakyReLU(ENCODER_SLOPE, inplace=True))
        self.res_blocks = nn.ModuleList(ResidualBlock(hidden, res_hidden, dropout) for _ in range(blocks))
        self.decoder = nn.Linear(hidden, window)

    @property
    def blocks(self) -> list[ResidualBlock]:
        """The residual blocks, first to last."""
        return [block for block in self.res_blocks if isinstance(block, ResidualBlock)]

    @property
    def input_layer(self) -> nn.Linear:
        """The encoder's linear layer."""
        layer = self.encoder[0]
        assert isinstance(layer, nn.Linear)
        return layer

    def forward(self, x: Tensor) -> Tensor:
        """Map windows [..., W], such as [N, C, W], to refined windows of the same shape."""
        x = self.encoder(x)
        for block in self.res_blocks:
            x = block(x)
        return self.decoder(x)


class MotionAwareSmoothNet(nn.Module):
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
        self.window = window
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
        velocity = x.diff()
        return self.fusion(
            torch.cat([self.position(x), self.velocity(velocity), self.acceleration(velocity.diff())], dim=-1)
        )


Net = SmoothNet | MotionAwareSmoothNet
Kind = Literal["basic", "motion_aware"]


def new_net(
    kind: Kind, window: int, hidden: int = 512, res_hidden: int = 16, blocks: int = 1, dropout: float = 0.5
) -> Net:
    """Make a net with fresh weights; see `SmoothNet` for the sizes."""
    net = SmoothNet if kind == "basic" else MotionAwareSmoothNet
    return net(window, hidden, res_hidden, blocks, dropout)


def kind_of(net: Net) -> Kind:
    """Say which of the two nets this is."""
    return "basic" if isinstance(net, SmoothNet) else "motion_aware"


CACHED_COLUMNS = 1024
"""Windows that go through all layers at a time on a CPU, so that what lies between the layers stays in its cache."""


class Scratch:
    """Room for the intermediate results of `refine_columns`, so that inference allocates nothing per batch.

    Parameters
    ----------
    net
        The network whose widths it is made for.
    columns
        The most windows that one call will bring.
    """

    def __init__(self, net: Net, columns: int) -> None:
        basic = net if isinstance(net, SmoothNet) else net.position
        like = basic.decoder.weight
        self.columns = min(columns, CACHED_COLUMNS) if like.device.type == "cpu" else columns
        widths = [block.linear1.out_features for block in basic.blocks]
        self.hidden = like.new_empty(self.columns, basic.decoder.in_features)
        self.wide = like.new_empty(self.columns, basic.decoder.in_features if widths else 0)
        self.narrow = like.new_empty(self.columns, max(widths, default=0))
        frames = 0 if isinstance(net, SmoothNet) else net.window
        # The differences of the windows, and what the branches make of them.
        self.differences = [like.new_empty(max(frames - order, 0), self.columns) for order in (1, 2)]
        self.joined = like.new_empty(max(3 * frames - 3, 0), self.columns)


@torch.inference_mode()
def refine_columns(net: Net, x: Tensor, out: Tensor, scratch: Scratch) -> Tensor:
    """Run the network on windows that lie in columns, without dropout and in place wherever possible.

    The same function as `net.eval()(x.T).T`. Frames come first because that is how sliding windows are cut and merged
    in contiguous runs, and the matrix products take either order at the same speed.

    Parameters
    ----------
    net
        The network.
    x
        [W, N].
    out
        [W, N]; receives the result and is returned.
    scratch
        Made for `net`.
    """
    refine = _refine_basic if isinstance(net, SmoothNet) else _refine_motion_aware
    for first in range(0, x.shape[1], scratch.columns):
        columns = slice(first, first + scratch.columns)
        refine(net, x[:, columns], out[:, columns], scratch)  # type: ignore[arg-type]
    return out


def _refine_basic(net: SmoothNet, x: Tensor, out: Tensor, scratch: Scratch) -> None:
    count = x.shape[1]
    hidden, wide, narrow = scratch.hidden[:count], scratch.wide[:count], scratch.narrow[:count]
    encoder = net.input_layer
    torch.addmm(encoder.bias, x.t(), encoder.weight.t(), out=hidden)
    F.leaky_relu_(hidden, ENCODER_SLOPE)
    for block in net.blocks:
        first, second = block.linear1, block.linear2
        torch.addmm(first.bias, hidden, first.weight.t(), out=narrow)
        F.leaky_relu_(narrow, BLOCK_SLOPE)
        torch.addmm(second.bias, narrow, second.weight.t(), out=wide)
        hidden += F.leaky_relu_(wide, BLOCK_SLOPE)
    torch.addmm(net.decoder.bias[:, None], net.decoder.weight, hidden.t(), out=out)


def _refine_motion_aware(net: MotionAwareSmoothNet, x: Tensor, out: Tensor, scratch: Scratch) -> None:
    velocity, acceleration = (buffer[:, : x.shape[1]] for buffer in scratch.differences)
    torch.sub(x[1:], x[:-1], out=velocity)
    torch.sub(velocity[1:], velocity[:-1], out=acceleration)
    joined = scratch.joined[:, : x.shape[1]]
    parts = joined.split([branch.window for branch in net.branches])
    for branch, frames, part in zip(net.branches, (x, velocity, acceleration), parts, strict=True):
        _refine_basic(branch, frames, part, scratch)
    torch.addmm(net.fusion.bias[:, None], net.fusion.weight, joined, out=out)
