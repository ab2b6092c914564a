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
