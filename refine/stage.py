"""Stage 1: refiners of skeletons, one or several to compare."""

from typing import Any

from refine.compare import compare_refiners
from refine.config import RefineConfig
from refine.pipeline import run_refiner


def refine(config: RefineConfig, again: bool = False) -> dict[str, Any]:
    """Run the stage and return its results, which are also kept as `results.json`.

    A finished run is not run again: its results are returned. An interrupted one goes on where it was.

    Parameters
    ----------
    config
        What to do; with a section `compare`, see `refine.compare.compare_refiners`, else `refine.pipeline.run_refiner`.
    again
        Throw an earlier run in `run.dir` away, and replace `apply.output`.

    Raises
    ------
    InputError
        Something that the configuration names is absent or cannot be used.
    """
    return compare_refiners(config, again) if config.compare else run_refiner(config, again)
