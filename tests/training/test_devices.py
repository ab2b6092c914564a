import os

import pytest
import torch

from base.errors import InputError
from training.devices import (
    SMALL,
    deterministic_algorithms,
    explain_out_of_memory,
    one_thread_if_small,
    pick_device,
)


@pytest.mark.parametrize(
    ("name", "there", "expected"),
    [
        ("cpu", True, "cpu"),
        ("cpu", False, "cpu"),
        ("auto", True, "cuda"),
        ("auto", False, "cpu"),
        ("cuda", True, "cuda"),
    ],
)
def test_an_accelerator_is_taken_where_there_is_one(monkeypatch, name, there, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert pick_device(name) == torch.device(expected)


def test_an_accelerator_that_is_not_there_is_told_by_the_key_that_asks_for_it(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"^--device: found 'cuda', but .*no usable CUDA device; use 'auto' or 'cpu'$"):
        pick_device("cuda", "--device")


@pytest.mark.parametrize("wanted", [True, False])
def test_only_within_the_block_algorithms_are_deterministic(monkeypatch, wanted):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    assert not torch.are_deterministic_algorithms_enabled()

    def work():
        with deterministic_algorithms(wanted):
            found.append((torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark))
            raise KeyError

    found = []
    with pytest.raises(KeyError):
        work()
    assert found == [(wanted, not wanted)]
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.benchmark


@pytest.mark.parametrize(("values", "expected"), [(SMALL - 1, 1), (SMALL, 3)])
def test_only_small_operations_are_left_to_one_thread_and_only_within_the_block(monkeypatch, values, expected):
    threads = [3]
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads[-1])
    monkeypatch.setattr(torch, "set_num_threads", threads.append)

    def work():
        with one_thread_if_small(values):
            found.append(threads[-1])
            raise KeyError

    found = []
    with pytest.raises(KeyError):
        work()
    assert found == [expected]
    assert threads[-1] == 3


def test_a_tensor_that_no_machine_has_room_for_is_told_with_advice():
    """As much as PyTorch lets one ask for; the allocator itself says no."""
    with pytest.raises(InputError, match=r"^train\.batch: lower it$"), explain_out_of_memory("train.batch: lower it"):
        torch.empty(2**60, dtype=torch.uint8)
    with pytest.raises(InputError, match="lower it"), explain_out_of_memory("lower it"):
        raise MemoryError
    with pytest.raises(InputError, match="lower it"), explain_out_of_memory("lower it"):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_other_failures_are_not_taken_for_too_little_memory():
    with pytest.raises(RuntimeError, match="cannot be multiplied"), explain_out_of_memory("lower it"):
        torch.zeros(2, 3) @ torch.zeros(2, 3)
