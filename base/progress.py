"""Progress bars and notes on standard error; standard output is for results."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console = Console(stderr=True)


def progress(shown: bool = True) -> Progress:
    """Return a progress display on standard error: description, bar, count, time spent, time left.

    Use it as a context manager and add tasks to it. Where standard error is no terminal (a log file, CI), it shows
    nothing, so that logs stay readable; nor if it shall not be `shown`.
    """
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
    )
