"""PYSKL opens what is written; what is wrong with its files is told in one line."""

import pickle

import numpy as np
import pytest

from base.errors import InputError
from data.formats.importing import ImportOptions, import_store
from data.skeletons.store import open_store
from tests.data.formats import readers
from tests.data.formats.made_files import Evil
from tests.data.formats.steps import NAMES, XSUB_TRAIN, XVIEW_VAL, bring, clips_of, export, refused, same


@pytest.mark.parametrize("dtype", [None, "float32"])
def test_pyskl_opens_the_pickle(store, tmp_path, dtype):
    export(store, tmp_path / "ntu60_3danno.pkl", "pyskl", dtype=dtype)
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
        assert keypoint.dtype == (dtype or "float16")
        assert keypoint.shape == (len(keypoint), item["total_frames"], 25, 3)
        assert len(keypoint) == (2 if clip[:, 1].any() else 1)
        np.testing.assert_array_equal(keypoint.swapaxes(0, 1), clip[:, : len(keypoint)].astype(keypoint.dtype))
    assert b"numpy._core" not in (tmp_path / "ntu60_3danno.pkl").read_bytes()


def test_pyskl_comes_back(store, tmp_path):
    export(store, tmp_path / "half.pkl", "pyskl")
    export(store, tmp_path / "full.pkl", "pyskl", dtype="float32")
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
    export(store, tmp_path / "2d.pkl", "pyskl", dtype="float32")
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


def keypoint(actors=1, frames=4, joints=25, dims=3, kind=np.float16):
    return np.ones((actors, frames, joints, dims), kind)


def annotation(**changes):
    item = {"frame_dir": NAMES[0], "label": 0, "keypoint": keypoint(), "total_frames": 4, **changes}
    return {key: value for key, value in item.items() if value is not None}


def pyskl(*items, split=None):
    return pickle.dumps({"split": split or {}, "annotations": list(items)})


FLAT = {"keypoint": keypoint(joints=17, dims=2), "img_shape": (1080, 1920), "keypoint_score": np.ones((1, 4, 17))}


PYSKL = {
    "no pickle": (b"hello", "not a pickle, or damaged"),
    "empty": (b"", "not a pickle, or damaged"),
    "truncated": (pyskl(annotation())[:-60], "not a pickle, or damaged"),
    "a call": (pickle.dumps(Evil()), "refused to unpickle posix.system"),
    "a call in a clip": (pyskl(annotation(keypoint=Evil())), "refused to unpickle posix.system"),
    "an array half made": (
        pyskl(annotation(keypoint=None))[:-4] + b"\x8c\x08keypointcnumpy.core.multiarray\n_reconstruct\n(NNNtRsesu.",
        "not a pickle|keypoint is NoneType",
    ),
    "a list of something": (pickle.dumps([[annotation()]]), r"annotations\[0\] has no frame_dir"),
    "a text": (pickle.dumps("annotations"), "expected a dict with split and annotations, a list, or that list"),
    "keypoints elsewhere": (pyskl({"frame_dir": "a", "label": 0}), "in files of their own: give one that has them"),
    "no annotations": (pyskl(), "annotations is empty"),
    "text for a clip": (pyskl("clip"), r"annotations\[0\] has no frame_dir"),
    "no name": (pyskl(annotation(frame_dir=None)), r"annotations\[0\] has no frame_dir"),
    "a name of two lines": (pyskl(annotation(frame_dir="v_\n_g01")), "expected a text of up to 200 characters"),
    "no keypoint": (pyskl(annotation(keypoint=None)), r"annotations\[0\] has no keypoint"),
    "no label": (pyskl(annotation(label=None)), r"annotations\[0\] has no label"),
    "another label": (pyskl(annotation(label=60)), "has label 60, expected 0"),
    "a negative label": (pyskl(annotation(label=-1)), "has label -1, expected 0"),
    "text for a label": (pyskl(annotation(label="0")), "has label '0', expected 0"),
    "24 joints": (
        pyskl(annotation(keypoint=keypoint(joints=24))),
        "has 24 joints with 3 coordinates, as none of coco17, .* has; describe the joints in a file for --layout",
    ),
    "24 joints in 2D": (pyskl(annotation(keypoint=keypoint(joints=24, dims=2))), "has 24 joints with 2 coordinates"),
    "another layout later": (
        pyskl(annotation(), annotation(frame_dir=NAMES[3], label=59, **FLAT)),
        "17 joints with 2 coordinates, expected 25 with 3",
    ),
    "integers": (
        pyskl(annotation(keypoint=keypoint(kind=np.int16))),
        r"keypoint is int16 \(1, 4, 25, 3\), expected floats",
    ),
    "no actors' axis": (
        pyskl(annotation(keypoint=keypoint()[0])),
        r"keypoint is float16 \(4, 25, 3\), expected floats",
    ),
    "three actors": (pyskl(annotation(keypoint=keypoint(3))), "has 3 actors, expected at most 2"),
    "NaN": (pyskl(annotation(keypoint=keypoint() * np.float16(np.nan))), "found NaN or infinity"),
    "frames that lie": (pyskl(annotation(total_frames=5)), "total_frames is 5 and keypoint has 4 frames"),
    "an array of frames": (pyskl(annotation(total_frames=np.ones(3))), "total_frames is array"),
    "no frames": (pyskl(annotation(keypoint=keypoint(frames=0), total_frames=0)), "keypoint has 0 frames"),
    "a clip twice": (pyskl(annotation(), annotation()), f"clip {NAMES[0]} has two annotations"),
    "a split of more": (
        pyskl(annotation(), split={"xsub_train": [NAMES[0], NAMES[3]]}),
        f"split 'xsub_train' names clip {NAMES[3]}, which has no annotation",
    ),
    "a split of numbers": (pyskl(annotation(), split={"xsub_train": [3]}), "found 3 for a clip's name"),
    "a split that is none": (pyskl(annotation(), split={"xsub_train": 3}), "split is no dict of lists"),
    "2D without image": (pyskl(annotation(**FLAT | {"img_shape": None})), r"annotations\[0\] has no img_shape"),
    "2D in no image": (pyskl(annotation(**FLAT | {"img_shape": (0, "a")})), "img_shape is .*, expected .height, width"),
    "2D without scores": (
        pyskl(annotation(**FLAT | {"keypoint_score": None})),
        r"annotations\[0\] has no keypoint_score",
    ),
    "2D with other scores": (
        pyskl(annotation(**FLAT | {"keypoint_score": np.ones((1, 4, 18))})),
        r"keypoint_score is no array of floats \[1, 4, 17\]",
    ),
}


