import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from recognition.nets.winograd import EVALUATE, INTERPOLATE, ROWS, TILE, TiledConv


def direct(x, weight, bias, stride):
    """PyTorch's own convolution of x [A, T, V, C]."""
    y = F.conv2d(x.permute(0, 3, 1, 2), weight, bias, (stride, 1), (weight.shape[2] // 2, 0))
    return y.permute(0, 2, 3, 1)


def example(frames, taps=9, actors=2, channels=3, out=4, dtype=torch.float64):
    generator = torch.Generator().manual_seed(frames + taps)
    shapes = ((actors, frames, 2, channels), (out, channels, taps, 1), (out,))
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes]


def test_points_multiply_polynomials():
    one, other = np.array([3.0, -1, 4, 1, -5]), np.array([2.0, 7, -1, 8, 2])
    evaluate, interpolate = EVALUATE.numpy(), INTERPOLATE.numpy()
    np.testing.assert_allclose(
        interpolate.T @ (evaluate @ one * (evaluate @ other)), np.convolve(one, other), atol=1e-11
    )


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("frames", [2, 20, 22, 24, 26, 28])
def test_output_and_gradients_are_those_of_conv2d(frames, stride):
    given = example(frames)
    y, expected = TiledConv.apply(*given, stride), direct(*given, stride)
    assert_close(y, expected)
    assert y.is_contiguous()
    gradient = torch.randn_like(expected)
    assert_close(torch.autograd.grad(y, given, gradient), torch.autograd.grad(expected, given, gradient))


@pytest.mark.parametrize("taps", [1, 3, 5, 7, 11, 21])
def test_other_numbers_of_taps(taps):
    given = example(15, taps)
    assert_close(TiledConv.apply(*given, 1), direct(*given, 1))


def test_more_actors_than_go_together():
    given = example(10, actors=2 * ROWS + 1)
    y, expected = TiledConv.apply(*given, 1), direct(*given, 1)
    assert_close(y, expected)
    assert_close(torch.autograd.grad(y.sum(), given), torch.autograd.grad(expected.sum(), given))


@pytest.mark.parametrize("stride", [1, 2])
def test_gradients_are_the_differences(stride):
    given = example(TILE + 1, actors=1, channels=1, out=2)
    assert torch.autograd.gradcheck(lambda *given: TiledConv.apply(*given, stride), given)


def test_without_bias_and_for_an_input_that_needs_no_gradient():
    x, weight, _ = example(12)
    x = x.detach()
    y, expected = TiledConv.apply(x, weight, None, 1), direct(x, weight, None, 1)
    assert_close(y, expected)
    assert_close(torch.autograd.grad(y.sum(), weight), torch.autograd.grad(expected.sum(), weight))


@pytest.mark.parametrize("stride", [1, 2])
def test_float32_is_exact_to_five_digits(stride):
    given = example(50, channels=64, out=64, dtype=torch.float32)
    exact = [one.detach().double().requires_grad_() for one in given]
    y, expected = TiledConv.apply(*given, stride), direct(*exact, stride)
    gradient = torch.randn_like(y)
    results = (y, *torch.autograd.grad(y, given, gradient))
    for got, wanted in zip(results, (expected, *torch.autograd.grad(expected, exact, gradient.double())), strict=True):
        assert (got - wanted).norm() < 1e-5 * wanted.norm()
