"""Which options and stores go with which format; the commands."""

import sys

import pytest

import run
from base.errors import InputError
from data.formats.exporting import ExportOptions, export_store


def test_exports_that_do_not_fit(store, make_store, tmp_path):
    def refused(message, folder=store.folder, output="out", **options):
        with pytest.raises(InputError, match=message) as caught:
            export_store(folder, tmp_path / output, ExportOptions(**options))
        assert "\n" not in str(caught.value)
        assert not list(tmp_path.iterdir()), "something half-written is left"

    refused("no clip store", tmp_path, format="pyskl", output="a.pkl")
    refused("PYSKL opens .pkl files only", format="pyskl")
    refused("--dtype float16: does not go with --format npy", format="npy", dtype="float16")
    refused("--split xsub: does not go with --format pyskl", format="pyskl", output="a.pkl", split="xsub")
    refused("--positions stored: does not go with --format skeleton", format="skeleton", positions="stored")
    flat = make_store("coco17").folder
    for format in ("ctrgcn", "stgcn", "skeleton", "npy"):
        refused("has the joints of coco17, and --format .* use --format pyskl", flat, format=format)
    ntu120 = make_store(clips=(((1, 1, 61), 9, [(0, 0, 9)]), ((3, 2, 61), 9, [(0, 0, 9)]))).folder
    for format in ("ctrgcn", "stgcn"):
        refused(
            "xsub is a rule of NTU RGB.D 60, and clip .*A061 .*; use --split xsub120 or xset120", ntu120, format=format
        )
    empty = make_store(clips=()).folder
    for format in ("ctrgcn", "skeleton"):
        refused("holds no clip", empty, format=format)


def test_the_commands(store, tmp_path, monkeypatch, capsys):
    def command(*words):
        monkeypatch.setattr(sys, "argv", ["run.py", *map(str, words)])
        return run.main(), capsys.readouterr()

    status, said = command("export", store.folder, tmp_path / "a.pkl", "--format", "pyskl", "--dtype", "float32")
    assert (status, said.err) == (0, "")
    assert "6 clips for PYSKL" in said.out
    status, said = command("import", tmp_path / "a.pkl", tmp_path / "store")
    assert status == 0
    assert "6 clips from pyskl files, joints of ntu25" in said.out
    for words in (
        ("export", store.folder, tmp_path / "b.pkl", "--format", "mat"),
        ("export", store.folder, tmp_path / "b.pkl"),
        ("import", tmp_path / "a.pkl", tmp_path / "store"),
        ("import", tmp_path / "absent", tmp_path / "other"),
    ):
        status, said = command(*words)
        assert status == 2
        assert said.err.startswith("error: ")
        assert said.err.count("\n") == 1
