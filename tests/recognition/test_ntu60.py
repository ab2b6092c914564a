import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.testing import assert_close
from torch_geometric.data import Dataset
from torch_geometric.loader import DataLoader

from base.errors import InputError
from data.formats.exporting import ExportOptions, export_store
from data.ntu.splits import in_training
from data.skeletons.store import derive_store, open_store
from recognition.ntu60 import NTURGBD60

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


@pytest.fixture(scope="module")
def root(make_store, tmp_path_factory):
    """A folder with a raw and a refined store: 5 performers, 2 actions, 3 replications, one camera."""
    folder = tmp_path_factory.mktemp("ntu60")
    store = make_store(second_actor=True)
    (folder / "raw").symlink_to(store.folder)
    derive_store(store, folder / "refined", lambda done: [store.joints[done:] + np.float32(1)], store.info)
    return folder


def test_items(root):
    clips = NTURGBD60(root)
    store = open_store(root / "raw")
    names = store.clips.name[in_training(store.clips, "xsub")]
    assert isinstance(clips, Dataset)
    assert (clips.num_classes, clips.num_node_features) == (60, 3)
    assert [item.name for item in clips] == sorted(names.tolist())
    for item in clips:
        assert item.validate()
        assert item.y.tolist() == [int(item.name[-3:]) - 1]
        assert item.timestamps.dtype == torch.float32
        assert_close(item.timestamps * 30, item.frame.float())
        assert torch.equal(item.seen, item.tracked > 0)
        assert torch.equal(item.inferred, item.tracked == 1)
        assert len(item.seen) == len(item.x) == len(item.timestamps)


def test_subsets_divide_the_clips_and_refined_ones_pair_with_raw_ones(root):
    parts = [NTURGBD60(root, "xsub", subset) for subset in ("train", "test")]
    names = [item.name for part in parts for item in part]
    assert len(names) == len(set(names)) == 30
    assert {item.name[8:12] for item in parts[1]} == {"P003", "P006"}
    refined = NTURGBD60(root, skeletons="refined")
    for raw, better in zip(parts[0], refined, strict=True):
        assert raw.name == better.name
        assert_close(better.x, raw.x + 1)
        assert torch.equal(raw.seen, better.seen)


def test_loaders_with_workers_and_transforms(root):
    def first_actor(item):
        item.only = item.actor == 0
        return item

    clips = NTURGBD60(root, transform=first_actor)
    loader = DataLoader(clips, batch_size=7, num_workers=1)
    batches = list(loader)
    assert sum(batch.num_graphs for batch in batches) == len(clips)
    assert batches[0].name == [clips[at].name for at in range(7)]
    assert_close(batches[0].timestamps, torch.cat([clips[at].timestamps for at in range(7)]))
    assert batches[0].only.sum() < len(batches[0].x)


def test_pickling_takes_the_path_and_not_the_clips(root, monkeypatch):
    monkeypatch.chdir(root.parent)
    clips = NTURGBD60(Path(root.name))
    content = pickle.dumps(clips)
    assert len(content) < clips.store.joints.nbytes / 4
    monkeypatch.chdir("/")  # another process may be elsewhere
    assert_close(pickle.loads(content)[3].x, clips[3].x)


def test_the_data_sets_zip_is_prepared_once(root, tmp_path):
    export_store(root / "raw", tmp_path / "nturgbd_skeletons.zip", ExportOptions("skeleton"))
    first = NTURGBD60(tmp_path)
    assert len(first) == len(NTURGBD60(root))
    before = (tmp_path / "raw/store.json").stat().st_mtime_ns
    assert NTURGBD60(tmp_path)[0].name == first[0].name
    assert (tmp_path / "raw/store.json").stat().st_mtime_ns == before


def test_what_is_wrong_is_told_in_one_line(root, make_store, tmp_path):
    def refused(message, *words, **options):
        with pytest.raises(InputError, match=message) as caught:
            NTURGBD60(*words, **options)
        assert "\n" not in str(caught.value)

    refused("no clip store, and .* hold 0 zips .* make it with `python run.py prepare", tmp_path)
    refused("no refined clips; make them with `python run.py refine", tmp_path, skeletons="refined")
    refused("split: found 'xset', expected 'xsub' or 'xview'", root, "xset")
    refused("subset: found 'val', expected 'train' or 'test'", root, "xsub", "val")
    refused("skeletons: found 'truth', expected 'raw' or 'refined'", root, skeletons="truth")
    refused("none of its 30 clips is for train by xview", root, "xview")
    (tmp_path / "raw").symlink_to(make_store(actions=(1, 61)).folder)
    refused("has action 61, expected 1 to 60", tmp_path)


def test_the_pages_example_runs(root, tmp_path, monkeypatch, capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    code = next(block for block in blocks if "NTURGBD60" in block)
    assert len([line for line in code.splitlines() if line]) == 5
    (tmp_path / "datasets/ntu").mkdir(parents=True)
    (tmp_path / "datasets/ntu/simulated").symlink_to(root)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "commands.md", "exec"), {})
    assert capsys.readouterr().out.count("tensor(") >= 6
