"""Stage 3, `python run.py ablate`: recognise raw and refined skeletons alike, compare them, and write the report."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rich.console import Console
from rich.table import Table as RichTable

from ablation.config import AblateConfig
from ablation.findings import Findings, answer, main_arm
from ablation.poses import clip_poses, pose_figures, typical_clip
from ablation.report import findings_notes, write_report
from ablation.scores import Scores, read_scores
from ablation.statistics import Comparison, class_effects, compare, confusion_changes
from ablation.study import Made, duration, make_stores, open_truth, plan_cells, run_cells
from ablation.tables import accuracy_table
from data.errors import InputError
from data.files import sha256
from data.ntu.layout import ACTIONS
from data.ntu.prepare import ensure_stand_in, summarise
from data.ntu.splits import in_training
from data.ntu.store import ClipStore, open_store
from data.progress import console
from recognition.selection import select_clips
from training.devices import pick_device
from training.runs import Run, open_run

CONFUSIONS = 10
"""Pairs of classes that the report lists."""


def ablate(config: AblateConfig, again: bool = False) -> dict[str, Any]:
    """Run a study and write its report.

    The run's folder then holds `report.html`, `results.json`, `details.json`, `tables/`, `figures/`, and what they were
    made from: `refine/` (a run of the refine stage), `stores/{arm}` and `cells/{arm}/seed{k}` (runs of the recognise
    stage). What is finished is not run again, and what was interrupted goes on.

    Parameters
    ----------
    config
        The study.
    again
        Throw an earlier run in `run.dir` away.

    Returns
    -------
    The content of `results.json`; accuracies in percent, differences in points.

    Raises
    ------
    InputError
        Something that the configuration names is absent or cannot be used.
    """
    if not again and (config.run.dir / "report.html").is_file():
        run = open_run(config)
        if run.finished:
            results = run.results()
            _close(run.dir / "report.html", results["answer"])
            return results
    ensure_stand_in(config.simulate, _needed(config))
    base = open_store(config.data.store)
    _check(config, base)
    run = open_run(config, again)
    made = make_stores(config)
    cells = plan_cells(config, made.stores)
    cell_results = run_cells(cells)
    arms: dict[str, Scores] = {
        arm: read_scores([cell.scores for cell in cells if cell.arm == arm]) for arm in config.arms
    }
    console.print("comparing, and writing the report", highlight=False)
    findings = _find(config, run, base, made, arms, sum(result["seconds"] for result in cell_results))
    results = {
        "arms": {
            arm: {
                key: [found[key] for cell, found in zip(cells, cell_results, strict=True) if cell.arm == arm]
                for key in ("top1", "top5", "mean_class_accuracy")
            }
            for arm in config.arms
        },
        "comparisons": [
            {
                "arm": found.arm,
                "against": found.against,
                "difference": found.difference,
                "interval": list(found.interval),
                "mcnemar_p": found.mcnemar_p,
            }
            for found in findings.comparisons
        ],
        "answer": answer(findings),
    }
    run.write_json("details.json", findings_notes(findings))
    run.finish(results)
    page = write_report(run.dir, config.report.title, findings)
    _print_table(findings)
    _close(page, results["answer"])
    return results


def _check(config: AblateConfig, base: ClipStore) -> None:
    """Find mistakes before the first long computation, and before the run's folder exists."""
    pick_device(config.run.device)
    if "oracle" in config.arms or config.data.truth is not None:
        open_truth(config, base)
    for seed in config.seeds:
        select_clips(base, config.data.split, config.data.validation, seed)
    clip = config.report.clip
    if clip is not None and clip not in base.clips.name[~in_training(base.clips, config.data.split)]:
        raise InputError(f"report.clip: {clip} is not among the test clips of {base.folder} ({config.data.split})")


def _needed(config: AblateConfig) -> list[Path]:
    """List what will be read."""
    section = config.refine
    paths = [config.data.store, *([config.data.truth] if config.data.truth else [])]
    if "refined" in config.arms or config.filters:
        training = [] if section.train.checkpoint and not config.filters else section.train.names
        for name in training:
            paths += section.benchmarks.find(name).paths(section.benchmarks.root, "train")
    if "refined" in config.arms and section.evaluate.on != "all":
        for name in section.evaluate.on:
            paths += section.benchmarks.find(name).paths(section.benchmarks.root, section.evaluate.split)
    return paths


