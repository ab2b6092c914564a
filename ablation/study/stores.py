"""The clip stores of a study: one per arm and kind of noise, made once and shared by all studies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ablation.study.config import AblateConfig, RefineSection
from ablation.study.grid import Condition, parse_trained_on
from ablation.study.hashes import content_of, name_of
from base.config import RunSection
from base.errors import InputError
from data.ntu.prepare import ensure_stand_in
from data.ntu.simulate import SimulateSection
from data.skeletons.store import ClipStore, derive_store, open_store
from refine.config import RefineConfig


@dataclass(frozen=True)
class Source:
    """The clips of one kind of noise.

    Parameters
    ----------
    severity, setting
        Of the noise; None where the study does not vary it.
    simulate
        The stand-in that the clips come from, if any.
    raw, truth
        Where the measured clips are, and the same clips without noise, if there are any.
    root
        Where the benchmarks are that refiners and filters learn from.
    """

    severity: float | None
    setting: str | None
    simulate: SimulateSection | None
    raw: Path
    truth: Path | None
    root: Path | None = None

    def has(self, condition: Condition) -> bool:
        """Whether a condition is about these clips."""
        return (condition.severity, condition.setting) == (self.severity, self.setting)


@dataclass(frozen=True)
class Made:
    """The stores of the arms of one source, and how they came about.

    Parameters
    ----------
    source
        The source.
    stores
        The clip store of each arm.
    how
        One sentence on each.
    benchmarks
        The results of each refiner's run.
    """

    source: Source
    stores: dict[str, ClipStore]
    how: dict[str, str]
    benchmarks: dict[str, dict[str, Any]]


def list_sources(config: AblateConfig) -> list[Source]:
    """List the kinds of noise that a study names, the one that the report is about first."""
    grid, simulate = config.grid, config.simulate
    if simulate is None or not (grid.severities or grid.settings):
        return [Source(None, None, simulate, config.data.store, config.data.truth)]
    return [
        _source(config, severity, setting)
        for severity in grid.severities or (None,)
        for setting in grid.settings or (None,)
    ]


def training_sources(config: AblateConfig) -> dict[str, Source]:
    """List the kinds of noise that only recognisers are trained on, by the pairing that names them."""
    found = {pairing: parse_trained_on(pairing) for pairing in config.grid.pairings if "@" in pairing}
    return {
        pairing: _source(config, training.severity, training.setting)
        for pairing, training in found.items()
        if training is not None
    }


def _source(config: AblateConfig, severity: float | None, setting: str | None) -> Source:
    """Return the clips of a kind of noise; None is that of `simulate`."""
    simulate = config.simulate
    assert simulate is not None  # the configuration checks it
    changes: dict[str, Any] = {}
    if severity is not None:
        changes["severity"] = severity
    if setting is not None:
        changes["setting"] = setting
    section = simulate.model_copy(update=changes)
    if section != simulate:
        name = f"{simulate.folder.name}-{section.setting}-{section.severity:g}"
        section = section.model_copy(update={"folder": simulate.folder.with_name(name)})

    def moved(path: Path) -> Path:
        whole, folder = path.resolve(), simulate.folder.resolve()
        return section.folder / whole.relative_to(folder) if whole.is_relative_to(folder) else path

    truth = config.data.truth and moved(config.data.truth)
    root = moved(config.refine.benchmarks.root) if config.grid.refit else None
    return Source(severity, setting, section, moved(config.data.store), truth, root)


def make_stores(config: AblateConfig, source: Source, arms: Sequence[str] | None = None) -> Made:
    """Train the refiners, tune the filters, and make the clip store of every arm; what is there already is kept.

    Parameters
    ----------
    config
        The study.
    source
        The clips.
    arms
        Whose stores; those of all arms of the study, and of those that are only trained on, if None.

    Raises
    ------
    InputError
        A benchmark, a checkpoint or a store cannot be used.
    """
    base = open_store(source.raw)
    content = content_of(base)
    made = {arm: config.kind(arm).make(config, source, arm, base, content) for arm in arms or config.made_arms}
    return Made(
        source,
        {arm: one.store for arm, one in made.items()},
        {arm: one.how for arm, one in made.items()},
        {arm: one.results for arm, one in made.items() if one.results is not None},
    )


def make_training_stores(config: AblateConfig) -> dict[str, ClipStore]:
    """Make the stores that only recognisers are trained on, by the pairing that names them."""
    found = {}
    for pairing, source in training_sources(config).items():
        training = parse_trained_on(pairing)
        assert training is not None
        found[pairing] = make_stores(config, source, [training.arm]).stores[training.arm]
    return found


def mixed_store(config: AblateConfig, first: ClipStore, second: ClipStore) -> ClipStore:
    """Return a store of which half the clips, drawn once, are those of one store and the rest those of another.

    The two have the same clips and tracks.
    """
    if first.folder == second.folder:
        return first
    alike = all(
        np.array_equal(getattr(first.tracks, key), getattr(second.tracks, key))
        for key in ("clip", "actor", "first_frame", "length", "first_row")
    )
    if not alike or not np.array_equal(first.clips.name, second.clips.name):
        raise InputError(
            f"grid.pairings: the clips of {first.folder} and {second.folder} have other tracks and cannot be mixed; "
            "leave 'mixed' out"
        )
    folder = shared_folder(config, "stores", {"mixed": [content_of(first), content_of(second)]})
    if not (folder / "store.json").is_file():
        order = np.random.default_rng(0).permutation(len(first.clips))
        from_second = np.zeros(len(first.clips), bool)
        from_second[order[: len(order) // 2]] = True
        chosen = np.repeat(from_second[first.tracks.clip], first.tracks.length)

        def blocks(done: int) -> Any:
            for start in range(done, len(chosen), 1 << 16):
                rows = slice(start, start + (1 << 16))
                yield np.where(chosen[rows, None, None], second.joints[rows], first.joints[rows])

        derive_store(first, folder, blocks, first.info, made_by={"second": content_of(second)})
    return open_store(folder)


def open_truth(source: Source, base: ClipStore) -> ClipStore:
    """Open the noise-free store and make sure that it shows the same clips.

    Raises
    ------
    InputError
        There is none, or its clips are others.
    """
    if source.truth is None:
        raise InputError(
            "arms: found 'oracle', but data.truth is null; give the store of noise-free clips, which only simulated "
            "data have, or leave 'oracle' out of arms"
        )
    truth = open_store(source.truth)
    odd = np.setxor1d(truth.clips.name, base.clips.name)
    if len(odd):
        raise InputError(
            f"data.truth: {truth.folder} does not hold the clips of {base.folder} ({len(odd)} are in one only, the "
            f"first is {odd[0]}); prepare both from the same data"
        )
    return truth


def needed(config: AblateConfig, source: Source) -> list[Path]:
    """List the files and folders that a study reads of a source."""
    paths = [source.raw, *([source.truth] if source.truth else [])]
    for kind in {id(kind): kind for kind in map(config.kind, config.made_arms)}.values():
        paths += kind.needs(config, source)
    return paths


def ensure_source(config: AblateConfig, source: Source) -> None:
    """Make the simulated clips of a source where they are needed and not there.

    Raises
    ------
    InputError
        The folder holds a stand-in of other settings.
    """
    ensure_stand_in(source.simulate, needed(config, source))
    if config.simulate is not None and source.simulate != config.simulate and not config.grid.refit:
        ensure_stand_in(config.simulate, needed(config, source))  # its benchmarks are learnt from


def shared_folder(config: AblateConfig, kind: str, what: Mapping[str, Any]) -> Path:
    """Return the folder of something that studies share, such as `stores`, named by what determines it."""
    return config.shared_folder / kind / name_of(kind, what)


def refine_config(config: AblateConfig, section: RefineSection, source: Source, folder: Path = Path()) -> RefineConfig:
    """Return the configuration of a refiner's own run."""
    run = RunSection(dir=folder, device=config.run.device, seed=config.run.seed)
    own = section.config(run)
    if source.root is None or section.benchmarks.root != config.refine.benchmarks.root:
        return own
    return own.model_copy(update={"benchmarks": own.benchmarks.model_copy(update={"root": source.root})})
