import pickle
import sys

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from base.errors import InputError
from data.skeletons.metrics import acceleration_errors, align_root, joint_errors
from refine.benchmarks import bodies as body_model
from refine.benchmarks.bodies import HEAD_TOP, body_joints_and_vertex_errors, load_body_model
from tests.refine.smpl_model import PARENTS, make_arrays, write_smpl

LSP = [8, 5, 2, 1, 4, 7, 21, 19, 17, 16, 18, 20, 12]


@pytest.fixture
def arrays(rng):
    return make_arrays(rng)


def load(tmp_path, arrays, regressor=None, **options):
    path = write_smpl(tmp_path / "SMPL_NEUTRAL.pkl", arrays, **options)
    return load_body_model(path, regressor, dtype=torch.float64)


def refuse(path, text, regressor=None):
    with pytest.raises(InputError, match=text) as caught:
        load_body_model(path, regressor)
    assert "\n" not in str(caught.value)


def poses(rng, frames, size=0.8):
    return torch.tensor(rng.normal(0, size, (frames, 72)))


def close(x, y, atol=1e-6):
    # smplx adds 1e-8 to every rotation vector's components.
    np.testing.assert_allclose(x, y, atol=atol)


def test_reads_npz(tmp_path, arrays):
    np.savez(tmp_path / "SMPL_NEUTRAL.npz", **arrays)
    model = load_body_model(tmp_path)
    assert model.template.dtype == torch.float32
    close(model.regressor, arrays["J_regressor"], 1e-7)


@pytest.mark.parametrize("name", ["SMPL_NEUTRAL.pkl", "basicModel_neutral_lbs_10_207_0_v1.0.0.pkl"])
def test_finds_the_neutral_model_in_a_folder(tmp_path, arrays, name):
    write_smpl(tmp_path / "SMPL_MALE.pkl", {})
    write_smpl(tmp_path / name, arrays)
    close(load_body_model(tmp_path).template, arrays["v_template"], 1e-6)


def test_at_rest_the_body_is_the_template_and_its_shape(tmp_path, rng, arrays):
    shape = rng.normal(size=(4, 10))
    joints, vertices = load(tmp_path, arrays).bodies(torch.zeros(4, 72), shape)
    expected = arrays["v_template"] + np.einsum("vdk,tk->tvd", arrays["shapedirs"], shape)
    close(vertices, expected)
    close(joints[:, :13], (arrays["J_regressor"] @ expected)[:, LSP])


def test_turning_the_pelvis_turns_everything_about_it(tmp_path, rng, arrays):
    model = load(tmp_path, arrays)
    pose = np.zeros((6, 72))
    pose[:, :3] = rng.normal(size=(6, 3))
    joints, vertices = model.bodies(pose)
    rest_joints, rest_vertices = model.bodies(np.zeros((1, 72)))
    pelvis = arrays["J_regressor"][0] @ arrays["v_template"]
    for t, turn in enumerate(Rotation.from_rotvec(pose[:, :3])):
        close(vertices[t], turn.apply(rest_vertices[0].numpy() - pelvis) + pelvis)
        close(joints[t], turn.apply(rest_joints[0].numpy() - pelvis) + pelvis)


def test_joints_hang_on_their_parents(tmp_path, rng, arrays):
    """Forward kinematics, written down a second time."""
    pose, shape = poses(rng, 5), rng.normal(size=(5, 10))
    joints, _ = load(tmp_path, arrays).bodies(pose, shape)
    for t in range(5):
        rest = arrays["J_regressor"] @ (arrays["v_template"] + arrays["shapedirs"] @ shape[t])
        turns, places = [], []
        for joint, local in enumerate(Rotation.from_rotvec(pose[t].numpy().reshape(24, 3))):
            parent = PARENTS[joint]
            turns.append(turns[parent] * local if joint else local)
            step = rest[joint] - rest[parent]
            places.append(places[parent] + turns[parent].apply(step) if joint else rest[0])
        close(joints[t], np.array(places)[[*LSP, 15]])


