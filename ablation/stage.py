"""Stage 3, `python run.py ablate`: recognise raw and refined skeletons alike, compare them, and write the report."""

import io
import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from ablation.fidelity import find_fidelity, flattening_sentences, notes_of
from ablation.page.report import report_notes, write_report
from ablation.sections.accuracy import accuracy_table, clips_interval
from ablation.sections.answer import answer
from ablation.sections.poses import find_poses
from ablation.statistics import Comparison
from ablation.study.config import AblateConfig
from ablation.study.known import measure_arms
from ablation.study.plan import Plan, gather, plan
from ablation.study.run import Outcome, duration, train_all
from ablation.study.stores import (
    Source,
    ensure_source,
    list_sources,
    make_stores,
    make_training_stores,
    open_truth,
    training_sources,
)
from ablation.study.study import Study, assemble
from ablation.verdict import judge, verdict_word
from base.errors import InputError
from base.files import atomic_file
from base.progress import console
from base.tables import Table, write_csv
from base.words import plural
from data.skeletons.division import divide, single_splits
from data.skeletons.store import open_store
from recognition.evaluate import accuracies
from recognition.input.selection import select_clips
from training.devices import pick_device
from training.runs import Run, already_finished, check_run, open_run, read_json, showing


@dataclass(frozen=True)
class Ablation:
    """What a study came to.

    Parameters
    ----------
    results
        The content of `results.json`; accuracies in percent, differences in points.
    page
        The report.
    answer
        The sentences that the report opens with.
    table
        The accuracies; None if the study was finished before.
    note
        What else the user should know.
    """

    results: dict[str, Any]
    page: Path
    answer: list[str]
    table: Table | None = None
    note: str = ""


class IncompleteError(InputError):
    """The report is written, but some of the recognisers are missing in it; `ablation` is what there is."""

    def __init__(self, message: str, ablation: Ablation) -> None:
        super().__init__(message)
        self.ablation = ablation


def ablate(config: AblateConfig, again: bool = False) -> Ablation:
    """Run a study and write its report.

    The run's folder then holds `report.html`, `results.json`, `details.json`, `cells.csv` (every recogniser and where
    it is), `tables/` and `figures/`. What they were made from is in `shared` (see `AblateConfig`): `refiners/`,
    `filters/`, `stores/` and `cells/`, each named by the hash of what determines it. What is finished is not run
    again by any study, and what was interrupted goes on.

    Parameters
    ----------
    config
        The study.
    again
        Throw an earlier report in `run.dir` away; what is in `shared` stays.

    Raises
    ------
    InputError
        Something that the configuration names is absent or cannot be used.
    IncompleteError
        Some of the recognisers could not be trained; the report has been written without them.
    """
    if not again and (config.run.dir / "report.html").is_file():
        run = open_run(config)
        if run.finished:
            results = run.results()
            with showing(run.dir):
                told = ["".join(sentence) for sentence in results["answer"]]
            return Ablation(results, run.dir / "report.html", told, note=already_finished(run.dir))
    check_run(config, again)
    sources = list_sources(config)
    for source in (*sources, *training_sources(config).values()):
        ensure_source(config, source)
        _check(config, source)
    run = open_run(config, again)
    made = [make_stores(config, source) for source in sources]
    known = measure_arms(config, sources[0])
    planned = plan(config, made, make_training_stores(config))
    outcomes = train_all(config, planned.trainings)
    failed = {folder: outcome for folder, outcome in outcomes.items() if isinstance(outcome, str)}
    _write_trainings(run.dir / "cells.csv", planned, outcomes)
    console.print("comparing, and writing the report", highlight=False)
    gathered, failures = gather(config, planned, failed)
    seconds = sum(outcome["seconds"] for outcome in outcomes.values() if not isinstance(outcome, str))
    about = {
        "config": yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
        "command": _command(run.dir),
        "training_command": _training_command(planned),
        "versions": _versions(run),
        "begun": datetime.fromtimestamp((run.dir / "config.yaml").stat().st_mtime, UTC).date().isoformat(),
        "seconds": duration(seconds),
    }
    study = assemble(config, planned, made[0], gathered, failures, about, known)
    results = _results(study)
    run.write_json("details.json", report_notes(study))
    page = write_report(run.dir, config.report.title, study)
    if not failures:
        run.finish(results)
    found = Ablation(results, page, study.get(answer), accuracy_table(study, study.get(judge)))
    if failures:
        raise IncompleteError(
            f"{run.dir}: {plural(len(failures), 'recogniser')} or their scores are missing in the report "
            f"({failures[0]}); the same command tries again",
            found,
        )
    return found


