"""`NTURGBD60` behaves as PyTorch Geometric's own data sets do, with its own transforms."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
import torch_geometric.transforms as T
from torch.testing import assert_close
from torch_geometric.loader import DataLoader
from torch_geometric.utils import degree, to_undirected

from base.errors import InputError
from data.formats.exporting import ExportOptions, export_store
from data.skeletons.store import open_store
from recognition.ntu60 import NTURGBD60


@pytest.fixture(scope="module")
def store(make_store):
    return make_store(second_actor="some", replications=2)


@pytest.fixture
def root(store, tmp_path):
    """A folder of one's own, in which something may be processed."""
    (tmp_path / "raw").symlink_to(store.folder)
    return tmp_path


def test_pos_is_the_positions(root):
    item = NTURGBD60(root)[0]
    assert torch.equal(item.pos, item.x)
    assert (item.pos.dtype, item.num_nodes) == (torch.float32, len(item.pos))
    item.pos += 1  # is nobody else's
    assert not torch.equal(item.pos, item.x)
    assert_close(item.pos, NTURGBD60(root)[0].x + 1)


def bones(pos, edge_index):
    return pos[edge_index[0]] - pos[edge_index[1]]


def check_centre(before, after):
    assert_close(after.pos, before.pos - before.pos.mean(0))


def check_normalise_scale(before, after):
    centred = before.pos - before.pos.mean(0)
    assert_close(after.pos, centred / centred.abs().max() * 0.999999)


def check_rotate(before, after):
    radius = before.pos[:, [0, 2]].norm(dim=1)
    assert_close(after.pos[:, [0, 2]].norm(dim=1), radius)
    assert_close(after.pos[:, 1], before.pos[:, 1])
    assert_close(bones(after.pos, before.edge_index).norm(dim=1), bones(before.pos, before.edge_index).norm(dim=1))
    assert not torch.allclose(after.pos, before.pos)


def check_turned_by_a_right_angle(before, after):
    x, y, z = before.pos.T  # about z by 90 degrees: x to y, y to -x
    assert_close(after.pos.abs(), torch.stack([y, x, z], 1).abs(), rtol=1e-4, atol=1e-6)


def check_jitter(before, after):
    assert 0 < (after.pos - before.pos).abs().max() <= 0.01 + 1e-6


def check_flip(before, after):
    assert_close(after.pos, before.pos * torch.tensor([-1.0, 1, 1]))


def check_scale(before, after):
    factor = (after.pos / before.pos).mean()
    assert 0.8 <= factor <= 0.9
    assert_close(after.pos, before.pos * factor)


def check_linear(before, after):
    assert_close(after.pos, before.pos @ torch.tensor([[1.0, 2, 0], [0, 1, 0], [0, 0, 3]]).T)


def check_self_loops(before, after):
    assert after.edge_index.shape[1] == before.edge_index.shape[1] + before.num_nodes
    assert after.edge_weight[-before.num_nodes :].eq(1).all()


def check_undirected(before, after):
    assert after.is_undirected()
    assert torch.equal(after.edge_index, to_undirected(before.edge_index))
    assert {tuple(edge) for edge in after.edge_index.T.tolist()} == {tuple(e) for e in before.edge_index.T.tolist()}


def check_cartesian(before, after):
    assert_close(after.edge_attr, bones(before.pos, before.edge_index))


def check_distance(before, after):
    assert_close(after.edge_attr[:, 0], bones(before.pos, before.edge_index).norm(dim=1))


def check_spherical(before, after):
    assert_close(after.edge_attr[:, 0], bones(before.pos, before.edge_index).norm(dim=1))


def check_one_hot(before, after):
    assert_close(after.x.argmax(1), degree(before.edge_index[0], before.num_nodes).long())


TRANSFORMS = {
    "Center": (T.Center(), check_centre),
    "NormalizeScale": (T.NormalizeScale(), check_normalise_scale),
    "RandomRotate": (T.RandomRotate((20, 60), axis=1), check_rotate),
    "RandomRotate by 90": (T.RandomRotate((90, 90), axis=2), check_turned_by_a_right_angle),
    "RandomJitter": (T.RandomJitter(0.01), check_jitter),
    "RandomFlip": (T.RandomFlip(axis=0, p=1.0), check_flip),
    "RandomScale": (T.RandomScale((0.8, 0.9)), check_scale),
    "LinearTransformation": (T.LinearTransformation(torch.tensor([[1.0, 2, 0], [0, 1, 0], [0, 0, 3]])), check_linear),
    "AddSelfLoops": (T.AddSelfLoops(attr="edge_weight"), check_self_loops),
    "ToUndirected": (T.ToUndirected(), check_undirected),
    "Cartesian": (T.Cartesian(norm=False), check_cartesian),
    "Distance": (T.Distance(norm=False), check_distance),
    "Spherical": (T.Spherical(norm=False), check_spherical),
    "OneHotDegree": (T.OneHotDegree(8, cat=False), check_one_hot),
}


