import pytest
import torch
from torch.testing import assert_close

from data.skeletons.layouts import NTU25
from recognition.nets.graph import skeleton_graph
from recognition.nets.stgcn import STGCN, Block

PLUS_PLUS = {"adjacency": "learned", "spatial_residual": True, "temporal": "multi_branch"}
both = pytest.mark.parametrize("kind", [{}, {**PLUS_PLUS, "width": 8}], ids=["stgcn", "stgcn++"])


def small(**changes):
    torch.manual_seed(0)
    return STGCN(skeleton_graph(NTU25), **{"classes": 5, "width": 4, "blocks": 4, "temporal_kernel": 3, **changes})


@pytest.mark.parametrize(("kind", "count"), [({}, 3_098_832), (PLUS_PLUS, 1_403_144)], ids=["stgcn", "stgcn++"])
def test_parameter_counts_as_published(kind, count):
    model = STGCN(skeleton_graph(NTU25), classes=60, **kind)
    assert sum(parameter.numel() for parameter in model.parameters()) == count


def test_widths_and_strides_of_the_ten_blocks():
    blocks = STGCN(skeleton_graph(NTU25)).blocks
    assert [block.temporal.out_channels for block in blocks] == [64] * 4 + [128] * 3 + [256] * 3
    assert [block.temporal.stride[0] for block in blocks] == [1, 1, 1, 1, 2, 1, 1, 2, 1, 1]
    assert [block.residual is None for block in blocks] == [True] + [False] * 9


@both
@pytest.mark.parametrize("blocks", [3, 5, 6, 10])
@pytest.mark.parametrize("frames", [1, 7])
def test_any_depth_and_length(blocks, frames, kind):
    model = small(blocks=blocks, **kind)
    assert model(torch.randn(2, frames, 25, 3), torch.tensor([0, 1]), 2).shape == (2, 5)


@pytest.mark.parametrize("temporal", ["single", "multi_branch"])
@pytest.mark.parametrize("stride", [1, 2])
def test_shapes_of_a_block_with_either_stride(stride, temporal):
    block = Block(6, 12, skeleton_graph(NTU25), stride=stride, spatial_residual=True, temporal=temporal)
    assert block(torch.randn(2, 7, 25, 6)).shape == (2, 7 if stride == 1 else 4, 25, 12)


@both
def test_paths_agree(kind):
    dense, sparse = small(**kind), small(path="propagate", **kind)
    sparse.load_state_dict(dense.state_dict())
    x, clip = torch.randn(3, 8, 25, 3), torch.tensor([0, 0, 1])
    assert_close(dense(x, clip, 2), sparse(x, clip, 2), rtol=1e-4, atol=1e-4)


@both
def test_a_clip_is_the_mean_of_its_actors_and_needs_none(kind):
    model = small(**kind).eval()
    x = torch.randn(3, 8, 25, 3)
    together = model(x, torch.tensor([0, 0, 2]), 4)
    alone = model(x, torch.arange(3), 3)
    assert_close(together[0], alone[:2].mean(0))
    assert_close(together[2], alone[2])
    assert_close(together[1], model.classifier.bias)
    assert_close(together[3], model.classifier.bias)
    swapped = model(x[[1, 0, 2]], torch.tensor([0, 0, 2]), 4)
    assert_close(swapped, together)


def test_scores_of_a_clip_do_not_depend_on_its_batch():
    model = small().eval()
    x = torch.randn(5, 8, 25, 3)
    order = torch.tensor([3, 0, 4, 2, 1])
    assert_close(model(x[order], torch.arange(5), 5), model(x, torch.arange(5), 5)[order])


def test_absent_actors_leave_the_statistics_alone():
    one, other = small(), small()
    x = torch.randn(2, 8, 25, 3)
    one(x, torch.tensor([0, 1]), 2)
    other(x, torch.tensor([0, 3]), 5)
    assert_close(one.state_dict(), other.state_dict())


@both
def test_the_whole_forward_pass_is_one_graph(kind):
    model = small(blocks=3, **kind).eval()
    x, clip = torch.randn(3, 8, 25, 3), torch.tensor([0, 0, 1])
    exported = torch.export.export(model, (x, clip, 2))
    assert_close(exported.module()(x, clip, 2), model(x, clip, 2))
