from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from base.errors import InputError
from data.ntu.actors import choose_actors
from data.ntu.names import parse_name
from data.ntu.text import Body, Skeleton, write_skeleton
from data.skeletons.layouts import LAYOUTS
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from refine.apply import apply_refiner
from refine.normalise import Normalise
from refine.refiner import refiner_content
from refine.shipped.registry import load_shipped
from refine.show import as_shown, mean_acceleration, show
from tests.refine.conftest import make_net, make_refiner

ONE, TWO, EMPTY, SHORT = (f"S001C001P001R001A{action:03d}" for action in (1, 50, 2, 3))


def walk(rng, length, joints=25, dims=3):
    x = rng.normal(0, 0.3, size=(1, joints, dims)) + rng.normal(0, 0.02, (length, joints, dims)).cumsum(0)
    return (x + [0, 0, 3][:dims]).astype(np.float32)


@pytest.fixture
def stores(tmp_path, rng):
    """Write clips of one actor, of two of whom one comes later and has a gap, of nobody, and of two frames."""

    def track(actor, first, length):
        tracked = np.full((length, 25), 2, np.uint8)
        if actor:
            tracked[4:6] = 0
        return Track(actor, first, walk(rng, length), tracked)

    with StoreWriter(tmp_path / "raw", StoreInfo()) as writer:
        writer.add(parse_name(ONE), 20, [track(0, 0, 20)])
        writer.add(parse_name(TWO), 30, [track(0, 0, 30), track(1, 10, 12)])
        writer.add(parse_name(EMPTY), 9, [])
        writer.add(parse_name(SHORT), 2, [track(0, 0, 2)])
    apply_refiner(open_store(tmp_path / "raw"), make_refiner(), tmp_path / "refined")
    return tmp_path / "raw", tmp_path / "refined"


def write_checkpoint(path):
    described = refiner_content({"window": 8}, Normalise(), 30.0, ["h36m_fcn_3D"])
    torch.save({"state_dict": make_net().state_dict(), **described}, path)
    return path


@pytest.mark.parametrize("clip", [ONE, TWO])
def test_a_picture_and_an_animation(tmp_path, stores, clip):
    raw, refined = stores
    with Image.open(show(clip, tmp_path / "clip.png", store=raw, refined=refined)) as picture:
        assert picture.width >= 1000
        assert len(picture.convert("RGB").getcolors(1 << 24)) > 20
    with Image.open(show(clip, tmp_path / "clip.gif", store=raw, refined=refined)) as animation:
        assert animation.n_frames == {ONE: 20, TWO: 30}[clip]


