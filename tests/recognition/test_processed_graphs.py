"""`pre_transform` and `pre_filter` of `NTURGBD60` are called once, and what they made is kept."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import torch_geometric.transforms as T
from torch.testing import assert_close
from torch_geometric.data import Data, HeteroData
from torch_geometric.loader import DataLoader

from base.errors import InputError
from data.skeletons.store import derive_store
from recognition.ntu60 import NTURGBD60


@pytest.fixture(scope="module")
def store(make_store):
    return make_store(second_actor="some", replications=2)


@pytest.fixture
def root(store, tmp_path):
    """A folder of one's own, in which something may be processed."""
    (tmp_path / "raw").symlink_to(store.folder)
    return tmp_path


def only_tensors(item):
    return {key: value for key, value in item.to_dict().items() if isinstance(value, torch.Tensor)}


def same(one, other):
    assert one.to_dict().keys() == other.to_dict().keys()
    for key, value in only_tensors(one).items():
        assert torch.equal(value, other[key]), key


class Count:
    """A pre-transform that counts how often it is called."""

    def __init__(self, by=1.0, name="Count()"):
        self.calls, self.by, self.name = 0, by, name

    def __repr__(self):
        return self.name

    def __call__(self, item):
        self.calls += 1
        item.pos = item.pos + self.by
        return item


def test_pre_transform_is_called_once_per_clip_and_kept(root):
    plain, work = NTURGBD60(root), Count()
    clips = NTURGBD60(root, pre_transform=work)
    assert work.calls == len(clips) == len(plain)
    for before, after in zip(plain, clips, strict=True):
        assert_close(after.pos, before.pos + 1)
        before.pos = after.pos
        same(before, after)
        assert (after.name, after.seen.dtype) == (before.name, torch.bool)
    again = NTURGBD60(root, pre_transform=work, transform=T.Center())
    assert work.calls == len(plain)
    assert again[3].pos.mean(0).abs().max() < 1e-5
    batch = next(iter(DataLoader(clips, batch_size=3, num_workers=1)))
    assert_close(batch.pos, torch.cat([clips[at].pos for at in range(3)]))
    NTURGBD60(root, pre_transform=work, force_reload=True)
    assert work.calls == 2 * len(plain)
    other = Count(name="Other()")
    with pytest.warns(UserWarning, match=r"`pre_transform` argument differs .* pass `force_reload=True`"):
        NTURGBD60(root, pre_transform=other)
    assert other.calls == 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        NTURGBD60(root, pre_transform=other, force_reload=True)
        NTURGBD60(root, subset="test", pre_transform=work)  # is another file
        NTURGBD60(root, pre_transform=other)
    assert other.calls == len(plain)


def test_graphs_of_another_store_or_partition_are_made_again(root, store):
    work = Count()
    for by in (1, 5):
        shutil.rmtree(root / "refined", ignore_errors=True)
        derive_store(store, root / "refined", lambda done, by=by: [store.joints[done:] + np.float32(by)], store.info)
        first = NTURGBD60(root, skeletons="refined", pre_transform=work)[0]
        assert_close(first.pos, NTURGBD60(root)[0].pos + by + 1)
    assert (first.edge_type.max(), work.calls) == (2, 2 * len(NTURGBD60(root)))
    assert NTURGBD60(root, skeletons="refined", pre_transform=work, partition="uniform")[0].edge_type.max() == 0


def test_pre_filter_leaves_out(root):
    plain = NTURGBD60(root)
    long = [item.name for item in plain if item.frame.max() >= 25]
    clips = NTURGBD60(root, pre_filter=lambda item: bool(item.frame.max() >= 25))
    assert 0 < len(long) < len(plain)
    assert [item.name for item in clips] == long
    same(clips[0], next(item for item in plain if item.name == long[0]))
    with pytest.raises(InputError, match="pre_filter: keeps none of the"):
        NTURGBD60(root, pre_filter=lambda item: False, force_reload=True)
    assert [item.name for item in NTURGBD60(root, pre_filter=lambda item: True)] == long  # the file is still the old


def test_what_pre_transform_may_not_return(root):
    for work, message in (
        (lambda item: HeteroData(), "returned HeteroData, expected torch_geometric.data.Data"),
        (lambda item: Data(x=item.x, other=object()), "made other a object, which is not saved"),
    ):
        with pytest.raises(InputError, match=message):
            NTURGBD60(root, pre_transform=work)
        assert not list((root / "processed").iterdir()), "something half-written is left"


def test_a_damaged_file_of_graphs_is_made_again_or_told(root):
    clips = NTURGBD60(root, pre_transform=T.Center())
    [path] = map(Path, clips.processed_paths)
    whole = path.read_bytes()
    path.write_bytes(b"no data base")
    with pytest.raises(InputError, match=r"damaged .* force_reload=True"):
        clips[0]
    same(NTURGBD60(root, pre_transform=T.Center())[0], NTURGBD60(root, pre_transform=T.Center())[0])
    assert len(path.read_bytes()) == len(whole)
