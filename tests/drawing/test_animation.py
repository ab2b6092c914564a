import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from base.errors import InputError
from drawing import animation
from drawing.animation import animate_skeletons, drawn_frames, frame_durations
from drawing.charts import FrameCurves, colours_of
from tests.drawing.samples import BONES, curves, has_colour, poses


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


def test_figures_need_neither_a_display_nor_pyplot():
    code = "import sys, drawing.animation; sys.exit('matplotlib.pyplot' in sys.modules)"
    root = Path(animation.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0
