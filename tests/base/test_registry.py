import sys
from importlib import import_module
from importlib.metadata import EntryPoint

import pytest

from base import registry
from base.registry import Registry


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write a package of two kinds, each in a file of its own, and give their registry."""
    name = f"kinds_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from base.registry import Registry\nKINDS = Registry(__name__, 'shape', 'steady.test_shapes')\n"
    )
    for kind, sides in (("square", 4), ("triangle", 3)):
        (folder / f"{kind}.py").write_text(f"from {name} import KINDS\nKINDS.add({kind!r}, {sides})\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield __import__(name).KINDS
    for module in [module for module in sys.modules if module.split(".")[0] == name]:
        del sys.modules[module]


def test_every_file_of_the_package_is_a_kind(package: Registry[int]):
    assert package.names() == ("square", "triangle")
    assert list(package) == [4, 3]
    assert package["triangle"] == 3
    assert "square" in package
    assert "circle" not in package


def test_the_order_is_that_of_the_files_whichever_was_imported_first(package: Registry[int]):
    import_module(f"{package._package}.triangle")
    package.add("circle", 0)
    assert package.names() == ("square", "triangle", "circle")


def test_a_kind_from_elsewhere_is_one_call(package: Registry[int]):
    package.add("pentagon", 5)
    assert package["pentagon"] == 5
    package.remove("pentagon")
    assert "pentagon" not in package


def test_an_entry_point_adds_a_kind(package: Registry[int], tmp_path, monkeypatch):
    (tmp_path / "hexagons.py").write_text(f"from {package._package} import KINDS\nKINDS.add('hexagon', 6)\n")
    point = EntryPoint("hexagons", "hexagons", "steady.test_shapes")
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == "steady.test_shapes" else [])
    assert package["hexagon"] == 6


def test_an_unknown_name_is_told_with_what_there_is(package: Registry[int]):
    with pytest.raises(ValueError, match="no shape is called 'squar'; did you mean 'square'"):
        package["squar"]
    with pytest.raises(ValueError, match="no shape is called 'x'; there are square, triangle"):
        package["x"]


def test_two_kinds_of_one_name_are_refused(package: Registry[int]):
    assert package["square"] == 4
    package.add("square", 4)  # the same once more is no mistake
    with pytest.raises(ValueError, match="two shapes called 'square'"):
        package.add("square", 5)