def test_vertices_follow_their_joint(tmp_path, rng):
    """With each vertex on one joint and no pose blending, a vertex moves as that joint's frame does."""
    arrays = make_arrays(rng, pose_shapes=0)
    arrays["weights"] = np.eye(24)[np.arange(60) % 24]
    pose = np.zeros((1, 72))
    elbow, turn = 18, np.array([0.3, -0.4, 0.9])
    pose[0, 3 * elbow : 3 * elbow + 3] = turn
    _, vertices = load(tmp_path, arrays).bodies(pose)
    centre = arrays["J_regressor"][elbow] @ arrays["v_template"]
    moved = Rotation.from_rotvec(turn).apply(arrays["v_template"] - centre) + centre
    below = np.isin(np.arange(60) % 24, [18, 20, 22])  # left elbow, wrist and hand
    close(vertices[0], np.where(below[:, None], moved, arrays["v_template"]))


def test_pose_blend_shapes_add_what_the_joints_turned(tmp_path, rng, arrays):
    arrays["weights"] = np.eye(24)[np.zeros(60, int)]
    pose = poses(rng, 3)
    pose[:, :3] = 0
    _, vertices = load(tmp_path, arrays).bodies(pose)
    turned = Rotation.from_rotvec(pose.numpy().reshape(-1, 3)).as_matrix().reshape(3, 24, 3, 3)[:, 1:] - np.eye(3)
    close(vertices, arrays["v_template"] + np.einsum("vdk,tk->tvd", arrays["posedirs"], turned.reshape(3, 207)))


def test_the_top_of_the_head_is_a_mean_of_posed_vertices(tmp_path, rng, arrays):
    extra = np.zeros((9, 60))
    extra[3, [7, 9]] = 0.25, 0.75
    np.save(tmp_path / "extra.npy", extra)
    pose = poses(rng, 3)
    model = load(tmp_path, arrays, tmp_path / "extra.npy")
    joints, vertices = model.bodies(pose)
    close(joints[:, HEAD_TOP], 0.25 * vertices[:, 7] + 0.75 * vertices[:, 9], 1e-12)
    assert model.head == "the top of the head by J_regressor_extra.npy"
    without = load(tmp_path, arrays)
    assert without.head == "SMPL's head joint"
    close(without.bodies(pose)[0][:, :HEAD_TOP], joints[:, :HEAD_TOP], 0)
    (tmp_path / "extra.npy").rename(tmp_path / "J_regressor_extra.npy")
    close(load(tmp_path, arrays).bodies(pose)[0], joints, 0)


def test_chunks_make_no_difference(tmp_path, rng, arrays):
    model, pose, shape = load(tmp_path, arrays), poses(rng, 11), rng.normal(size=(11, 10))
    joints, vertices = model.bodies(pose, shape)
    chunks = list(model.pose_in_chunks(pose, shape, frames_at_once=4))
    assert [part for part, *_ in chunks] == [slice(0, 4), slice(4, 8), slice(8, 11)]
    close(torch.cat([x for _, x, _ in chunks]), joints, 1e-12)
    close(torch.cat([x for *_, x in chunks]), vertices, 1e-12)


def test_memory_is_bounded_for_the_real_number_of_vertices(tmp_path, rng):
    model = load(tmp_path, make_arrays(rng, vertices=6890))
    assert 50 < model.frames_at_once < 500


def test_vertex_errors_by_hand(tmp_path, rng, arrays):
    """A shape that shifts every vertex by (3, 4, 0) cm is 5 cm off in every pose, and its joints after alignment 0."""
    arrays["shapedirs"][..., 0] = [0.03, 0.04, 0]
    pose = poses(rng, 5)
    shape = np.eye(10)[[0] * 5] * np.arange(5)[:, None]
    joints, true_joints, errors = body_joints_and_vertex_errors(load(tmp_path, arrays), pose, shape, pose, None)
    close(errors, 0.05 * np.arange(5))
    close(joint_errors(joints, true_joints), 0.05 * np.arange(5))
    close(joint_errors(align_root(joints, (2, 3)), align_root(true_joints, (2, 3))), np.zeros(5))


def test_joint_and_vertex_errors_across_chunks(tmp_path, rng, arrays, monkeypatch):
    model, pose, true_pose = load(tmp_path, arrays), poses(rng, 9), poses(rng, 9)
    true_shape = rng.normal(size=(9, 10))
    joints, vertices = model.bodies(pose)
    true_joints, true_vertices = model.bodies(true_pose, true_shape)
    monkeypatch.setattr(body_model, "_CHUNK_BYTES", 60 * 160 * 2)
    assert model.frames_at_once == 2
    found, truth, errors = body_joints_and_vertex_errors(model, pose, None, true_pose, true_shape)
    close(errors, (vertices - true_vertices).square().sum(-1).sqrt().mean(-1), 1e-12)
    close(found, joints, 1e-12)
    close(truth, true_joints, 1e-12)
    close(acceleration_errors(found, truth), acceleration_errors(joints, true_joints), 1e-12)


