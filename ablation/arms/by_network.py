"""The arm `refined`, and the refiners that a study defines itself: refined by a SmoothNet or by what is shipped."""

from pathlib import Path
from typing import Any

from ablation.arms.registry import ARMS, ArmKind, ArmStore
from ablation.study.config import AblateConfig, RefineSection
from ablation.study.hashes import content_of_files
from ablation.study.stores import Source, refine_config, shared_folder
from base.errors import InputError
from base.progress import console
from data.skeletons.store import ClipStore, open_store
from refine.apply import RULES, apply_refiner
from refine.config import RefineConfig
from refine.named import AnyRefiner, load_named, named_file
from refine.shipped.registry import Shipped
from refine.stage import refine
from training.devices import pick_device
from training.runs import Run


def _make(config: AblateConfig, source: Source, arm: str, base: ClipStore, content: str) -> ArmStore:
    section = config.refiner_sections[arm]
    refiner, results = _trained(config, section, source, config.label(arm))
    what = {"from": content, "refiner": refiner.sha256, "rules": RULES, **section.apply.described()}
    folder = shared_folder(config, "stores", what)
    stride = section.apply.stride or 1
    if refiner.window is not None and stride > refiner.window:
        raise InputError(
            f"refine.apply.stride: found {stride}, but {config.label(arm)} has windows of "
            f"{refiner.window} frames; give at most that"
        )
    if not (folder / "store.json").is_file():
        apply_refiner(base, refiner, folder, **section.apply.model_dump())
    return ArmStore(open_store(folder), describe_refiner(refiner, section.apply.strength, results), results)


def _needs(config: AblateConfig, source: Source) -> list[Path]:
    paths: list[Path] = []
    for arm in config.refined_arms:
        paths += _benchmark_files(refine_config(config, config.refiner_sections[arm], source))
    return paths


def _benchmark_files(refiner: RefineConfig) -> list[Path]:
    """List the files that a refiner's run reads."""
    benchmarks = refiner.benchmarks
    paths: list[Path] = []
    for name in refiner.train.on if refiner.train.checkpoint is None else ():
        paths += benchmarks.find(name).paths(benchmarks.root, "train")
    for name in refiner.evaluate.on if refiner.evaluate.on != "all" else ():
        paths += benchmarks.find(name).paths(benchmarks.root, refiner.evaluate.split)
    return paths


def _trained(
    config: AblateConfig, section: RefineSection, source: Source, label: str
) -> tuple[AnyRefiner, dict[str, Any]]:
    """Train and evaluate a refiner, or evaluate the one that is given, in a folder named by what determines it."""
    plan = refine_config(config, section, source)
    aside: dict[str, Any] = {"run": {"dir", "device"}, "simulate": True, "benchmarks": {"root"}}
    aside["apply"] = {"strength", "executor", "workers"}
    what = plan.model_dump(mode="json", exclude=aside)
    files = _benchmark_files(plan)
    given = plan.train.checkpoint if isinstance(plan.train.checkpoint, Path) else None
    what["files"] = content_of_files([*files, *([named_file(given)] if given else [])])
    folder = shared_folder(config, "refiners", what)
    run = plan.run.model_copy(update={"dir": folder})
    if (folder / "results.json").is_file():
        results = Run(folder, finished=True).results()
    else:
        console.print(f"refining: {label}", highlight=False)
        results = refine(plan.model_copy(update={"run": run}))
    return load_named(given or folder / "checkpoints" / "best.pt", pick_device(config.run.device)), results


def describe_refiner(refiner: AnyRefiner, strength: float = 1.0, results: dict[str, Any] | None = None) -> str:
    """Say in one sentence which refiner made an arm's skeletons."""
    if isinstance(refiner, Shipped):
        parts = [f"the shipped weights of {refiner.name}"]
    else:
        trained = " and ".join(refiner.trained_on) or "data that its checkpoint does not name"
        parts = [f"{refiner.label}, window {refiner.window}, trained on {trained}"]
    if refiner.fps:
        parts.append(f"{refiner.fps:g} frames a second")
    if results and (training := results.get("training")):
        parts.append(f"epoch {training['best_epoch']}, the best on training sequences that were held out")
    if strength < 1:
        parts.append(f"strength {strength:g}")
    return "; ".join(parts) + f"; checkpoint {refiner.sha256[:12]}"


ARMS.add("refined", ArmKind("SmoothNet", _make, "skeletons refined by {label}", _needs))
