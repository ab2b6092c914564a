"""Work shared out over a cluster, or over the cores of this machine, by Ray."""

import os
from collections.abc import Callable, Generator, Sequence
from importlib import import_module
from typing import Any, TypeVar

from base.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkLostError(RuntimeError):
    """A process was ended while it worked on an item; one line says why."""


def map_with_ray(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    address: str | None = None,
    size: int | None = None,
    accelerators: bool = False,
) -> Generator[tuple[Item, Result | WorkLostError], None, None]:
    """Call a function with each item on all free cores or accelerators, and yield each result when it is there.

    Parameters
    ----------
    function
        What to call; it, the items and results must be such as can be pickled.
    items
        Each is one task of a core, or of an accelerator.
    address
        Of a cluster that runs; None for `RAY_ADDRESS`, or else for one that is started here.
    size
        How many cores or accelerators one that is started here has; None for all.
    accelerators
        Whether each task needs an accelerator.

    Yields
    ------
    The item, and its result, or what ended the process that was at it.

    Raises
    ------
    InputError
        Ray is not installed, or cannot be started or reached.
    """
    try:
        ray: Any = import_module("ray")
    except ImportError as error:
        raise InputError(
            "executor: found 'ray', which is not installed; run `pip install 'steady-skeletons[cluster]'` or choose "
            "another executor"
        ) from error
    # The size of a cluster that runs already is its own affair.
    own = address is None and not os.environ.get("RAY_ADDRESS")
    wanted = {"num_gpus" if accelerators else "num_cpus": size} if own else {}
    try:
        ray.init(address=address, log_to_driver=False, include_dashboard=False, **wanted)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"executor: Ray cannot be started or reached ({reason})") from error

    def call(item: Item) -> Result:  # Ray takes nothing else that can be called
        return function(item)

    try:
        remote = ray.remote(num_cpus=1, num_gpus=1 if accelerators else 0, max_retries=2)(call)
        running = {remote.remote(item): item for item in items}
        while running:
            (ready,), _ = ray.wait(list(running), num_returns=1)
            item = running.pop(ready)
            try:
                result = ray.get(ready)
            except ray.exceptions.RayTaskError:  # the function's own error
                raise
            except ray.exceptions.RayError as error:
                result = WorkLostError(" ".join(str(error).split())[:200])
            yield item, result
    finally:
        ray.shutdown()
