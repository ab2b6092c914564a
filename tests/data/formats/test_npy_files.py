"""The authors' readers open what is written; what is wrong with their files is told in one line."""

import numpy as np
import pytest

from data.formats.importing import ImportOptions, import_store
from data.skeletons.store import open_store
from tests.data.formats import readers
from tests.data.formats.made_files import Evil
from tests.data.formats.steps import NAMES, bring, clips_of, export, refused, same


def test_npy_files_open_as_the_authors_open_them(store, tmp_path):
    export(store, tmp_path / "npy", "npy")
    clips = clips_of(store)
    for name in NAMES:
        content = readers.authors(tmp_path / f"npy/{name}.skeleton.npy")
        two = bool(clips[name][:, 1].any())
        assert list(content) == ["file_name", "nbodys", "njoints", "skel_body0", *(["skel_body1"] if two else [])]
        assert (content["file_name"], content["njoints"]) == (name, 25)
        assert content["skel_body0"].dtype == np.float64
        for frame, bodies in enumerate(content["nbodys"]):
            for body in range(2):
                read = content[f"skel_body{body}"][frame] if body < bodies else np.zeros((25, 3))
                np.testing.assert_array_equal(read, clips[name][frame, body])
    same(store, bring(tmp_path / "npy", tmp_path / "store"))


def test_the_actors_are_chosen_among_more_than_two_bodies(tmp_path):
    rng = np.random.default_rng(0)
    pose = 1 + 0.05 * rng.normal(size=(25, 3)) * [0.2, 8, 1]
    bodies = [pose + scale * rng.normal(size=(20, 1, 3)) for scale in (0.1, 0.001, 0.3)]
    bodies[1][15:] = 0
    content = {"file_name": NAMES[0], "nbodys": [3] * 20, "njoints": 25}
    content |= {f"skel_body{number}": body for number, body in enumerate(bodies)}
    (tmp_path / "npy").mkdir()
    np.save(tmp_path / f"npy/{NAMES[0]}.skeleton.npy", np.array(content))
    lines = import_store(tmp_path / "npy", tmp_path / "store", ImportOptions())
    assert "more than two bodies" in lines[-1]
    joints = clips_of(open_store(tmp_path / "store"))[NAMES[0]]
    np.testing.assert_allclose(joints, np.stack([bodies[2], bodies[0]], 1), rtol=1e-6)  # the most mobile ones


def authors(folder, content, name=NAMES[0]):
    folder.mkdir(exist_ok=True)
    np.save(folder / f"{name}.skeleton.npy", content)
    return folder


NPY = {
    "numbers": (np.ones(3), "expected a dict with file_name"),
    "a call": (np.array(Evil()), "refused to unpickle posix.system"),
    "no body": (np.array({"njoints": 25}), "has no skel_body0"),
    "24 joints": (np.array({"skel_body0": np.ones((3, 24, 3))}), r"a body is float64 \(3, 24, 3\), expected floats"),
    "text": (np.array({"skel_body0": "x"}), "a body is str, expected floats"),
    "other frames": (
        np.array({"skel_body0": np.ones((3, 25, 3)), "skel_body1": np.ones((2, 25, 3))}),
        "its bodies have 3 and 2 frames",
    ),
    "NaN": (np.array({"skel_body0": np.full((3, 25, 3), np.nan)}), "found NaN or infinity"),
}


@pytest.mark.parametrize(("content", "message"), NPY.values(), ids=NPY.keys())
def test_bad_arrays(tmp_path, content, message):
    refused(authors(tmp_path / "a", content), tmp_path / "store", message)


def test_npy_names(tmp_path):
    refused(authors(tmp_path / "a", np.ones(3), "walking"), tmp_path / "store", "found 'walking.skeleton.npy'")
    (tmp_path / "b").mkdir()
    refused(tmp_path / "b", tmp_path / "store", "found no .skeleton.npy file", format="npy")
