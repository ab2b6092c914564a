"""Which joints and frames a recogniser's decision rests on, by PyTorch Geometric's explainers."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.explain import CaptumExplainer, Explainer

from base.errors import InputError
from data.skeletons.store import ClipStore
from recognition.input.augment import still
from recognition.input.batches import gather_batch
from recognition.input.loading import load_clips
from recognition.input.sampling import place_frames, time_window
from recognition.nets.graph import repeat_edges, skeleton_graph
from recognition.use.clip_files import shows_somebody
from recognition.use.recognizer import Recognizer, check_store

STEPS = 50
"""Points of the integral of the gradients."""


@dataclass(frozen=True)
class Explained:
    """What a decision about one clip rests on.

    Parameters
    ----------
    clip
        The clip's name.
    action
        The action whose score is explained, NTU's number.
    probability
        Its probability.
    frame
        int64 [T], the clip's frames that the network saw.
    importance
        float32 [A, T, V]: how much of the score each joint of each actor in each frame made or cost; 0 for none.
    """

    clip: str
    action: int
    probability: float
    frame: np.ndarray
    importance: np.ndarray


class OnNodes(nn.Module):
    """A recogniser of one clip as PyTorch Geometric has its models: on nodes, one per joint, frame and actor.

    Shapes
    ------
    x float [A * T * V, C], edge_index int64 [2, E] -> scores before the softmax [1, classes]. The edges are those that
    the network has built in; it does not look at them again.
    """

    def __init__(self, net: nn.Module, actors: int, joints: int) -> None:
        super().__init__()
        self.net, self.actors, self.joints = net, actors, joints

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        """Score the clip."""
        skeletons = x.reshape(self.actors, -1, self.joints, x.shape[-1])
        scores: Tensor = self.net(skeletons, torch.zeros(self.actors, dtype=torch.int64, device=x.device), 1)
        return scores


def explain_clip(
    recognizer: Recognizer, store: ClipStore, row: int, action: int | None = None, steps: int = STEPS
) -> Explained:
    """Explain what a recogniser makes of one clip.

    The score of an action is divided among the inputs by integrated gradients (Sundararajan, Taly and Yan, ICML 2017),
    through `torch_geometric.explain`, from a clip in which all is 0 (every joint at the origin, no bone, no motion) to
    this one. The importance of a joint in a frame is the sum of the absolute parts of its channels. In the stream
    `bone`, a bone counts for the joint at its outer end.

    Parameters
    ----------
    recognizer
        The recogniser.
    store, row
        The clip; its own action number is not looked at.
    action
        Whose score is explained; the likeliest action if None.
    steps
        Points of the integral.

    Raises
    ------
    InputError
        The clip has other skeletons or shows nobody, or the recogniser does not know the action.
    """
    check_store(recognizer, store)
    actions = recognizer.actions.tolist()
    if action is not None and action not in actions:
        raise InputError(f"--action: found {action}, but {recognizer.path} knows {', '.join(map(str, actions))}")
    if store.clips.frames[row] < 1 or not any(shows_somebody(store, track) for track in store.tracks_of(row).tolist()):
        raise InputError(f"{store.folder}: clip {store.clips.name[row]} shows nobody; there is nothing to explain")
    view, device = recognizer.view, recognizer.device
    clips = load_clips(store, np.array([row]), None, device, view.rotate_to_body, view.people)
    draws = still(1, view, 0.5).to(device)
    batch = gather_batch(clips, torch.zeros(1, dtype=torch.int64), view, draws)
    actors, frames, joints, channels = batch.x.shape
    with torch.no_grad():
        scores = recognizer.net(batch.x, batch.clip, 1).softmax(1)[0]
    if not scores.isfinite().all():
        raise InputError(f"{recognizer.path}: gives scores that are no numbers; its weights make no sense")
    label = int(scores.argmax()) if action is None else actions.index(action)
    graph = skeleton_graph(recognizer.layout)
    explainer = Explainer(
        model=OnNodes(recognizer.net, actors, joints).eval(),  # the explainer brings back the mode that it finds
        algorithm=CaptumExplainer("IntegratedGradients", n_steps=steps),
        explanation_type="phenomenon",
        node_mask_type="attributes",
        model_config={"mode": "multiclass_classification", "task_level": "graph", "return_type": "raw"},
    )
    explanation = explainer(
        batch.x.reshape(-1, channels),
        repeat_edges(graph.edge_index, actors * frames, joints, joints).to(device),
        target=torch.tensor([label], device=device),
    )
    parts = explanation.node_mask.reshape(actors, frames, joints, channels)
    window = None if draws.share is None or draws.place is None else time_window(clips.frames, draws.share, draws.place)
    frame = place_frames(clips.frames, view.sampling, view.frames, draws.offset, window).index[0]
    return Explained(
        str(store.clips.name[row]),
        actions[label],
        float(scores[label]),
        frame.cpu().numpy(),
        parts.abs().sum(-1).float().cpu().numpy(),
    )


def joint_shares(explained: Explained) -> np.ndarray:
    """Return the share of each joint in a decision, over all frames and actors; float64 [V], 1 in all."""
    total: np.ndarray = explained.importance.sum((0, 1), dtype=np.float64)
    return total / max(total.sum(), 1e-12)
