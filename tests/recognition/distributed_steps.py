"""A script, started as two processes: train some steps together, and the same alone, and print how far apart they are.

In float64, in which no activation comes to lie on the other side of zero by rounding.
"""

import dataclasses
import json
import sys

import numpy as np
import torch
from torch import nn

from data.skeletons.store import open_store
from recognition.config import InputSection, ModelSection, TrainSection
from recognition.evaluate import score
from recognition.input.batches import training_batches
from recognition.input.loading import LoadedClips, load_clips
from recognition.nets.registry import build_model
from recognition.train import batch_loss
from training.distributed import ALONE, SynchronisedBatchNorm, Workers, launch

SEEN = InputSection(frames=6, sampling="resize", crop=(0.5, 1))
RECIPE = TrainSection(batch=5, rotation=0, swap=0.5, label_smoothing=0.1)


def train(clips: LoadedClips, name: str, workers: Workers) -> tuple[nn.Module, list[float]]:
    torch.manual_seed(0)
    model = build_model(ModelSection(name=name, width=6, blocks=3, temporal_kernel=3), clips.layout, 3, 2).double()
    # the network takes its last mean in float32
    model.classifier.register_forward_pre_hook(lambda module, given: (given[0].double(),))
    network = workers.connect(model)
    assert any(isinstance(part, SynchronisedBatchNorm) for part in model.modules()) == (workers.count > 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.02, momentum=0.9, nesterov=True)
    losses = []
    for batch in training_batches(clips, SEEN, RECIPE, seed=0, epoch=0, workers=workers):
        loss = batch_loss(network(batch.x.double(), batch.clip, len(batch.label)), batch, 0.1, workers)
        optimizer.zero_grad()
        workers.backward(loss)
        optimizer.step()
        losses.append(float(workers.total(loss.detach().clone())) / workers.count)
    return model, losses


def main(folder: str) -> None:
    torch.set_default_dtype(torch.float64)
    workers, _ = launch(torch.device("cpu"), 2, 1)
    assert workers.count == 2
    store = open_store(folder)
    clips = load_clips(store, np.arange(len(store.clips)), np.array([1, 23]), "cpu")
    clips = dataclasses.replace(clips, joints=clips.joints.double())
    found = {name: compare(clips, name, workers) for name in ("stgcn", "stgcn++")}
    if workers.first:
        print(json.dumps(found))


def compare(clips: LoadedClips, name: str, workers: Workers) -> dict[str, float]:
    (two, two_losses), (one, one_losses) = train(clips, name, workers), train(clips, name, ALONE)
    apart = {key: float((value - two.state_dict()[key]).abs().max()) for key, value in one.state_dict().items()}
    scores = [score(model, clips, SEEN, batch=4, workers=how) for model, how in ((one, ALONE), (two, workers))]
    apart["losses"] = float(np.abs(np.subtract(one_losses, two_losses)).max())
    apart["scores"] = float((scores[0] - scores[1]).abs().max())
    assert len(one_losses) == 3
    return apart


if __name__ == "__main__":
    main(*sys.argv[1:])
