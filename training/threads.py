"""How the threads of one operation wait for each other; set before torch is loaded, so nothing is imported here."""

import os

SETTINGS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""What a user may have chosen: of OpenMP, of the GNU library that torch brings on Linux, and of LLVM's and Intel's."""


BUSY = 0.5
"""The load, in processes that want a core, from which others count as being at work, too."""


def wait_politely() -> None:
    """Wait passively where others are at work when this begins; where nobody is, spinning is quicker by a third."""
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has none
        return
    if load >= BUSY:
        wait_passively()


def wait_passively() -> None:
    """Let threads that wait sleep instead of spin, unless the user's environment says how they are to wait.

    An operation on several cores ends at a barrier. By default those that are there first spin, for milliseconds;
    where another process has one of the cores, they take from it the time that the last one needs, in every operation.
    Child processes inherit this.
    """
    if not any(name in os.environ for name in SETTINGS):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
