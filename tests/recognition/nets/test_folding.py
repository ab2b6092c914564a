import copy

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from data.skeletons.layouts import NTU25
from recognition.nets.folding import fold
from recognition.nets.graph import skeleton_graph
from recognition.nets.stgcn import STGCN

KINDS = [{}, {"adjacency": "learned", "spatial_residual": True, "temporal": "multi_branch"}]
both = pytest.mark.parametrize("kind", KINDS, ids=["stgcn", "stgcn++"])


def trained(**kind):
    """A network in evaluation mode whose normalisations are not the identity."""
    torch.manual_seed(0)
    model = STGCN(skeleton_graph(NTU25), classes=5, width=12, blocks=5, temporal_kernel=3, **kind).double()
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    for _ in range(3):
        model(2 * torch.randn(4, 9, 25, 3, dtype=torch.float64) + 1, torch.arange(4), 4)
    return model.eval()


@both
@pytest.mark.parametrize("path", ["dense", "propagate"])
def test_a_folded_network_gives_the_same_scores(kind, path):
    model = trained(path=path, **kind)
    before = copy.deepcopy(model.state_dict())
    x, clip = torch.randn(5, 9, 25, 3, dtype=torch.float64), torch.tensor([0, 0, 1, 3, 3])
    with torch.no_grad():
        assert_close(fold(model)(x, clip, 4), model(x, clip, 4))
        assert_close(fold(fold(model))(x, clip, 4), model(x, clip, 4))
    assert_close(model.state_dict(), before, rtol=0, atol=0)  # left as it was


@both
def test_what_follows_a_convolution_is_gone(kind):
    def norms(model):
        return sum(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.blocks.modules())

    model = trained(**kind)
    left = len(model.blocks) if kind else 0  # the one over all branches stays
    assert norms(fold(model)) == left < norms(model)


def test_synchronised_normalisations_fold_as_well():
    model = trained()
    synchronised = nn.SyncBatchNorm.convert_sync_batchnorm(copy.deepcopy(model))
    x, clip = torch.randn(2, 9, 25, 3, dtype=torch.float64), torch.arange(2)
    assert_close(fold(synchronised)(x, clip, 2), model(x, clip, 2))


def test_a_network_in_training_is_refused():
    with pytest.raises(ValueError, match="eval"):
        fold(trained().train())
