"""Stage 2, `python run.py recognize`: train a recogniser on one clip store and test it once."""

import time
from typing import Any

import numpy as np
import torch

from data.errors import InputError
from data.files import atomic_file
from data.ntu.prepare import ensure_stand_in
from data.ntu.store import ClipStore, open_store
from recognition.build import build_model
from recognition.config import RecognizeConfig
from recognition.evaluate import accuracies, score
from recognition.ragged import load_clips
from recognition.report import confusion, draw_confusion, print_results, write_confusion
from recognition.selection import Selection, select_clips
from recognition.train import train
from training.devices import pick_device
from training.runs import Run, open_run


def recognize(config: RecognizeConfig, again: bool = False) -> dict[str, Any]:
    """Train and test a recogniser.

    The run's folder then holds `results.json`, `scores.npz` (`clip`, `label`, `score`, and `action`: the number of each
    class), `confusion.csv`, `confusion.png`, `history.json`, the checkpoints and the TensorBoard log.

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
        The store, its clips or the run's folder do not allow it.
    """
    if not again and (config.run.dir / "results.json").is_file():
        finished = open_run(config)
        print_results(finished.results(), config.data.store, config.run.dir)
        return finished.results()
    ensure_stand_in(config.simulate, [config.data.store])
    store = open_store(config.data.store)
    selection = select_clips(store, config.data.split, config.data.validation, config.run.seed)
    device = pick_device(config.run.device)
    try:
        results = _train_and_test(config, store, selection, device, again)
    except torch.OutOfMemoryError as error:
        raise InputError(f"train.batch: {config.train.batch} clips do not fit on {device}; lower it") from error
    print_results(results, config.data.store, config.run.dir)
    return results


def _train_and_test(
    config: RecognizeConfig, store: ClipStore, selection: Selection, device: torch.device, again: bool
) -> dict[str, Any]:
    begin = time.perf_counter()
    train_clips, validation_clips, test_clips = (
        load_clips(store, rows, selection.actions, device, config.input.rotate_to_body)
        for rows in (selection.train, selection.validation, selection.test)
    )
    run = open_run(config, again)
    torch.manual_seed(config.run.seed)  # the first weights depend on the seed and the sizes only
    model = build_model(config.model, store.layout, store.layout.dims, len(selection.actions)).to(device)
    extra = {
        "model": config.model.model_dump(mode="json"),
        "input": config.input.model_dump(mode="json"),
        "layout": store.info.layout,
        "actions": selection.actions.tolist(),
    }
    seed = config.run.seed
    fitted = train(model, train_clips, validation_clips, config.train, config.input, run, seed, extra)
    scores = (
        score(
            model,
            test_clips,
            config.input,
            batch=2 * config.train.batch,
            samplings=config.test.clips,
            bf16=config.train.precision == "bf16",
        )
        .cpu()
        .numpy()
    )
    label = test_clips.label.cpu().numpy()
    _write_scores(run, test_clips.name, label, scores, selection.actions)
    run.write_json("history.json", {"best_epoch": fitted.best_epoch, "epochs": fitted.history})
    results = {
        "split": config.data.split,
        "classes": len(selection.actions),
        "train_clips": len(train_clips),
        "test_clips": len(test_clips),
        **accuracies(label, scores),
        "seconds": time.perf_counter() - begin,
    }
    run.finish(results)
    return results


def _write_scores(run: Run, clip: np.ndarray, label: np.ndarray, scores: np.ndarray, actions: np.ndarray) -> None:
    with atomic_file(run.dir / "scores.npz") as temporary, temporary.open("wb") as file:
        np.savez(file, clip=clip, label=label, score=scores, action=actions)
    counts, names = confusion(label, scores), [f"A{action:03d}" for action in actions.tolist()]
    write_confusion(run.dir / "confusion.csv", counts, names)
    figure = draw_confusion(counts, names)
    with atomic_file(run.dir / "confusion.png") as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    with run.writer() as log:
        log.add_figure("confusion", figure)
