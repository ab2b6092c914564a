"""When each frame was recorded: from the file, from its video, or as the user says; never a guess."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from base.errors import InputError
from base.files import regular_file
from base.settings import FPS
from base.shown import cut, shown
from data.recordings.recording import Recording

UNEVEN = 0.05
"""Frames: so far from even times counts as even."""

ROUNDED_S = 0.00051
"""Seconds: so far, too, as files round times to milliseconds."""

SAME_RATE = 0.01
"""Frame rates that differ by less than this share count as one."""

PROBE_S = 600
"""Seconds that a video may take to be looked through."""


@dataclass(frozen=True)
class Clock:
    """When the rows of a recording were recorded.

    Parameters
    ----------
    fps
        Frames a second; where they are not even, the usual rate.
    seconds
        float64 [N]: when each row was recorded, from the first on.
    source
        Where this is from, such as `the file`.
    even
        Whether frame numbers tell the time.
    start
        When the first of these rows was, in the time of the file or its video.
    """

    fps: float
    seconds: np.ndarray
    source: str
    even: bool = True
    start: float = 0.0


def clock_of(recording: Recording, where: str, fps: float | None = None, video: Path | None = None) -> Clock:
    """Find out when a recording's frames were recorded: as the user says, or by the file.

    Parameters
    ----------
    recording
        What was read, of two frames at least.
    where
        Its path, for messages.
    fps
        What the user says; it goes before all else.
    video
        The video that the file was made from.

    Raises
    ------
    InputError
        Nobody says, or the rate is none of a recording of people, or the video is another.
    """
    if fps is not None:
        return _even(recording, _checked(fps, "--fps"), "--fps")
    if video is not None:
        times, rate = video_times(video)
        return _of_video(recording, where, video, times, rate)
    if recording.seconds is not None:
        return _timed(recording.frame, recording.seconds, recording.fps, where, "the file's times")
    if recording.fps is not None:
        return _even(recording, _checked(recording.fps, where), "the file")
    raise InputError(
        f"{where}: does not say how many frames a second it has; give --fps 30, say, or --video with the video that it "
        "was made from"
    )


def _checked(fps: float, where: str) -> float:
    if not FPS[0] <= fps <= FPS[1]:
        raise InputError(f"{where}: found {shown(fps)} frames a second, expected {FPS[0]} to {FPS[1]}")
    return float(fps)


def _even(recording: Recording, fps: float, source: str) -> Clock:
    first = recording.frame.min()
    return Clock(fps, (recording.frame - first) / fps, source, start=float(max(first, 0)) / fps)


def _timed(frame: np.ndarray, seconds: np.ndarray, told: float | None, where: str, source: str) -> Clock:
    """Take given times; where they go with the numbers of frames, those are the truer."""
    first = np.unique(frame, return_index=True)[1]
    frames, times = frame[first].astype(np.float64), seconds[first]
    rate = (frames[-1] - frames[0]) / (times[-1] - times[0])
    if told is not None and abs(rate / told - 1) < SAME_RATE:
        rate = told
    slip = times - frames / rate
    if np.ptp(slip) / 2 <= max(UNEVEN / rate, ROUNDED_S):
        return Clock(_checked(rate, where), (frame - frame.min()) / rate, source, start=float(times[0]))
    usual = 1 / float(np.median(np.diff(times)))
    return Clock(_checked(usual, where), seconds - times[0], source, even=False, start=float(times[0]))


def _of_video(recording: Recording, where: str, video: Path, times: np.ndarray | None, rate: float) -> Clock:
    source = f"the video {video.name}"
    if times is None:
        return _even(recording, _checked(rate, str(video)), source)
    last, first = int(recording.frame.max()), int(recording.frame.min())
    shift = 1 if last == len(times) and first >= 1 else 0  # some tools count from 1
    if first < 0 or last - shift >= len(times):
        raise InputError(
            f"{where}: found frame {last}, and {video} has {len(times)}; give the video it was made from, or --fps"
        )
    return _timed(recording.frame, times[recording.frame - shift], None, str(video), source)


def video_times(path: Path) -> tuple[np.ndarray | None, float]:
    """Read when each frame of a video is shown, seconds [frames], and its usual rate; None for times nobody tells.

    By PyAV if it is installed, else by ffprobe, else, without times, by imageio-ffmpeg.

    Raises
    ------
    InputError
        It is no video, or none of these is there.
    """
    regular_file(path)
    for read in (_by_pyav, _by_ffprobe):
        times = read(path)
        if times is not None:
            if len(times) < 2 or not np.isfinite(times).all():
                raise InputError(f"{path}: has no frames with times, expected a video; give --fps instead")
            times = np.sort(times)
            return times, (len(times) - 1) / max(times[-1] - times[0], 1e-9)
    return None, _by_imageio(path)


def _by_pyav(path: Path) -> np.ndarray | None:
    try:
        av: Any = import_module("av")
    except ImportError:
        return None
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            found = [packet.pts for packet in container.demux(stream) if packet.pts is not None]
            return np.array(found, np.float64) * float(stream.time_base)
    except (av.FFmpegError, IndexError, ValueError, OSError, TypeError) as error:
        raise _no_video(path, error) from None


def _by_ffprobe(path: Path) -> np.ndarray | None:
    program = shutil.which("ffprobe")
    if program is None:
        return None
    asked = ["-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time", "-of", "json"]
    try:
        done = subprocess.run(
            [program, *asked, str(path.absolute())], capture_output=True, timeout=PROBE_S, check=True, text=True
        )
        packets = json.loads(done.stdout)["packets"]
        return np.array([float(packet["pts_time"]) for packet in packets if "pts_time" in packet], np.float64)
    except (subprocess.SubprocessError, ValueError, KeyError, TypeError, OSError) as error:
        raise _no_video(path, error) from None


def _by_imageio(path: Path) -> float:
    try:
        imageio_ffmpeg: Any = import_module("imageio_ffmpeg")
    except ImportError:
        raise InputError(
            f"--video: {path} takes PyAV, ffprobe or imageio-ffmpeg to be read: pip install "
            "'steady-skeletons[video]', or give --fps"
        ) from None
    try:
        reader = imageio_ffmpeg.read_frames(str(path))
        try:
            return float(next(reader)["fps"])
        finally:
            reader.close()
    except (OSError, RuntimeError, StopIteration, KeyError, ValueError) as error:
        raise _no_video(path, error) from None


def _no_video(path: Path, error: Exception) -> InputError:
    reason = cut(" ".join(str(error).split()) or type(error).__name__, 120)
    return InputError(f"{path}: cannot be read as a video ({reason}); give another, or --fps")
