"""SmoothNet (Zeng et al., ECCV 2022): a network that sees nothing but time."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from refine.nets.backward import BLOCK_SLOPE, ENCODER_SLOPE, BasicPass
from refine.nets.half import HalfInPlace
from refine.nets.registry import NETS, ModelSection, Net, NetKind


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


class SmoothNet(Net):
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
        self.kind, self.window = "basic", window
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


class InPlace:
    """A basic net on windows in columns, with room for what lies between its layers.

    Parameters
    ----------
    net
        The network.
    columns
        The most windows of a call.
    """

    def __init__(self, net: SmoothNet, columns: int) -> None:
        self._encoder, self._decoder = _layer(net.input_layer), _layer(net.decoder)
        self._blocks = [(_layer(block.linear1), _layer(block.linear2)) for block in net.blocks]
        like = net.decoder.weight
        widths = [len(weight) for (_, weight), _ in self._blocks]
        self._hidden = like.new_empty(net.decoder.in_features, columns)
        self._wide = like.new_empty(net.decoder.in_features if widths else 0, columns)
        self._narrow = like.new_empty(max(widths, default=0), columns)

    def __call__(self, x: Tensor, out: Tensor) -> None:
        """Refine [W, n] into `out`."""
        count = x.shape[1]
        hidden, wide, narrow = (buffer[:, :count] for buffer in (self._hidden, self._wide, self._narrow))
        F.leaky_relu_(torch.addmm(*self._encoder, x, out=hidden), ENCODER_SLOPE)
        for first, second in self._blocks:
            F.leaky_relu_(torch.addmm(*first, hidden, out=narrow), BLOCK_SLOPE)
            hidden += F.leaky_relu_(torch.addmm(*second, narrow, out=wide), BLOCK_SLOPE)
        torch.addmm(*self._decoder, hidden, out=out)


def _layer(layer: nn.Linear) -> tuple[Tensor, Tensor]:
    """Return a layer's bias, as a column, and its weights: what the product with columns needs before them."""
    return layer.bias.detach()[:, None], layer.weight.detach()


def still_by(last: nn.Linear, net: Net) -> Net:
    """Let a network that ends in a linear layer answer rest with rest, by that layer's bias."""
    last.bias.sub_(net(last.bias.new_zeros(1, net.window))[0])
    return net


def sizes_below(shapes: Mapping[str, tuple[int, ...]], prefix: str) -> dict[str, int] | None:
    """Read the sizes of a basic net from its tensors' shapes; None where there is none below these names."""
    encoder = shapes.get(f"{prefix}encoder.0.weight", ())
    blocks = sum(name.startswith(f"{prefix}res_blocks.") and name.endswith(".linear1.weight") for name in shapes)
    narrow = shapes.get(f"{prefix}res_blocks.0.linear1.weight", ()) if blocks else (1,)
    if len(encoder) != 2 or not narrow:
        return None
    return {"window": encoder[1], "hidden": encoder[0], "res_hidden": narrow[0], "blocks": blocks}


def _build(section: ModelSection) -> SmoothNet:
    return SmoothNet(section.window, section.hidden, section.res_hidden, section.blocks, section.dropout)


NETS.add(
    "basic",
    NetKind(
        _build,
        sizes=lambda shapes: sizes_below(shapes, ""),
        in_place=InPlace,
        in_half=HalfInPlace,
        gradients=BasicPass,
        at_rest=lambda net: still_by(net.decoder, net),
    ),
)
