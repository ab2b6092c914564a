"""`python run.py watch`: what is done in a stream of poses, line by line or as a table that changes."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from rich.live import Live as Display
from rich.table import Table

from base.errors import InputError
from base.progress import PlainConsole
from base.shown import one_line
from recognition.live.config import LiveConfig, WatchConfig
from recognition.live.live import Decision, Live, Refiner
from recognition.live.sources import Sight, of_folder, of_lines
from recognition.terminal import likeliest_table


def open_live(
    config: WatchConfig,
    models: Sequence[Path],
    names: str | None = None,
    device: str = "auto",
    refiner: Callable[[float, int], Refiner] | None = None,
) -> Live:
    """Open recognisers for a stream.

    Parameters
    ----------
    config, models, names, device
        See `Live`.
    refiner
        Makes what refines poses first, of the frames a second and the lag; None for nothing.
    """
    keys = config.model_dump(include=set(LiveConfig.model_fields))
    live = Live(models, names=names, device=device, **keys)
    if refiner is not None:
        live.refiner = refiner(live.fps, config.lag)
    return live


def of_source(source: str, live: Live, idle: float | None = None) -> Iterator[Sight]:
    """Open a stream: `-` for lines on standard input, or a folder.

    Raises
    ------
    InputError
        It is neither.
    """
    if source == "-":
        if sys.stdin.isatty():
            live.tell("reading JSON lines from standard input; end with Ctrl-D")
        return of_lines(sys.stdin.buffer, live.tell)
    if not Path(source).is_dir():
        raise InputError(f"{source}: is no folder; give one that OpenPose writes to, or - for lines of JSON")
    if live.config.fps is None:
        live.tell(
            f"WARNING: {source}: does not say how many frames a second it has; taken for {live.fps:g}; fps=N says "
            "another"
        )
    return of_folder(Path(source), live.fps, idle)


def watch(live: Live, sights: Iterable[Sight]) -> Iterator[Decision]:
    """Give the decisions on a stream, and at its end those on the last poses.

    Raises
    ------
    InputError
        The stream cannot be used; the message says where.
    """
    anybody = False
    for sight in sights:
        anybody |= sight.pose is not None
        try:
            if sight.pose is None:
                assert sight.time is not None
                found = live.advance(sight.time)
            else:
                found = live.update(sight.pose, sight.time, sight.person, sight.confidence)
        except InputError as error:
            raise InputError(f"{sight.where}: {error}") from None
        yield from found
    yield from live.flush()
    if not anybody:
        live.tell("the stream is at its end, and nobody was in it")


def as_json(decision: Decision) -> str:
    """Return a decision as a line of JSON."""
    parts = zip(decision.actions, decision.names, decision.probabilities, strict=True)
    said: dict[str, Any] = {
        "time": round(decision.time, 6),
        "people": list(decision.people),
        "begin": round(decision.begin, 6),
        "end": round(decision.end, 6),
        "top": [
            {"action": action, "name": name, "probability": round(probability, 6)}
            for action, name, probability in parts
        ],
    }
    return json.dumps(said, ensure_ascii=False)


def write_lines(decisions: Iterable[Decision], out: IO[str]) -> None:
    """Write decisions as lines of JSON, each at once."""
    for decision in decisions:
        print(as_json(decision), file=out, flush=True)


def show_table(decisions: Iterable[Decision], console: PlainConsole | None = None) -> None:
    """Show on the terminal what is done now by whom; it changes in its place."""
    current: dict[tuple[Any, ...], Decision] = {}
    with Display(console=console or PlainConsole(), auto_refresh=False) as display:
        for decision in decisions:
            current = {people: one for people, one in current.items() if one.time == decision.time}
            current[decision.people] = decision
            display.update(table_of(list(current.values())), refresh=True)


def table_of(decisions: list[Decision]) -> Table:
    """Make the table of what is done at one moment."""
    who = [(", ".join(one_line(str(person), 60) for person in one.people), one) for one in decisions]
    return likeliest_table(f"{decisions[-1].time:.1f} s: likeliest actions, probability in %", "who", who)
