"""Three people in a clip, from somebody's file through everything: each of them counts."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from base.errors import InputError
from data.formats.exporting import ExportOptions, export_store
from data.formats.importing import ImportOptions, import_store
from data.ntu.names import parse_name
from data.skeletons.layouts import COCO17
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store, track_of
from recognition.config import InputSection, ModelSection
from recognition.input.augment import Draws
from recognition.input.batches import gather_batch
from recognition.input.loading import load_clips
from recognition.nets.registry import build_model
from recognition.use.clip_files import in_memory
from recognition.use.explain import explain_clip
from recognition.use.onnx_export import Deployed
from recognition.use.predict import predict
from recognition.use.recognizer import Recognizer
from refine.apply import filter_tracks
from refine.show import as_shown

SURE = [0.4, 0.9, 0.6, 0.8]
"""How surely each of four people is seen; the best three are 1, 3 and 2."""


def crowd(name, label, frames=9):
    rng = np.random.default_rng(label)
    points = rng.uniform(100, 900, (4, 1, 17, 2)) + rng.normal(0, 9, (4, frames, 17, 2)).cumsum(1)
    score = np.array(SURE)[:, None, None] * np.ones((4, frames, 17))
    return {
        "frame_dir": name, "label": label, "img_shape": (1080, 1920), "total_frames": frames,
        "keypoint": points.astype(np.float32), "keypoint_score": score.astype(np.float32),
    }  # fmt: skip


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    """The clips, and stores of one to four of their people."""
    folder = tmp_path_factory.mktemp("people")
    clips = [crowd("a", 0), crowd("b", 1)]
    (folder / "a.pkl").write_bytes(pickle.dumps({"split": {}, "annotations": clips}))
    for people in (1, 2, 3, 4):
        import_store(folder / "a.pkl", folder / str(people), ImportOptions(people=people))
    return clips, {people: open_store(folder / str(people)) for people in (1, 2, 3, 4)}


@pytest.fixture(scope="module")
def recognizer():
    torch.manual_seed(0)
    net = build_model(ModelSection(width=6, blocks=3), COCO17, 3, 2)
    with torch.no_grad():  # statistics as after training
        for _ in range(20):
            net(torch.randn(12, 8, 17, 3), torch.arange(12), 12)
        net.classifier.weight.mul_(0.2)
    return Recognizer(net.eval(), InputSection(frames=8, people=3), COCO17, True, np.array([1, 2]), 1, None)


def of_clip(store, row=0, order=None):
    """A store in memory of one clip, its people in another order or fewer of them."""
    tracks = [track_of(store, track) for track in store.tracks_of(row)]
    chosen = [replace(tracks[one], actor=place) for place, one in enumerate(order or range(len(tracks)))]
    return in_memory(store.folder, [("a", int(store.clips.frames[row]), chosen)], store.info)


def scores(recognizer, store):
    return predict([(1.0, recognizer)], store, np.arange(len(store.clips)))


def test_as_many_are_kept_as_asked_for_and_the_first_are_who_fewer_would_be(stores):
    clips, found = stores
    for people, order in ((1, [1]), (2, [1, 3]), (3, [1, 3, 2]), (4, [1, 3, 2, 0])):
        store = found[people]
        assert (store.tracks_per_clip == people).all()
        kept = np.stack([store.joints[store.rows_of(track)] for track in store.tracks_of(0)])
        np.testing.assert_array_equal(kept, clips[0]["keypoint"][order])


def test_each_of_three_counts_and_their_order_does_not(stores, recognizer):
    store = stores[1][3]
    whole = scores(recognizer, of_clip(store))
    np.testing.assert_allclose(scores(recognizer, of_clip(store, order=[2, 0, 1])), whole, atol=1e-6)
    for fewer in ([0, 1], [0, 2], [1, 2]):
        assert np.abs(scores(recognizer, of_clip(store, order=fewer)) - whole).max() > 1e-3


def test_a_network_that_sees_fewer_sees_the_first(stores, recognizer):
    _, found = stores
    for people in (1, 2, 3):
        fewer = replace(recognizer, view=recognizer.view.model_copy(update={"people": people}))
        np.testing.assert_array_equal(scores(fewer, found[4]), scores(recognizer, found[people]))
    shown = of_clip(found[4])
    shown.tracked[shown.rows_of(0)] = 0  # who shows nothing takes nobody's place
    clips = load_clips(shown, np.arange(1), None, "cpu", people=3)
    np.testing.assert_array_equal(clips.joints[:9, :, 2], np.full((9, 17), 0.8, np.float32))
    assert clips.track_of.tolist() == [0, 3]


def test_streams_and_augmentation_have_all_three(stores):
    clips = load_clips(stores[1][3], np.arange(2), None, "cpu", people=3)
    view = InputSection(frames=9, sampling="pad", stream="bone_motion")
    straight = gather_batch(clips, torch.arange(2), view, Draws())
    assert straight.clip.tolist() == [0, 0, 0, 1, 1, 1]
    swapped = gather_batch(clips, torch.arange(2), view, Draws(swap=torch.tensor([True, False])))
    assert_close(swapped.x, straight.x[[2, 1, 0, 3, 4, 5]])
    assert len({tuple(one.flatten().tolist()) for one in straight.x}) == 6


def test_three_are_refined_drawn_explained_and_deployed(stores, recognizer):
    store = stores[1][3]
    raw = [track_of(store, track) for track in store.tracks_of(0)]
    refined = filter_tracks("gaussian", store.info, raw, "a")
    assert [track.actor for track in refined] == [0, 1, 2]
    assert all(not np.array_equal(one.joints, other.joints) for one, other in zip(raw, refined, strict=True))
    drawn = as_shown("a", store.info, 9, raw, refined)
    assert drawn.poses["raw"].shape == (9, 51, 2)
    assert max(map(max, drawn.bones)) == 50
    parts = explain_clip(recognizer, store, 0, steps=2).importance
    assert parts.shape == (3, 8, 17)
    assert (parts.sum((1, 2)) > 0).all()
    clips = load_clips(store, np.arange(2), None, "cpu", people=3)
    batch = gather_batch(clips, torch.arange(2), recognizer.view, Draws(torch.full((2, 8), 0.5, dtype=torch.float64)))
    with torch.no_grad():
        deployed = Deployed(recognizer.net)(batch.x.view(2, 3, 8, 17, 3), torch.ones(2, 3, dtype=torch.bool))
    np.testing.assert_allclose(deployed, scores(recognizer, store), atol=1e-6)


def test_formats_of_two_say_so(stores, tmp_path):
    clips, found = stores
    export_store(found[3].folder, tmp_path / "a.pkl", ExportOptions("pyskl", dtype="float32"))
    written = pickle.loads((tmp_path / "a.pkl").read_bytes())["annotations"]
    np.testing.assert_array_equal(written[0]["keypoint"], clips[0]["keypoint"][[1, 3, 2]])
    names = found[3].clips.name
    with StoreWriter(tmp_path / "three", StoreInfo()) as writer:
        tracks = [Track(at, 0, np.ones((4, 25, 3), np.float32), np.full((4, 25), 2, np.uint8)) for at in range(3)]
        writer.add(parse_name(str(names[0])), 4, tracks)
    for format in ("skeleton", "npy"):
        with pytest.raises(InputError, match=f"has clips of 3 people, and --format {format} holds 2; import it with"):
            export_store(tmp_path / "three", tmp_path / "out", ExportOptions(format))


def test_numbers_that_make_no_sense(tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"split": {}, "annotations": [crowd("a", 0)]}))
    for people in (0, 33):
        with pytest.raises(InputError, match=f"--people {people}: expected a number from 1 to 32"):
            import_store(tmp_path / "a.pkl", tmp_path / "store", ImportOptions(people=people))
    with pytest.raises(
        InputError, match="--people 3: does not go with --format npy, of which 2 people a clip are read"
    ):
        import_store(tmp_path, tmp_path / "store", ImportOptions("npy", people=3))
