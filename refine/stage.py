"""Stage 1, `python run.py refine`: refiners of skeletons, one or several to compare."""

from typing import Any

from refine.compare import compare_refiners
from refine.config import RefineConfig
from refine.single import output_exists, run_refiner


def refine(config: RefineConfig, again: bool = False) -> dict[str, Any]:
    """Run the stage and return its results, which are also kept as `results.json`.

    A finished run is not run again: its results are returned. An interrupted one goes on where it was.

    Parameters
    ----------
    config
        What to do; with a section `compare`, see `refine.compare.compare_refiners`, else `refine.single.run_refiner`.
    again
        Throw an earlier run in `run.dir` away, and replace `apply.output`.

    Raises
    ------
    InputError
        Something that the configuration names is absent or cannot be used.
    """
    return compare_refiners(config, again) if config.compare else run_refiner(config, again)


def is_finished(config: RefineConfig) -> bool:
    """Whether an earlier run has left nothing to do, but for `again`."""
    return (config.run.dir / "results.json").is_file() and output_exists(config.apply)