def _check(config: AblateConfig, source: Source) -> None:
    """Find mistakes before the first long computation, and before the run's folder exists."""
    pick_device(config.run.device)
    base = open_store(source.raw)
    if "oracle" in config.made_arms or source.truth is not None:
        open_truth(source, base)
    splits = config.grid.splits or (config.data.split,)
    singles = [single for split in splits for single in single_splits(base, split)]
    for split in singles:
        for seed, share in product(config.seeds, config.grid.shares):
            repeat = config.recognizer(config.streams[0], share).train.repeat
            clips = repeat * len(select_clips(base, split, config.data.validation, seed, share).train)
            if clips < config.recognize.train.batch and base.labels is None:  # recognize itself lowers it for own clips
                raise InputError(
                    f"recognize.train.batch: found {config.recognize.train.batch}, but an epoch shows {clips} training "
                    f"clips of {base.folder} ({split}, grid.shares {share:g}); lower it, and recognize.train.lr with it"
                )
    clip = config.report.clip
    if clip is not None and clip not in base.clips.name[divide(base, singles[0]).test]:
        raise InputError(f"report.clip: {clip} is not among the test clips of {base.folder} ({splits[0]})")


def _write_trainings(path: Path, planned: Plan, outcomes: Mapping[Path, Outcome]) -> None:
    """Say of every use of a recogniser where it is and what came out."""
    text = io.StringIO()
    axes = ("split", "stream", "pairing", "severity", "setting", "share")
    rows: list[list[Any]] = [["arm", "seed", *axes, "folder", "scores", "outcome"]]
    for use in planned.uses:
        outcome = outcomes[use.training.folder]
        said = outcome if isinstance(outcome, str) else "done"
        place = [getattr(use.condition, axis) for axis in axes]
        rows.append([use.arm, use.seed, *place, use.training.folder, use.scores.name, said])
    write_csv(text, rows)
    with atomic_file(path) as temporary:
        temporary.write_text(text.getvalue())


def _results(study: Study) -> dict[str, Any]:
    """Return what `results.json` holds: the first condition by arm, and then all of them."""
    verdict, left = study.get(judge), study.get(find_fidelity)
    arms: dict[str, dict[str, list[float]]] = {}
    for arm, found in study.arms.items():
        by_seed = [accuracies(found.label, score) for score in found.score]
        interval = clips_interval(found, study.config.statistics.confidence)
        arms[arm] = {"top1": study.top1(arm).tolist(), "top1_interval": interval}
        for key in ("top5", "mean_class_accuracy"):
            arms[arm][key] = [one[key] for one in by_seed]
    return {
        "arms": arms,
        "comparisons": [
            {
                "arm": one.arm,
                "against": one.against,
                "difference": one.difference,
                "interval": _ends(one),
                "mcnemar_p": one.mcnemar_p,
                "holm_p": one.holm_p,
                "verdict": verdict_word(study, one),
            }
            for one in verdict.comparisons
        ],
        "conditions": [
            {
                **vars(row.condition),
                "arm": row.arm,
                "seeds": list(row.seeds),
                "top1": list(row.top1),
                **(
                    {"difference": row.comparison.difference, "interval": _ends(row.comparison)}
                    if row.comparison
                    else {}
                ),
            }
            for row in verdict.rows
        ],
        "skeletons": {
            row.arm: {
                **{key: value for key, value in vars(row).items() if isinstance(value, float) and math.isfinite(value)},
                **(notes_of(left.arms[row.arm]) if row.arm in left.arms else {}),
            }
            for row in study.get(find_poses)
        },
        "bands": [list(band) for band in left.bands],
        "flattening": flattening_sentences(study),
        "answer": study.get(answer),
    }


def _ends(found: Comparison) -> list[float] | None:
    """Return an interval as `results.json` has it; null where there are too few clips for one."""
    return None if found.interval is None else list(found.interval)


def _command(folder: Path) -> str:
    words = ["python", "run.py", "ablate", str(folder / "config.yaml"), f"run.dir={folder}-again"]
    return shlex.join([*words, f"shared={folder}-again/shared"])


def _training_command(planned: Plan) -> str:
    kept = planned.uses[0].training.folder / "config.yaml"
    shown = kept.relative_to(Path.cwd()) if kept.is_relative_to(Path.cwd()) else kept
    return shlex.join(["python", "run.py", "recognize", str(shown), "run.dir=runs/recognize/again"])


def _versions(run: Run) -> dict[str, str]:
    return read_json(run.dir / "versions.json", "choose another run.dir, or pass --again")
