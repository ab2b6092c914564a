"""The SMPL body model: joints and mesh from pose and shape, as the benchmarks of SMPL poses are scored.

Loper et al., "SMPL: A Skinned Multi-Person Linear Model", SIGGRAPH Asia 2015. The model's files are licensed to each
user by its authors; the skinning is the library smplx's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.lib import format as npy
from torch import Tensor

from base.errors import InputError
from base.optional import import_optional
from refine.benchmarks.smpl_files import read_smpl_file

JOINTS = 24
SHAPES = 10
HEAD_TOP = 13
"""The place of the top of the head among the 14 joints."""

_LSP = (8, 5, 2, 1, 4, 7, 21, 19, 17, 16, 18, 20, 12)
"""SMPL's right ankle, knee, hip, left hip, knee, ankle, right wrist, elbow, shoulder, left shoulder, elbow, wrist and
neck; the top of the head follows them."""

_HEAD = 15
_HEAD_TOP_ROW = 3
_KEYS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
_MODEL_NAMES = (
    "SMPL_NEUTRAL.pkl",
    "SMPL_NEUTRAL.npz",
    "basicmodel_neutral_lbs_10_207_0_v1.1.0.pkl",
    "basicModel_neutral_lbs_10_207_0_v1.0.0.pkl",
)
_REGRESSOR_NAME = "J_regressor_extra.npy"
_CHUNK_BYTES = 128 << 20
_BYTES_PER_VERTEX = 160
"""What skinning holds at once for one vertex of one frame: a 4 x 4 transform and some ten vectors of three, in single
precision."""

Values = Tensor | np.ndarray


@dataclass(frozen=True)
class BodyModel:
    """SMPL's arrays on one device, ready to pose.

    Parameters
    ----------
    template
        [V, 3] vertices of the mean body at rest, metres.
    shapes
        [V, 3, 10] what one unit of each shape coefficient adds.
    pose_shapes
        [207, V * 3] what the joints' rotations, less the identity, add.
    regressor
        [24, V]: a joint at rest is a mean of vertices.
    weights
        [V, 24]: a vertex follows a mean of joints.
    parents
        [24] int64, -1 for the pelvis.
    head_top
        [V]: the top of the head is this mean of posed vertices; None where SMPL's head joint stands in for it.
    head
        What the 14th joint is, for reports.
    """

    template: Tensor
    shapes: Tensor
    pose_shapes: Tensor
    regressor: Tensor
    weights: Tensor
    parents: Tensor
    head_top: Tensor | None
    head: str

    @property
    def frames_at_once(self) -> int:
        """How many frames are posed together, so that memory stays bounded whatever the length of a sequence."""
        return max(1, _CHUNK_BYTES // (len(self.template) * _BYTES_PER_VERTEX))

    def pose_in_chunks(
        self, pose: Values, shape: Values | None = None, frames_at_once: int | None = None
    ) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Pose the body a bounded number of frames at a time.

        Parameters
        ----------
        pose
            [T, 72] rotation vectors of the 24 joints.
        shape
            [T, 10]; the mean body without.
        frames_at_once
            Frames of a chunk; what fits into about 128 MiB unless told.

        Yields
        ------
        tuple
            Which frames, their 14 joints [n, 14, 3] and vertices [n, V, 3] in metres, without translation.

        Raises
        ------
        InputError
            An array has another shape, or the library smplx is not installed.
        """
        frames = len(pose)
        pose = self._check("pose", pose, (frames, 3 * JOINTS))
        shape = torch.zeros(1, SHAPES) if shape is None else self._check("shape", shape, (frames, SHAPES))
        step = frames_at_once or self.frames_at_once
        for start in range(0, frames, step):
            part = slice(start, min(start + step, frames))
            some = shape[part] if len(shape) == frames else shape.expand(part.stop - start, -1)
            joints, vertices = self._skin(pose[part], some)
            yield part, joints, vertices

    def bodies(self, pose: Values, shape: Values | None = None) -> tuple[Tensor, Tensor]:
        """Pose the body and keep every vertex: 83 kB a frame; see `pose_in_chunks` for the parameters.

        Returns
        -------
        tuple
            Joints [T, 14, 3] and vertices [T, V, 3], metres.
        """
        joints = self.template.new_empty(len(pose), HEAD_TOP + 1, 3)
        vertices = self.template.new_empty(len(pose), *self.template.shape)
        for part, some_joints, some_vertices in self.pose_in_chunks(pose, shape):
            joints[part], vertices[part] = some_joints, some_vertices
        return joints, vertices

    def _check(self, name: str, values: Values, expected: tuple[int, ...]) -> Tensor:
        if tuple(values.shape) != expected:
            raise InputError(f"{name} of an SMPL body is {list(values.shape)}, expected {list(expected)}")
        return values if isinstance(values, Tensor) else torch.tensor(np.asarray(values, np.float64))

    @torch.no_grad()
    def _skin(self, pose: Tensor, shape: Tensor) -> tuple[Tensor, Tensor]:
        lbs = import_optional("smplx.lbs", "smpl", "the SMPL body model")
        vertices, joints = lbs.lbs(
            shape.to(self.template),
            pose.to(self.template),
            self.template,
            self.shapes,
            self.pose_shapes,
            self.regressor,
            self.parents,
            self.weights,
        )
        head = joints[:, _HEAD] if self.head_top is None else torch.einsum("tvd,v->td", vertices, self.head_top)
        return torch.cat([joints[:, _LSP], head[:, None]], 1), vertices


