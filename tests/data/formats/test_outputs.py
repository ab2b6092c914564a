"""An export is there whole or not at all, and replaces only what an export wrote."""

import pickle

import numpy as np
import pytest

from base.errors import InputError
from data.formats.clips import DenseClips
from data.formats.exporting import ExportOptions, export_store
from data.formats.options import WriteOptions
from data.formats.outputs import Export
from data.formats.registry import FORMATS
from tests.data.formats.steps import export


def test_a_split_in_which_all_clips_fall_on_one_side_is_not_written(make_store, tmp_path):
    store = make_store(clips=(((1, 1, 1), 9, [(0, 0, 9)]), ((3, 1, 2), 9, [(0, 0, 9)])))
    lines = export(store, tmp_path / "ctr", "ctrgcn")
    assert sorted(path.name for path in (tmp_path / "ctr").iterdir()) == ["NTU60_CS.npz", "NTU60_CS_names.txt"]
    assert "not written: xview" in lines[-1]
    with pytest.raises(InputError, match="by xview all of its 2 clips are for training or all for testing"):
        export(store, tmp_path / "cv", "ctrgcn", split="xview")


def test_a_folder_with_other_files_is_not_replaced(store, tmp_path):
    folder = tmp_path / "mine"
    export_store(store.folder, folder, ExportOptions("npy"))
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match=r"holds thesis.txt, which is no .skeleton.npy file"):
        export_store(store.folder, folder, ExportOptions("npy"), again=True)
    assert (folder / "thesis.txt").exists()


@pytest.mark.parametrize(
    ("format", "output"), [("pyskl", "a.pkl"), ("ctrgcn", "a"), ("skeleton", "a.zip"), ("npy", "a")]
)
def test_a_full_disk_leaves_nothing(store, tmp_path, monkeypatch, format, output):
    def full(self, row):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(DenseClips, "__getitem__", full)
    with pytest.raises(InputError, match=r"cannot be written .No space left on device.; nothing was kept"):
        export_store(store.folder, tmp_path / output, ExportOptions(format))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("format", "output"), [("pyskl", "a.pkl"), ("skeleton", "a.zip"), ("npy", "a"), ("stgcn", "a")]
)
def test_the_progress_ends_at_its_total(store, tmp_path, format, output):
    """One step a clip, and with two splits two."""
    kind = FORMATS[format]
    shape = next(shape for shape in kind.outputs if shape.fits(tmp_path / output))
    job = Export(store, tmp_path / output, format, WriteOptions(), again=False)
    steps = []
    shape.write(job, lambda: steps.append(1))
    assert len(steps) == len(store.clips) * shape.rounds(job) == len(store.clips) * (2 if format == "stgcn" else 1)


@pytest.mark.parametrize("suffix", [".skeleton", ".skeleton.npy"])
def test_a_folder_of_somebody_elses_files_is_not_replaced(store, tmp_path, suffix):
    folder = tmp_path / "theirs"
    format = "npy" if suffix.endswith(".npy") else "skeleton"
    export_store(store.folder, folder, ExportOptions(format))
    (folder / ".DS_Store").touch()
    export_store(store.folder, folder, ExportOptions(format), again=True)
    theirs = folder / f"{store.clips.name[0]}{suffix}"
    theirs.write_bytes(b"1\r\n1\r\n72057594037931101 0 0 0 0 0 0 0 0 2\r\n")
    with pytest.raises(InputError, match=f"holds {theirs.name}, which no export has written"):
        export_store(store.folder, folder, ExportOptions(format), again=True)
    theirs.unlink()
    theirs.symlink_to(store.folder / "joints.npy")
    with pytest.raises(InputError, match=f"holds {theirs.name}, which is no {suffix} file"):
        export_store(store.folder, folder, ExportOptions(format), again=True)


@pytest.mark.parametrize("format", ["ctrgcn", "stgcn"])
def test_the_files_of_the_projects_themselves_are_not_replaced(store, tmp_path, format):
    """Named as ours are, and made by Python's own pickle and NumPy's own writer."""
    split = "xsub"
    theirs = tmp_path / "theirs"
    names = {"ctrgcn": ["NTU60_CS.npz"], "stgcn": [f"{split}/train_data_joint.npy", f"{split}/train_label.pkl"]}[format]
    for name in names:
        (theirs / name).parent.mkdir(parents=True, exist_ok=True)
        with (theirs / name).open("wb") as file:
            if name.endswith(".pkl"):
                pickle.dump((["S001C001P001R001A001.skeleton"], [0]), file)
            else:
                np.save(file, np.zeros(3, np.float32))
    before = {name: (theirs / name).read_bytes() for name in names}
    with pytest.raises(InputError, match="was not made here, and --again replaces nothing else"):
        export_store(store.folder, theirs, ExportOptions(format, split=split), again=True)
    assert {name: (theirs / name).read_bytes() for name in names} == before
    export_store(store.folder, tmp_path / "ours", ExportOptions(format, split=split))
    export_store(store.folder, tmp_path / "ours", ExportOptions(format, split=split), again=True)
