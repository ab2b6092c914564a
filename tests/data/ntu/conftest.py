"""A folder and a zip of twelve small recordings."""

import pytest

from tests.data.ntu.recordings import FOLDER, clip, names, pack


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "unpacked" / FOLDER
    folder.mkdir(parents=True)
    for seed, name in enumerate(names(12)):
        (folder / f"{name}.skeleton").write_bytes(clip(seed))
    (folder / "README.txt").write_text("not a clip")
    return folder.parent


@pytest.fixture
def zipped(folder):
    files = sorted(folder.rglob("*.skeleton"), reverse=True)
    return pack(folder.parent / "skeletons.zip", {f"{FOLDER}/{file.name}": file.read_bytes() for file in files})
