"""The build step: names are put into `steady`, and nothing else changes."""

import ast
import importlib.util
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def load_setup():
    spec = importlib.util.spec_from_file_location("steady_setup", ROOT / "setup.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


setup = load_setup()
MODULES = sorted(path.relative_to(ROOT) for room in setup.ROOMS for path in (ROOT / room).rglob("*.py"))
MODULES += [Path("run.py"), Path("steady/__main__.py"), Path("steady/__init__.py")]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("from data.ntu.names import ClipName\n", "from steady.data.ntu.names import ClipName\n"),
        ("import data.skeletons.store as store\n", "import steady.data.skeletons.store as store\n"),
        ("import numpy, base.files as f, os\n", "import numpy, steady.base.files as f, os\n"),
        ("if x:\n from  refine   import (  # refine\n a)\n", "if x:\n from  steady.refine   import (  # refine\n a)\n"),
        ("from run import main; from base import a\n", "from steady.run import main; from steady.base import a\n"),
        ("'µ'; from base.a import b\n", "'µ'; from steady.base.a import b\n"),
        ("from torch.utils.data import Dataset\nimport torch.utils.data\n",) * 2,
        ("from . import data\nfrom .base import x\n",) * 2,
        ("from database import data\nimport refinery\n",) * 2,
        ('"""from data import x"""\n# from data import x\nx = "import base.files as f"\n',) * 2,
        ('importlib.import_module("refine.nets")\n', 'importlib.import_module("steady.refine.nets")\n'),
        ('import_module(f"{__name__}.x"); import_module(name); import_module("yaml")\n',) * 2,
        ('files("ablation.page").joinpath("data/x")\n', 'files("steady.ablation.page").joinpath("data/x")\n'),
        ("data.load(base.x)\n",) * 2,
    ],
)
def test_names_of_ours_are_put_into_the_package(source, wanted):
    assert setup.rename_imports(source, "m") == wanted


@pytest.mark.parametrize("source", ["import data.ntu.names\n", "import base\n", 'import_module(f"refine.nets.{n}")\n'])
def test_what_cannot_be_written_anew_stops_the_build(source):
    with pytest.raises(ValueError, match=r"^refine/x\.py, line 1: "):
        setup.rename_imports(source, "refine/x.py")


class Unprefixed(ast.NodeTransformer):
    """Take `steady.` out of a tree's imports, independently of how it was put in."""

    def visit_ImportFrom(self, node):
        node.module = (node.module or "").removeprefix("steady.") or None
        return node

    def visit_alias(self, node):
        node.name = node.name.removeprefix("steady.")
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        for argument in node.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                name = argument.value.removeprefix("steady.")
                argument.value = name if name.partition(".")[0] in setup.OURS else argument.value
        return node


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_every_module_says_the_same_under_the_new_names(path):
    source = (ROOT / path).read_text(encoding="utf-8")
    renamed = setup.rename_imports(source, str(path))
    compile(renamed, str(path), "exec")
    assert not {name.partition(".")[0] for name in imported(ast.parse(renamed))} & setup.OURS
    assert ast.dump(Unprefixed().visit(ast.parse(renamed))) == ast.dump(ast.parse(source))
    assert len(renamed.splitlines()) == len(source.splitlines())


def test_texts_name_the_installed_command():
    source = 'x = "make one with `python run.py prepare`", ["python", "run.py", "ablate"]\n'
    assert setup.installed_text(source, "m.py") == 'x = "make one with `steady prepare`", ["steady", "ablate"]\n'
    assert setup.installed_text('"""`python -m data.x`"""\n', "m.py") == '"""`python -m steady.data.x`"""\n'
    assert setup.installed_text("# python run.py ablate\nfrom base: x\n", "m.yaml") == "# steady ablate\nfrom base: x\n"


def test_every_package_and_file_of_the_checkout_is_listed():
    done = subprocess.run(["git", "ls-files", *setup.ROOMS, "configs"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("no git checkout")
    tracked = {Path(line) for line in done.stdout.splitlines() if (ROOT / line).exists()}
    listed = set()
    for package, patterns in setup.DATA_FILES.items():
        folder = ROOT / package.replace(".", "/")
        listed |= {path.relative_to(ROOT) for pattern in patterns for path in folder.glob(pattern)}
    assert {path for path in tracked if path.suffix != ".py"} == listed
    folders = {str(path.parent).replace("/", ".") for path in tracked if path.suffix == ".py"}
    assert folders <= set(setup.find_packages())


def test_a_folder_of_the_users_is_no_package(tmp_path, monkeypatch):
    for name in ("data/__init__.py", "data/mine/sub/__init__.py", "data/stores/x.txt", "base/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    assert setup.find_packages() == ["base", "data"]
