"""What is written opens as other projects open it, and comes back."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from base.errors import InputError
from data.formats.clips import DenseClips
from data.formats.convert import ExportOptions, ImportOptions, export_store, guess_format, import_store
from data.formats.padded import normalise
from data.ntu.names import parse_name
from data.ntu.splits import TRAIN_PERFORMERS
from data.skeletons.store import open_store
from tests.data.formats import readers

NAMES = [
    "S001C001P001R001A001",
    "S001C001P006R001A009",
    "S001C002P001R001A009",
    "S001C002P003R001A060",
    "S001C003P002R001A050",
    "S001C003P038R001A023",
]
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


def test_dense_clips_are_the_stores(store):
    expected = clips_of(store)
    dense = DenseClips(store)
    for row, name in enumerate(store.clips.name.tolist()):
        clip = dense[row]
        assert str(clip.name) == name
        np.testing.assert_array_equal(clip.joints.swapaxes(0, 1), expected[name][:, : len(clip.joints)])
        np.testing.assert_array_equal(np.any(clip.tracked, axis=-1), np.any(clip.joints, axis=(-1, -2)))


@pytest.mark.parametrize("precision", [None, "float32"])
def test_pyskl_opens_the_pickle(store, tmp_path, precision):
    export(store, tmp_path / "ntu60_3danno.pkl", "pyskl", precision=precision)
    content = pickle.loads((tmp_path / "ntu60_3danno.pkl").read_bytes())
    assert list(content) == ["split", "annotations"]
    assert content["split"]["xsub_train"] == XSUB_TRAIN
    assert content["split"]["xview_val"] == XVIEW_VAL
    assert sorted(content["split"]) == ["xsub_train", "xsub_val", "xview_train", "xview_val"]
    assert [item["frame_dir"] for item in content["annotations"]] == NAMES
    clips = clips_of(store)
    for item in readers.pyskl(tmp_path / "ntu60_3danno.pkl", "xsub_train"):
        assert list(item) == ["frame_dir", "label", "keypoint", "total_frames"]
        assert item["label"] == int(item["frame_dir"][-3:]) - 1
        keypoint, clip = item["keypoint"], clips[item["frame_dir"]]
        assert keypoint.dtype == (precision or "float16")
        assert keypoint.shape == (len(keypoint), item["total_frames"], 25, 3)
        assert len(keypoint) == (2 if clip[:, 1].any() else 1)
        np.testing.assert_array_equal(keypoint.swapaxes(0, 1), clip[:, : len(keypoint)].astype(keypoint.dtype))
    assert b"numpy._core" not in (tmp_path / "ntu60_3danno.pkl").read_bytes()


def test_pyskl_comes_back(store, tmp_path):
    export(store, tmp_path / "half.pkl", "pyskl")
    export(store, tmp_path / "full.pkl", "pyskl", precision="float32")
    same(store, bring(tmp_path / "half.pkl", tmp_path / "half"), atol=2e-3)
    full = bring(tmp_path / "full.pkl", tmp_path / "full", fps=25.0)
    same(store, full)
    order = np.lexsort((store.tracks.actor, store.clips.name[store.tracks.clip]))
    np.testing.assert_array_equal(full.tracks.first_frame, store.tracks.first_frame[order])
    np.testing.assert_array_equal(full.tracks.length, store.tracks.length[order])
    np.testing.assert_array_equal(full.tracked, np.where(full.joints.any((1, 2))[:, None], 2, 0).repeat(25, 1))
    assert (full.info.fps, full.info.layout, full.info.source) == (25.0, "ntu25", str(tmp_path / "full.pkl"))
    assert np.all(full.joints.any((1, 2)).sum() == len(full.joints) - 3)  # the gap


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
@pytest.mark.parametrize("module", [b"numpy._core", b"numpy.core"])
def test_pyskl_pickles_of_any_age_are_read(tmp_path, protocol, module):
    keypoint = np.random.default_rng(0).normal(size=(1, 5, 25, 3)).astype(np.float16)
    item = {"frame_dir": NAMES[0], "label": np.int64(0), "keypoint": keypoint, "total_frames": 5}
    content = pickle.dumps({"split": {"xsub_train": [NAMES[0]]}, "annotations": [item]}, protocol)
    if protocol < 4:  # from there on, lengths are written before names
        content = content.replace(b"numpy._core", module).replace(b"numpy.core", module)
    (tmp_path / "a.pkl").write_bytes(content)
    read = bring(tmp_path / "a.pkl", tmp_path / "store")
    np.testing.assert_array_equal(read.joints, keypoint[0].astype(np.float32))


def test_a_pickle_of_python_2_is_read(tmp_path):
    """Python 2 wrote the bytes of arrays, and the names of clips, as its text."""
    keypoint = np.random.default_rng(0).normal(size=(1, 3, 25, 3)).astype("<f2")

    def text(content):
        return pickle.BINSTRING + len(content).to_bytes(4, "little") + content

    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01bt"
        b"R(K\x01(K\x01K\x03K\x19K\x03tcnumpy\ndtype\n(U\x02f2K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
        b"K\x00tb\x89" + text(keypoint.tobytes()) + b"tb"
    )
    item = b"}(U\x09frame_dir" + text(NAMES[0].encode()) + b"U\x05labelK\x00U\x08keypoint" + array + b"u"
    content = b"\x80\x02}(U\x05split}U\x0bannotations](" + item + b"eu."
    assert pickle.loads(content, encoding="latin1")["annotations"][0]["frame_dir"] == NAMES[0]
    (tmp_path / "a.pkl").write_bytes(content)
    read = bring(tmp_path / "a.pkl", tmp_path / "store")
    np.testing.assert_array_equal(read.joints, keypoint[0].astype(np.float32))


@pytest.mark.parametrize("layout", ["coco17", "openpose18"])
def test_skeletons_in_an_image(make_store, tmp_path, layout):
    store = make_store(layout)
    export(store, tmp_path / "2d.pkl", "pyskl", precision="float32")
    for item in readers.pyskl(tmp_path / "2d.pkl", "xview_train"):
        assert item["img_shape"] == item["original_shape"] == (1080, 1920)
        assert item["keypoint"].shape == (*item["keypoint_score"].shape, 2)
        assert item["keypoint"].dtype == item["keypoint_score"].dtype == np.float32
    back = bring(tmp_path / "2d.pkl", tmp_path / "store")
    assert (back.info.layout, back.info.image, back.info.confidence) == (layout, (1920, 1080), True)
    same(store, back)
    assert sorted(back.confidence.sum(1).tolist()) == sorted(store.confidence.sum(1).tolist())
    export(store, tmp_path / "half.pkl", "pyskl")
    assert readers.pyskl(tmp_path / "half.pkl", "xsub_val")[0]["keypoint_score"].dtype == np.float16


def test_ctrgcn_opens_the_arrays_in_its_order(store, tmp_path):
    lines = export(store, tmp_path, "ctrgcn", positions="stored")
    assert any("cut at 300 frames: 1 clip lost 10 frames" in line for line in lines)
    with np.load(tmp_path / "NTU60_CS.npz") as npz:
        assert npz.files == ["x_train", "y_train", "x_test", "y_test"]
        assert (npz["x_train"].dtype, npz["x_train"].shape) == (np.float32, (4, 300, 150))
        assert (npz["y_train"].dtype, npz["y_train"].shape) == (np.float64, (4, 60))
    clips = clips_of(store)
    # By performer (X-Sub) or camera (X-View), then by name.
    order = {
        "CS": {"train": [NAMES[0], NAMES[2], NAMES[4], NAMES[5]], "test": [NAMES[3], NAMES[1]]},
        "CV": {"train": NAMES[2:], "test": NAMES[:2]},
    }
    for code, parts in order.items():
        assert (tmp_path / f"NTU60_{code}_names.txt").read_text().split() == parts["train"] + parts["test"]
        for part, names in parts.items():
            data, label = readers.ctrgcn(tmp_path / f"NTU60_{code}.npz", part)
            assert label.tolist() == [int(name[-3:]) - 1 for name in names]
            for joints, name in zip(data, names, strict=True):
                length = min(300, len(clips[name]))
                np.testing.assert_array_equal(joints[:, :length].transpose(1, 3, 2, 0), clips[name][:300])
                assert not joints[:, length:].any()


def test_ctrgcn_gets_its_own_preparation(store, tmp_path):
    export(store, tmp_path, "ctrgcn", split="xsub")
    data, _ = readers.ctrgcn(tmp_path / "NTU60_CS.npz", "train")
    for joints, name in zip(data, XSUB_TRAIN, strict=True):
        clip = clips_of(store)[name]
        first = next(frame for frame in clip[:, 0] if frame.any())
        expected = np.where(clip.any((2, 3), keepdims=True), clip - first[1], 0)
        np.testing.assert_array_equal(joints[:, : len(clip)].transpose(1, 3, 2, 0), expected)


def test_ctrgcn_comes_back_with_the_names_beside_it(store, tmp_path):
    export(store, tmp_path, "ctrgcn", positions="stored")
    for code in ("CS", "CV"):
        same(store, bring(tmp_path / f"NTU60_{code}.npz", tmp_path / code), frames=300)


def test_ctrgcn_without_names_keeps_part_and_label(store, tmp_path):
    export(store, tmp_path, "ctrgcn", positions="stored")
    for split, code in (("xsub", "CS"), ("xview", "CV")):
        (tmp_path / f"NTU60_{code}_names.txt").rename(tmp_path / f"{code}.txt")
        lines = import_store(tmp_path / f"NTU60_{code}.npz", tmp_path / code, ImportOptions())
        assert "names are made up" in " ".join(lines)
        names = [parse_name(name) for name in open_store(tmp_path / code).clips.name.tolist()]
        training = [name.performer in TRAIN_PERFORMERS if split == "xsub" else name.camera > 1 for name in names]
        expected = (
            [NAMES[0], NAMES[2], NAMES[4], NAMES[5], NAMES[3], NAMES[1]] if split == "xsub" else NAMES[2:] + NAMES[:2]
        )
        assert training == [True] * 4 + [False] * 2
        assert [name.action for name in names] == [int(name[-3:]) for name in expected]
        # The other protocol must not look as if it were known.
        assert len({name.camera if split == "xsub" else name.performer for name in names}) == 1
    # A list in any order does, too, as CTR-GCN's own list is by name.
    (tmp_path / "all.txt").write_text("\n".join(sorted(NAMES, reverse=True)))
    same(store, bring(tmp_path / "NTU60_CS.npz", tmp_path / "named", names=tmp_path / "all.txt"), frames=300)


def test_agcn_opens_the_arrays(store, tmp_path):
    export(store, tmp_path / "ntu", "stgcn", positions="stored")
    clips = clips_of(store)
    for split, parts in {"xsub": (XSUB_TRAIN, [NAMES[1], NAMES[3]]), "xview": (NAMES[2:], XVIEW_VAL)}.items():
        for part, expected in zip(("train", "val"), parts, strict=True):
            data, names, labels = readers.agcn(tmp_path / "ntu" / split, part)
            assert isinstance(data, np.memmap)
            assert (data.dtype, data.shape) == (np.float32, (len(expected), 3, 300, 25, 2))
            assert names == [f"{name}.skeleton" for name in expected]
            assert labels == [int(name[-3:]) - 1 for name in expected]
            for joints, name in zip(data, expected, strict=True):
                length = min(300, len(clips[name]))
                np.testing.assert_array_equal(joints[:, :length].transpose(1, 3, 2, 0), clips[name][:300])
                assert not joints[:, length:].any()


def test_agcn_gets_its_own_preparation(store, tmp_path):
    export(store, tmp_path / "ntu", "stgcn", split="xview")
    data, names, _ = readers.agcn(tmp_path / "ntu/xview", "train")
    for joints, name in zip(data, names, strict=True):
        clip = clips_of(store)[name.removesuffix(".skeleton")]
        padded = np.zeros((300, 2, 25, 3), np.float32)
        padded[: len(clip)] = clip
        np.testing.assert_allclose(joints.transpose(1, 3, 2, 0), readers.agcn_preparation(padded), atol=1e-5)


def test_an_upright_clip_stays_upright():
    joints = np.zeros((4, 2, 25, 3), np.float32)
    joints[:, 0] = np.random.default_rng(0).normal(size=(25, 3))
    joints[:, 0, 0], joints[:, 0, 1] = 0, (0, 0, 0.3)
    joints[:, 0, 8], joints[:, 0, 4] = (0.2, 0, 0.5), (-0.2, 0, 0.5)
    expected = joints - np.float32([0, 0, 0.3])
    expected[:, 1] = 0
    expected[:, 0, 0] = 0  # a joint at 0 counts as unseen there
    np.testing.assert_allclose(normalise(joints), expected, atol=1e-6)


def test_agcn_comes_back(store, tmp_path):
    export(store, tmp_path / "ntu", "stgcn", positions="stored")
    same(store, bring(tmp_path / "ntu", tmp_path / "a"), frames=300)
    same(store, bring(tmp_path / "ntu", tmp_path / "b", split="xview"), frames=300)
    same(store, bring(tmp_path / "ntu/xsub", tmp_path / "c"), frames=300)


def test_stgcns_own_names_are_read(store, tmp_path):
    export(store, tmp_path / "ntu", "stgcn", positions="stored", split="xsub")
    for part in ("train", "val"):
        (tmp_path / f"ntu/xsub/{part}_data_joint.npy").rename(tmp_path / f"ntu/xsub/{part}_data.npy")
        labels = tmp_path / f"ntu/xsub/{part}_label.pkl"
        names, numbers = pickle.loads(labels.read_bytes())
        labels.write_bytes(pickle.dumps((names, np.array(numbers)), 2))
    same(store, bring(tmp_path / "ntu", tmp_path / "store"), frames=300)


@pytest.mark.parametrize("output", ["skeletons.zip", "folder"])
def test_skeleton_files_come_back_exactly(store, tmp_path, output):
    export(store, tmp_path / output, "skeleton")
    back = bring(tmp_path / output, tmp_path / "store")
    same(store, back)
    states = dict.fromkeys(NAMES, store.tracked[store.tracks.clip[0]])
    assert len(states) == len(back.clips)
    by_name = {name: row for row, name in enumerate(store.clips.name.tolist())}
    for track in range(len(back.tracks)):
        row = by_name[back.clips.name[back.tracks.clip[track]]]
        twin = np.flatnonzero((store.tracks.clip == row) & (store.tracks.actor == back.tracks.actor[track]))[0]
        length = back.tracks.length[track]
        assert (length, back.tracks.first_frame[track]) == (store.tracks.length[twin], store.tracks.first_frame[twin])
        at, there = back.tracks.first_row[track], store.tracks.first_row[twin]
        np.testing.assert_array_equal(back.tracked[at : at + length], store.tracked[there : there + length])


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


def test_a_split_in_which_all_clips_fall_on_one_side_is_not_written(make_store, tmp_path):
    store = make_store(clips=(((1, 1, 1), 9, [(0, 0, 9)]), ((3, 1, 2), 9, [(0, 0, 9)])))
    lines = export(store, tmp_path / "ctr", "ctrgcn")
    assert sorted(path.name for path in (tmp_path / "ctr").iterdir()) == ["NTU60_CS.npz", "NTU60_CS_names.txt"]
    assert "not written: xview" in lines[-1]
    with pytest.raises(InputError, match="by xview all of its 2 clips are for training or all for testing"):
        export(store, tmp_path / "cv", "ctrgcn", split="xview")


def test_unseen_frames_are_exported_as_zeros_whatever_the_store_has_there(store, tmp_path):
    joints = np.array(store.joints)
    joints[~store.tracked.any(1)] = 7  # as a refiner may leave it
    clips = DenseClips(replace(store, joints=joints))
    row = int(np.flatnonzero(store.clips.frames == 30)[0])
    assert not clips[row].joints[:, 10:13].any()


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


def pickled(path, keypoint, score=None):
    """One clip as PYSKL has it."""
    item = {"frame_dir": NAMES[0], "label": 0, "keypoint": keypoint, "total_frames": keypoint.shape[1]}
    if score is not None:
        item |= {"keypoint_score": score, "img_shape": (1080, 1920), "original_shape": (1080, 1920)}
    path.write_bytes(pickle.dumps({"split": {}, "annotations": [item]}))
    return path


def test_a_joint_of_zeros_was_not_seen(tmp_path):
    """Three frames of zeros in one joint of a seen actor: no position, in space as in an image."""
    keypoint = np.random.default_rng(0).normal(3, 0.3, (1, 20, 25, 3)).astype(np.float32)
    keypoint[0, 7:10, 4] = 0
    keypoint[0, 0, 6, :2] = 0  # an x and a y of 0 are a position
    read = bring(pickled(tmp_path / "a.pkl", keypoint), tmp_path / "a")
    expected = np.full((20, 25), 2)
    expected[7:10, 4] = 0
    np.testing.assert_array_equal(read.tracked, expected)
    np.testing.assert_array_equal(read.joints, keypoint[0])


def test_a_joint_of_zeros_in_an_image_was_not_seen_whatever_a_low_score_says(tmp_path):
    keypoint = np.random.default_rng(0).uniform(100, 900, (1, 20, 17, 2)).astype(np.float32)
    score = np.full((1, 20, 17), 0.8, np.float32)
    keypoint[0, 7:10, 4] = 0
    score[0, 7:10, 4] = [0.0, 0.05, 0.9]
    keypoint[0, :2] = 0  # the actor comes later, though the estimator gave it small scores
    score[0, :2] = 0.01
    read = bring(pickled(tmp_path / "a.pkl", keypoint, score), tmp_path / "a")
    expected = np.full((18, 17), 2)
    expected[5:7, 4] = 0
    np.testing.assert_array_equal(read.tracked, expected)
    assert (read.tracks.first_frame.tolist(), read.tracks.length.tolist()) == ([2], [18])
    np.testing.assert_array_equal(read.confidence, score[0, 2:])


def test_positions_may_be_relative_to_a_joint(store, tmp_path):
    """The root of a whole clip at 0, or the middle of the spine that CTR-GCN and 2s-AGCN centre on, was seen."""
    keypoint = np.random.default_rng(0).normal(0, 0.3, (1, 20, 25, 3)).astype(np.float32)
    keypoint -= keypoint[:, :, :1]
    keypoint[0, 4:6] = 0  # a gap
    read = bring(pickled(tmp_path / "a.pkl", keypoint), tmp_path / "a")
    np.testing.assert_array_equal(read.tracked, np.where(keypoint[0].any((1, 2)), 2, 0)[:, None].repeat(25, 1))
    export(store, tmp_path / "ctrgcn", "ctrgcn")
    export(store, tmp_path / "stgcn", "stgcn")
    sources = (tmp_path / "ctrgcn" / "NTU60_CS.npz", tmp_path / "stgcn" / "xsub")
    for source, at in zip(sources, ("c", "s"), strict=True):
        read = bring(source, tmp_path / at)
        whole = np.asarray(read.tracked).all(1) | ~np.asarray(read.tracked).any(1)
        assert whole.all()
        assert (np.asarray(read.joints)[:, 1] == 0).all(-1).sum() >= 6
