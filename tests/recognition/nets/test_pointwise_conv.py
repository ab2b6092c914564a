import pytest
import torch
from torch import nn
from torch.testing import assert_close

from recognition.nets.pointwise_conv import StridedPointwiseConv


@pytest.mark.parametrize("frames", [7, 64])
@pytest.mark.parametrize("stride", [1, 2])
def test_it_is_the_strided_convolution_and_its_gradients(frames, stride):
    """With few channels, channels last: `nn.Conv2d` itself would end the process here, so products are the oracle."""
    torch.manual_seed(0)
    conv = StridedPointwiseConv(6, 12, stride)
    assert isinstance(conv, nn.Conv2d)
    x = torch.randn(13, frames, 25, 6, requires_grad=True)
    found = conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    expected = x[:, ::stride] @ conv.weight[:, :, 0, 0].T + conv.bias
    assert_close(found, expected, rtol=1e-4, atol=1e-5)
    weigh = torch.randn_like(expected)
    wanted = x, conv.weight, conv.bias
    gradients = [torch.autograd.grad((y * weigh).sum(), wanted) for y in (found, expected)]
    for one, other in zip(*gradients, strict=True):
        assert_close(one, other, rtol=1e-4, atol=1e-3)
