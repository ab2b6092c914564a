"""Stage 2, `python run.py recognize`: train recognisers on one clip store, test each once, and add up their scores."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from base.errors import InputError
from base.files import atomic_file
from base.words import plural
from data.ntu.prepare import ensure_stand_in
from data.skeletons.division import knows_subjects, single_splits, subjects_of
from data.skeletons.several import open_several
from data.skeletons.store import ClipStore, open_store
from recognition.config import EnsembleSection, RecognizeConfig
from recognition.evaluate import accuracies, score
from recognition.input.loading import load_clips, too_large
from recognition.input.selection import Selection, select_clips
from recognition.intervals import accuracy_intervals
from recognition.nets.registry import build_model
from recognition.report import confusion, draw_confusion, write_confusion
from recognition.scores import Scores, add_scores, aligned, join_scores, read_scores, write_scores
from recognition.small_sets import fit_batch, uneven
from recognition.train import start_from, train
from training.devices import deterministic_algorithms, explain_out_of_memory, one_thread_if_small, pick_device
from training.distributed import Workers, launch
from training.runs import Run, check_run, open_run


def recognize(config: RecognizeConfig, again: bool = False) -> dict[str, Any]:
    """Train and test a recogniser, or one per stream, and add up their scores.

    The run's folder then holds `results.json`, `scores.npz` (`clip`, `label`, `score`, and `action`: the number of each
    class), `confusion.csv`, `confusion.png`, `history.json`, the checkpoints and the TensorBoard log. With several
    streams or an ensemble each stream has all of this in a folder of its own, each ensemble its scores and confusion
    matrix in `ensembles/<name>`, and the run's folder those of the last ensemble that the configuration names, or of
    the first stream where it names none.

    Parameters
    ----------
    config
        The configuration.
    again
        Throw an earlier run in `run.dir` away. Otherwise a finished one is returned and an interrupted one goes on.

    Returns
    -------
    The content of `results.json`; accuracies in percent.

    Raises
    ------
    InputError
        The store, its clips, the scores of an earlier run or the run's folder do not allow it.
    """
    if not again and is_finished(config):
        return open_run(config).results()
    workers, device = launch(pick_device(config.run.device), config.run.devices, config.run.nodes)
    try:
        return _run(config, workers, device, again)
    except InputError:
        if workers.first:
            raise
        raise SystemExit(2) from None  # one line is enough, and the first process says it


def is_finished(config: RecognizeConfig) -> bool:
    """Whether an earlier run has left nothing to do, but for `again`."""
    return (config.run.dir / "results.json").is_file()


def _run(config: RecognizeConfig, workers: Workers, device: torch.device, again: bool) -> dict[str, Any]:
    workers.on_first(lambda: check_run(config, again))
    workers.on_first(lambda: ensure_stand_in(config.simulate, [config.data.store]))
    data = config.data
    store = open_several([data.store, *data.more], data.same_people) if data.more else open_store(data.store)
    parts = single_splits(store, config.data.split)
    if len(parts) > 1:
        return _train_folds(config, store, parts, workers, device, again)
    return _train_on(config, store, workers, device, again)


def _train_on(
    config: RecognizeConfig, store: ClipStore, workers: Workers, device: torch.device, again: bool
) -> dict[str, Any]:
    """Train and test on one split."""
    selection = select_clips(store, config.data.split, config.data.validation, config.run.seed, config.data.share)
    _check(config, store, selection, workers)
    if not config.alone:
        return _train_streams(config, store, selection, workers, device, again)
    return _train_and_test(config, store, selection, workers, device, again)


def _check(config: RecognizeConfig, store: ClipStore, selection: Selection, workers: Workers) -> None:
    """Find mistakes before the first long computation, and before the run's folder exists."""
    shown = config.train.repeat * len(selection.train)
    if config.train.batch > shown and store.labels is None:  # of one's own clips there may be few, see fit_batch
        raise InputError(
            f"train.batch: found {config.train.batch}, but an epoch shows {plural(shown, 'training clip')}; lower it, "
            "and train.lr with it"
        )
    if config.train.batch < workers.count:
        raise InputError(
            f"train.batch: found {config.train.batch} for {workers.count} processes; give each at least one clip"
        )


