"""How many processor cores this process has; imports next to nothing, for whoever asks before anything is loaded."""

import os


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
