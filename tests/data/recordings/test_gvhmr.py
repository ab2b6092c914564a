import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from base.errors import InputError
from data.recordings.gvhmr import guess, read
from tests.data.recordings.checks import check_damaged, check_same, rewritten


def content(frames=5):
    made = torch.Generator().manual_seed(0)

    def view():
        return {
            "body_pose": torch.randn(frames, 63, generator=made) / 3,
            "betas": torch.randn(frames, 10, generator=made),
            "global_orient": torch.randn(frames, 3, generator=made),
            "transl": torch.randn(3, frames, generator=made).T,  # whose numbers lie the other way round
        }

    outputs = {"pred_x": torch.randn(1, frames, 7, generator=made)}
    return {
        "smpl_params_global": view(),
        "smpl_params_incam": view(),
        "K_fullimg": torch.eye(3),
        "net_outputs": outputs,
    }


def saved(folder, value):
    torch.save(value, folder / "hmr4d_results.pt")
    return folder / "hmr4d_results.pt"


def test_both_views_are_read(tmp_path):
    value = content()
    recording = check_same(saved(tmp_path, value), "gvhmr")
    assert [len(group) for group in recording.groups] == [1, 2, 42] * 2
    np.testing.assert_array_equal(recording.joints[:, 45], value["smpl_params_incam"]["transl"].numpy())
    wanted = Rotation.from_rotvec(value["smpl_params_global"]["body_pose"][3, 3:6].numpy()).as_matrix()
    np.testing.assert_allclose(recording.joints[3, 5:7], wanted[:, :2].T, atol=1e-6)
    assert recording.names[5] == "global right hip x"


def test_pytorch_reads_what_was_written_and_all_else_stays(tmp_path):
    value = content()
    path = saved(tmp_path, value)

    def change(joints):
        joints[2, 0] = [1, 2, 3]
        joints[4, 1:3] = Rotation.from_rotvec([0.1, -0.2, 0.3]).as_matrix()[:, :2].T

    again = torch.load(rewritten(path, read(path), change), weights_only=True)
    value["smpl_params_global"]["transl"][2] = torch.tensor([1.0, 2, 3])
    found = again["smpl_params_global"]["global_orient"]
    torch.testing.assert_close(found[4], torch.tensor([0.1, -0.2, 0.3]), atol=1e-6, rtol=0)
    value["smpl_params_global"]["global_orient"][4] = found[4]
    for one, other in ((value, again), (value["net_outputs"], again["net_outputs"])):
        assert list(one) == list(other)
    for view in ("smpl_params_global", "smpl_params_incam"):
        for key, tensor in value[view].items():
            assert torch.equal(tensor, again[view][key]), key
    assert torch.equal(value["net_outputs"]["pred_x"], again["net_outputs"]["pred_x"])


class Evil:
    def __reduce__(self):
        return print, ("ran",)


@pytest.mark.parametrize(
    ("view", "told"),
    [
        ({}, "expected a tensor"),
        ({"transl": torch.zeros(5, 3, dtype=torch.int64)}, "floating-point"),
        ({"transl": torch.zeros(1, 3).expand(5, 3)}, "fewer than the tensor needs"),
        ({"transl": Evil()}, "refused to unpickle"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, capsys, view, told):
    path = saved(tmp_path, content() | {"smpl_params_global": view})
    with pytest.raises(InputError, match=told):
        read(path)
    assert capsys.readouterr().out == ""


def test_other_files_of_pytorch_are_not_its(tmp_path):
    assert not guess(saved(tmp_path, {"model": torch.zeros(3)}))
    target = io.BytesIO()
    np.savez(target, a=np.zeros(3))
    (tmp_path / "a.npz").write_bytes(target.getvalue())
    assert not guess(tmp_path / "a.npz")


def test_damaged_files_are_refused_in_one_line(tmp_path):
    check_damaged(saved(tmp_path, content(3)), read)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 6))
def test_any_result_comes_back_byte_for_byte(tmp_path_factory, frames):
    path = saved(tmp_path_factory.mktemp("gvhmr"), content(frames))
    assert rewritten(path, read(path)).read_bytes() == path.read_bytes()
