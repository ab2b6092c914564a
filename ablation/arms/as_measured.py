"""The arm `raw`: the clips as they were measured."""

from ablation.arms.registry import ARMS, ArmKind, ArmStore
from ablation.study.config import AblateConfig
from ablation.study.stores import Source
from data.skeletons.store import ClipStore


def _make(config: AblateConfig, source: Source, arm: str, base: ClipStore, content: str) -> ArmStore:
    return ArmStore(base, f"{base.folder} as it is")


ARMS.add("raw", ArmKind("raw", _make))
