"""The names of NTU RGB+D's clips, which say who did what, where."""

import re
from dataclasses import dataclass

from base.errors import InputError

_NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")


@dataclass(frozen=True, order=True)
class ClipName:
    """What the name of an NTU RGB+D clip says, e.g. `S001C002P003R002A013`; every number counts from 1."""

    setup: int
    camera: int
    performer: int
    replication: int
    action: int

    def __str__(self) -> str:
        return f"S{self.setup:03d}C{self.camera:03d}P{self.performer:03d}R{self.replication:03d}A{self.action:03d}"


def parse_name(text: str) -> ClipName:
    """Read a clip's name, e.g. `S001C002P003R002A013`.

    Raises
    ------
    InputError
        The text is no such name, or one of its numbers is 0.
    """
    found = _NAME.fullmatch(text)
    if found is None or "000" in found.groups():
        raise InputError(
            f"{text}: not an NTU RGB+D clip name; expected SsssCcccPpppRrrrAaaa with numbers from 1, "
            "such as S001C002P003R002A013; rename or remove the file"
        )
    return ClipName(*map(int, found.groups()))
