import pytest
import torch
from torch import nn
from torch.testing import assert_close

from recognition.nets.temporal_conv import TemporalConv


def pair(stride, bias=True):
    """The convolution and PyTorch's own with the same weights."""
    torch.manual_seed(0)
    ours = TemporalConv(6, 10, (9, 1), (stride, 1), (4, 0), bias=bias)
    plain = nn.Conv2d(6, 10, (9, 1), (stride, 1), (4, 0), bias=bias)
    plain.load_state_dict(ours.state_dict())
    return ours, plain


def channels_last(*shape):
    return torch.randn(*shape).contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_output_and_gradients_are_those_of_conv2d(stride, bias):
    ours, plain = pair(stride, bias)
    x = channels_last(3, 6, 21, 5)
    one, other = x.clone().requires_grad_(), x.clone().requires_grad_()
    y, expected = ours(one), plain(other)
    assert_close(y, expected)
    gradient = channels_last(*y.shape)
    y.backward(gradient)
    expected.backward(gradient)
    assert_close(one.grad, other.grad)
    for got, wanted in zip(ours.parameters(), plain.parameters(), strict=True):
        assert_close(got.grad, wanted.grad, rtol=1e-4, atol=1e-4)


def test_an_input_that_needs_no_gradient():
    ours, plain = pair(1)
    x = channels_last(2, 6, 12, 5)
    ours(x).square().sum().backward()
    plain(x).square().sum().backward()
    assert_close(ours.weight.grad, plain.weight.grad, rtol=1e-4, atol=1e-3)


def test_gradients_under_autocast():
    ours, plain = pair(1)
    x = channels_last(2, 6, 12, 5)
    with torch.autocast("cpu", torch.bfloat16):
        y, expected = ours(x), plain(x)
    assert y.dtype == torch.bfloat16
    y.float().sum().backward()
    expected.float().sum().backward()
    assert_close(ours.weight.grad, plain.weight.grad)


def test_a_second_derivative_is_refused():
    x = channels_last(1, 6, 12, 5).requires_grad_()
    (first,) = torch.autograd.grad(pair(1)[0](x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def in_tiles(y):
    nodes = (y.grad_fn, y.grad_fn.next_functions[0][0])
    return "TiledConvBackward" in [node.name() for node in nodes if node]


@pytest.mark.parametrize("stride", [1, 2])
def test_a_wide_one_over_many_frames_is_computed_in_tiles(stride):
    torch.manual_seed(0)
    ours = TemporalConv(64, 64, (9, 1), (stride, 1), (4, 0))
    x = channels_last(4, 64, 20 * stride, 2)
    y = ours(x)
    assert in_tiles(y)
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert_close(y, nn.functional.conv2d(x, ours.weight, ours.bias, (stride, 1), (4, 0)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "taps", "stride"),
    [
        ((4, 63, 20, 1), 9, 1),
        ((4, 64, 19, 1), 9, 1),
        ((3, 64, 20, 1), 9, 1),
        ((4, 64, 20, 1), 7, 1),
        ((4, 64, 41, 1), 9, 2),
        ((4, 64, 60, 1), 9, 3),
    ],
)
def test_others_are_not(shape, taps, stride):
    assert not in_tiles(TemporalConv(shape[1], 64, (taps, 1), (stride, 1), (taps // 2, 0))(channels_last(*shape)))


def test_nor_is_one_in_bfloat16():
    with torch.autocast("cpu", torch.bfloat16):
        assert not in_tiles(TemporalConv(64, 64, (9, 1), 1, (4, 0))(channels_last(4, 64, 20, 1)))