def _train_folds(
    config: RecognizeConfig,
    store: ClipStore,
    parts: Sequence[str],
    workers: Workers,
    device: torch.device,
    again: bool,
) -> dict[str, Any]:
    """Train and test once per fold, each in its own folder, and count all clips that were tested together."""
    configs = {f"fold_{number}": fold_config(config, number, part) for number, part in enumerate(parts, 1)}
    for part in configs.values():
        selection = select_clips(store, part.data.split, part.data.validation, part.run.seed, part.data.share)
        _check(part, store, selection, workers)
    run = workers.on_first(lambda: open_run(config, again)) or Run(config.run.dir, finished=False)
    folds: dict[str, dict[str, Any]] = {}
    for name, part in configs.items():
        kept = workers.tell(workers.on_first(partial(_finished, part)))
        folds[name] = kept or _train_on(part, store, workers, device, False)
    scores = [read_scores(part.run.dir / "scores.npz") for part in configs.values()]
    found = join_scores(scores, str(config.run.dir))
    results = {
        "split": config.data.split,
        "classes": len(found.action),
        "train_clips": len(store.clips) - round(len(found.clip) / len(parts)),
        "test_clips": len(found.clip),
        **figures_of(found, store),
        "seconds": sum(fold["seconds"] for fold in folds.values()),
        "folds": folds,
        **_remarks(found.label, [note for fold in folds.values() for note in fold.get("notes", ())]),
    }
    if workers.first:
        _write_scores(run.dir, found, run, _action_names(store, found.action))
        run.finish(results)
    workers.wait()
    return results


def fold_config(config: RecognizeConfig, number: int, split: str) -> RecognizeConfig:
    """Return the configuration of one fold's own run, in `run.dir/fold_N`."""
    return config.model_copy(
        update={
            "run": config.run.model_copy(update={"dir": config.run.dir / f"fold_{number}"}),
            "data": config.data.model_copy(update={"split": split}),
        }
    )


def _train_and_test(
    config: RecognizeConfig,
    store: ClipStore,
    selection: Selection,
    workers: Workers,
    device: torch.device,
    again: bool,
) -> dict[str, Any]:
    """Train and test one recogniser in `run.dir`."""
    begin = time.perf_counter()
    view = config.input.model_copy(update={"stream": config.trained[0]})
    folder = _place_on_disk(config, store, selection, device)
    with explain_out_of_memory(
        f"data.store: the clips of {store.folder} do not fit in the memory of {device}; give data.clips=disk"
    ):
        train_clips, validation_clips, test_clips = (
            load_clips(store, rows, selection.actions, device, view.rotate_to_body, view.people, folder)
            for rows in (selection.train, selection.validation, selection.test)
        )
    torch.manual_seed(config.run.seed)  # the first weights depend on the seed and the sizes only
    model = build_model(config.model, store.layout, train_clips.channels, len(selection.actions)).to(device)
    about = {
        "model": config.model.model_dump(mode="json"),
        "layout": store.info.layout
        if store.info.own_layout is None
        else {"name": store.info.layout, **store.info.own_layout},
        "confidence": train_clips.confidence,
        "actions": selection.actions.tolist(),
    }
    names = _action_names(store, selection.actions)
    recipe, smaller = fit_batch(config.train, len(selection.train), workers.count)
    notes = [selection.note, smaller]
    if recipe.start_from is not None:
        notes.append(start_from(model, recipe.start_from, {**about, "names": names}))
    run = workers.on_first(lambda: open_run(config, again)) or Run(config.run.dir, finished=False)
    extra = {
        **about,
        **({"names": names} if names else {}),
        "input": view.model_dump(mode="json"),
        "image": store.info.image,
        "fps": store.info.fps,
        "test": config.test.model_dump(mode="json"),
    }
    too_large = f"train.batch: {recipe.batch} clips of {view.frames} frames do not fit on {device}; lower it"
    careful = deterministic_algorithms(config.train.deterministic)
    threads = one_thread_if_small(recipe.batch * view.frames * len(store.layout.joints) * config.model.width)
    with careful, threads, explain_out_of_memory(f"{too_large}, or input.frames"):
        fitted = train(model, train_clips, validation_clips, recipe, view, run, config.run.seed, extra, workers)
        scores = score(
            model,
            test_clips,
            view,
            batch=2 * recipe.batch,
            samplings=config.test.clips,
            bf16=config.train.precision == "bf16",
            workers=workers,
        )
    found = Scores(test_clips.name, test_clips.label.cpu().numpy(), scores.cpu().numpy(), selection.actions)
    results = {
        "split": config.data.split,
        "classes": len(selection.actions),
        "train_clips": len(train_clips),
        "test_clips": len(test_clips),
        **figures_of(found, store),
        "seconds": time.perf_counter() - begin,
        **_remarks(found.label, notes),
    }
    if workers.first:
        _write_scores(run.dir, found, run, names)
        run.write_json("history.json", {"best_epoch": fitted.best_epoch, "epochs": fitted.history})
        run.finish(results)
    workers.wait()
    return results


