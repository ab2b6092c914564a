import sys
from types import SimpleNamespace

import numpy as np
import pytest

from base.errors import InputError
from data.recordings import rates
from data.recordings.rates import clock_of, video_times
from tests.refine.files.made import SKELETON, as_recording


def recording(frames=range(5), **more):
    frames = np.array(list(frames))
    return as_recording(SKELETON[None, None].repeat(len(frames), 1), frames=frames, **more)


def test_nobody_says():
    with pytest.raises(InputError, match=r"^walk\.csv: does not say how many frames a second .* --fps 30.* --video"):
        clock_of(recording(), "walk.csv")


def test_the_file_says_and_the_user_goes_before():
    given = recording([3, 4, 8], fps=50.0)
    clock = clock_of(given, "a")
    assert (clock.fps, clock.source, clock.even, clock.start) == (50, "the file", True, 3 / 50)
    np.testing.assert_allclose(clock.seconds, [0, 0.02, 0.1])
    clock = clock_of(given, "a", fps=25)
    assert (clock.fps, clock.source) == (25, "--fps")
    np.testing.assert_allclose(clock.seconds, [0, 0.04, 0.2])


@pytest.mark.parametrize("fps", [0.0, -3.0, 2000.0, float("nan"), float("inf")])
def test_rates_that_no_camera_has(fps):
    with pytest.raises(InputError, match=r"^--fps: found .* frames a second, expected 1 to 1000$"):
        clock_of(recording(), "a", fps=fps)


def test_times_rounded_to_milliseconds_are_even():
    frames = np.arange(0, 300, 3)
    clock = clock_of(recording(frames, seconds=(frames / 29.97 + 5).round(3)), "a")
    assert clock.even
    assert clock.fps == pytest.approx(29.97, rel=1e-5)
    np.testing.assert_allclose(clock.seconds, frames / clock.fps)
    assert clock.start == 5
    exact = clock_of(recording(frames, seconds=(frames / 29.97).round(3), fps=29.97), "a")
    assert exact.fps == 29.97


def test_times_that_are_not_even_are_taken_as_they_are():
    seconds = np.array([10.0, 10.03, 10.05, 10.12, 10.15])
    clock = clock_of(recording(seconds=seconds), "a")
    assert not clock.even
    np.testing.assert_allclose(clock.seconds, seconds - 10)
    assert clock.fps == pytest.approx(1 / 0.03)  # the median of 0.03, 0.02, 0.07, 0.03


@pytest.fixture
def video(tmp_path):
    """Five frames at 12.5 a second, made by ffmpeg."""
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "clip.mp4"
    writer = ffmpeg.write_frames(str(path), (32, 32), fps=12.5, ffmpeg_log_level="error")
    writer.send(None)
    for _ in range(5):
        writer.send(np.zeros((32, 32, 3), np.uint8))
    writer.close()
    return path


def without(monkeypatch, *names):
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(rates.shutil, "which", lambda name: None)


def test_a_video_tells_the_rate_by_imageio(video, monkeypatch):
    without(monkeypatch, "av")
    assert video_times(video) == (None, 12.5)
    clock = clock_of(recording(fps=99.0), "a", video=video)
    assert (clock.fps, clock.source) == (12.5, "the video clip.mp4")


def test_a_video_tells_the_times_by_pyav(video):
    pytest.importorskip("av")
    times, rate = video_times(video)
    np.testing.assert_allclose(times, np.arange(5) / 12.5, atol=1e-6)
    assert rate == pytest.approx(12.5)


@pytest.fixture
def uneven(tmp_path, monkeypatch):
    """A video whose times PyAV tells, out of order as packets are."""
    path = tmp_path / "uneven.mp4"
    path.write_bytes(b"video")
    packets = [SimpleNamespace(pts=pts) for pts in (0, 3, 1, 10, None)]
    stream = SimpleNamespace(time_base=0.1)

    class Container(SimpleNamespace):
        def __enter__(self):
            return self

        def __exit__(self, *error):
            return False

    container = Container(streams=SimpleNamespace(video=[stream]), demux=lambda one: packets)
    monkeypatch.setitem(sys.modules, "av", SimpleNamespace(open=lambda path: container, FFmpegError=RuntimeError))
    return path


def test_times_of_a_video_go_with_the_numbers_of_frames(uneven):
    clock = clock_of(recording([1, 2, 3]), "a", video=uneven)
    np.testing.assert_allclose(clock.seconds, [0, 0.2, 0.9])
    assert (clock.even, clock.start) == (False, 0.1)
    counted_from_1 = clock_of(recording([1, 2, 4]), "a", video=uneven)
    np.testing.assert_allclose(counted_from_1.seconds, [0, 0.1, 1.0])


def test_a_video_that_is_too_short(uneven):
    with pytest.raises(InputError, match=r"^a: found frame 9, and .*uneven\.mp4 has 4; give the video .* or --fps$"):
        clock_of(recording([1, 2, 9]), "a", video=uneven)


def test_ffprobe_is_asked_where_there_is_no_pyav(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    asked = []

    def run(words, **options):
        asked.append(words)
        return SimpleNamespace(
            stdout='{"packets": [{"pts_time": "0.2"}, {"pts_time": "0.1"}, {}, {"pts_time": "0.3"}]}'
        )

    monkeypatch.setattr(rates.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(rates.subprocess, "run", run)
    path = tmp_path / "-clip.mp4"
    path.write_bytes(b"video")
    times, rate = video_times(path)
    np.testing.assert_allclose(times, [0.1, 0.2, 0.3])
    assert rate == pytest.approx(10)
    assert asked[0][0] == "/bin/ffprobe"
    assert asked[0][-1] == str(path.absolute())  # which no option begins as


def test_nothing_is_there_to_read_videos(tmp_path, monkeypatch):
    without(monkeypatch, "av", "imageio_ffmpeg")
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"video")
    with pytest.raises(InputError, match=r"^--video: .*clip\.mp4 takes PyAV, ffprobe or imageio-ffmpeg"):
        video_times(path)


def test_what_is_no_video(tmp_path, monkeypatch):
    pytest.importorskip("imageio_ffmpeg")
    without(monkeypatch, "av")
    path = tmp_path / "clip.mp4"
    path.write_text("no video")
    with pytest.raises(InputError, match=r"clip\.mp4: cannot be read as a video") as told:
        video_times(path)
    assert "\n" not in str(told.value)
    with pytest.raises(InputError, match=r"none\.mp4: cannot be read"):
        video_times(tmp_path / "none.mp4")
