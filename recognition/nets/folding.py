"""Networks for inference: convolutions that have taken over the batch normalisation after them."""

import copy
from functools import singledispatch

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_eval

from recognition.nets.multi_branch import MultiBranchTemporalConv
from recognition.nets.stgcn import STGCN, Block


@singledispatch
def fold(model: nn.Module) -> nn.Module:
    """Return a network for inference that gives the same scores, quicker if its kind knows how to; else itself.

    Another kind of network adds its own way by `fold.register`.
    """
    return model


@fold.register
def fold_stgcn(model: STGCN) -> STGCN:
    """Return a copy for inference in which convolutions have taken over the batch normalisations that follow them.

    It gives the same scores up to rounding, in evaluation mode only; it cannot be trained. The normalisation of the
    input stays, and of the multi-branch module the one that follows several branches.

    Parameters
    ----------
    model
        The network, in evaluation mode; it is left as it is. One that is folded already is given back.

    Raises
    ------
    ValueError
        The network is in training mode: its statistics are still changing.
    """
    if model.training:
        raise ValueError("only a network in evaluation mode can be folded; call eval() first")
    if model.folded:
        return model
    model = copy.deepcopy(model).requires_grad_(False)
    model.folded = True
    for block in model.blocks:
        assert isinstance(block, Block)
        _fold_spatial(block)
        after = block.temporal_norm
        assert isinstance(after, BatchNorm)
        if isinstance(block.temporal, MultiBranchTemporalConv):
            block.temporal.merge = fuse_conv_bn_eval(block.temporal.merge, after)
            for branch in block.temporal.branches:
                if isinstance(branch, nn.Sequential):
                    _fold_pair(branch)
        else:
            assert isinstance(block.temporal, nn.Conv2d)
            block.temporal = fuse_conv_bn_eval(block.temporal, after)
        block.temporal_norm = nn.Identity()
        for residual in (block.residual, block.spatial_residual):
            if isinstance(residual, nn.Sequential):
                _fold_pair(residual)
    return model


def _fold_pair(pair: nn.Sequential) -> None:
    """Fold the batch normalisation in second place into the convolution in first place."""
    assert isinstance(pair[0], nn.Conv2d)
    assert isinstance(pair[1], BatchNorm)
    pair[0], pair[1] = fuse_conv_bn_eval(pair[0], pair[1]), nn.Identity()


def _fold_spatial(block: Block) -> None:
    """Fold the batch normalisation into the spatial convolution and its bias per joint."""
    norm = block.spatial_norm
    assert isinstance(norm, BatchNorm)
    assert norm.running_var is not None
    assert norm.running_mean is not None
    with torch.no_grad():
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        block.spatial.weight.mul_(scale)
        block.spatial.shift = norm.bias - norm.running_mean * scale + block.spatial.joint_bias() * scale
    block.spatial_norm = nn.Identity()
