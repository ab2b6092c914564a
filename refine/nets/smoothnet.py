"""SmoothNet (Zeng et al., ECCV 2022): a network that sees nothing but time."""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from refine.nets.registry import NETS, ModelSection, Net, NetKind

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
        # In place: the derivatives need no more than the sign, and what was dropped, which the results keep. The scale
        # of what was kept may come after the activation, as leaky_relu(s x) = s leaky_relu(x) for s > 0.
        y, scale = self.linear1(x), 1.0
        if self.training and self.dropout:
            kept, scale = keep(y, self.dropout)
            y.mul_(kept.mul_(scale))
        y = self.linear2(F.leaky_relu_(y, BLOCK_SLOPE))
        if self.training and self.dropout:
            y.mul_(keep(y, self.dropout)[0])
        return torch.add(x, F.leaky_relu_(y, BLOCK_SLOPE), alpha=scale)


def keep(x: Tensor, share: float) -> tuple[Tensor, float]:
    """Draw which units to keep, and by what to scale them, for dropout by a random byte per unit.

    A share that is a multiple of 1/256, such as 0.25 or 0.5, takes a byte and is exact; any other takes two and is met
    to within 1/131072. The scale belongs to the share that is really dropped, so that the expectation is right in any
    case.

    Parameters
    ----------
    x
        The units.
    share
        Of units to drop.

    Returns
    -------
    kept
        0 or 1 for each unit, of the same type.
    scale
        By what to multiply those that are kept.
    """
    size = 1 if (share * 256).is_integer() else 2
    steps = 256**size
    dropped = min(round(share * steps), steps - 1)
    words = torch.empty(-(-x.numel() * size // 8), dtype=torch.int64, device=x.device).random_(-(2**63), None)
    numbers = words.view(torch.int8 if size == 1 else torch.int16)[: x.numel()].view(x.shape)
    return torch.ge(numbers, dropped - steps // 2, out=x.new_empty(x.shape)), steps / (steps - dropped)


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
        self.net = net
        like = net.decoder.weight
        widths = [block.linear1.out_features for block in net.blocks]
        self._hidden = like.new_empty(columns, net.decoder.in_features)
        self._wide = like.new_empty(columns, net.decoder.in_features if widths else 0)
        self._narrow = like.new_empty(columns, max(widths, default=0))

    def __call__(self, x: Tensor, out: Tensor) -> None:
        """Refine [W, n] into `out`."""
        net, count = self.net, x.shape[1]
        hidden, wide, narrow = self._hidden[:count], self._wide[:count], self._narrow[:count]
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
        at_rest=lambda net: still_by(net.decoder, net),
    ),
)