def body_joints_and_vertex_errors(
    model: BodyModel,
    pose: Values,
    shape: Values | None,
    true_pose: Values,
    true_shape: Values | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what a sequence of SMPL poses is scored by, without holding its meshes.

    Parameters
    ----------
    model
        The body model.
    pose, true_pose
        [T, 72] rotation vectors, detected or refined, and true.
    shape, true_shape
        [T, 10]; None for the mean body. The truth of AIST++ has a scaling in place of a shape; the release hands it to
        smplx, whose SMPL takes no notice of it, so the published figures are those of None.

    Returns
    -------
    tuple
        The detected and the true 14 joints [T, 14, 3], and the mean distance between vertices [T], metres. Averaged
        over frames the last is MPVPE: as in SmoothNet's evaluation, both meshes stand where the model puts them,
        untranslated and not aligned.

    Raises
    ------
    InputError
        The lengths differ, an array has another shape, or the library smplx is not installed.
    """
    if len(pose) != len(true_pose):
        raise InputError(f"{len(pose)} detected SMPL poses, but {len(true_pose)} true ones; a pair has as many of each")
    joints = model.template.new_empty(len(pose), HEAD_TOP + 1, 3)
    true_joints, errors = joints.clone(), joints.new_empty(len(pose))
    detected = model.pose_in_chunks(pose, shape)
    truth = model.pose_in_chunks(true_pose, true_shape)
    for (part, found, vertices), (_, expected, true_vertices) in zip(detected, truth, strict=True):
        joints[part], true_joints[part] = found, expected
        errors[part] = (vertices - true_vertices).norm(dim=-1).mean(-1)
    return joints, true_joints, errors


def load_body_model(
    model: Path,
    head_regressor: Path | None = None,
    device: str | torch.device = "cpu",
    dtype: torch.dtype = torch.float32,
) -> BodyModel:
    """Read the neutral SMPL model.

    Parameters
    ----------
    model
        Its file, or a folder that holds it under one of the names its authors gave it. The published figures use the
        neutral model whoever is filmed.
    head_regressor
        `J_regressor_extra.npy` of SPIN, whose fourth row is the top of the head; looked for beside the model unless
        given. Without it SMPL's head joint, in the skull's base, stands in for the 14th joint.
    device, dtype
        Where the arrays go and with what precision.

    Raises
    ------
    InputError
        A file is absent or not what it should be, or the library smplx is not installed.
    """
    import_optional("smplx.lbs", "smpl", "the SMPL body model")
    path = _find_model(model)
    arrays = read_smpl_file(path, _KEYS)
    _check_arrays(path, arrays)
    if head_regressor is None and (path.parent / _REGRESSOR_NAME).is_file():
        head_regressor = path.parent / _REGRESSOR_NAME
    vertices = len(arrays["v_template"])
    head_top = None if head_regressor is None else _read_head_top(head_regressor, vertices)

    def tensor(array: np.ndarray) -> Tensor:
        return torch.tensor(np.asarray(array, np.float64)).to(device, dtype)

    return BodyModel(
        template=tensor(arrays["v_template"]),
        shapes=tensor(arrays["shapedirs"][..., :SHAPES]),
        pose_shapes=tensor(arrays["posedirs"].reshape(3 * vertices, -1).T).contiguous(),
        regressor=tensor(arrays["J_regressor"]),
        weights=tensor(arrays["weights"]),
        parents=torch.tensor(_parents(arrays["kintree_table"]), device=device),
        head_top=None if head_top is None else tensor(head_top),
        head=f"the top of the head by {_REGRESSOR_NAME}" if head_top is not None else "SMPL's head joint",
    )


def _find_model(path: Path) -> Path:
    advice = (
        "register at https://smpl.is.tue.mpg.de, download SMPL_python_v.1.1.0 "
        "and set smpl.model to its neutral model, .../SMPL_NEUTRAL.pkl"
    )
    if not path.is_dir():
        if path.is_file():
            return path
        raise InputError(f"{path}: no such SMPL model; {advice}")
    for name in _MODEL_NAMES:
        if (path / name).is_file():
            return path / name
    raise InputError(f"{path}: no {_MODEL_NAMES[0]} in this folder; {advice}")


def _check_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    vertices = len(arrays["v_template"]) if arrays["v_template"].ndim else 0
    expected: dict[str, tuple[int | str, ...]] = {
        "v_template": (vertices or "V", 3),
        "shapedirs": (vertices, 3, f"{SHAPES} or more"),
        "posedirs": (vertices, 3, 9 * (JOINTS - 1)),
        "J_regressor": (JOINTS, vertices),
        "weights": (vertices, JOINTS),
        "kintree_table": (2, JOINTS),
        "f": ("F", 3),
    }
    for key, shape in expected.items():
        found = arrays[key].shape
        fits = len(found) == len(shape) and all(n == m for n, m in zip(found, shape, strict=True) if isinstance(m, int))
        if not fits or (key == "shapedirs" and found[2] < SHAPES):
            wanted = ", ".join(map(str, shape))
            raise InputError(f"{path}: {key} is {list(found)}, expected [{wanted}]; this is not the SMPL model")
        if not np.isfinite(arrays[key]).all():
            raise InputError(f"{path}: {key} holds infinities or NaN; the file is damaged")
    parents, faces = _parents(arrays["kintree_table"])[1:], arrays["f"]
    if (parents < 0).any() or (parents >= np.arange(1, JOINTS)).any():
        raise InputError(f"{path}: kintree_table is no tree of joints, each after its parent; the file is damaged")
    if faces.size and (faces.min() < 0 or faces.max() >= vertices):
        raise InputError(f"{path}: f names vertices that v_template does not have; the file is damaged")


def _parents(kinematic_tree: np.ndarray) -> np.ndarray:
    """Return each joint's parent; the pelvis has none, which the files write as 2^32 - 1."""
    parents = kinematic_tree[0].astype(np.int64)
    parents[0] = -1
    return parents


def _read_head_top(path: Path, vertices: int) -> np.ndarray:
    try:
        # Mapped, so that a header that promises more than the file holds asks for no memory.
        array = npy.open_memmap(path, mode="r")
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; {_REGRESSOR_NAME} comes with SPIN's data "
            "(https://github.com/nkolot/SPIN), set smpl.regressor to it or leave it out"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # a foreign file can fail in any way
        raise InputError(f"{path}: not an array as NumPy writes it; expected SPIN's {_REGRESSOR_NAME}") from error
    if array.ndim != 2 or len(array) <= _HEAD_TOP_ROW or array.shape[1] != vertices or array.dtype.kind not in "iuf":
        raise InputError(f"{path}: {array.dtype} {list(array.shape)}, expected numbers [9, {vertices}] for this model")
    row = np.array(array[_HEAD_TOP_ROW])
    if not np.isfinite(row).all():
        raise InputError(f"{path}: holds infinities or NaN; the file is damaged")
    return row
