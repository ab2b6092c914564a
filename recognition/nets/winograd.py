r"""Convolutions over frames in two fifths of the products, by Winograd's minimal filtering.

Five outputs :math:`y` of a filter of five taps :math:`w` come from nine products instead of 25,

.. math::
    y = A^T \, [(G w) \odot (B^T d)]

with nine inputs :math:`d` (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, equation 9,
after Winograd, "Arithmetic Complexity of Computations", SIAM 1980). :math:`A` and :math:`G` evaluate polynomials of
five coefficients at nine points, and :math:`B` is the inverse of evaluating one of nine. The points lie at equal angles
on the projective line, where rounding is amplified least.

More taps are several groups of five. Those of a filter of stride 1 are a tile of five outputs apart, so that they share
what :math:`B` makes of the inputs; those of stride 2 are the taps on even and on odd frames. In either case they are
added up, over channels too, before :math:`A` is applied: what is left are nine small convolutions over tiles, and for
nine taps 18 products for five outputs instead of 45. The gradients are the same steps transposed.

In float32 errors are some 1e-6 of the result, and 1e-7 without; in bfloat16 they would be seven times as large as
without, and its products are too fast to be worth saving: this is for float32.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

TILE = 5
"""Outputs of a tile, and taps of a group."""

POINTS = 2 * TILE - 1
"""Points, and inputs of a tile."""

ROWS = 8
"""Actors that go through all steps together: what lies between the steps then stays in the processor's cache."""


def _powers(size: int) -> Tensor:
    """Return the values of the monomials of so many coefficients at the points, float64 [POINTS, size]."""
    angle = math.pi * (0.25 + torch.arange(POINTS, dtype=torch.float64).unsqueeze(1) / POINTS)  # the first is at 1
    power = torch.arange(size)
    return torch.cos(angle) ** (size - 1 - power) * torch.sin(angle) ** power


EVALUATE = _powers(TILE)
INTERPOLATE = torch.linalg.inv(_powers(POINTS)).T


