"""Which format files are of, by their names and contents."""

from itertools import islice
from pathlib import Path

from base.errors import InputError
from data.formats.registry import FORMATS


def guess_format(source: Path) -> str:
    """Tell the format of a file or folder.

    Raises
    ------
    InputError
        It is of no format, or may be of several.
    """
    sure = {name: int(FORMATS[name].guess(source)) for name in FORMATS.names() if FORMATS[name].open is not None}
    found = [name for name, how in sure.items() if how and how == max(sure.values())]
    if len(found) == 1:
        return found[0]
    if found:
        what = "holds files" if source.is_dir() else "may be a file"
        raise InputError(f"{source}: {what} of {', '.join(found)}; say which with --format {'|'.join(found)}")
    if source.is_dir():
        raise InputError(f"{source}: found {some_of(source)}; {_what_is_read()}")
    if source.name.endswith(tuple(part for kind in FORMATS for part in kind.parts)):
        raise InputError(f"{source}: is one file of a set; give the folder that holds it")
    raise InputError(f"{source}: found {ascii(source.suffix)[1:-1] or 'no ending'} in its name; {_what_is_read()}")


def _what_is_read() -> str:
    *most, last = [kind.reads for kind in FORMATS if kind.open is not None]
    return f"import reads {', '.join(most)}, and {last}"


def some_of(folder: Path) -> str:
    """Say what is in a folder, for messages."""
    names = sorted(ascii(path.name)[1:-1] + "/" * path.is_dir() for path in islice(folder.iterdir(), 1000))
    if not names:
        return "nothing in it"
    return ", ".join(name[:40] for name in names[:3]) + (" and more" if len(names) > 3 else "")