@pytest.mark.parametrize("way", ["transform", "pre_transform"])
@pytest.mark.parametrize(("transform", "check"), TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_transforms_of_pyg(root, transform, check, way):
    options = {"pre_filter": lambda item: item.name.endswith("R001A001")} if way == "pre_transform" else {}
    clips = NTURGBD60(root, **{way: transform}, **options)
    before = {item.name: item for item in NTURGBD60(root)}[clips[0].name]
    after = clips[0]
    check(before, after)
    assert after.validate()
    assert torch.equal(after.y, before.y)
    assert torch.equal(after.timestamps, before.timestamps)
    batch = next(iter(DataLoader(clips, batch_size=2)))
    assert len(batch.pos) == sum(len(clips[at].pos) for at in range(2))


def test_indexing_as_any_data_set(root):
    clips = NTURGBD60(root)
    names = [item.name for item in clips]
    mask = torch.tensor([name.endswith("A023") for name in names])
    for index, expected in (
        (slice(2, 5), names[2:5]),
        (slice(None, 0.5), names[: round(0.5 * len(names))]),
        ([3, 1], [names[3], names[1]]),
        ((3, 1), [names[3], names[1]]),
        (torch.tensor([4, 0]), [names[4], names[0]]),
        (np.array([4, 0]), [names[4], names[0]]),
        (mask, [name for name in names if name.endswith("A023")]),
        (mask.numpy(), [name for name in names if name.endswith("A023")]),
    ):
        part = clips[index]
        assert isinstance(part, NTURGBD60)
        assert [item.name for item in part] == expected
        assert len(part) == len(expected)
    assert clips[-1].name == clips[torch.tensor(len(names) - 1)].name == names[-1]
    shuffled, order = clips.shuffle(return_perm=True)
    assert [item.name for item in shuffled] == [names[at] for at in order.tolist()]
    assert str(clips) == f"NTURGBD60({len(names)})"
    assert (clips.num_classes, clips[mask].num_classes) == (60, 60)
    assert (clips.num_node_features, clips.num_features, clips.num_edge_features) == (3, 3, 0)
    assert [item.name for item in copy.copy(clips)] == names


def test_summary(root):
    clips = NTURGBD60(root)
    summary = clips.get_summary()
    nodes = [len(item.x) for item in clips]
    assert summary.num_graphs == len(clips)
    assert (summary.num_nodes.min, summary.num_nodes.max) == (min(nodes), max(nodes))
    assert summary.num_nodes.mean == pytest.approx(np.mean(nodes))
    assert summary.num_edges.max == 73 * max(nodes) // 25


def test_paths_are_of_files_that_are_there(root):
    clips = NTURGBD60(root)
    for paths in (clips.raw_paths, clips.processed_paths):
        assert {Path(path).name for path in paths} >= {"joints.npy", "tracked.npy", "clips.csv", "store.json"}
        assert all(Path(path).is_file() for path in paths)
    made = NTURGBD60(root, pre_transform=T.Center())
    [path] = map(Path, made.processed_paths)
    assert path.is_file()
    assert path.parent == root / "processed" == Path(made.processed_dir)


@pytest.mark.parametrize("layout", ["zip", "folder", "files"])
def test_the_files_in_root_raw_are_found_as_pyg_has_it(store, tmp_path, layout):
    """PyTorch Geometric's data sets have what was downloaded in `raw` and what is made of it in `processed`."""
    target = {"zip": "raw/nturgbd_skeletons_s001_to_s017.zip", "folder": "raw/nturgb+d_skeletons", "files": "raw"}
    (tmp_path / "raw").mkdir()
    export_store(
        store.folder, tmp_path / "made.zip" if layout == "zip" else tmp_path / "made", ExportOptions("skeleton")
    )
    if layout == "files":
        (tmp_path / "raw").rmdir()
    (tmp_path / ("made.zip" if layout == "zip" else "made")).rename(tmp_path / target[layout])
    clips = NTURGBD60(tmp_path)
    assert all(Path(path).exists() for path in clips.raw_paths)
    assert [Path(path).name for path in clips.raw_paths] == [Path(target[layout]).name]
    assert Path(clips.processed_dir) == tmp_path / "processed/raw"
    assert sorted(item.name for item in clips) == sorted(
        name for name in store.clips.name.tolist() if name[8:12] not in ("P003", "P006")
    )
    before = (tmp_path / "processed/raw/store.json").stat().st_mtime_ns
    NTURGBD60(tmp_path)
    assert (tmp_path / "processed/raw/store.json").stat().st_mtime_ns == before
    NTURGBD60(tmp_path, force_reload=True)
    assert (tmp_path / "processed/raw/store.json").stat().st_mtime_ns > before
    with pytest.raises(
        InputError, match=r"no refined clips; make them with .* apply.input=.*processed/raw apply.output"
    ):
        NTURGBD60(tmp_path, skeletons="refined")


def test_a_store_that_one_has_prepared_is_never_prepared_again(root):
    before = {path.name: path.stat().st_mtime_ns for path in (root / "raw/").iterdir()}
    export_store(root / "raw", root / "skeletons.zip", ExportOptions("skeleton"))
    NTURGBD60(root, force_reload=True)
    assert {path.name: path.stat().st_mtime_ns for path in (root / "raw/").iterdir()} == before
    assert len(open_store(root / "raw").clips) == 20
