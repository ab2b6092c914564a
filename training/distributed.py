"""Several processes that train one network together, by Lightning Fabric; one process alone needs nothing of it."""

import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from base.errors import InputError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Workers:
    """The processes that share every batch, seen from one of them.

    Parameters
    ----------
    rank, count
        Which of how many this is.
    fabric
        What they are connected by, if there are several.
    """

    rank: int = 0
    count: int = 1
    fabric: Any = None

    @property
    def first(self) -> bool:
        """Whether this is the one that writes files."""
        return self.rank == 0

    def share(self, clips: int) -> slice:
        """Return this process's part of a batch of so many clips; the parts differ by one clip at most."""
        return slice(clips * self.rank // self.count, clips * (self.rank + 1) // self.count)

    def total(self, part: Tensor) -> Tensor:
        """Add up a tensor over the processes."""
        if self.count > 1:
            torch.distributed.all_reduce(part)
        return part

    def wait(self) -> None:
        """Wait for the others."""
        if self.fabric is not None:
            self.fabric.barrier()

    def on_first(self, work: Callable[[], Result]) -> Result | None:
        """Let the first process do something while the others wait; the user's mistake that it finds is everyone's.

        Returns
        -------
        What came out in the first process, None in the others
        """
        if self.fabric is None:
            return work()
        result, mistake = None, None
        if self.first:
            try:
                result = work()
            except InputError as error:
                mistake = str(error)
        if (mistake := self.fabric.broadcast(mistake)) is not None:
            raise InputError(mistake)
        return result

    def tell(self, value: Result) -> Result:
        """Return the first process's value in all of them."""
        told: Result = value if self.fabric is None else self.fabric.broadcast(value)
        return told

    def connect(self, model: nn.Module) -> nn.Module:
        """Return what to call in training, so that the gradients are the mean over the processes.

        The model's batch normalisations are synchronised first; make its optimiser after this.
        """
        if self.fabric is None:
            return model
        synchronise_norms(model)
        connected: nn.Module = self.fabric.setup_module(model, move_to_device=False)
        return connected

    def backward(self, loss: Tensor) -> None:
        """Compute gradients."""
        if self.fabric is None:
            loss.backward()
        else:
            self.fabric.backward(loss)


ALONE = Workers()


def is_first() -> bool:
    """Whether this is the process that speaks for all of a run, or the only one."""
    together = torch.distributed.is_available() and torch.distributed.is_initialized()
    return not together or torch.distributed.get_rank() == 0


def launch(device: torch.device, devices: int | Literal["auto"], nodes: int) -> tuple[Workers, torch.device]:
    """Start, or join, the processes of a run.

    Under `torchrun` or Slurm each process calls this. Without, on one machine, the first starts the others by running
    the same command again.

    Parameters
    ----------
    device
        The kind of device.
    devices
        Processes per machine; `auto`: as many as there are accelerators.
    nodes
        Machines.

    Returns
    -------
    The processes, and this one's device

    Raises
    ------
    InputError
        Fewer accelerators than processes, another number of processes than the launcher has started, or Lightning
        Fabric is not installed.
    """
    present = torch.cuda.device_count() if device.type == "cuda" else 1
    wanted = present if devices == "auto" else devices
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if "TORCHELASTIC_RUN_ID" in os.environ and started != wanted * nodes:
        raise InputError(
            f"run.devices: {wanted} on {nodes} machine(s), but torchrun has started {started} processes; give "
            f"run.devices={started // nodes or 1}"
        )
    if wanted * nodes == 1:
        return ALONE, device
    if device.type == "cuda" and wanted > present:
        raise InputError(f"run.devices: found {wanted}, but this machine has {present} CUDA devices; lower it")
    return _connect(device.type, wanted, nodes)


@cache
def _connect(device: str, devices: int, nodes: int) -> tuple[Workers, torch.device]:
    """Start or join the processes; once, however many runs follow."""
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies.ddp import DDPStrategy
    except ImportError as error:
        raise InputError(
            "run.devices: several processes need Lightning Fabric; pip install 'steady-skeletons[distributed]'"
        ) from error
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it tells of every process that it starts
    # a 1 x 1 convolution's gradient may have other strides than its weight, which costs nothing that could be measured
    warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
    strategy = DDPStrategy(process_group_backend=None if device == "cuda" else "gloo")
    fabric = Fabric(accelerator=device, devices=devices, num_nodes=nodes, strategy=strategy)
    fabric.launch()
    return Workers(fabric.global_rank, fabric.world_size, fabric), fabric.device


class _Sum(torch.autograd.Function):
    """The sum of a tensor over the processes; what one of them makes of it is everyone's gradient."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        total = part.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        torch.distributed.all_reduce(total)
        return total


class SynchronisedBatchNorm(_BatchNorm):
    """Batch normalisation by the statistics of all processes' rows together, however many each has.

    As `torch.nn.SyncBatchNorm`, but for the CPU, too.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        pass

    def forward(self, input: Tensor) -> Tensor:
        """Normalise [N, C, ...]."""
        if not self.training:
            return super().forward(input)
        x = input.float() if input.dtype in (torch.bfloat16, torch.float16) else input
        axes = [0, *range(2, x.dim())]
        shape = [1, -1, *[1] * (x.dim() - 2)]
        size = x.new_tensor([x.numel() / x.shape[1]])
        summed = _Sum.apply(torch.cat([x.sum(axes), size]))
        rows = summed[-1].detach()
        mean = summed[:-1] / rows
        deviation = x - mean.view(shape)
        variance = _Sum.apply(deviation.square().sum(axes)) / rows
        if self.running_mean is not None and self.running_var is not None and self.momentum is not None:
            assert self.num_batches_tracked is not None
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean.detach(), self.momentum)
            self.running_var.lerp_(variance.detach() * rows / (rows - 1), self.momentum)
        y = deviation * (variance + self.eps).rsqrt().view(shape)
        if self.affine:
            y = y * self.weight.view(shape) + self.bias.view(shape)
        return y.to(input.dtype)


def synchronise_norms(model: nn.Module) -> None:
    """Replace every batch normalisation in a network by one over all processes; weights and their names stay."""
    for name, child in model.named_children():
        if isinstance(child, _BatchNorm):
            setattr(model, name, _synchronised(child))
        else:
            synchronise_norms(child)


def _synchronised(norm: _BatchNorm) -> nn.Module:
    if norm.weight is not None and norm.weight.is_cuda:
        made: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(norm)
        return made
    new = SynchronisedBatchNorm(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    new._parameters.update(norm._parameters)
    new._buffers.update(norm._buffers)
    return new.train(norm.training)
