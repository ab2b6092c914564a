"""What tests of formats do again and again: export, import, compare, and be refused."""

from pathlib import Path

import numpy as np
import pytest

from base.errors import InputError
from data.formats.exporting import ExportOptions, export_store
from data.formats.importing import ImportOptions, import_store
from data.skeletons.store import open_store

NAMES = [
    "S001C001P001R001A001",
    "S001C001P006R001A009",
    "S001C002P001R001A009",
    "S001C002P003R001A060",
    "S001C003P002R001A050",
    "S001C003P038R001A023",
]


NAMES_120 = ["S019C001P103R001A061", "S018C001P106R001A120", "S032C003P045R001A099", "S031C002P044R001A001"]


XSUB_TRAIN = [NAMES[0], NAMES[2], NAMES[4], NAMES[5]]


XVIEW_VAL = NAMES[:2]


def export(store, output, format, again=False, **options):
    return export_store(store.folder, output, ExportOptions(format, **options), again)


def bring(source, folder, again=False, **options):
    import_store(source, folder, ImportOptions(**options), again)
    return open_store(folder)


def clips_of(store):
    """The clips by name, dense; [T, 2, V, C] by the store's tables and in no other way."""
    clips = {}
    for row, name in enumerate(store.clips.name.tolist()):
        joints = np.zeros((store.clips.frames[row], 2, *store.joints.shape[1:]), np.float32)
        for track in np.flatnonzero(store.tracks.clip == row):
            first, length = store.tracks.first_frame[track], store.tracks.length[track]
            rows = slice(store.tracks.first_row[track], store.tracks.first_row[track] + length)
            joints[first : first + length, store.tracks.actor[track]] = store.joints[rows]
        clips[name] = joints
    return clips


def same(left, right, frames=None, atol=0.0):
    """The same clips, frames, tracks and positions."""
    ours, theirs = clips_of(left), clips_of(right)
    assert sorted(ours) == sorted(theirs)
    for name, joints in ours.items():
        np.testing.assert_allclose(theirs[name], joints[:frames], rtol=0, atol=atol)


def refused(source, folder, message, **options):
    """Told in one line; no store, and nothing half-written beside it."""
    before = sorted(folder.parent.iterdir())
    with pytest.raises(InputError, match=message) as caught:
        import_store(source, folder, ImportOptions(**options))
    assert "\n" not in str(caught.value)
    assert sorted(folder.parent.iterdir()) == before, "something half-written is left"
    assert not Path("owned").exists()
