"""Recognising actions: what a network sees of a clip, the networks, their training, and their use.

`from recognition import Live` is the way in for poses as they come. Nothing is imported until it is asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recognition.live.live import Live as Live

__all__ = ["Live"]


def __getattr__(name: str) -> Any:
    if name == "Live":
        from recognition.live.live import Live

        return Live
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
