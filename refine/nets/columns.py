"""Networks on windows that lie in columns: frames come first, so that sliding windows are cut and merged in long runs.

The matrix products take either order at the same speed.
"""

from typing import Literal

import torch
from torch import Tensor

from refine.nets.registry import NETS, InPlace, Net

Precision = Literal["fp32", "bf16"]

CACHED_COLUMNS = 768
"""Windows that go through all layers at a time on a CPU, so that what lies between the layers stays in its cache."""


class Columns:
    """A network with room for its intermediate results, so that inference allocates nothing per batch.

    The same function as `net.eval()(x.T).T`, without dropout and in place wherever the kind knows how.

    Parameters
    ----------
    net
        The network.
    columns
        The most windows that one call will bring.
    precision
        What to compute in; `bf16` only for kinds that have a way to do so (`NetKind.in_half`).
    """

    def __init__(self, net: Net, columns: int, precision: Precision = "fp32") -> None:
        like = next(net.parameters())
        self.columns = min(columns, CACHED_COLUMNS) if like.device.type == "cpu" else columns
        own = None
        if net.kind in NETS:
            kind = NETS[net.kind]
            own = kind.in_half if precision == "bf16" else kind.in_place
        self._refine: InPlace = _calls(net) if own is None else own(net, self.columns)

    @torch.inference_mode()
    def __call__(self, x: Tensor, out: Tensor) -> Tensor:
        """Refine windows [W, N]; `out` [W, N] receives the result and is returned."""
        for first in range(0, x.shape[1], self.columns):
            columns = slice(first, first + self.columns)
            self._refine(x[:, columns], out[:, columns])
        return out


def _calls(net: Net) -> InPlace:
    def refine(x: Tensor, out: Tensor) -> None:
        training = net.training
        net.eval()
        try:
            out.copy_(net(x.t()).t())
        finally:
            net.train(training)

    return refine
