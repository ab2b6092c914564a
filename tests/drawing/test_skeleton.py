import numpy as np
import pytest
from PIL import Image

from base.errors import InputError
from drawing import skeleton as stick_figures
from drawing.charts import colours_of
from drawing.skeleton import Stage, View, bone_segments, plot_skeletons, read_image
from tests.drawing.samples import BONES, curves, has_colour, pixels, poses


def test_bones_that_end_at_a_missing_joint_are_left_out():
    points = np.array([[0.0, 0], [1, 0], [np.nan, 1], [3, 3]])
    np.testing.assert_array_equal(bone_segments(points, [*BONES, [3, 0]]), [[[0, 0], [1, 0]], [[3, 3], [0, 0]]])
    assert bone_segments(points, []).shape == (0, 2, 2)


def test_skeletons_stand_upright_and_what_is_nearer_is_lower():
    # The camera's frame: x right, y down, z away.
    head, foot, behind = np.array([[0.0, -1, 0], [0, 1, 0], [0, 1, 1]])
    view = View(azimuth=0, elevation=20)
    assert view.project(head)[1] > view.project(foot)[1]
    assert view.project(behind)[1] > view.project(foot)[1]
    np.testing.assert_allclose(View(0, 0).project(np.array([3.0, 5, 7])), [3, -5])
    np.testing.assert_array_equal(view.project(np.array([3.0, 5])), [3, 5])


def test_parallel_projection_turns_but_does_not_distort(rng):
    points = rng.normal(size=(50, 3))
    view = View(33, 21)
    axes = view.project(np.eye(3)) - view.project(np.zeros(3))
    np.testing.assert_allclose(axes.T @ axes, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(view.project(points), points @ axes, atol=1e-12)


def test_all_panels_show_every_joint_but_not_one_that_flew_off(rng):
    sequence = poses(rng, frames=50, dims=2, scale=100)
    stage = Stage.around(sequence)
    joints = np.concatenate(list(sequence.values())).reshape(-1, 2)
    assert (stage.low <= joints.min(0)).all()
    assert (stage.high >= joints.max(0)).all()
    sequence["raw"][3, 2] = 1e7
    sequence["raw"][4, 2] = np.nan
    far = Stage.around(sequence)
    assert (far.high - far.low).max() < 2 * (stage.high - stage.low).max()


def test_images_are_cut_to_what_is_shown_without_moving(rng):
    stage = Stage(np.array([10.2, 20.0]), np.array([30.0, 200.0]), None, np.empty((0, 2, 2)), 0)
    image = rng.integers(0, 255, (100, 80, 3), dtype=np.uint8)
    part, (left, right, bottom, top) = stage.crop(image)
    assert (left, right, bottom, top) == (9.5, 30.5, 99.5, 19.5)
    assert part.shape == (80, 21, 3)
    # The cut-out is the image's own pixels, paler.
    assert np.corrcoef(part.ravel(), image[20:100, 10:31].ravel())[0, 1] > 0.999


@pytest.mark.parametrize(("dims", "time"), [(3, "down"), (2, "across")])
def test_skeletons_are_drawn_side_by_side(tmp_path, rng, dims, time):
    sequence = poses(rng, dims=dims)
    sequence["raw"][5, 2] = np.nan
    plot_skeletons(
        tmp_path / "s.png", sequence, BONES, [0, 5], "m", curves=curves(rng), ghost="ground truth", time=time
    )
    image = pixels(tmp_path / "s.png")
    for label, colour in colours_of(sequence).items():
        columns = np.flatnonzero((np.abs(image - [int(colour[i : i + 2], 16) for i in (1, 3, 5)]) < 24).all(-1).any(0))
        assert columns.size, label
    if time == "down":
        # The raw version is left of the refined one.
        blue = (np.abs(image - [0x4E, 0x66, 0xC6]) < 24).all(-1).any(0)
        assert np.flatnonzero(blue).min() > image.shape[1] / 4


def test_skeletons_without_any_known_joint_and_without_bones(tmp_path, rng):
    plot_skeletons(tmp_path / "s.png", {"raw": np.full((2, 4, 3), np.nan)}, BONES, [0], "m")
    plot_skeletons(tmp_path / "t.png", {"raw": poses(rng)["raw"]}, [], [0], "m")
    assert has_colour(pixels(tmp_path / "t.png"), "#717677")


def test_an_image_lies_under_its_skeleton_and_a_missing_one_is_left_white(tmp_path, rng):
    Image.new("RGB", (300, 300), (250, 40, 40)).save(tmp_path / "red.jpg")
    sequence = {"raw": rng.uniform(50, 250, (2, 4, 2))}
    for name in ("red.jpg", "none.jpg"):
        plot_skeletons(tmp_path / "s.png", sequence, BONES, [1], "px", images=[tmp_path / name])
        image = pixels(tmp_path / "s.png")
        reddish = (image[..., 0] > 200) & (image[..., 1] < 130)
        assert (reddish.mean() > 0.3) == (name == "red.jpg")


def test_what_is_no_image_is_refused(tmp_path, monkeypatch):
    (tmp_path / "text.jpg").write_text("not an image")
    with pytest.raises(InputError, match=r"text\.jpg: cannot be read as an image"):
        read_image(tmp_path / "text.jpg")
    Image.new("RGB", (30, 20)).save(tmp_path / "large.png")
    monkeypatch.setattr(stick_figures, "MOST_PIXELS", 500)
    with pytest.raises(InputError, match=r"large\.png: 30 x 20 pixels; at most 500"):
        read_image(tmp_path / "large.png")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": [20]}, r"frames: \[20\] chosen of a sequence that has frames 0 to 19"),
        ({"frames": []}, "frames: none chosen"),
        ({"bones": [[0, 4]]}, r"bones: \[0, 4\] is not a pair of the joints 0 to 3"),
        ({"poses": {"raw": np.zeros((20, 4, 3)), "refined": np.zeros((19, 4, 3))}}, "poses 'refined'"),
        ({"poses": {"raw": np.zeros((20, 12))}}, r"poses 'raw': shape \(20, 12\)"),
        ({"poses": {}}, "nothing to draw"),
        ({"images": []}, "images: 0 files for 1 chosen frames"),
        ({"curves": {"raw": (np.ones(5), np.ones(3))}}, "curves 'raw': 5 frames, but the poses have 20"),
    ],
)
def test_skeletons_that_cannot_be_drawn_are_refused_in_one_line(tmp_path, rng, change, message):
    given = {"poses": poses(rng), "bones": BONES, "frames": [3], "unit": "m", **change}
    with pytest.raises(InputError, match=message) as error:
        plot_skeletons(tmp_path / "s.png", **given)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