@pytest.mark.parametrize(("content", "message"), PYSKL.values(), ids=PYSKL.keys())
def test_a_bad_pickle(tmp_path, content, message):
    (tmp_path / "a.pkl").write_bytes(content)
    refused(tmp_path / "a.pkl", tmp_path / "store", message)


def test_a_split_that_is_not_the_data_sets_is_told(tmp_path):
    second = annotation(frame_dir=NAMES[3], label=59)
    split = {"xsub_train": [NAMES[3]], "xsub_val": [NAMES[0]], "mine": []}
    (tmp_path / "a.pkl").write_bytes(pyskl(annotation(), second, split=split))
    lines = " ".join(import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions()))
    assert "xsub_train differs in 2 clips" in lines
    assert "does not keep these splits: mine" in lines


def test_splits_of_120_are_told_by_its_own_rules(tmp_path):
    """Performer 45 and setup 18 are for training; one clip of setup 19 is where it should not be."""
    names = ["S018C001P045R001A061", "S019C001P046R001A061", "S019C001P003R001A061"]
    split = {"xsub_train": names[:2], "xsub_val": names[2:], "xset_train": [names[0], names[2]], "xset_val": [names[1]]}
    clips = [annotation(frame_dir=name, label=60) for name in names]
    (tmp_path / "a.pkl").write_bytes(pyskl(*clips, split=split))
    lines = " ".join(import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions()))
    assert "xset_train differs in 1 clip from the split of NTU RGB+D 120, by which the store is divided" in lines
    assert "xsub_train" not in lines


def own(name, label, *, size=(1080, 1920), people=1, shift=0.0):
    points = np.full((people, 4, 17, 2), 100.0) + shift + np.arange(17)[:, None]
    score = np.linspace(0.9, 0.5, people)[:, None, None] * np.ones((people, 4, 17))
    return {
        "frame_dir": name, "label": label, "img_shape": size, "total_frames": 4,
        "keypoint": points.astype(np.float32), "keypoint_score": score.astype(np.float32),
    }  # fmt: skip


def test_clips_of_other_names_keep_names_labels_and_splits(tmp_path):
    items = [own("v_run_g10", 2), own("v_run_g9", 2), own("v_bow_g1", 0), own("v_bow_g2", 0)]
    split = {
        "train": ["v_run_g10", "v_bow_g1"], "val": ["v_run_g9", "v_bow_g2"],
        "second_train": ["v_run_g9"], "second_val": ["v_bow_g1"], "second_test": ["v_bow_g2"], "odd": [],
    }  # fmt: skip
    (tmp_path / "a.pkl").write_bytes(pyskl(*items, split=split))
    lines = import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions())
    read = open_store(tmp_path / "store")
    names = {read.title(name): name for name in read.clips.name.tolist()}
    assert sorted(names) == ["v_bow_g1", "v_bow_g2", "v_run_g10", "v_run_g9"]
    assert read.labels.actions == ("class 0", "class 1", "class 2")
    assert [read.clips.action[read.clips.name == names[name]].item() for name in sorted(names)] == [1, 1, 3, 3]
    assert read.labels.splits["split"] == {
        "train": (names["v_run_g10"], names["v_bow_g1"]),
        "test": (names["v_run_g9"], names["v_bow_g2"]),  # there is no other test
    }
    assert {part: len(clips) for part, clips in read.labels.splits["second"].items()} == dict.fromkeys(
        ("train", "validation", "test"), 1
    )
    assert any("split 'odd' is not kept" in line for line in lines)
    with pytest.raises(InputError, match="already exists"):
        import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions())


