"""Progress bars and notes on standard error; standard output is for results."""

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from base.shown import printable


class PlainConsole(Console):
    """A console on which text is what it says, whatever is in it.

    Names and paths may hold what rich takes for markup (`[/b]`) or for a small picture (`:smile:`), and control
    characters, which a terminal obeys: those are shown as Python writes them.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, **options})

    def render_str(self, text: str, **options: Any) -> Text:
        """Turn a string into what can be printed."""
        return super().render_str(printable(text), **options)


console = PlainConsole(stderr=True)


def progress(shown: bool = True) -> Progress:
    """Return a progress display on standard error: description, bar, count, time spent, time left.

    Use it as a context manager and add tasks to it. Where standard error is no terminal (a log file, CI), it shows
    nothing, so that logs stay readable; nor if it shall not be `shown`.
    """
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
    )
