import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from base.errors import InputError
from drawing import animation
from drawing import charts as figures
from drawing import skeleton as stick_figures
from drawing.animation import animate_skeletons, drawn_frames, frame_durations
from drawing.charts import (
    FrameCurves,
    TradeOff,
    colours_of,
    draw_curves,
    frame_points,
    plot_errors,
    plot_trade_off,
    plot_transfer,
    upper_limit,
)
from drawing.skeleton import Stage, View, bone_segments, plot_skeletons, read_image

BONES = [[0, 1], [1, 2], [2, 3]]


def poses(rng, frames=20, joints=4, dims=3, scale=1.0):
    truth = scale * np.cumsum(rng.normal(0, 1, (frames, joints, dims)), 1)
    return {"raw": truth + 0.1 * scale * rng.normal(size=truth.shape), "refined": truth, "ground truth": truth}


def curves(rng, frames=20):
    return {
        label: FrameCurves(rng.uniform(20, 60, frames), rng.uniform(0, 9, frames - 2)) for label in ("raw", "refined")
    }


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def has_colour(image, colour, tolerance=24):
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return bool((np.abs(image - wanted).max(-1) < tolerance).any())


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn, in place of their files."""
    kept = []
    monkeypatch.setattr(figures, "save", lambda figure, path: kept.append(figure))
    return kept


# Errors per frame.


def test_accelerations_belong_to_the_middle_of_their_three_frames():
    curve = FrameCurves(np.array([1.0, 2, 3, 4]), np.array([7.0, 8]))
    np.testing.assert_array_equal(frame_points(curve, 0, first_frame=10), [[10, 11, 12, 13], [1, 2, 3, 4]])
    np.testing.assert_array_equal(frame_points(curve, 1, first_frame=10), [[11, 12], [7, 8]])


def test_plain_pairs_of_a_short_sequence_are_curves():
    assert frame_points((np.ones(2), np.ones(0)), 1).shape == (2, 0)
    with pytest.raises(ValueError, match="4 frames have 2 accelerations, not 4"):
        frame_points((np.ones(4), np.ones(4)), 1)


def test_one_wild_frame_is_marked_at_the_edge_and_does_not_flatten_the_rest():
    values = np.full(200, 10.0)
    values[50] = 1e6
    axes = Figure().add_subplot()
    draw_curves(axes, {"raw": np.stack([np.arange(200), values])})
    assert axes.get_ylim()[1] == pytest.approx(13)
    (marks,) = [line for line in axes.lines if line.get_marker() == "^" and len(line.get_xdata())]
    np.testing.assert_array_equal(marks.get_xdata(), [50])
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == [f"raw (mean {values.mean():.1f})", "1 frame above 13.0"]


def test_nothing_is_cut_off_where_large_values_are_common():
    values = np.r_[np.full(90, 10.0), np.full(10, 100.0)]
    assert upper_limit([values]) > 100
    assert upper_limit([np.zeros(5)]) > 0
    assert upper_limit([np.full(5, np.nan)]) > 0


def test_frames_that_cannot_be_scored_are_gaps_and_single_frames_between_them_are_dots():
    values = np.array([1, 2, np.nan, 3, np.nan, 4, 5])
    axes = Figure().add_subplot()
    draw_curves(axes, {"raw": np.stack([np.arange(7), values]), "refined": np.stack([np.arange(7), values * np.nan])})
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), values)
    (dots, _) = [line for line in axes.lines if line.get_marker() == "."]
    np.testing.assert_array_equal(dots.get_xdata(), [3])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["raw (mean 3)", "refined (not scored)"]


def test_errors_are_drawn_in_the_colours_of_their_labels(tmp_path, rng):
    plot_errors(tmp_path / "errors.png", curves(rng), "mm", fps=50, title="a sequence of $5 and $6")
    image = pixels(tmp_path / "errors.png")
    assert all(has_colour(image, colours_of({label: 0})[label]) for label in ("raw", "refined"))


def test_a_sequence_of_two_frames_has_no_acceleration_to_draw(tmp_path):
    plot_errors(tmp_path / "short.png", {"raw": (np.ones(2), np.ones(0))}, "mm", fps=50)
    assert pixels(tmp_path / "short.png").size


@pytest.mark.parametrize(("ending", "start"), [("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_equal_vector_figures_are_equal_bytes(tmp_path, rng, ending, start):
    drawn = curves(rng)
    for name in ("a", "b"):
        plot_errors(tmp_path / f"{name}.{ending}", drawn, "mm", fps=50)
    first, second = ((tmp_path / f"{name}.{ending}").read_bytes() for name in ("a", "b"))
    assert first.startswith(start)
    assert first == second


def test_an_unknown_format_is_refused_and_nothing_is_left(tmp_path, rng):
    with pytest.raises(InputError, match=r"errors\.jpeg2: figures end in \.png, \.pdf, \.svg, not \.jpeg2"):
        plot_errors(tmp_path / "errors.jpeg2", curves(rng), "mm", fps=50)
    assert list(tmp_path.iterdir()) == []


def test_labels_without_a_known_name_get_colours_of_their_own():
    colours = colours_of(dict.fromkeys(("raw", "refined", "window 8", "window 16", "Ground-Truth")))
    assert len(set(colours.values())) == 5


# Skeletons.


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
        blue = (np.abs(image - [0x1F, 0x62, 0xC9]) < 24).all(-1).any(0)
        assert np.flatnonzero(blue).min() > image.shape[1] / 4


def test_skeletons_without_any_known_joint_and_without_bones(tmp_path, rng):
    plot_skeletons(tmp_path / "s.png", {"raw": np.full((2, 4, 3), np.nan)}, BONES, [0], "m")
    plot_skeletons(tmp_path / "t.png", {"raw": poses(rng)["raw"]}, [], [0], "m")
    assert has_colour(pixels(tmp_path / "t.png"), "#6d7888")


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


# Animations.


def test_a_gif_has_a_picture_per_frame_and_lasts_as_long_as_the_sequence(tmp_path, rng):
    animate_skeletons(tmp_path / "a.gif", poses(rng), BONES, curves(rng), 30, slice(2, 14), ghost="ground truth")
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 12
        durations = []
        pictures = []
        for frame in range(12):
            image.seek(frame)
            durations.append(image.info["duration"])
            pictures.append(np.asarray(image.convert("RGB")).astype(int))
    assert sum(durations) == pytest.approx(12 * 1000 / 30, abs=10)
    assert all((a != b).any() for a, b in pairwise(pictures))
    assert (pictures[-1][0, 0] == 255).all()
    for colour in colours_of(poses(rng)).values():
        assert has_colour(pictures[-1], colour)


def test_the_curves_grow_up_to_the_frame_that_is_shown(rng):
    errors = {"raw": FrameCurves(np.arange(20.0), np.arange(18.0))}
    sequence = {"raw": poses(rng)["raw"]}
    scene = animation._Scene(
        sequence, BONES, errors, 50, range(5, 15), "m", "mm", None, None, None, "", first_frame=100
    )
    scene.draw(8)
    drawn = {axes.get_ylabel(): axes for axes in scene.figure.axes}
    growing = [axes.get_lines()[-2] for label, axes in drawn.items() if label.startswith(("MPJPE", "Accel"))]
    np.testing.assert_array_equal(growing[0].get_xdata(), [105, 106, 107, 108])
    np.testing.assert_array_equal(growing[0].get_ydata(), [5, 6, 7, 8])
    np.testing.assert_array_equal(growing[1].get_xdata(), [105, 106, 107, 108])
    np.testing.assert_array_equal(growing[1].get_ydata(), [4, 5, 6, 7])


def test_every_picture_is_drawn_afresh(rng):
    scene = animation._Scene(
        poses(rng), BONES, curves(rng), 50, range(20), "m", "mm", None, None, None, "", first_frame=0
    )
    first = scene.draw(3)
    scene.draw(12)
    np.testing.assert_array_equal(scene.draw(3), first)
    assert first.shape[0] % 2 == first.shape[1] % 2 == 0


def test_pixels_below_an_animation_follow_the_frames(tmp_path, rng):
    paths = [tmp_path / f"{frame}.png" for frame in range(3)]
    for path, colour in zip(paths[:2], ((250, 30, 30), (30, 30, 250)), strict=True):
        Image.new("RGB", (300, 300), colour).save(path)
    sequence = {"raw": rng.uniform(50, 250, (3, 4, 2))}
    animate_skeletons(tmp_path / "a.gif", sequence, BONES, {}, 10, images=paths, unit="px")
    shares = []
    with Image.open(tmp_path / "a.gif") as image:
        for frame in range(3):
            image.seek(frame)
            red, green, blue = np.asarray(image.convert("RGB")).astype(int).transpose(2, 0, 1)
            shares.append([(red > green + 60).mean() > 0.1, (blue > green + 60).mean() > 0.1])
    assert shares[0][0]
    assert not shares[1][0]
    assert shares[2] == [False, False]


def test_an_mp4_has_a_picture_per_frame(tmp_path, rng):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    animate_skeletons(tmp_path / "a.mp4", poses(rng), BONES, curves(rng), 25, slice(0, 10))
    frames, seconds = ffmpeg.count_frames_and_secs(str(tmp_path / "a.mp4"))
    assert frames == 10
    assert seconds == pytest.approx(0.4, abs=0.05)


def test_an_mp4_without_ffmpeg_says_what_to_install(tmp_path, rng, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(InputError, match=r"a\.mp4: MP4 needs ffmpeg; pip install 'steady-skeletons\[video\]'"):
        animate_skeletons(tmp_path / "a.mp4", poses(rng), BONES, curves(rng), 25)
    assert list(tmp_path.iterdir()) == []


def test_an_mp4_that_ffmpeg_does_not_write_is_an_error(tmp_path, rng, monkeypatch):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")

    def silent(*_, **__):
        while True:
            yield

    monkeypatch.setattr(ffmpeg, "write_frames", silent)
    with pytest.raises(InputError, match="ffmpeg wrote nothing"):
        animate_skeletons(tmp_path / "a.mp4", poses(rng), BONES, {}, 25, slice(0, 2))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", ["gif", "mp4"])
def test_an_interruption_leaves_what_was_there(tmp_path, rng, monkeypatch, ending):
    if ending == "mp4":
        pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / f"a.{ending}"
    path.write_bytes(b"the former animation")
    draw = animation._Scene.draw

    def interrupted(self, frame):
        if frame == 5:
            raise KeyboardInterrupt
        return draw(self, frame)

    monkeypatch.setattr(animation._Scene, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        animate_skeletons(path, poses(rng), BONES, {}, 25)
    assert path.read_bytes() == b"the former animation"
    assert list(tmp_path.iterdir()) == [path]


def test_which_frames_are_drawn():
    assert drawn_frames(100, slice(10, 20), 50) == range(10, 20)
    assert drawn_frames(100, slice(-4, None, 2), 50) == range(96, 100, 2)
    # Viewers show at most 50 pictures a second of a GIF: every second frame of 60.
    assert drawn_frames(100, slice(None), 60, 50) == range(0, 100, 2)
    assert drawn_frames(100, slice(None), 50, 50) == range(100)


@pytest.mark.parametrize(
    ("frames", "rate", "message"),
    [
        (slice(None), 25, "frames: 1000 frames to draw, at most 400; choose a shorter range or a step of 3"),
        (slice(0, 1000, 2), 25, "500 frames to draw, at most 400; choose a shorter range or a step of 4"),
        (slice(2000, None), 25, "frames: none between 2000 and None in a sequence of 1000"),
        (slice(None, None, -1), 25, "frames: step -1"),
        (slice(0, 5), 0, "must be above zero"),
    ],
)
def test_ranges_that_cannot_be_animated_are_refused(frames, rate, message):
    with pytest.raises(InputError, match=message):
        drawn_frames(1000, frames, rate)


def test_an_animation_of_another_format_is_refused(tmp_path, rng):
    with pytest.raises(InputError, match=r"a\.avi: animations end in \.gif or \.mp4"):
        animate_skeletons(tmp_path / "a.avi", poses(rng), BONES, {}, 25)


@pytest.mark.parametrize("rate", [7.0, 24.0, 29.97, 50.0])
def test_pictures_of_a_gif_last_whole_hundredths_of_a_second_without_drift(rate):
    durations = np.array(frame_durations(300, rate))
    assert (durations % 10 == 0).all()
    assert np.abs(np.cumsum(durations) - 1000 * np.arange(1, 301) / rate).max() <= 5.001


# Ablation and transfer.


def test_a_trade_off_has_the_stride_at_every_marker(tmp_path, rng, drawn):
    points = [
        TradeOff(kind, window, stride, 1000.0 * stride / window, 70 + rng.uniform(), 1 + rng.uniform())
        for kind in ("basic", "motion-aware")
        for window in (8, 32)
        for stride in (1, 2, 4)
    ]
    plot_trade_off(tmp_path / "t.png", points, "mm", (73.9, 29.7))
    (figure,) = drawn
    for axes, name, note in zip(
        figure.axes, ("mpjpe", "accel"), ("input: 73.9", "input: 29.7, off the scale ↑"), strict=True
    ):
        written = {(text.xy, text.get_text()) for text in axes.texts}
        expected = {((p.frames_per_second, getattr(p, name)), str(p.stride)) for p in points}
        assert expected <= written
        assert note in {text for _, text in written}
        markers = {tuple(xy) for line in axes.lines if line.get_marker() != "None" for xy in line.get_xydata()}
        assert markers == {place for place, _ in expected}
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {
        "window 8", "window 32", "basic", "motion-aware"
    }  # fmt: skip


def test_a_trade_off_of_one_point(tmp_path):
    plot_trade_off(tmp_path / "one.png", [TradeOff("basic", 8, 1, 10.0, 70.0, 1.0)], "mm", (np.nan, 1.0))
    assert pixels(tmp_path / "one.png").size


def test_a_trade_off_needs_points_that_have_a_speed(tmp_path):
    with pytest.raises(InputError, match="no points"):
        plot_trade_off(tmp_path / "t.png", [], "mm")
    with pytest.raises(InputError, match="a speed above zero is needed"):
        plot_trade_off(tmp_path / "t.png", [TradeOff("basic", 8, 1, 0.0, 1, 1)], "mm")


def test_a_transfer_matrix_writes_its_values_and_says_where_there_is_no_data(tmp_path, drawn):
    changes = {"MPJPE": np.array([[-3.26, 12.5], [np.nan, 0.04]]), "Accel": np.array([[-95.0, 140.4], [np.nan, -80]])}
    plot_transfer(tmp_path / "t.png", changes, ["a_3D", "b_3D"], ["a_3D", "c_2D"])
    panels = {axes.get_title(): [text.get_text() for text in axes.texts] for axes in drawn[0].axes if axes.get_title()}
    assert panels == {
        "MPJPE, change in %": ["−3.3", "+12.5", "no data", "+0.0"],
        "Accel, change in %": ["−95.0", "+140", "no data", "−80.0"],
    }


def test_better_is_blue_and_worse_is_red(tmp_path):
    plot_transfer(tmp_path / "t.png", {"MPJPE": np.array([[-5.0, 5.0]])}, ["a"], ["b", "c"])
    red, _, blue = pixels(tmp_path / "t.png").transpose(2, 0, 1)
    columns = [np.flatnonzero((x > y + 60).any(0)).min() for x, y in ((blue, red), (red, blue))]
    assert columns[0] < columns[1]


def test_a_transfer_matrix_without_data_or_of_another_size(tmp_path):
    plot_transfer(tmp_path / "t.png", {"MPJPE": np.full((1, 7), np.nan)}, ["a"], list("bcdefgh"))
    assert pixels(tmp_path / "t.png").size
    with pytest.raises(ValueError, match="MPJPE"):
        plot_transfer(tmp_path / "t.png", {"MPJPE": np.zeros((2, 2))}, ["a"], ["b", "c"])


def test_figures_need_neither_a_display_nor_pyplot():
    code = "import sys, drawing.animation; sys.exit('matplotlib.pyplot' in sys.modules)"
    root = Path(animation.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