@pytest.mark.parametrize(
    ("pose", "shape", "text"),
    [
        ((5, 69), (5, 10), r"pose of an SMPL body is \[5, 69\], expected \[5, 72\]"),
        ((5, 72), (4, 10), r"shape of an SMPL body is \[4, 10\], expected \[5, 10\]"),
    ],
)
def test_arrays_of_another_shape(tmp_path, arrays, pose, shape, text):
    model = load(tmp_path, arrays)
    with pytest.raises(InputError, match=text):
        model.bodies(np.zeros(pose), np.zeros(shape))


def test_sequences_of_different_length(tmp_path, arrays):
    model = load(tmp_path, arrays)
    with pytest.raises(InputError, match="5 detected SMPL poses, but 4 true ones"):
        body_joints_and_vertex_errors(model, torch.zeros(5, 72), None, torch.zeros(4, 72), None)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"weights": np.ones((60, 52))}, r"weights is \[60, 52\], expected \[60, 24\]; this is not the SMPL model"),
        ({"shapedirs": np.ones((60, 3, 9))}, r"shapedirs is \[60, 3, 9\], expected \[60, 3, 10 or more\]"),
        ({"posedirs": np.ones((60, 3, 459))}, r"posedirs is \[60, 3, 459\], expected \[60, 3, 207\]"),
        ({"v_template": np.array(3.0)}, r"v_template is \[\], expected \[V, 3\]"),
        ({"v_template": np.full((60, 3), np.nan)}, "v_template holds infinities or NaN"),
        ({"v_template": [[0.0, 0.0, 0.0]] * 60}, "v_template holds no numbers"),
        ({"weights": np.full((60, 24), "a")}, "weights holds no numbers"),
        ({"kintree_table": np.stack([PARENTS[::-1]] * 2)}, "kintree_table is no tree of joints"),
        ({"f": np.array([[0, 1, 60]])}, "f names vertices that v_template does not have"),
    ],
)
def test_a_model_that_contradicts_itself(tmp_path, arrays, changes, text):
    path = tmp_path / "SMPL_NEUTRAL.pkl"
    path.write_bytes(pickle.dumps({**arrays, **changes}, 2))
    refuse(path, f"SMPL_NEUTRAL.pkl: {text}")


def test_absent_files_say_where_they_come_from(tmp_path, arrays):
    for path in (tmp_path / "none.pkl", tmp_path):
        refuse(path, r"register at https://smpl.is.tue.mpg.de, download .* and set smpl.model to its neutral model")
    path = write_smpl(tmp_path / "SMPL_NEUTRAL.pkl", arrays)
    refuse(path, "none.npy: no such file; J_regressor_extra.npy comes with SPIN's data", tmp_path / "none.npy")


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((9, 6890)), r"float64 \[9, 6890\], expected numbers \[9, 60\]"),
        (np.zeros((3, 60)), r"float64 \[3, 60\], expected numbers \[9, 60\]"),
        (np.full((9, 60), np.inf), "infinities"),
        (np.full((9, 60), None), "not an array as NumPy writes it; expected SPIN's J_regressor_extra.npy"),
    ],
)
def test_another_regressor(tmp_path, arrays, array, text):
    path = write_smpl(tmp_path / "SMPL_NEUTRAL.pkl", arrays)
    np.save(tmp_path / "extra.npy", array)
    refuse(path, rf"extra.npy: .*{text}", tmp_path / "extra.npy")


def test_a_regressor_that_is_no_array(tmp_path, arrays):
    path = write_smpl(tmp_path / "SMPL_NEUTRAL.pkl", arrays)
    for content in (b"text", b"", b"\x93NUMPY\x01\x00\x02\x00{}"):
        (tmp_path / "extra.npy").write_bytes(content)
        refuse(path, "extra.npy: not an array as NumPy writes it", tmp_path / "extra.npy")


def test_without_smplx_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "smplx", None)
    monkeypatch.delitem(sys.modules, "smplx.lbs", raising=False)
    refuse(tmp_path, r"^the SMPL body model needs smplx: pip install 'steady-skeletons\[smpl\]'$")