def _place_on_disk(
    config: RecognizeConfig, store: ClipStore, selection: Selection, device: torch.device
) -> Path | None:
    """Return the folder for a file of clips, on the disk of `run.dir`; None for those that are held in memory."""
    rows = np.concatenate([selection.train, selection.validation, selection.test])
    asked = config.data.clips
    if asked == "memory" or (asked == "auto" and not too_large(store, rows, device)):
        return None
    folder = config.run.dir.absolute()
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def _train_streams(
    config: RecognizeConfig,
    store: ClipStore,
    selection: Selection,
    workers: Workers,
    device: torch.device,
    again: bool,
) -> dict[str, Any]:
    """Train and test a recogniser per stream, each in its own folder, and add up scores."""
    earlier = {name: read_scores(folder / "scores.npz") for name, folder in config.ensemble.runs.items()}
    label = np.searchsorted(selection.actions, store.clips.action[selection.test])
    expected = Scores(store.clips.name[selection.test], label, np.zeros((len(label), 0)), selection.actions)
    where = f"the test clips of {store.folder} ({config.data.split})"
    parts = {
        name: aligned(scores, expected, f"ensemble.runs.{name}: {config.ensemble.runs[name]}", where)
        for name, scores in earlier.items()
    }
    run = workers.on_first(lambda: open_run(config, again)) or Run(config.run.dir, finished=False)
    streams: dict[str, dict[str, Any]] = {}
    for stream in config.trained:
        part = stream_config(config, stream)
        # the first process decides for all of them: it alone is sure to see what it has written
        kept = workers.tell(workers.on_first(partial(_finished, part)))
        streams[stream] = kept or _train_and_test(part, store, selection, workers, device, False)
        parts[stream] = aligned(read_scores(part.run.dir / "scores.npz"), expected, str(part.run.dir), where)
    sums = {name: add_scores(parts, weights) for name, weights in config.ensemble.weights.items()}
    ensembles = {name: figures_of(scores, store) for name, scores in sums.items()}
    chosen = next(reversed(sums.values())) if sums else parts[config.trained[0]]
    results = {
        "split": config.data.split,
        "classes": len(selection.actions),
        "train_clips": len(selection.train),
        "test_clips": len(selection.test),
        **figures_of(chosen, store),
        "seconds": sum(found["seconds"] for found in streams.values()),
        "streams": streams,
        "ensembles": ensembles,
        **_remarks(chosen.label, [note for found in streams.values() for note in found.get("notes", ())]),
    }
    names = _action_names(store, selection.actions)
    if workers.first:
        for name, scores in sums.items():
            (run.dir / "ensembles" / name).mkdir(parents=True, exist_ok=True)
            _write_scores(run.dir / "ensembles" / name, scores, names=names)
        _write_scores(run.dir, chosen, run, names)
        run.finish(results)
    workers.wait()
    return results


def stream_config(config: RecognizeConfig, stream: str) -> RecognizeConfig:
    """Return the configuration of one stream's own run, in `run.dir/<stream>`."""
    return config.model_copy(
        update={
            "run": config.run.model_copy(update={"dir": config.run.dir / stream}),
            "input": config.input.model_copy(update={"stream": stream}),
            "streams": None,
            "ensemble": EnsembleSection(),
        }
    )


def figures_of(found: Scores, store: ClipStore) -> dict[str, Any]:
    """Return the accuracies of scored clips of a store, their intervals, and those over people where they are known."""
    figures = {**accuracies(found.label, found.score), "intervals": accuracy_intervals(found.label, found.score)}
    if not knows_subjects(store):
        return figures
    order = np.argsort(store.clips.name)
    who = subjects_of(store)[order[np.searchsorted(store.clips.name, found.clip, sorter=order)]]
    if (people := len(np.unique(who))) < 2:
        return figures
    over = accuracy_intervals(found.label, found.score, who)
    return {**figures, "test_subjects": people, "intervals_over_subjects": over}


def _remarks(label: np.ndarray, notes: Sequence[str]) -> dict[str, Any]:
    """Return what else is to be said of a run: whether the test clips are uneven, what was not done as asked."""
    said = list(dict.fromkeys(note for note in notes if note))
    counts = uneven(label)
    return {**({"uneven": counts} if counts else {}), **({"notes": said} if said else {})}


def _finished(config: RecognizeConfig) -> dict[str, Any] | None:
    """Return the results of a run if it is finished."""
    return open_run(config).results() if is_finished(config) else None


def _action_names(store: ClipStore, actions: np.ndarray) -> list[str]:
    """Return what the clips' owner calls the actions; nothing for NTU RGB+D's."""
    return [] if store.labels is None else [store.labels.actions[number - 1] for number in actions.tolist()]


def _write_scores(folder: Path, scores: Scores, run: Run | None = None, names: Sequence[str] = ()) -> None:
    """Write scores and their confusion matrix, and draw it in the run's log if there is one."""
    write_scores(folder / "scores.npz", scores)
    counts = confusion(scores.label, scores.score)
    names = names or [f"A{action:03d}" for action in scores.action.tolist()]
    write_confusion(folder / "confusion.csv", counts, names)
    figure = draw_confusion(counts, names)
    with atomic_file(folder / "confusion.png") as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    figure.set_layout_engine(None)  # it is laid out already
    if run is not None:
        with run.writer() as log:
            log.add_figure("confusion", figure)
