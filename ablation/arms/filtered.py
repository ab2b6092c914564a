"""The arms of the classical filters, each tuned on the training data of the study's refiner.

Where that is no benchmark, as for shipped weights, they have the parameters that they are released with.
"""

import json
from contextlib import suppress
from functools import partial
from pathlib import Path

from ablation.arms.registry import ARMS, ArmKind, ArmStore
from ablation.study.config import AblateConfig
from ablation.study.hashes import content_of_files
from ablation.study.stores import Source, refine_config, shared_folder
from base.errors import InputError
from base.files import atomic_file
from base.progress import console
from data.skeletons.store import ClipStore, open_store
from refine.apply import RULES, apply_filter
from refine.evaluate import tune_on
from refine.filters.registry import FILTERS, Parameters
from refine.filters.smoothing import released_parameters
from refine.named import load_named
from refine.tables import parameters
from training.devices import pick_device
from training.runs import read_json


def _make(name: str, config: AblateConfig, source: Source, arm: str, base: ClipStore, content: str) -> ArmStore:
    found, why = _tuned(config, name, source) or _released(name, source)
    folder = shared_folder(config, "stores", {"from": content, "filter": name, "rules": RULES, **found})
    if not (folder / "store.json").is_file():
        console.print(f"{FILTERS[name].label}: {parameters(found)}; {why}", highlight=False)
        apply_filter(base, name, found, folder)
    return ArmStore(open_store(folder), f"{parameters(found)}; {why}")


def _needs(config: AblateConfig, source: Source) -> list[Path]:
    benchmarks = refine_config(config, config.refine, source).benchmarks
    names = config.refine.train.names[:1]
    return [path for name in names for path in benchmarks.find(name).paths(benchmarks.root, "train")]


def _released(name: str, source: Source) -> tuple[Parameters, str]:
    """Return the parameters of a filter without a benchmark to tune it on, and where they are from.

    They are those for the study's clips, whatever else is filtered to see what the filter does.
    """
    return released_parameters(
        name, open_store(source.raw).info.fps
    ), "as released, for there is no benchmark to tune it on"


def _tuned(config: AblateConfig, name: str, source: Source) -> tuple[Parameters, str] | None:
    """Return a filter's parameters, tuned on the main refiner's own benchmark, and where they are from."""
    section = config.refine
    names = section.train.names
    if not names and section.train.checkpoint is not None:
        refiner = load_named(section.train.checkpoint, pick_device(config.run.device))  # type: ignore[arg-type]
        names = tuple(refiner.trained_on)
    if not names:
        return None
    why = f"tuned for the least MPJPE on the training split of {names[0]}"
    benchmarks = refine_config(config, section, source).benchmarks
    files = content_of_files(benchmarks.find(names[0]).paths(benchmarks.root, "train"))
    kept = shared_folder(config, "filters", {"filter": name, "files": files}).with_suffix(".json")
    with suppress(InputError):  # what is not there, or damaged, is made anew
        return read_json(kept, ""), why
    console.print(f"tuning {FILTERS[name].label} on {names[0]}", highlight=False)
    found = tune_on(benchmarks.find(names[0]), name, benchmarks)
    with atomic_file(kept) as temporary:
        temporary.write_text(json.dumps(found))
    return found, why


for _name in FILTERS.names():
    ARMS.add(
        _name,
        ArmKind(
            FILTERS[_name].label,
            partial(_make, _name),
            "skeletons smoothed by the {label} filter",
            needs=_needs,
            filter=True,
        ),
    )
