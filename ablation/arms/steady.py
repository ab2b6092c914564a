"""The arm `steady`: clips refined by the shipped weights, which have seen none of a study's clips."""

from ablation.arms.registry import ARMS, ArmKind, ArmStore
from ablation.study.config import AblateConfig
from ablation.study.stores import Source, shared_folder
from base.files import sha256
from data.skeletons.store import ClipStore, open_store
from refine.steady.smoother import WEIGHTS, shipped
from refine.steady.stores import refine_store


def _make(config: AblateConfig, source: Source, arm: str, base: ClipStore, content: str) -> ArmStore:
    weights = sha256(WEIGHTS)
    folder = shared_folder(config, "stores", {"from": content, "steady": weights})
    if not (folder / "store.json").is_file():
        refine_store(base, shipped(), folder, bones=True)
    return ArmStore(open_store(folder), f"the shipped weights of steady, SHA-256 {weights[:12]}; bones kept")


ARMS.add("steady", ArmKind("steady", _make))
