"""Refining skeletons: SmoothNet, filters and `steady`, their training, errors and use on stores.

`from refine import refine` is the way in from Python, `from refine import Stream` that for poses as they come. Nothing
is imported until it is asked for: `import refine` is light.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from refine.live.stream import Stream as Stream
    from refine.steady.api import refine as refine

__all__ = ["Stream", "refine"]


def __getattr__(name: str) -> Any:
    if name == "refine":
        from refine.steady.api import refine

        return refine
    if name == "Stream":
        from refine.live.stream import Stream

        return Stream
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