def test_a_checkpoint_refines_it_now(tmp_path, stores, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw, refined = stores
    checkpoint = write_checkpoint(tmp_path / "best.pt")
    from_store = show(TWO, tmp_path / "a.png", store=raw, refined=refined).read_bytes()
    assert show(TWO, tmp_path / "b.png", store=raw, checkpoint=checkpoint).read_bytes() == from_store
    store = open_store(raw)
    body = Body(7, np.arange(20), np.array(store.joints[:20]), np.array(store.tracked[:20]))
    (tmp_path / f"{ONE}.skeleton").write_bytes(write_skeleton(Skeleton(20, (body,))))
    assert choose_actors(Skeleton(20, (body,)))[0] == 20
    path = show(f"{ONE}.skeleton", checkpoint=checkpoint)
    assert str(path) == f"{ONE}.png"
    assert path.stat().st_size > 1000


def test_a_shipped_refiner_is_named(tmp_path, stores):
    raw, _ = stores
    apply_refiner(open_store(raw), load_shipped("steady"), tmp_path / "steady")
    from_store = show(TWO, tmp_path / "a.png", store=raw, refined=tmp_path / "steady").read_bytes()
    assert show(TWO, tmp_path / "b.png", store=raw, checkpoint=Path("steady")).read_bytes() == from_store


@pytest.mark.parametrize("clip", [ONE, TWO])
def test_a_raw_clip_alone(tmp_path, stores, clip):
    """One row of skeletons instead of two, and a curve; from a store or from a file."""
    raw, refined = stores
    alone, both = (
        show(clip, tmp_path / f"{n}.png", store=raw, refined=store) for n, store in enumerate((None, refined))
    )
    with Image.open(alone) as one, Image.open(both) as two:
        assert one.width == two.width
        assert 0.4 * two.height < one.height < 0.9 * two.height
    with Image.open(show(clip, tmp_path / "clip.gif", store=raw)) as animation:
        assert animation.n_frames == {ONE: 20, TWO: 30}[clip]
    store = open_store(raw)
    (tmp_path / f"{ONE}.skeleton").write_bytes(
        write_skeleton(
            Skeleton(20, (Body(7, np.arange(20), np.array(store.joints[:20]), np.array(store.tracked[:20])),))
        )
    )
    assert show(str(tmp_path / f"{ONE}.skeleton"), tmp_path / "file.png").stat().st_size > 1000


def test_alone_a_clip_has_the_name_of_its_store(rng):
    tracks = [Track(0, 0, walk(rng, 10), np.full((10, 25), 2, np.uint8))]
    assert list(as_shown(ONE, StoreInfo(), 10, tracks).poses) == ["raw"]
    assert list(as_shown(ONE, StoreInfo(kind="refined"), 10, tracks).poses) == ["refined"]


def test_the_folder_of_a_run_is_as_good_as_its_checkpoint(tmp_path, stores):
    raw, _ = stores
    (tmp_path / "run/checkpoints").mkdir(parents=True)
    checkpoint = write_checkpoint(tmp_path / "run/checkpoints/best.pt")
    file, folder, inner = (
        show(TWO, tmp_path / f"{n}.png", store=raw, checkpoint=path).read_bytes()
        for n, path in enumerate((checkpoint, tmp_path / "run", tmp_path / "run/checkpoints"))
    )
    assert file == folder == inner
    with pytest.raises(InputError, match=r"no trained network .*those of its parts are in .*run; give a finished"):
        show(TWO, tmp_path / "x.png", store=raw, checkpoint=tmp_path)
    assert not (tmp_path / "x.png").exists()


def test_actors_stand_where_and_when_they_were_seen(rng):
    tracked = np.full((6, 25), 2, np.uint8)
    tracked[2, 3] = 0
    raw = [Track(0, 0, walk(rng, 10), np.ones((10, 25), np.uint8)), Track(1, 3, walk(rng, 6), tracked)]
    shown = as_shown(TWO, StoreInfo(), 11, raw, raw)
    poses = shown.poses["raw"]
    assert poses.shape == (11, 50, 3)
    np.testing.assert_allclose(poses[0, 4], raw[0].joints[0, 4] * [1, -1, 1])
    np.testing.assert_allclose(poses[8, 25 + 4], raw[1].joints[5, 4] * [1, -1, 1])
    assert np.isnan(poses[10]).all()
    assert np.isnan(poses[:3, 25:]).all()
    assert np.isnan(poses[5, 25 + 3]).all()
    assert shown.bones[: len(shown.bones) // 2] == LAYOUTS["ntu25"].bones
    assert min(shown.bones[len(shown.bones) // 2]) >= 25


def test_acceleration_is_of_joints_known_in_three_frames():
    poses = np.zeros((6, 2, 3))
    poses[:, 0, 0] = np.arange(6) ** 2  # a second difference of 2
    poses[4, 1] = np.nan
    np.testing.assert_allclose(mean_acceleration(poses), [1, 1, 2, 2])
    poses[0] = np.nan
    assert np.isnan(mean_acceleration(poses)).tolist() == [True, False, False, False]


def test_poses_in_an_image_are_shown(tmp_path, rng):
    info = StoreInfo(layout="coco17", image=(640, 480), confidence=True)
    x = 300 + 100 * walk(rng, 12, 17, 2)
    with StoreWriter(tmp_path / "raw", info) as writer:
        parts = x, np.full((12, 17), 2, np.uint8), np.ones((12, 17), np.float32)
        writer.add(parse_name(ONE), 12, [Track(0, 0, *parts)])
    apply_refiner(open_store(tmp_path / "raw"), make_refiner(), tmp_path / "refined")
    assert show(ONE, tmp_path / "a.png", store=tmp_path / "raw", refined=tmp_path / "refined").stat().st_size > 1000


def other_store(tmp_path, rng):
    with StoreWriter(tmp_path / "other", StoreInfo()) as writer:
        writer.add(parse_name(ONE), 18, [Track(0, 0, walk(rng, 18), np.full((18, 25), 2, np.uint8))])
    return tmp_path / "other"


def test_mistakes_cost_one_line_and_leave_nothing(tmp_path, stores, rng):
    raw, refined = stores
    other, output = other_store(tmp_path, rng), tmp_path / "x.png"
    (tmp_path / "text.pt").write_text("no checkpoint")
    (tmp_path / f"{TWO}.skeleton").write_text("no skeleton")
    both = {"store": raw, "refined": refined}
    for clip, given, message in (
        ("S001C001P001R001A051", both, f"no clip 'S001C001P001R001A051' in this store; it has 4 clips, such as {TWO}"),
        (ONE, {"store": raw, "refined": other}, "was not refined from"),
        (TWO, {"store": raw, "refined": other}, f"no clip '{TWO}'"),
        (ONE, {"store": raw, "refined": tmp_path}, "no clip store"),
        (ONE, {"store": raw, "checkpoint": tmp_path / "text.pt"}, "not a checkpoint"),
        (ONE, {**both, "checkpoint": tmp_path / "text.pt"}, "both were given"),
        (ONE, {"refined": refined}, "give --store"),
        (EMPTY, both, "nobody is seen"),
        (SHORT, both, "it has 2 frames"),
        ("absent.skeleton", {"checkpoint": tmp_path / "text.pt"}, "not an NTU RGB"),
        (f"{ONE}.skeleton", {"checkpoint": tmp_path / "text.pt"}, "No such file"),
        (str(tmp_path / f"{TWO}.skeleton"), {"checkpoint": write_checkpoint(tmp_path / "a.pt")}, f"{TWO}.skeleton"),
        (f"{ONE}.skeleton", both, "is refined with --checkpoint"),
    ):
        with pytest.raises(InputError) as raised:
            show(clip, output, **given)
        assert message in str(raised.value)
        assert len(str(raised.value).splitlines()) == 1
        assert not output.exists()
    with pytest.raises(InputError, match="pictures end in"):
        show(ONE, tmp_path / "x.jpeg", **both)
