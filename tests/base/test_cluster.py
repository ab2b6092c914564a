import sys
from types import SimpleNamespace

import pytest

from base.cluster import WorkLostError, map_with_ray
from base.errors import InputError


class RayError(Exception):
    pass


class RayTaskError(RayError):
    pass


class Ray(SimpleNamespace):
    """Calls functions when their results are asked for, the last task first."""

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)

    def init(self, **settings):
        self.settings = settings
        if settings["address"] == "nowhere":
            raise ConnectionError("no\ncluster")

    def remote(self, **needs):
        self.needs = needs
        return lambda function: SimpleNamespace(remote=lambda item: (function, item))

    def wait(self, running, num_returns):
        return running[-1:], running[:-1]

    def get(self, task):
        function, item = task
        return function(item)

    def shutdown(self):
        self.down = True


@pytest.fixture
def ray(monkeypatch):
    ray = Ray(down=False)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return ray


def test_each_item_comes_with_its_result(ray):
    assert list(map_with_ray(str, [1, 2, 3], size=2)) == [(3, "3"), (2, "2"), (1, "1")]
    assert (ray.settings["num_cpus"], ray.needs["num_cpus"], ray.needs["num_gpus"]) == (2, 1, 0)
    assert ray.down


def test_the_size_of_a_cluster_is_its_own_affair(ray, monkeypatch):
    list(map_with_ray(str, [1], size=2, address="auto"))
    assert "num_cpus" not in ray.settings
    monkeypatch.setenv("RAY_ADDRESS", "there:6379")
    list(map_with_ray(str, [1], size=2))
    assert "num_cpus" not in ray.settings


def test_accelerators_are_asked_for(ray):
    list(map_with_ray(str, [1], size=2, accelerators=True))
    assert (ray.settings["num_gpus"], ray.needs["num_gpus"]) == (2, 1)


def test_a_process_that_is_lost_is_told_and_the_rest_goes_on(ray):
    def work(item):
        if item == 2:
            raise RayError("out of\nmemory")
        return item

    [third, second, first] = map_with_ray(work, [1, 2, 3])
    assert (third, first) == ((3, 3), (1, 1))
    assert isinstance(second[1], WorkLostError)
    assert str(second[1]) == "out of memory"


def test_an_error_of_the_function_is_raised(ray):
    def work(item):
        raise RayTaskError("a fault of ours")

    with pytest.raises(RayTaskError):
        list(map_with_ray(work, [1]))
    assert ray.down


def test_a_cluster_that_is_not_there(ray):
    with pytest.raises(InputError, match=r"^executor: Ray cannot be started or reached \(no cluster\)$"):
        list(map_with_ray(str, [1], address="nowhere"))


def test_ray_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match=r"^executor: found 'ray', which is not installed"):
        list(map_with_ray(str, [1]))
