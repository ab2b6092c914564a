"""A body model of 60 vertices in the format of SMPL's own files, as Python 2 and 3 write it."""

import pickle
import struct
import sys
from types import ModuleType
from typing import ClassVar
from unittest import mock

import numpy as np
from scipy import sparse

PARENTS = np.array([-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21])


def make_arrays(rng, vertices=60, shapes=10, pose_shapes=0.01):
    regressor = rng.random((24, vertices)) * (rng.random((24, vertices)) < 0.2)
    regressor[np.arange(24), np.arange(24)] += 0.5
    weights = rng.random((vertices, 24)) ** 4
    return {
        "v_template": rng.normal(0, 0.4, (vertices, 3)),
        "shapedirs": rng.normal(0, 0.02, (vertices, 3, shapes)),
        "posedirs": rng.normal(0, pose_shapes, (vertices, 3, 207)) if pose_shapes else np.zeros((vertices, 3, 207)),
        "J_regressor": regressor / regressor.sum(1, keepdims=True),
        "weights": weights / weights.sum(1, keepdims=True),
        "kintree_table": np.stack([PARENTS, np.arange(24)]).astype(np.uint32),
        "f": rng.integers(0, vertices, (20, 3)).astype(np.uint32),
    }


def write_smpl(path, arrays, python=2, protocol=2):
    """Write a model as its authors give it out: a sparse regressor and shapes wrapped by chumpy."""

    class Ch:
        pass

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    wrapped = Ch()
    wrapped._dirty_vars, wrapped._itr, wrapped._depends_on_deps = {"x"}, None, {}
    wrapped.x = arrays.get("shapedirs")
    content = {**arrays, "shapedirs": wrapped, "bs_style": "lbs", "bs_type": "lrotmin"}
    if "J_regressor" in arrays:
        content["J_regressor"] = sparse.csc_matrix(arrays["J_regressor"])
        content["J"] = arrays["J_regressor"] @ arrays["v_template"]
    chumpy = ModuleType("chumpy.ch")
    chumpy.Ch = Ch
    with mock.patch.dict(sys.modules, {"chumpy": ModuleType("chumpy"), "chumpy.ch": chumpy}), path.open("wb") as file:
        (Python2Pickler if python == 2 else pickle.Pickler)(file, protocol).dump(content)
    return path


class Python2Pickler(pickle._Pickler):
    """Writes text and bytes alike as Python 2 wrote its `str`, and the names that libraries had in its time."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def _save_str(self, text):
        content = text if isinstance(text, bytes) else text.encode("latin1")
        if self.bin:
            self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)
        else:
            self.write(pickle.STRING + repr(content)[1:].encode() + b"\n")
        self.memoize(text)

    dispatch[bytes] = dispatch[str] = _save_str

    def save_global(self, obj, name=None):
        names = {"numpy._core.multiarray": "numpy.core.multiarray", "scipy.sparse._csc": "scipy.sparse.csc"}
        if obj.__module__ not in names:
            return super().save_global(obj, name)
        self.write(pickle.GLOBAL + f"{names[obj.__module__]}\n{obj.__name__}\n".encode())
        return self.memoize(obj)

    dispatch[type] = save_global
