"""Run folders: what was run, with what, and what came out."""

import json
import platform
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol, Self

import yaml
from pydantic import ValidationError
from torch.utils.tensorboard import SummaryWriter

from base.config import RunSection, read_kept
from base.errors import InputError
from base.files import atomic_file, is_left_over, written_in
from base.replacing import Kind, check_place, check_replaceable


class RunConfig(Protocol):
    """Any stage's configuration: it has a `run` section and can be written down."""

    @property
    def run(self) -> RunSection: ...  # noqa: D102

    def model_dump(self, *, mode: str) -> dict[str, Any]: ...  # noqa: D102

    @classmethod
    def model_validate(cls, obj: Any) -> Self: ...  # noqa: D102


MARKER = "run.json"
"""Written first into a run's folder: which stage made it and, in the end, which files it has written there."""

_ALWAYS = (
    *(MARKER, "config.yaml", "versions.json", "results.json", "details.json", "history.json", "report.html"),
    *("scores.npz", "confusion.csv", "confusion.png", "cells.csv", "methods.txt", "transfer.png", "trade_off_*.png"),
    *("checkpoints/best.pt", "checkpoints/last.pt", "tensorboard/events.out.tfevents.*"),
    *("ensembles/*/scores.npz", "ensembles/*/confusion.csv", "ensembles/*/confusion.png"),
)
"""What runs that were ended, or are older than their list of files, have written."""

_ADVICE = "remove it, and the same command goes on, or pass --again"

_NESTED = ("cells/*", "joint", "bone", "joint_motion", "bone_motion")
"""Where runs of the same stage lie that belong to a run: the refiners that it compares, its streams."""


@dataclass(frozen=True)
class Run:
    """A run's folder. `finished` says that a run of the same configuration has been completed there."""

    dir: Path
    finished: bool

    def results(self) -> dict[str, Any]:
        """Read the results of a finished run.

        Raises
        ------
        InputError
            They are damaged.
        """
        return read_json(self.dir / "results.json", _ADVICE)

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file into the folder, whole or not at all."""
        with atomic_file(self.dir / name) as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n")

    def finish(self, results: dict[str, Any]) -> None:
        """Write `results.json`; it is written last, and its presence means that the run is finished."""
        with suppress(InputError):
            mark = read_json(self.dir / MARKER, "")
            # what lies deeper belongs to other runs, or to all studies
            files = {name for name in written_in(self.dir) if name.count("/") < 2}
            self.write_json(MARKER, {**mark, "files": sorted(files.union(mark.get("files", ())))})
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
        Throw an earlier run in this folder away: the files that it has written; others stay where they are.

    Raises
    ------
    InputError
        See `check_run`.
    """
    folder = config.run.dir
    state = check_run(config, again)
    if state == "kept" and not again:
        return Run(folder, finished=(folder / "results.json").is_file())
    if state == "kept":
        _remove_run(folder, config)
    run = Run(folder, finished=False)
    run.write_json(MARKER, {"stage": stage_of(config)})
    run.write_json("versions.json", versions())
    with atomic_file(folder / "config.yaml") as temporary:
        temporary.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    return run


def already_finished(folder: Path) -> str:
    """Say that what was shown is an earlier run's."""
    return f"{folder}: already finished, nothing was run; pass --again to run it again"


def check_run(config: RunConfig, again: bool = False) -> Literal["new", "kept"]:
    """Refuse what `open_run` would refuse, before any work, and without changing anything.

    Returns
    -------
    Whether a run is kept in the folder, or none was begun.

    Raises
    ------
    InputError
        The folder holds a run of another configuration or another stage, or something that is no run; what it keeps
        is damaged; or, if `again` is set, it must stay (see `base.replacing.check_replaceable`).
    """
    folder = config.run.dir
    check_place(folder, "run.dir")
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"run.dir: {folder} is a file; expected a folder for the run")
        names = _names_in(folder)
    except OSError as error:
        raise InputError(f"run.dir: {folder}: cannot be read ({error.strerror}); check its permissions") from error
    if not names or (names <= {MARKER, "versions.json"} and all(map(_may_be_ours, map(folder.joinpath, names)))):
        return "new"  # or ended before there was anything to go on with
    if not names & {MARKER, "config.yaml"}:
        raise InputError(f"run.dir: {folder} is not empty and holds no run; choose another folder")
    if again:
        stage = stage_of(config)
        kind = Kind(f"run of {stage}", lambda path: _run_fault(path, config))
        check_replaceable(folder, kind, _read_by(config), "run.dir")
        return "kept"
    kept = read_kept(folder)
    if not isinstance(kept, dict):
        raise InputError(f"{folder / 'config.yaml'}: holds no configuration; choose another run.dir")
    _refuse_another(folder, _completed(config, kept), config.model_dump(mode="json"))
    if (folder / "versions.json").exists():
        read_json(folder / "versions.json", "choose another run.dir, or pass --again")
    return "kept"


def stage_of(config: RunConfig) -> str:
    """Name the stage that a configuration is for: refine, recognize or ablate."""
    return type(config).__name__.removesuffix("Config").lower() or "run"


