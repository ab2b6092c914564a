"""Message passing as PyTorch Geometric has it; apart from the networks, for that library takes a second to import."""

from torch import Tensor
from torch_geometric.nn import MessagePassing


class WeighedSum(MessagePassing):
    r"""Sum over the edges that reach a node of what they carry.

    .. math::
        y_w = \sum_{(v, w)} a_{vw} \, x_v

    Shapes
    ------
    x [V, C], edge_index int64 [2, E], weight [E] -> [receivers, C]
    """

    def __init__(self) -> None:
        super().__init__(aggr="add", node_dim=0)

    def forward(self, x: Tensor, edge_index: Tensor, weight: Tensor, receivers: int) -> Tensor:
        """Send x along the edges; see the class for shapes."""
        received: Tensor = self.propagate(edge_index, x=(x, None), weight=weight, size=(len(x), receivers))
        return received

    def message(self, x_j: Tensor, weight: Tensor) -> Tensor:
        """Weigh what the edges carry, [E, C]."""
        return x_j * weight.unsqueeze(-1)