def _find(
    config: AblateConfig, run: Run, base: ClipStore, made: Made, arms: dict[str, Scores], seconds: float
) -> Findings:
    """Compute everything that the report tells."""
    settings = {**config.statistics.model_dump(), "seed": config.run.seed}
    main, reference = main_arm(list(arms), config.against), arms[config.against]
    names = reference.clip
    truth = open_truth(config, base) if config.data.truth else None
    clip = config.report.clip or typical_clip(made.stores[config.against], names)
    shown = dict.fromkeys((config.against, main))
    pictured = {arm: made.stores[arm] for arm in shown} | ({"oracle": truth} if truth else {})
    test = np.isin(base.clips.name, names)
    return Findings(
        arms=arms,
        against=config.against,
        seeds=config.seeds,
        comparisons=compare(arms, [(arm, config.against) for arm in arms if arm != config.against], **settings),
        between=_against_best_filter(config, arms, settings),
        classes=class_effects(reference, arms[main], **settings),
        confusions=confusion_changes(reference, arms[main], CONFUSIONS),
        resamples=config.statistics.resamples,
        confidence=config.statistics.confidence,
        actions=dict(enumerate(config.report.actions or ACTIONS, 1)),
        split=config.data.split,
        performers=len(np.unique(base.clips.performer[test])),
        poses=[pose_figures(arm, store, names, truth) for arm, store in made.stores.items()],
        benchmarks=made.benchmarks,
        clip=clip_poses(pictured, clip),
        data=_describe_data(base, test),
        simulated=config.simulate is not None
        and config.data.store.resolve().is_relative_to(config.simulate.folder.resolve()),
        made={
            "config": yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
            "command": _command(run.dir),
            "versions": _versions(run),
            "arms": made.how,
            "validation": _validation_rule(config.data.validation),
            "clip_choice": "the clip that the configuration names"
            if config.report.clip
            else "the test clip whose mean acceleration is the upper quartile of all",
            "seconds": duration(seconds),
        },
    )


def _against_best_filter(config: AblateConfig, arms: dict[str, Scores], settings: dict[str, Any]) -> Comparison | None:
    """Compare the refined arm with the most accurate filter."""
    filters = [arm for arm in config.filters if arm != config.against]
    if not filters or "refined" not in arms or config.against == "refined":
        return None
    best = max(filters, key=lambda arm: float(arms[arm].correct.mean()))
    return compare(arms, [("refined", best)], **settings)[0]


def _describe_data(base: ClipStore, test: np.ndarray) -> dict[str, Any]:
    summary = summarise(base)
    return {
        "clip store": summary["store"],
        "made from": base.info.source or "unknown",
        "clips": f"{summary['clips']:,}, of which {int(test.sum()):,} for testing",
        "frames": f"{summary['frames']:,} at {base.info.fps:g} a second",
        "people": summary["performers"],
        "actions": summary["actions"],
        "joints inferred": f"{summary['inferred share']:.1%} of those on record",
        "joints not seen": f"{summary['not seen share']:.1%}",
        "joints.npy": f"SHA-256 {sha256(base.folder / 'joints.npy')}",
        "skipped": summary["skipped"],
    }


def _validation_rule(share: float) -> str:
    if share == 0:
        return "Every network keeps its last epoch; the test clips are scored once, after that."
    return (
        f"Every network keeps the epoch that is most accurate on {share:.0%} of the training performers, whole people "
        "held out, drawn by the seed and the same in every arm; the test clips are scored once, after that."
    )


def _command(folder: Path) -> str:
    words = ["python", "run.py", "ablate", str(folder / "config.yaml"), f"run.dir={folder}-again"]
    return shlex.join(words)


def _versions(run: Run) -> dict[str, str]:
    versions: dict[str, str] = yaml.safe_load((run.dir / "versions.json").read_text())
    return versions


def _print_table(findings: Findings) -> None:
    """Print the columns that fit a terminal; the report has them all."""
    table = accuracy_table(findings)
    shown = [at for at, column in enumerate(table.columns) if column.label not in ("by seed", "top-5", "mean class")]
    printed = RichTable(title=table.caption)
    for at in shown:
        column = table.columns[at]
        printed.add_column(column.label, justify="right" if column.numeric else "left", no_wrap=True)
    for row in table.text():
        printed.add_row(*(row[at] for at in shown))
    Console().print(printed)


def _close(page: Path, sentences: list[str]) -> None:
    shown = Console()
    for sentence in sentences:
        shown.print(sentence, highlight=False, markup=False)
    shown.print(f"report: {page}", soft_wrap=True, highlight=False, markup=False)
