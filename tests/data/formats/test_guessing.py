"""The format is guessed; unknown files are called what they are."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from base.errors import InputError
from data.formats.guessing import guess_format, some_of
from data.formats.importing import ImportOptions, import_store
from data.formats.registry import BY_CONTENT, FORMATS
from tests.data.formats.made_files import as_text
from tests.data.formats.steps import NAMES, bring, export


@pytest.mark.parametrize(
    ("format", "output", "source"),
    [
        ("pyskl", "a.pkl", "a.pkl"),
        ("ctrgcn", "a", "a/NTU60_CS.npz"),
        ("stgcn", "a", "a"),
        ("skeleton", "a", "a"),
        ("skeleton", "a.zip", "a.zip"),
        ("npy", "a", "a"),
    ],
)
def test_the_format_is_guessed_and_outputs_are_replaced_only_when_asked(store, tmp_path, format, output, source):
    export(store, tmp_path / output, format)
    assert guess_format(tmp_path / source) == format
    with pytest.raises(InputError, match="already exists"):
        export(store, tmp_path / output, format)
    export(store, tmp_path / output, format, again=True)
    assert not list(tmp_path.rglob(".*")), "something half-written is left"
    bring(tmp_path / source, tmp_path / "store")
    with pytest.raises(InputError, match="already exists"):
        bring(tmp_path / source, tmp_path / "store")
    bring(tmp_path / source, tmp_path / "store", again=True)


def test_unknown_files_are_called_what_they_are(tmp_path):
    def refused(message, source, **options):
        with pytest.raises(InputError, match=message) as caught:
            import_store(source, tmp_path / "store", ImportOptions(**options))
        assert "\n" not in str(caught.value)
        assert "pass --" not in str(caught.value)

    np.savez(tmp_path / "amass.npz", poses=np.zeros(3), trans=np.zeros(3))
    refused("found poses, trans, expected x_train, .* no other .npz can be imported", tmp_path / "amass.npz")
    refused("found poses, trans, expected x_train", tmp_path / "amass.npz", split="xsub")
    (tmp_path / "spin.pkl").write_bytes(pickle.dumps({"pose": 1, "betas": 2}))
    refused("found a dict of 'pose', 'betas', expected .* no other .pkl can be imported", tmp_path / "spin.pkl")
    (tmp_path / "clip.json").write_text("{}")
    refused("found .json in its name; import reads .*, PYSKL's .pkl", tmp_path / "clip.json")
    (tmp_path / f"{NAMES[0]}.skeleton").write_bytes(as_text())
    refused("is one file of a set; give the folder", tmp_path / f"{NAMES[0]}.skeleton")
    np.save(tmp_path / "poses.npy", np.zeros((5, 17, 3)))
    refused("found .npy in its name; import reads", tmp_path / "poses.npy")
    (tmp_path / "empty").mkdir()
    refused("found nothing in it; import reads", tmp_path / "empty")
    refused("found no .npz file but nothing in it", tmp_path / "empty", format="ctrgcn")
    (tmp_path / "openpose").mkdir()
    for frame in range(5):
        (tmp_path / f"openpose/{frame}_keypoints.json").write_text("{}")
    refused("found 0_keypoints.json, 1_keypoints.json, 2_.* and more; import reads", tmp_path / "openpose")


def test_several_formats_in_one_folder_are_named(tmp_path):
    (tmp_path / "a").mkdir()
    np.savez(tmp_path / "a/NTU60_CS.npz", x=1)
    (tmp_path / f"a/{NAMES[0]}.skeleton").write_bytes(as_text())
    with pytest.raises(InputError, match=r"holds files of ctrgcn, skeleton; say which with --format ctrgcn\|skeleton"):
        import_store(tmp_path / "a", tmp_path / "store", ImportOptions())


@pytest.fixture
def sniffing():
    kind = replace(FORMATS["pyskl"], guess=lambda path: BY_CONTENT * (path.is_file() and path.read_bytes() == b"toy"))
    yield FORMATS.add("sniffing", kind)
    FORMATS.remove("sniffing")
    FORMATS.remove("as sure")


def test_content_goes_before_names(tmp_path, sniffing):
    (tmp_path / "a.pkl").write_bytes(b"toy")
    (tmp_path / "b.pkl").write_bytes(b"other")
    assert guess_format(tmp_path / "a.pkl") == "sniffing"
    assert guess_format(tmp_path / "b.pkl") == "pyskl"
    FORMATS.add("as sure", sniffing)
    with pytest.raises(InputError, match=r"may be a file of sniffing, as sure; say which with --format sniffing\|"):
        guess_format(tmp_path / "a.pkl")


def test_a_format_that_cannot_be_read_is_not_guessed(tmp_path, sniffing):
    (tmp_path / "a.pkl").write_bytes(b"toy")
    FORMATS.add("as sure", replace(sniffing, open=None))
    assert guess_format(tmp_path / "a.pkl") == "sniffing"


@pytest.mark.parametrize("entries", [0, 1, 3, 5])
def test_some_of_a_folder(tmp_path, entries):
    for name in ("ä.txt", "b/", "c.npz", "d", "e")[:entries]:
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    told = {0: "nothing in it", 1: "\\xe4.txt", 3: "\\xe4.txt, b/, c.npz", 5: "\\xe4.txt, b/, c.npz and more"}
    assert some_of(tmp_path) == told[entries]
