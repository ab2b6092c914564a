"""What goes into a wheel: one import package, `steady`, that holds all of ours.

In a checkout and in an editable install the packages stand side by side under names such as `data` and `base`, which an
installed distribution must not take from everybody else. In a wheel they lie in `steady`, and where their modules
import each other the names are written anew: `from data.ntu.names import ClipName` becomes
`from steady.data.ntu.names import ClipName`. Nothing else of the code changes but texts that name the command: they say
`steady` instead of `python run.py`.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
PACKAGE = "steady"
ROOMS = ("ablation", "base", "data", "drawing", "recognition", "refine", "training")
"""Our top-level packages in a checkout; `run` is a module."""
OURS = frozenset((*ROOMS, "run"))
DATA_FILES = {
    "ablation.page": ["templates/*.css", "templates/*.j2", "templates/*.js"],
    "configs": ["*/*.yaml"],
    "data.ntu": ["missing.txt"],
    "data.ntu.simulate": ["actions.yaml"],
    "data.skeletons": ["layout_files/*.yaml"],
    "drawing": ["*.css", "*.js"],
    "recognition": ["first/*.safetensors", "first/*.yaml", "first/*.json", "first/*.md"],
    "refine.benchmarks": ["table.yaml"],
    "refine.browser": ["*.html", "*.js"],
    "refine.files": ["*.j2"],
    "refine.live": ["*.safetensors"],
    "refine.steady": ["*.safetensors"],
}
"""What is read at run time besides modules. Each is named, so that nothing that lies about is packed."""
CALLED_WITH_NAMES = frozenset({"__import__", "files", "find_spec", "import_module", "run_module"})
"""Functions that take a module's name as text."""
COMMANDS = {"python run.py": "steady", '"python", "run.py"': '"steady"'} | {
    f"python -m {room}": f"python -m {PACKAGE}.{room}" for room in ROOMS
}
"""How texts, and lists of words, name commands in a checkout, and in a wheel."""


def find_packages() -> list[str]:
    """List our packages: folders with an `__init__.py` all the way up."""
    found = [path.parent for room in ROOMS for path in (ROOT / room).rglob("__init__.py")]
    names = {".".join(folder.relative_to(ROOT).parts) for folder in found}
    return sorted(name for name in names if name.rpartition(".")[0] in (names | {""}))


def rename_imports(source: str, where: str) -> str:
    """Put `steady.` before the names of our packages where a module imports them; all else stays as it is.

    Parameters
    ----------
    source
        A module's text.
    where
        Its name, for the error's message.

    Raises
    ------
    ValueError
        An import cannot be written anew: `import data.x` without `as`, which binds the name `data`, or a name that is
        put together when the program runs.
    """
    lines = source.encode().split(b"\n")  # columns of the tree are bytes
    for row, column, name in sorted(_places(ast.parse(source), where), reverse=True):
        line = lines[row - 1]
        at = line.index(name.encode(), column)
        lines[row - 1] = line[:at] + f"{PACKAGE}.".encode() + line[at:]
    return b"\n".join(lines).decode()


def _places(tree: ast.Module, where: str) -> Iterator[tuple[int, int, str]]:
    """Give the line and column at or after which each name to be changed stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and _is_ours(node.module):
            # `from` and the name are on one line: a name in brackets is not allowed here
            yield node.lineno, node.col_offset + len("from"), str(node.module)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if not _is_ours(alias.name):
                    continue
                if alias.asname is None:
                    raise ValueError(f"{where}, line {alias.lineno}: write `import {alias.name} as ...` or `from ...`")
                yield alias.lineno, alias.col_offset, alias.name
        elif isinstance(node, ast.Call) and _called(node.func) in CALLED_WITH_NAMES and node.args:
            name = node.args[0]
            if isinstance(name, ast.JoinedStr) and name.values and isinstance(name.values[0], ast.Constant):
                if _is_ours(str(name.values[0].value)):
                    raise ValueError(f"{where}, line {name.lineno}: begin the module's name with `{{__package__}}`")
            elif isinstance(name, ast.Constant) and isinstance(name.value, str) and _is_ours(name.value):
                yield name.lineno, name.col_offset, name.value


def _is_ours(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] in OURS


def _called(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def installed_text(source: str, where: str) -> str:
    """Return the text of a module or a configuration as the wheel has it."""
    text = rename_imports(source, where) if where.endswith(".py") else source
    for command, installed in COMMANDS.items():
        text = text.replace(command, installed)
    return text


class BuildSteady(build_py):
    """Copy the modules to where the wheel has them, with their imports written anew."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """List a package's modules as (package, name, file); the command line is one of `steady`."""
        modules: list[tuple[str, str, str]] = super().find_package_modules(package, package_dir)
        return [*modules, (PACKAGE, "run", "run.py")] if package == PACKAGE else modules

    def run(self) -> None:
        """Build, and remove what an earlier build has left in the folder."""
        super().run()
        library = Path(self.build_lib).resolve()
        made = {Path(path).resolve() for path in self.get_outputs(include_bytecode=False)}
        for path in library.rglob("*"):
            if path.is_file() and path not in made:
                path.unlink()
        for path in made:
            if path.suffix in (".py", ".yaml"):
                text = installed_text(path.read_text("utf-8"), str(path.relative_to(library)))
                path.write_text(text, "utf-8", newline="\n")


def main(editable: bool) -> None:
    """Tell setuptools what there is."""
    packages = find_packages()
    if editable:  # all in one folder, which is then a line in the environment: no finder that other folders go before
        setup(packages=[*packages, PACKAGE], py_modules=["run"], package_dir={"": "."})
        return
    folders = {f"{PACKAGE}.{name}": name.replace(".", "/") for name in (*packages, "configs")}
    setup(
        packages=[PACKAGE, *folders],
        package_dir=folders,
        package_data={PACKAGE: ["py.typed"]} | {f"{PACKAGE}.{name}": files for name, files in DATA_FILES.items()},
        cmdclass={"build_py": BuildSteady},
    )


if __name__ == "__main__":
    main("editable_wheel" in sys.argv or "develop" in sys.argv)
