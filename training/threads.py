"""How the threads of one operation wait for each other; set before torch is loaded, so it imports next to nothing."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from base.cores import cores

SETTINGS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""What a user may have chosen: of OpenMP, of the GNU library that torch brings on Linux, and of LLVM's and Intel's."""

STATISTICS = Path("/proc/stat")
"""Linux's count of what its processors did; elsewhere there is none, and nothing is changed."""

BUSY = 0.5
"""So many of the processors that this process may use must be taken by others, for them to count as at work, too."""


@dataclass(frozen=True)
class Moment:
    """What the processors had done at some time, in seconds.

    Parameters
    ----------
    at
        When it was.
    idle
        How long all processors together had had nothing to do.
    own
        How long they had worked for this process.
    """

    at: float
    idle: float
    own: float


def look() -> Moment | None:
    """Look at the processors; None where they cannot be looked at."""
    try:
        words = STATISTICS.read_text().split(maxsplit=6)
        idle = (int(words[4]) + int(words[5])) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return None
    return Moment(time.monotonic(), idle, time.process_time())


def others_at_work(before: Moment | None, after: Moment | None, processors: int) -> bool:
    """Tell whether others took processors that this process may use, between two moments.

    The load that systems tell is a mean over a minute: it would count what has ended just before.
    """
    if before is None or after is None or after.at <= before.at:
        return False
    free = (after.idle - before.idle + after.own - before.own) / (after.at - before.at)
    return free < processors - BUSY


def wait_politely(before: Moment | None) -> None:
    """Wait passively where others have been at work since `before`; where nobody is, spinning is quicker by a third."""
    if others_at_work(before, look(), cores()):
        wait_passively()


def wait_passively() -> None:
    """Let threads that wait sleep instead of spin, unless the user's environment says how they are to wait.

    An operation on several cores ends at a barrier. By default those that are there first spin, for milliseconds;
    where another process has one of the cores, they take from it the time that the last one needs, in every operation.
    Child processes inherit this.
    """
    if not any(name in os.environ for name in SETTINGS):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
