"""Small recordings as the data set has them, and how tests prepare them."""

import zipfile

import numpy as np

from data.ntu.prepare import DataSection, PrepareConfig, prepare
from data.ntu.text import Body, Skeleton, write_skeleton

FOLDER = "nturgb+d_skeletons"


def clip(seed, frames=15):
    rng = np.random.default_rng(seed)
    joints = rng.normal(0, 0.1, (frames, 25, 3)).astype(np.float32) + np.float32([0, 0, 3])
    body = Body(2**56 + seed, np.arange(frames), joints, rng.integers(1, 3, (frames, 25)).astype(np.uint8))
    return write_skeleton(Skeleton(frames, (body,)))


def names(count):
    return [f"S001C{1 + i % 3:03d}P{1 + i // 3:03d}R001A{1 + i % 5:03d}" for i in range(count)]


def pack(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in entries.items():
            packed.writestr(name, text)
    return path


def run(raw, store, again=False, **options):
    return prepare(PrepareConfig(data=DataSection(raw=raw, store=store, **options)), again)


def content(store):
    return {path.name: path.read_bytes() for path in store.iterdir()}


def same(left, right):
    assert left.clips.name.tolist() == right.clips.name.tolist()
    np.testing.assert_array_equal(left.joints, right.joints)
    np.testing.assert_array_equal(left.tracked, right.tracked)
