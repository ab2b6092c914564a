"""SmoothNet (Zeng et al., ECCV 2022): a network that sees nothing but time."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ENCODER_SLOPE = 0.1
BLOCK_SLOPE = 0.2


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

    def forward(self, x: Tensor) -> Tensor:
        """Map windows [..., W], such as [N, C, W], to refined windows of the same shape."""
        x = self.encoder(x)
        for block in self.res_blocks:
            x = block(x)
        return self.decoder(x)


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

    def __init__(self, net: SmoothNet, columns: int) -> None:
        like = net.decoder.weight
        self.columns = min(columns, CACHED_COLUMNS) if like.device.type == "cpu" else columns
        widths = [block.linear1.out_features for block in net.blocks]
        self.hidden = like.new_empty(self.columns, net.decoder.in_features)
        self.wide = like.new_empty(self.columns, net.decoder.in_features if widths else 0)
        self.narrow = like.new_empty(self.columns, max(widths, default=0))


@torch.inference_mode()
def refine_columns(net: SmoothNet, x: Tensor, out: Tensor, scratch: Scratch) -> Tensor:
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
    for first in range(0, x.shape[1], scratch.columns):
        columns = slice(first, first + scratch.columns)
        _refine_cached(net, x[:, columns], out[:, columns], scratch)
    return out


def _refine_cached(net: SmoothNet, x: Tensor, out: Tensor, scratch: Scratch) -> None:
    count = x.shape[1]
    hidden, wide, narrow = scratch.hidden[:count], scratch.wide[:count], scratch.narrow[:count]
    encoder = net.encoder.get_submodule("0")
    assert isinstance(encoder, nn.Linear)
    torch.addmm(encoder.bias, x.t(), encoder.weight.t(), out=hidden)
    F.leaky_relu_(hidden, ENCODER_SLOPE)
    for block in net.blocks:
        first, second = block.linear1, block.linear2
        torch.addmm(first.bias, hidden, first.weight.t(), out=narrow)
        F.leaky_relu_(narrow, BLOCK_SLOPE)
        torch.addmm(second.bias, narrow, second.weight.t(), out=wide)
        hidden += F.leaky_relu_(wide, BLOCK_SLOPE)
    torch.addmm(net.decoder.bias[:, None], net.decoder.weight, hidden.t(), out=out)