def read_json(path: Path, advice: str) -> dict[str, Any]:
    """Read a JSON file that a run has written.

    Parameters
    ----------
    path
        The file.
    advice
        What to do if it is damaged.

    Raises
    ------
    InputError
        It is damaged, or holds anything but keys and values.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"expected keys and values, found {type(content).__name__}")
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged ({' '.join(str(error).split())[:200]}); {advice}") from error
    return content


@contextmanager
def showing(folder: Path) -> Iterator[None]:
    """Tell in one line what cannot be shown of the results that an earlier run has kept: something is not as written.

    Raises
    ------
    InputError
        The block looks for what `results.json` does not have, or has of another kind.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(f"{folder / 'results.json'}: damaged ({reason}); {_ADVICE}") from error


def _names_in(folder: Path) -> set[str]:
    """Name what is in a folder, but for what a run that was ended while it wrote its first files has left."""
    if not folder.is_dir():
        return set()
    begun = re.compile(rf"\.({re.escape(MARKER)}|versions\.json|config\.yaml)\.[a-z0-9_]{{8}}\.tmp")
    return {path.name for path in folder.iterdir() if not is_left_over(path) and not begun.fullmatch(path.name)}


def _may_be_ours(path: Path) -> bool:
    try:
        content = read_json(path, "")
    except InputError:
        return False
    return {"python", "commit"} <= content.keys() if path.name == "versions.json" else "stage" in content


def _run_fault(folder: Path, config: RunConfig) -> str:
    """Say why a folder is no run of the same stage; those older than the marker are known by what they keep."""
    stage = stage_of(config)
    if (folder / MARKER).exists():
        try:
            found = str(read_json(folder / MARKER, "").get("stage"))
        except InputError:
            return f"holds a damaged {MARKER}"
        return "" if found == stage else f"holds a run of {found[:40]!r}"
    try:
        kept = read_kept(folder)
    except InputError:
        return "holds no run of this project's (its config.yaml cannot be read)"
    fields = getattr(type(config), "model_fields", {})
    required = {name for name, field in fields.items() if field.is_required()}
    run = kept.get("run") if isinstance(kept, dict) else None
    if not isinstance(run, dict) or not {"dir", "seed"} <= run.keys() or not required <= kept.keys() <= fields.keys():
        return f"holds no run of {stage} (its config.yaml is another's)"
    if not _may_be_ours(folder / "versions.json"):
        return "holds no run of this project's (no versions.json of ours)"
    return ""


def _read_by(config: RunConfig) -> list[Path]:
    """List what a stage reads: every path that its configuration names, but for where it writes or looks in general."""
    aside = {("run", "dir"), ("apply", "output"), ("shared",), ("simulate", "folder"), ("benchmarks", "root")}

    def paths(value: Any, at: tuple[str, ...] = ()) -> Iterator[Path]:
        if isinstance(value, Path) and at[-2:] not in aside and at not in aside:
            yield value
        elif isinstance(value, dict):
            for key, item in value.items():
                yield from paths(item, (*at, str(key)))
        elif isinstance(value, list | tuple):
            for item in value:
                yield from paths(item, at)

    return list(paths(config.model_dump(mode="python")))


def _remove_run(folder: Path, config: RunConfig) -> None:
    """Remove what a run has written into its folder, its results first, and leave what others have put there."""
    try:
        mark = read_json(folder / MARKER, "") if (folder / MARKER).is_file() else {}
        listed = [str(name) for name in mark.get("files", ())]
    except (InputError, TypeError):
        listed = []
    (folder / "results.json").unlink(missing_ok=True)
    inside = [path for name in listed if (path := _inside(folder, name)) is not None]
    for nested in (path for pattern in _NESTED for path in folder.glob(pattern)):
        if nested.is_dir() and not nested.is_symlink() and not _run_fault(nested, config):
            _remove_run(nested, config)
    found = [path for pattern in _ALWAYS if pattern != MARKER for path in folder.glob(pattern)]
    for path in (*inside, *found, folder / MARKER):  # the marker last: it tells what this is, should this be ended
        if path.is_file() or path.is_symlink():
            path.unlink()
    for parent in sorted({parent for path in (*inside, *found) for parent in path.parents}, reverse=True):
        if parent != folder and parent.is_relative_to(folder):
            with suppress(OSError):  # somebody's files are in it
                parent.rmdir()


def _inside(folder: Path, name: str) -> Path | None:
    """Return a listed file's path, unless it leads out of the folder, or is the marker, which goes last."""
    parts = PurePosixPath(name).parts
    path = folder.joinpath(*parts)
    within = path.parent.resolve().is_relative_to(folder.resolve())
    return path if parts and ".." not in parts and within and name != MARKER else None


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
    here = Path(__file__)

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=here.parent, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", here.name)  # an environment may lie in a repository of somebody else's
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


_WHERE = (
    *("run.device", "run.devices", "run.nodes", "data.clips"),
    *("executor", "workers", "ray_address", "apply.executor", "apply.workers"),
)


def _refuse_another(folder: Path, kept: Any, asked: dict[str, Any]) -> None:
    differences = [
        f"{key} is {before!r} there and {after!r} here"
        for key, (before, after) in _compare(kept, asked).items()
        if key not in _WHERE  # a run may go on elsewhere
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
