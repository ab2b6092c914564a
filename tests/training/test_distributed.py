"""What one process sees of it; what two do together is in `tests/recognition/test_distributed.py`."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from base.errors import InputError
from training.distributed import ALONE, SynchronisedBatchNorm, Workers, is_first, launch, synchronise_norms


def test_more_processes_than_the_configuration_says_are_refused(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match=r"torchrun has started 2 processes; give run\.devices=2"):
        launch(torch.device("cpu"), 1, 1)


class Line:
    """What connects two processes, seen from the first and then from the second."""

    def __init__(self):
        self.said = []

    def broadcast(self, value):
        self.said.append(value)
        return self.said[0]


def test_what_the_first_process_finds_wrong_is_wrong_for_all():
    line = Line()
    workers = [Workers(rank, 2, line) for rank in range(2)]

    def work():
        raise InputError("run.dir: holds something else")

    for each in workers:
        with pytest.raises(InputError, match="holds something else"):
            each.on_first(work)
    line.said.clear()
    assert [each.on_first(lambda: 3) for each in workers] == [3, None]
    line.said.clear()
    assert [each.tell(value) for each, value in zip(workers, (3, None), strict=True)] == [3, 3]


@pytest.mark.parametrize(("clips", "sizes"), [(10, [3, 3, 4]), (9, [3, 3, 3]), (2, [0, 1, 1]), (0, [0, 0, 0])])
def test_every_clip_of_a_batch_is_one_process_s(clips, sizes):
    parts = [list(range(clips))[Workers(rank, 3).share(clips)] for rank in range(3)]
    assert [clip for part in parts for clip in part] == list(range(clips))
    assert sorted(map(len, parts)) == sizes


def test_one_process_alone_needs_nobody():
    assert launch(torch.device("cpu"), "auto", 1) == (ALONE, torch.device("cpu"))
    assert ALONE.first
    assert is_first()
    assert ALONE.share(7) == slice(0, 7)
    assert ALONE.total(torch.tensor([1.0, 2.0])).tolist() == [1, 2]
    assert ALONE.on_first(lambda: 3) == ALONE.tell(3) == 3
    ALONE.wait()
    model = nn.Linear(2, 1, bias=False)
    assert ALONE.connect(model) is model
    ALONE.backward(model(torch.tensor([[3.0, 5.0]])).sum())
    assert model.weight.grad.tolist() == [[3, 5]]


def test_rows_of_all_processes_are_normalised_as_pytorch_does_one_s(monkeypatch):
    """Of one process the sum over all is its own; then PyTorch's normalisation must come out, backwards, too."""
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda part: None)
    torch.manual_seed(0)
    expected = nn.Sequential(nn.BatchNorm1d(4, momentum=0.3), nn.Sequential(nn.BatchNorm1d(4, affine=False))).double()
    with torch.no_grad():
        expected[0].weight.uniform_(0.5, 2)
    model = nn.Sequential(nn.BatchNorm1d(4, momentum=0.3), nn.Sequential(nn.BatchNorm1d(4, affine=False))).double()
    model.load_state_dict(expected.state_dict())
    synchronise_norms(model)
    assert isinstance(model[0], SynchronisedBatchNorm)
    assert isinstance(model[1][0], SynchronisedBatchNorm)
    for training in (True, True, False):
        x = (3 + 2 * torch.randn(6, 4, 5, dtype=torch.float64)).requires_grad_()
        again = x.detach().clone().requires_grad_()
        found, wanted = model.train(training)(x), expected.train(training)(again)
        assert_close(found, wanted)
        found.pow(3).sum().backward()
        wanted.pow(3).sum().backward()
        assert_close(x.grad, again.grad)
        assert_close(model[0].weight.grad, expected[0].weight.grad)
    assert_close(model.state_dict(), expected.state_dict())
