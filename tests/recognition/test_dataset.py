import numpy as np
import torch
from torch.testing import assert_close
from torch_geometric.loader import DataLoader

from recognition.dataset import SkeletonGraphs


def test_a_clip_as_a_graph(make_store):
    store = make_store(second_actor=True)
    graphs = SkeletonGraphs(store)
    assert (len(graphs), graphs.num_classes, graphs.num_node_features) == (30, 2, 3)
    row = 4
    item = graphs[list(graphs.rows).index(row)]
    frames = int(store.clips.frames[row])
    assert item.validate()
    assert item.num_nodes == 25 * (frames + frames - 5)
    assert item.name == store.clips.name[row]
    assert item.y.tolist() == [[1, 23].index(store.clips.action[row])]
    for node in (0, 26, 25 * frames, item.num_nodes - 1):
        frame, actor, joint = int(item.frame[node]), int(item.actor[node]), int(item.joint[node])
        track = np.flatnonzero((store.tracks.clip == row) & (store.tracks.actor == actor))[0]
        at = store.tracks.first_row[track] + frame - store.tracks.first_frame[track]
        assert item.x[node].tolist() == store.joints[at, joint].tolist()
    for value in (item.frame, item.actor):
        assert torch.equal(value[item.edge_index[0]], value[item.edge_index[1]])
    assert item.edge_index.shape[1] == 73 * item.num_nodes // 25
    assert item.edge_type.bincount().tolist() == [count * item.num_nodes // 25 for count in (25, 24, 24)]


def test_collates(make_store):
    graphs = SkeletonGraphs(make_store(second_actor=True))
    batch = next(iter(DataLoader(graphs[:3], batch_size=3)))
    assert batch.num_graphs == 3
    assert batch.x.shape[0] == sum(graphs[index].num_nodes for index in range(3))
    assert batch.name == [graphs[index].name for index in range(3)]
    assert_close(batch.batch[batch.edge_index[0]], batch.batch[batch.edge_index[1]])
    assert_close(batch.y, torch.cat([graphs[index].y for index in range(3)]))
