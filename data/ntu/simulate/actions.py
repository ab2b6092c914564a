"""The actions as data: what `actions.yaml` may say, and reading it."""

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from base.errors import InputError
from base.settings import Section
from data.ntu.actions import ACTIONS, TWO_PERSON

FILE = Path(__file__).with_name("actions.yaml")

Triple = tuple[float, float, float]
Range = tuple[float, float]


class Landmark(Section):
    """A named place for hands: a frame that moves with the body, and a place in it.

    `at` is (out, up, forward) in shares of the body height; out is away from the midline on the hand's own side. On the
    partner, forward is towards oneself, whichever way the partner looks.
    """

    frame: Literal[
        "head", "chest", "shoulder", "pelvis", "floor", "foot", "between",
        "partner_head", "partner_chest", "partner_pelvis",
    ]  # fmt: skip
    at: Triple


class Reach(Section):
    """Where a hand goes: a landmark, an offset from it, the s.d. of the place, and how the arm is held there.

    `elbow`: degrees by which the elbow stands out from hanging; `wrist`: degrees of (bend towards the palm, bend
    towards the thumb).
    """

    at: str = "rest"
    by: Triple = (0.0, 0.0, 0.0)
    vary: float = 0.025
    elbow: float = 15.0
    wrist: Range = (0.0, 0.0)


class Idle(Reach):
    """Where a hand is that has nothing to do, and in what share of the clips."""

    share: float


class Cycle(Section):
    """A movement to and fro on top of the targets while a phase lasts.

    `along`: its amplitude, in the unit of the part it moves (see `Targets`; `wrist`: degrees). `alternate`: the second
    of two hands in antiphase. `bounce`: only to the positive side, as in hopping.
    """

    of: Literal[
        "hand", "other_hand", "hands", "wrist", "other_wrist", "wrists", "foot", "pelvis", "body", "trunk", "head"
    ]
    along: Triple
    hz: Range
    alternate: bool = False
    bounce: bool = False


class Walk(Section):
    """Steps: turn on the spot by so many degrees to the acting side, then walk ahead; `ahead` in shares of the height.

    `sway`: the s.d. of where the feet are put down, for the unsteady.
    """

    ahead: float = 0.0
    turn: float = 0.0
    sway: float = 0.006


class Targets(Section):
    """What one person moves to in a phase; a part that is not named stays where it was.

    `foot`, `other_foot`: (out, up, forward) from where it stands; `pelvis`, `body`: (to the acting side, up, forward)
    from standing, all in shares of the body height, `body` taking the feet along. `trunk`: degrees of (bend, to the
    acting side, twist to the acting side), `head`: degrees of (nod, tilt, turn) likewise.
    """

    hand: Reach | None = None
    other_hand: Reach | None = None
    hands: Reach | None = None
    foot: Triple | None = None
    other_foot: Triple | None = None
    pelvis: Triple | None = None
    body: Triple | None = None
    trunk: Triple | None = None
    head: Triple | None = None
    walk: Walk | None = None
    cycles: tuple[Cycle, ...] = ()

    @model_validator(mode="after")
    def _one_word_per_hand(self) -> "Targets":
        if self.hands and (self.hand or self.other_hand):
            raise ValueError("give either `hands` or `hand` and `other_hand`")
        return self


class Phase(Targets):
    """A stretch of time, in seconds at average speed, in which the parts move to their targets."""

    lasts: Range
    partner: Targets | None = None


class Block(Section):
    """Phases that are repeated a number of times between the two given."""

    times: tuple[int, int]
    phases: tuple[Phase, ...]


class Action(Section):
    """One action: what happens, in order.

    `handed`: whether left-handed people mirror it. `apart`: metres between two people; `partner_looks`: towards the
    first or away.
    """

    name: str
    start: Literal["standing", "sitting", "either"] = "standing"
    handed: bool = True
    apart: Range | None = None
    partner_looks: Literal["towards", "away"] = "towards"
    phases: tuple[Phase | Block, ...]


class Repertoire(Section):
    """All that `actions.yaml` holds: landmarks by name, idle hands, actions by NTU's number."""

    landmarks: dict[str, Landmark]
    idle: tuple[Idle, ...] = Field(min_length=1)
    actions: dict[int, Action] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> "Repertoire":
        for number, action in self.actions.items():
            if not 1 <= number <= len(ACTIONS) or action.name != ACTIONS[number - 1]:
                raise ValueError(f"action {number} is not called {action.name!r}")
            if (number in TWO_PERSON) != (action.apart is not None):
                raise ValueError(f"action {number}: `apart` is for actions of two people, and needed there")
            for phase in flat(action.phases):
                for targets in filter(None, (phase, phase.partner)):
                    for reach in filter(None, (targets.hand, targets.other_hand, targets.hands)):
                        if reach.at not in self.landmarks:
                            raise ValueError(f"action {number}: there is no landmark {reach.at!r}")
        for idle in self.idle:
            if idle.at not in self.landmarks:
                raise ValueError(f"idle: there is no landmark {idle.at!r}")
        return self


def flat(parts: tuple[Phase | Block, ...]) -> list[Phase]:
    """Return every phase once, in order, without repetitions."""
    return [phase for part in parts for phase in (part.phases if isinstance(part, Block) else (part,))]


@cache
def repertoire() -> Repertoire:
    """Read `actions.yaml`.

    Raises
    ------
    InputError
        The file does not say what it must.
    """
    try:
        return Repertoire.model_validate(yaml.safe_load(FILE.read_text()))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{FILE}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