def test_the_image_of_the_data_sets_clips_is_what_they_say(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pyskl(annotation()))
    with pytest.raises(InputError, match=r"--image-size: the clips of .*a.pkl have NTU RGB.D's names and say it"):
        import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions(image_size=(640, 480)))


def test_a_list_of_annotations_is_read_as_one_without_splits(tmp_path):
    (tmp_path / "list.pkl").write_bytes(pickle.dumps([own("b", "run"), own("a", "bow")]))
    import_store(tmp_path / "list.pkl", tmp_path / "store", ImportOptions())
    read = open_store(tmp_path / "store")
    assert {read.title(name) for name in read.clips.name.tolist()} == {"a", "b"}
    assert (read.labels.actions, read.labels.splits) == (("bow", "run"), {})


def test_own_clips_in_other_forms_are_read_as_in_the_usual_one(tmp_path):
    items = [own(name, 0, people=2) for name in ("ints", "xyc", "plain", "nan")]
    ints, xyc, plain, nan = items
    ints["keypoint"] = ints["keypoint"].astype(np.int16)
    xyc["keypoint"] = np.concatenate([xyc["keypoint"], xyc.pop("keypoint_score")[..., None]], -1)
    del plain["keypoint_score"], plain["img_shape"]
    nan["keypoint"][:, :, 3, 1] = np.nan
    (tmp_path / "a.pkl").write_bytes(pyskl(own("usual", 0, people=2), *items))
    lines = import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions(image_size=(1920, 1080)))
    read = open_store(tmp_path / "store")
    rows = {read.title(name): read.rows_of(read.tracks_of(row)[0]) for row, name in enumerate(read.clips.name.tolist())}
    joints, sure, seen = (
        {name: values[rows[name]] for name in rows} for values in (read.joints, read.confidence, read.tracked)
    )
    kept = np.arange(17) != 3
    for name in ("ints", "xyc", "plain", "nan"):
        assert np.array_equal(joints[name][:, kept], joints["usual"][:, kept])
        assert seen[name].all() == (name != "nan")
    assert np.array_equal(sure["xyc"], sure["usual"])
    assert (sure["plain"] == 1).all()
    assert not joints["nan"][:, 3].any()
    assert len(lines) == 4
    with pytest.raises(InputError, match=r"annotations\[3\] has no img_shape.*give --image-size"):
        import_store(tmp_path / "a.pkl", tmp_path / "new", ImportOptions())


def test_images_of_several_sizes_become_one(tmp_path):
    items = [own("a", 0), own("b", 0), own("c", 0, size=(540, 480))]
    (tmp_path / "a.pkl").write_bytes(pyskl(*items))
    lines = import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions())
    read = open_store(tmp_path / "store")
    assert read.info.image == (1920, 1080)
    at = [read.title(name) for name in read.clips.name.tolist()].index("c")
    rows = read.rows_of(int(read.tracks_of(at)[0]))
    # 480 x 540 fits twice into 1920 x 1080; its middle, 240 / 270, lies at 960 / 540
    expected = 2 * (items[2]["keypoint"][0] - (240, 270)) + (960, 540)
    np.testing.assert_allclose(read.joints[rows], expected, rtol=1e-6)
    assert any("brought to one of 1920 x 1080 pixels" in line for line in lines)


def test_of_many_people_the_two_that_are_seen_best_are_kept(tmp_path):
    crowd = own("a", 0, people=4)
    crowd["keypoint"] += np.arange(4, dtype=np.float32)[:, None, None, None] * 50
    crowd["keypoint_score"] = crowd["keypoint_score"][[3, 0, 2, 1]]
    (tmp_path / "a.pkl").write_bytes(pyskl(crowd, own("b", 1)))
    import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions())
    read = open_store(tmp_path / "store")
    tracks = read.tracks_of(int(np.flatnonzero(read.tracks_per_clip == 2)[0]))
    found = np.stack([read.joints[read.rows_of(int(track))] for track in tracks])
    np.testing.assert_array_equal(found, crowd["keypoint"][[1, 3]])


@pytest.mark.parametrize(
    ("items", "split", "message"),
    [
        ([own("a", 0), own("a", 1)], {}, "two clips called 'a'"),
        ([own("a", -1)], {}, "label is -1, expected a number from 0"),
        ([own("a", ""), own("b", "wave")], {}, "label is '', expected a number from 0, or a name"),
        ([own("a", 0), own("b", "wave")], {}, "labels are numbers and texts, such as 'wave'"),
        ([own("a", 0)], {"train": ["b"]}, "names clip 'b', which has no annotation"),
    ],
)
def test_a_bad_pickle_of_own_clips(tmp_path, items, split, message):
    (tmp_path / "a.pkl").write_bytes(pyskl(*items, split=split))
    refused(tmp_path / "a.pkl", tmp_path / "store", message)
