"""Run folders: what was run, with what, and what came out."""

import json
import platform
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol, Self

import yaml
from pydantic import ValidationError
from torch.utils.tensorboard import SummaryWriter

from base.config import RunSection, read_yaml
from base.errors import InputError
from base.files import atomic_file


class RunConfig(Protocol):
    """Any stage's configuration: it has a `run` section and can be written down."""

    @property
    def run(self) -> RunSection: ...  # noqa: D102

    def model_dump(self, *, mode: str) -> dict[str, Any]: ...  # noqa: D102

    @classmethod
    def model_validate(cls, obj: Any) -> Self: ...  # noqa: D102


@dataclass(frozen=True)
class Run:
    """A run's folder. `finished` says that a run of the same configuration has been completed there."""

    dir: Path
    finished: bool

    def results(self) -> dict[str, Any]:
        """Read the results of a finished run."""
        content: dict[str, Any] = json.loads((self.dir / "results.json").read_text())
        return content

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file into the folder, whole or not at all."""
        with atomic_file(self.dir / name) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n")

    def finish(self, results: dict[str, Any]) -> None:
        """Write `results.json`; it is written last, and its presence means that the run is finished."""
        self.write_json("results.json", results)

    def writer(self) -> SummaryWriter:
        """Open the run's TensorBoard log."""
        return SummaryWriter(str(self.dir / "tensorboard"))


def open_run(config: RunConfig, again: bool = False) -> Run:
    """Open the folder `run.dir`, new, interrupted or finished.

    Parameters
    ----------
    config
        The resolved configuration; it is kept in the folder as `config.yaml`, next to `versions.json`.
    again
        Throw an earlier run in this folder away.

    Raises
    ------
    InputError
        The folder holds a run of another configuration, or something that is no run.
    """
    folder = config.run.dir
    resolved = config.model_dump(mode="json")
    kept = folder / "config.yaml"
    if folder.exists() and not folder.is_dir():
        raise InputError(f"run.dir: {folder} is a file; expected a folder for the run")
    if kept.is_file():
        if not again:
            _refuse_another(folder, _completed(config, read_yaml(kept.read_text())), resolved)
            return Run(folder, finished=(folder / "results.json").is_file())
        shutil.rmtree(folder)
    elif folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"run.dir: {folder} is not empty and holds no run; choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(folder, finished=False)
    run.write_json("versions.json", versions())
    with atomic_file(kept) as temporary:
        temporary.write_text(yaml.safe_dump(resolved, sort_keys=False))
    return run


def already_finished(folder: Path) -> str:
    """Say that what was shown is an earlier run's."""
    return f"{folder}: already finished, nothing was run; pass --again to run it again"


def versions() -> dict[str, str]:
    """Say which Python, packages and git commit this is; the commit is marked when the tree has changes."""
    found = {"python": platform.python_version()}
    for package in ("torch", "torch-geometric", "numpy", "scipy", "scikit-learn"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    found["commit"] = _git_commit()
    return found


def _git_commit() -> str:
    def git(*words: str) -> str:
        here = Path(__file__).parent
        return subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _completed(config: RunConfig, kept: Any) -> Any:
    """Fill in the keys that did not exist yet when a configuration was kept; what they are by default is as it was."""
    try:
        return type(config).model_validate(kept).model_dump(mode="json")
    except ValidationError:
        return kept


def _refuse_another(folder: Path, kept: Any, asked: dict[str, Any]) -> None:
    differences = [
        f"{key} is {before!r} there and {after!r} here"
        for key, (before, after) in _compare(kept, asked).items()
        if key not in ("run.device", "run.devices", "run.nodes")  # a run may go on elsewhere
    ]
    if differences:
        raise InputError(
            f"run.dir: {folder} holds a run of another configuration ({differences[0]}"
            + (f", and {len(differences) - 1} more" if len(differences) > 1 else "")
            + "); choose another run.dir, or pass --again to replace it"
        )


def _compare(before: Any, after: Any, at: str = "") -> dict[str, tuple[Any, Any]]:
    if isinstance(before, dict) and isinstance(after, dict):
        found = {}
        for key in [*after, *(key for key in before if key not in after)]:
            found.update(_compare(before.get(key), after.get(key), f"{at}.{key}" if at else str(key)))
        return found
    return {} if before == after else {at: (before, after)}
