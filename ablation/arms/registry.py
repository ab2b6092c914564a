"""The arms that every study knows: each file of this folder adds its own here, and other packages add theirs."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from base.registry import Registry
from data.skeletons.store import ClipStore

if TYPE_CHECKING:  # the configuration asks this registry which names there are
    from ablation.study.config import AblateConfig
    from ablation.study.stores import Source


@dataclass(frozen=True)
class ArmStore:
    """The skeletons of an arm.

    Parameters
    ----------
    store
        Where they are.
    how
        One sentence on how they came about.
    results
        What the stage that made them says of itself, if one did.
    """

    store: ClipStore
    how: str
    results: dict[str, Any] | None = None


@dataclass(frozen=True)
class ArmKind:
    """A way to come by skeletons that are compared with others.

    Parameters
    ----------
    label
        What readers call it.
    make
        Called with the study, its clips, the arm's name, and the store of the measured clips and the hash of its
        content; returns the arm's store, which has the same clips. What it makes belongs into
        `ablation.study.stores.shared_folder`, which is named by all that it depends on, that hash among it.
    phrase
        What its skeletons are called inside a sentence, `{label}` standing for the label.
    needs
        The files that have to be there; the stand-in is simulated if it has some of them and they are not.
    filter
        Whether it is a classical filter, the best of which the report compares the main arm with.
    """

    label: str
    make: Callable[["AblateConfig", "Source", str, ClipStore, str], ArmStore]
    phrase: str = "{label} skeletons"
    needs: Callable[["AblateConfig", "Source"], list[Path]] = lambda config, source: []
    filter: bool = False


ARMS: Registry[ArmKind] = Registry(__package__ or "", "arm", "steady.arms")
"""All kinds by the names that `arms` takes; a study may define refiners of its own beside them."""
