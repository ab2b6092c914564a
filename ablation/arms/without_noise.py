"""The arm `oracle`: the clips without noise, which shows what there is to gain."""

from ablation.arms.registry import ARMS, ArmKind, ArmStore
from ablation.study.config import AblateConfig
from ablation.study.stores import Source, open_truth
from data.skeletons.store import ClipStore


def _make(config: AblateConfig, source: Source, arm: str, base: ClipStore, content: str) -> ArmStore:
    return ArmStore(open_truth(source, base), f"{source.truth}: the clips before noise was added")


ARMS.add("oracle", ArmKind("noise-free", _make))