class TiledConv(torch.autograd.Function):
    """A convolution over frames with zeros before and after, computed as the module says.

    Shapes
    ------
    x [A, T, V, C], weight [O, C, taps, 1], bias [O] -> [A, T / stride, V, O]; contiguous. T and `taps // 2` are
    multiples of the stride.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
        """Convolve."""
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.biased = stride, bias is not None
        tiles = _Tiles.of(x, weight, stride)
        kernels = tiles.kernels(weight)
        y = x.new_empty(len(x), tiles.count * TILE, tiles.joints * len(weight))
        constant = None if bias is None else bias / EVALUATE[0, 0].to(bias.dtype)  # at 1 every output has the same
        for some, into in zip(x.split(ROWS), y.split(ROWS), strict=True):
            products = x.new_empty(POINTS, len(some), tiles.count, tiles.joints, len(weight))
            for point, image in enumerate(tiles.images(some)):
                product = F.conv2d(image, kernels[point], None if point else constant, (stride, 1))
                products[point] = product.permute(0, 2, 3, 1)
            _mix(EVALUATE.T, products.flatten(1, 2).flatten(2), into.view(-1, TILE, y.shape[2]))
        return y[:, tiles.early : tiles.early + tiles.outputs].unflatten(2, (tiles.joints, -1)).contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None, None]:
        """Return the gradients of x, of the weight and of the bias."""
        x, weight = ctx.saved_tensors
        stride: int = ctx.stride
        tiles = _Tiles.of(x, weight, stride)
        kernels = tiles.kernels(weight)
        gradient = gradient.contiguous()
        for_kernels = x.new_zeros(POINTS, len(weight), kernels.shape[3] * weight.shape[1])
        for_x = torch.empty_like(x) if ctx.needs_input_grad[0] else None
        for start in range(0, len(x), ROWS):
            some = slice(start, start + ROWS)
            into = for_x[some] if for_x is not None else None
            for_images = []
            images, products = tiles.images(x[some]), tiles.products(gradient[some])
            for image, kernel, product, total in zip(images, kernels, products, for_kernels, strict=True):
                rows = product.permute(0, 2, 3, 1).flatten(0, 2)
                seen = image.permute(0, 2, 3, 1).unfold(1, kernel.shape[2], stride)
                total.addmm_(rows.T, seen.transpose(3, 4).reshape(len(rows), -1))
                if into is not None:
                    for_images.append(_gradient_of_input(product, image, kernel, stride))
            if into is not None:
                tiles.scatter(for_images, into)
        return for_x, tiles.weight(for_kernels), gradient.sum((0, 1, 2)) if ctx.biased else None, None


def _gradient_of_input(gradient: Tensor, x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    result: tuple[Tensor, None, None] = torch.ops.aten.convolution_backward(
        gradient, x, kernel, None, [stride, 1], [0, 0], [1, 1], False, [0, 0], 1, [True, False, False]
    )
    return result[0]


def _mix(matrix: Tensor, given: Tensor, into: Tensor | None = None) -> Tensor:
    """Multiply a matrix [I, J] by each tile of given [J, N, W] into [N, I, W]."""
    return torch.bmm(matrix.to(given.dtype).expand(given.shape[1], -1, -1), given.transpose(0, 1), out=into)


def _cut(matrix: Tensor, frames: Tensor, zeros: int) -> list[Tensor]:
    """Multiply each row of a matrix [I, J] by every tile of J frames, tiles being `TILE` apart.

    This is a convolution of each channel by itself, which needs no copy that has the zeros and no overlapping tiles.

    Parameters
    ----------
    matrix
        The matrix.
    frames
        [A, T, W, C].
    zeros
        So many frames of value 0 are before and after them.

    Returns
    -------
    I times [A, C, tiles, W], channels last
    """
    channels = frames.shape[3]
    kernels = matrix.to(frames.dtype)[:, None, None, :, None].expand(-1, channels, -1, -1, -1)
    image = frames.permute(0, 3, 1, 2)
    return [F.conv2d(image, kernel, None, (TILE, 1), (zeros, 0), groups=channels) for kernel in kernels]


@dataclass(frozen=True)
class _Tiles:
    """How frames [A, T, V, C] are cut into tiles. With stride 2, an even and an odd frame are one of 2 V joints."""

    outputs: int
    joints: int
    taps: int
    stride: int

    @classmethod
    def of(cls, x: Tensor, weight: Tensor, stride: int) -> "_Tiles":
        """Return the tiles of a convolution."""
        return cls(x.shape[1] // stride, x.shape[2], weight.shape[2], stride)

    @property
    def count(self) -> int:
        """Tiles of outputs."""
        return -(-self.outputs // TILE)

    @property
    def early(self) -> int:
        """Outputs of the first tile that lie before the first frame."""
        return (self.count * TILE - self.outputs + 1) // 2

    @property
    def groups(self) -> int:
        """Groups of taps that are tiles apart."""
        return -(-self.taps // (self.stride * TILE))

    @property
    def lacking(self) -> int:
        """Taps of value 0 before the first that make the groups whole, on even and on odd frames where stride is 2."""
        return self.groups * TILE - -(-self.taps // self.stride)

    @property
    def zeros(self) -> int:
        """Frames of the first tile that lie before the first frame."""
        return self.early + self.lacking + self.taps // 2 // self.stride

    def images(self, x: Tensor) -> list[Tensor]:
        """Return what the nine convolutions see of x: each [A, C, tiles (even and odd), V], channels last."""
        paired = x.view(len(x), self.outputs, -1, x.shape[3])
        cut = _cut(INTERPOLATE, paired, self.zeros)
        return [one.permute(0, 2, 3, 1).reshape(len(x), -1, *x.shape[2:]).permute(0, 3, 1, 2) for one in cut]

    def scatter(self, images: list[Tensor], into: Tensor) -> None:
        """Write the gradient of x that the gradients of `images(x)` give."""
        actors, count = len(into), self.count + self.groups - 1
        given = torch.stack([image.permute(0, 2, 3, 1) for image in images]).view(POINTS, actors * count, -1)
        first, second = (
            _mix(rows, given).unflatten(0, (actors, count)) for rows in INTERPOLATE.T.split((TILE, POINTS - TILE))
        )
        first[:, 1:, :-1] += second[:, :-1]  # a tile's last inputs are the first of the next
        frames = first.flatten(1, 2)[:, self.zeros :][:, : self.outputs]
        into = into.view(actors, self.outputs, -1)
        into[:, : frames.shape[1]] = frames
        into[:, frames.shape[1] :] = second[:, -1, : self.outputs - frames.shape[1]]

    def products(self, gradient: Tensor) -> list[Tensor]:
        """Return the gradients of the nine convolutions' results: each [A, O, tiles, V], channels last."""
        return _cut(EVALUATE, gradient, self.early)

    def kernels(self, weight: Tensor) -> Tensor:
        """Return the kernels of the nine convolutions, [POINTS, O, C, groups * stride, 1]."""
        before, whole = self.lacking * self.stride, self.groups * TILE * self.stride
        taps = F.pad(weight.flatten(2), (before, whole - before - self.taps))
        taps = taps.unflatten(2, (self.groups, TILE, self.stride))
        return torch.einsum("pk,ocgks->pocgs", EVALUATE.to(weight.dtype), taps).flatten(3).unsqueeze(4).contiguous()

    def weight(self, kernels: Tensor) -> Tensor:
        """Return the gradient of the weight that the gradients of `kernels(weight)`, [POINTS, O, ... C], give."""
        taps = kernels.unflatten(2, (self.groups, self.stride, -1))
        taps = torch.einsum("pk,pogsc->ocgks", EVALUATE.to(kernels.dtype), taps).flatten(2)
        before = self.lacking * self.stride
        return taps[:, :, before : before + self.taps].unsqueeze(3).contiguous()
