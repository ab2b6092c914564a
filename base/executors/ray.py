"""On a cluster, or on the cores or accelerators of this machine, by Ray."""

import os
import pickle
import sys
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from importlib import import_module
from pathlib import Path
from typing import Any

from base.errors import InputError
from base.executors.registry import EXECUTORS, Pool
from base.workers import TRIES, WorkLostError, in_order


def _with_ray(function: Callable[[Any], Any], items: Iterable[Any], pool: Pool) -> Generator[Any, None, None]:
    try:
        ray: Any = import_module("ray")
    except ImportError as error:
        raise InputError(
            "executor: found 'ray', which is not installed; run `pip install 'steady-skeletons[cluster]'` or choose "
            "another executor"
        ) from error
    unit = "GPU" if pool.accelerators else "CPU"
    place, path, work, ready = Path.cwd(), list(sys.path), pickle.dumps(function), list[Any]()
    ours = not ray.is_initialized()
    if ours:
        _start(ray, pool, f"num_{unit.lower()}s")

    def call(item: bytes) -> Any:
        """Work; what is ours can be imported only once the paths are those of the command."""
        if not ready:  # once for each worker
            sys.path[:] = path
            try:
                os.chdir(place)  # paths are as they were typed, and so are messages
            except OSError as error:
                from base.errors import InputError

                raise InputError(
                    f"executor: {place} is not there on every machine ({error.strerror}); run this in a folder that "
                    "all machines see under the same path"
                ) from error
            ready.append(pickle.loads(work))  # which this command has made
        return ready[0](pickle.loads(item))

    needs = {"num_cpus": 1, "num_gpus": int(pool.accelerators), "max_retries": TRIES - 1}
    remote = ray.remote(**needs)(call)

    def submit(item: Any) -> Future[Any]:
        future: Future[Any] = remote.remote(pickle.dumps(item)).future()
        return future

    try:
        at_once = max(1, int(ray.cluster_resources().get(unit, 1)))
        for future in in_order(submit, items, pool.ahead * min(at_once, pool.count or at_once)):
            try:
                yield future.result()
            except ray.exceptions.RayTaskError as error:  # the function's own
                raise getattr(error, "cause", None) or error from None
            except ray.exceptions.RayError as error:
                yield WorkLostError(" ".join(str(error).split())[:200])
    finally:
        if ours:
            ray.shutdown()  # ends what has begun, too


def _start(ray: Any, pool: Pool, unit: str) -> None:
    """Connect to the cluster, whose size is its own affair, or start one of so many workers here."""
    elsewhere = pool.address is not None or bool(os.environ.get("RAY_ADDRESS"))
    size = {} if elsewhere else {unit: pool.count}
    try:
        ray.init(address=pool.address, log_to_driver=False, include_dashboard=False, **size)
    except Exception as error:  # it raises what it likes, Exception itself where it has waited too long
        ray.shutdown()  # ends what it has started
        reason = " ".join(str(error).split())
        raise InputError(f"executor: Ray cannot be started or reached ({reason})") from error


EXECUTORS.add("ray", _with_ray)
