import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from base.errors import InputError
from data.skeletons.layouts import LAYOUTS
from refine.files.methods import Piece, open_method
from refine.filters.smoothing import smooth
from refine.steady.api import refine
from refine.steady.smoother import WEIGHTS
from tests.refine.files.made import SKELETON, as_recording

ROOT = Path(__file__).parents[3]


@pytest.fixture
def piece(rng):
    joints = SKELETON + rng.normal(size=(40, *SKELETON.shape)).cumsum(0)
    joints[5:9, 3] = np.nan
    trust = rng.uniform(0.5, 1, joints.shape[:2]).astype(np.float32)
    return Piece(joints, np.where(np.isfinite(joints[..., 0]), trust, 0), 30.0)


def test_steady_is_the_one_from_python(piece):
    seen = np.isfinite(piece.joints)
    refined = open_method("steady").refine(piece)
    expected = refine(piece.joints, 30, piece.confidence)
    np.testing.assert_allclose(refined[seen], expected[seen], atol=1e-9)
    assert np.isfinite(refined).all()


def test_bones_are_for_poses_in_space(piece, rng):
    steady = open_method("steady")
    bones = tuple((joint, joint + 1) for joint in range(13))
    np.testing.assert_array_equal(steady.refine(replace(piece, bones=bones)), steady.refine(piece))
    solid = Piece(rng.normal(size=(40, 14, 3)).cumsum(0), None, 30.0, bones)
    np.testing.assert_allclose(steady.refine(solid), refine(solid.joints, 30, skeleton=bones), atol=1e-9)


def test_a_refiner_of_one_skeleton_is_for_no_other(rng):
    method = open_method("steady_ntu25")
    joints = rng.normal(size=(1, 9, 25, 3)).cumsum(1)
    given = as_recording(joints)
    for right in (given, replace(given, bones=LAYOUTS["ntu25"].bones)):
        method.check(right, "walk")
    np.testing.assert_allclose(
        method.refine(Piece(joints[0], None, 30.0)), refine(joints[0], 30, model="steady_ntu25"), atol=1e-6
    )
    flat, other = as_recording(joints[..., :2]), replace(given, bones=((0, 1), (5, 7)))
    for wrong in (flat, other, as_recording(joints[:, :, :17]), replace(given, groups=((0,), tuple(range(1, 25))))):
        with pytest.raises(InputError, match=r"^walk: steady_ntu25 is for the joints of ntu25, the file has others"):
            method.check(wrong, "walk")


def test_weights_are_told_by_their_hash(tmp_path):
    copy = tmp_path / "mine.safetensors"
    copy.write_bytes(WEIGHTS.read_bytes())
    digest = hashlib.sha256(copy.read_bytes()).hexdigest()
    assert open_method("steady").about == {"name": "steady", "sha256": digest}
    assert open_method(str(copy)).about == {"name": "mine.safetensors", "sha256": digest}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("gaussian", {"sigma_s": 0.1}),
        ("one_euro", {"min_cutoff_hz": 1.2, "beta": 0.7, "speed_cutoff_hz": 30.0}),
        ("savitzky_golay", {"window_s": 31 / 30, "order": 2}),
        ("butterworth", {"cutoff_hz": 6.0, "order": 2}),
    ],
)
def test_filters_have_the_parameters_of_the_comparison(piece, name, parameters):
    seen = np.isfinite(piece.joints)
    refined = open_method(name).refine(piece)
    [expected] = smooth(name, [piece.joints], parameters, 30.0, confidences=[piece.confidence])
    np.testing.assert_allclose(refined[seen], expected[seen], atol=1e-4)
    assert np.isfinite(refined).all()


def test_what_was_not_seen_is_on_a_line_between_what_was(piece):
    refined = open_method("gaussian").refine(piece)
    line = refined[4, 3] + (refined[9, 3] - refined[4, 3]) * np.arange(6)[:, None] / 5
    np.testing.assert_allclose(refined[4:10, 3], line, atol=1e-4)


@pytest.fixture
def checkpoint(tmp_path):
    """A released SmoothNet that answers what it is given, in metres."""
    torch = pytest.importorskip("torch")
    from refine.nets.registry import ModelSection, build_net

    torch.manual_seed(0)
    net = build_net(ModelSection(window=8, hidden=16, res_hidden=8, blocks=1))
    path = tmp_path / "checkpoint_8.pth.tar"
    torch.save({"state_dict": net.state_dict()}, path)
    return path


def test_a_trained_network_takes_any_joints_and_minds_the_unit(checkpoint, piece, rng):
    from refine.refiner import load_refiner, refine_poses

    method = open_method(str(checkpoint))
    metres = rng.normal(size=(30, 5, 3)).cumsum(0) * 0.01
    [expected] = refine_poses(load_refiner(checkpoint), [metres], stride=2, merge="smooth", fps=30.0)
    np.testing.assert_allclose(method.refine(Piece(metres, None, 30.0, unit="m")), expected, atol=1e-5)
    millimetres = method.refine(Piece(1000 * metres, None, 30.0, unit="mm"))
    np.testing.assert_allclose(millimetres, 1000 * expected, atol=1e-2)
    with pytest.raises(InputError, match=r"^walk: .*checkpoint_8\.pth\.tar knows positions in halves of an image's"):
        method.check(as_recording(piece.joints[None], unit="px"), "walk")
    with pytest.raises(InputError, match=r"^walk: .* knows positions in metres, and the file's unit is not known"):
        method.check(as_recording(metres[None]), "walk")
    method.check(as_recording(metres[None], unit="cm"), "walk")


def test_what_is_none_of_them(tmp_path):
    with pytest.raises(InputError, match=r"^--model: found staedy, expected .*steady.*, butterworth, .*or the path"):
        open_method("staedy")
    junk = tmp_path / "junk.safetensors"
    junk.write_bytes(b"junk")
    with pytest.raises(InputError, match=r"junk\.safetensors"):
        open_method(str(junk))


def test_neither_steady_nor_filters_load_torch():
    code = (
        "import sys, numpy as np\n"
        "from refine.files import methods, smoothing, stage\n"
        "for model in ('steady', 'butterworth'):\n"
        "    methods.open_method(model).refine(methods.Piece(np.zeros((5, 3, 2)), None, 30.0))\n"
        "assert smoothing.RECORDINGS.names()\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
