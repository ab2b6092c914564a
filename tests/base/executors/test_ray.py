import os
import sys
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace

import pytest

from base.errors import InputError
from base.executors.registry import Pool, spread
from base.workers import WorkLostError


class RayError(Exception):
    pass


class RayTaskError(RayError):
    pass


class Task(SimpleNamespace):
    pass


class Ray(SimpleNamespace):
    """Calls functions when their results are asked for."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def is_initialized(self):
        return False

    def init(self, **settings):
        self.settings = settings
        if settings["address"] == "nowhere":
            raise ConnectionError("no\ncluster")

    def cluster_resources(self):
        return {"CPU": 2.0, "GPU": 1.0}

    def remote(self, **needs):
        self.needs = needs
        return lambda function: SimpleNamespace(
            remote=lambda item: SimpleNamespace(future=lambda: done(function, item))
        )

    def shutdown(self):
        self.down = True


def done(function, item):
    future = Future()
    try:
        future.set_result(function(item))
    except Exception as error:
        future.set_exception(error)
    return future


@pytest.fixture
def ray(monkeypatch):
    ray = Ray(down=False)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return ray


def run(function, items, **who):
    return list(spread(function, items, Pool("ray", **who)))


def test_results_come_in_the_order_of_the_items(ray):
    assert run(str, [1, 2, 3], count=2) == ["1", "2", "3"]
    assert (ray.settings["num_cpus"], ray.needs["num_cpus"], ray.needs["num_gpus"]) == (2, 1, 0)
    assert ray.down


def test_only_a_few_are_made_ahead(ray):
    taken = []
    results = spread(str, (taken.append(item) or item for item in range(100)), Pool("ray", ahead=3))
    for at in range(10):
        assert next(results) == str(at)
        assert len(taken) <= at + 1 + 2 * 3
    results.close()
    assert ray.down


def test_the_size_of_a_cluster_is_its_own_affair(ray, monkeypatch):
    run(str, [1], count=2, address="auto")
    assert "num_cpus" not in ray.settings
    monkeypatch.setenv("RAY_ADDRESS", "there:6379")
    run(str, [1], count=2)
    assert "num_cpus" not in ray.settings


def test_accelerators_are_asked_for(ray):
    run(str, [1], count=2, accelerators=True)
    assert (ray.settings["num_gpus"], ray.needs["num_gpus"]) == (2, 1)


def folder(_):
    return str(Path.cwd())


def test_workers_are_in_this_folder(ray, tmp_path, monkeypatch):
    """Paths are as they were typed, on every machine; one that does not see the folder says so."""
    there = tmp_path / "there"
    there.mkdir()
    monkeypatch.chdir(there)
    results = spread(folder, range(9), Pool("ray", ahead=1))
    assert next(results) == str(there)
    results.close()
    gone = spread(folder, later(tmp_path, there), Pool("ray"))
    with pytest.raises(InputError, match=r"^executor: .*there is not there on every machine"):
        next(gone)


def later(elsewhere, there):
    """Remove a folder once the work has begun."""
    os.chdir(elsewhere)
    there.rmdir()
    yield 1


def lose_two(item):
    if item == 2:
        raise RayError("out of\nmemory")
    return item


def test_what_is_lost_is_told_and_the_rest_goes_on(ray):
    [first, second, third] = run(lose_two, [1, 2, 3])
    assert (first, third) == (1, 3)
    assert isinstance(second, WorkLostError)
    assert str(second) == "out of memory"


def mistake(_):
    error = RayTaskError("a fault of ours")
    error.cause = InputError("a user's mistake")
    raise error


def test_an_error_of_the_function_is_raised(ray):
    with pytest.raises(InputError, match="a user's mistake"):
        run(mistake, [1])
    assert ray.down


def test_a_cluster_that_is_not_there(ray):
    with pytest.raises(InputError, match=r"^executor: Ray cannot be started or reached \(no cluster\)$"):
        run(str, [1], address="nowhere")


def test_ray_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"^executor: found 'ray', which is not installed"):
        run(str, [1])
