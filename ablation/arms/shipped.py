"""The arms of shipped refiners, such as `steady`, whose weights have seen none of a study's clips.

An arm has its refiner's full strength. One of another strength is a row of the study's `refiners`:
`half: {train: {checkpoint: steady}, apply: {strength: 0.5}}`.
"""

from functools import partial

from ablation.arms.by_network import describe_refiner
from ablation.arms.registry import ARMS, ArmKind, ArmStore
from ablation.study.config import AblateConfig, ApplySection
from ablation.study.stores import Source, shared_folder
from data.skeletons.store import ClipStore, open_store
from refine.apply import RULES, apply_refiner
from refine.shipped.registry import SHIPPED, load_shipped


def _make(name: str, config: AblateConfig, source: Source, arm: str, base: ClipStore, content: str) -> ArmStore:
    refiner = load_shipped(name)
    what = {"from": content, "refiner": refiner.sha256, "rules": RULES, **ApplySection().described()}
    folder = shared_folder(config, "stores", what)
    if not (folder / "store.json").is_file():
        apply_refiner(base, refiner, folder)
    return ArmStore(open_store(folder), describe_refiner(refiner))


for _name in SHIPPED.names():
    ARMS.add(_name, ArmKind(SHIPPED[_name].label, partial(_make, _name), "skeletons refined by {label}"))
