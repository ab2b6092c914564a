"""Recognising actions in poses as they come: `from recognition import Live`."""

import math
import re
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ValidationError

from base.errors import InputError
from base.shown import shown
from data.recordings.clip import LONGEST
from data.recordings.people import MOST_PEOPLE
from data.recordings.recording import Recording
from data.skeletons.incoming import FORGET, check_pose, check_time
from data.skeletons.store import StoreInfo
from recognition.live.config import LiveConfig
from recognition.nets.folding import fold
from recognition.use.clip_files import NTU_FPS, Fitting, clip_of, in_memory, print_line
from recognition.use.first import FIRST
from recognition.use.predict import action_names, likeliest, predict
from recognition.use.recognizer import check_same_task, load_ensemble
from training.devices import pick_device

SAME_TIME = 1e-6
"""Seconds that count as none: times are sums of parts of a second, rounded."""


class Refiner(Protocol):
    """What refines poses as they come, such as `refine.Stream`."""

    def update(
        self, pose: ArrayLike, confidence: ArrayLike | None = None, time: float | None = None, person: Hashable = 0
    ) -> Any:
        """Take in a pose and give out an earlier one, with `.pose` and `.time`, or None."""

    def flush(self, person: Hashable | None = None) -> Sequence[Any]:
        """Give out what is still to come of a person, and forget him."""


@dataclass(frozen=True)
class Decision:
    """What is recognised at one moment.

    Parameters
    ----------
    time
        The moment, seconds, in the time of the poses.
    people
        Who does it: one, or with `people: pair` all who are there.
    begin, end
        The times of the first and the last pose that it rests on.
    actions, names, probabilities
        The five likeliest actions, the first most so: NTU's numbers, what they are called, how likely they are.
    """

    time: float
    people: tuple[Hashable, ...]
    begin: float
    end: float
    actions: tuple[int, ...]
    names: tuple[str, ...]
    probabilities: tuple[float, ...]


class _Pose(NamedTuple):
    time: float
    joints: np.ndarray
    confidence: np.ndarray


@dataclass
class _Person:
    """Somebody who is seen: since when, when last, his poses, and the confidences of those that are being refined."""

    since: float
    last: float
    poses: deque[_Pose] = field(default_factory=lambda: deque(maxlen=LONGEST))
    refining: deque[np.ndarray] = field(default_factory=deque)


class Live:
    """Recognises actions in poses as they come, of any number of people.

    At a fixed rate the last seconds of everybody who is there are made a clip, at even times and at the frame rate of
    the training, and scored as `python run.py predict` scores a clip: the same functions do it. A decision is due at
    fixed times after the first pose, and is made when the first pose comes that is later: all poses up to then count.
    Who was not seen for more than a second is begun anew.

    Parameters
    ----------
    model
        A finished run of recognize, its `best.pt`, a published folder, or a list of these, whose scores are added up.
        By default the one that is shipped.
    names
        See `recognition.use.predict.action_names`.
    device
        `auto`, `cpu` or `cuda`.
    refiner
        What refines poses first, such as `refine.Stream(fps=30)`; None for nothing.
    tell
        Called with each line that the user should read, once; by default it is printed on standard error.
    **keys
        Those of `recognition.live.config.LiveConfig`: `window`, `rate`, `least`, `people`, `samplings`, `fps`.

    Raises
    ------
    InputError
        There is no such model, or a key or its value is none.

    Examples
    --------
    >>> import numpy as np
    >>> from recognition import Live
    >>> live, found = Live(window=1, rate=2), []
    >>> for number in range(40):
    ...     found += live.update(np.random.default_rng(number).normal(size=(25, 3)), time=number / 30, person="Ann")
    >>> [decision.time for decision in found]
    [0.5, 1.0]
    >>> len(found[0].names), found[0].people
    (5, ('Ann',))
    """

    def __init__(
        self,
        model: str | Path | Sequence[str | Path] = FIRST,
        *,
        names: str | None = None,
        device: str = "auto",
        refiner: Refiner | None = None,
        tell: Callable[[str], None] | None = None,
        **keys: Any,
    ) -> None:
        try:
            self.config = LiveConfig.model_validate(keys)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(map(str, first["loc"]))
            raise InputError(f"{key}: found {shown(first['input'])}; {first['msg']}") from None
        where = pick_device(device, "device")
        models = [model] if isinstance(model, str | Path) else model
        self._recognizers = [
            (weight, replace(part, net=fold(part.net)))  # once, and not for each window
            for one in models
            for weight, part in load_ensemble(Path(one), where)
        ]
        first_one = self._recognizers[0][1]
        check_same_task(*(one for _, one in self._recognizers))
        self._actions = first_one.actions
        self._called = action_names(first_one.actions, names, first_one.names)
        self._tell, self._told = tell or print_line, set[str]()
        if len({(one.fps, one.image) for _, one in self._recognizers}) > 1:
            raise InputError("model: an ensemble of clips of different rates or images; watch with one of its members")
        self._fitting = Fitting(
            first_one.layout,
            first_one.confidence,
            first_one.image,
            first_one.fps,
            people=max(one.view.people for _, one in self._recognizers),
            tell=self.tell,
        )
        self._info = self._fitting.info(StoreInfo(image=first_one.image, confidence=first_one.confidence))
        self.refiner = refiner
        self._people: dict[Hashable, _Person] = {}
        self._shape: tuple[int, ...] | None = None
        self._began, self._now, self._due = math.nan, -math.inf, math.inf

    @property
    def fps(self) -> float:
        """Frames per second of poses that come without times."""
        return self.config.fps or self._fitting.fps or NTU_FPS

    def update(
        self,
        pose: ArrayLike,
        time: float | None = None,
        person: Hashable = 0,
        confidence: ArrayLike | None = None,
    ) -> list[Decision]:
        """Take in a pose.

        Parameters
        ----------
        pose
            [V, C] in the recogniser's layout, metres or pixels; NaN where nothing is known. What `predict` takes of
            files with more joints is taken here as well.
        time
            When, seconds; not before any other pose, and later than the person's last one. If not given, a frame after
            that one.
        person
            Who.
        confidence
            [V], 0 to 1: how far each joint can be trusted; 0 counts as not seen.

        Returns
        -------
        list of Decision
            Those that were due before this pose; mostly none.

        Raises
        ------
        InputError
            The pose has other joints than the recogniser, or than those before; a number is infinite; time runs
            backwards. Nothing was taken in.
        """
        joints, trust = check_pose(pose, confidence)
        now = self._check_time(time, self._people.get(person))
        if not trust.any():
            return self._advance(now)
        self._check_shape(joints, trust)
        found = self._advance(now)
        if person in self._people and now - self._people[person].last > FORGET:
            self._forget(person)
        if len(self._people) - (person in self._people) >= MOST_PEOPLE:
            raise InputError(f"person: found {len(self._people) + 1} people at once, expected at most {MOST_PEOPLE}")
        known = self._people.setdefault(person, _Person(now, now))
        known.last = now
        if self.refiner is None:
            known.poses.append(_Pose(now, joints, trust))
        else:
            known.refining.append(trust)
            refined = self.refiner.update(joints, trust, now, person)
            self._take(known, [] if refined is None else [refined])
        return found

    def advance(self, time: float) -> list[Decision]:
        """Say how late it is, where nobody is seen; return the decisions that were due before.

        Raises
        ------
        InputError
            Time runs backwards.
        """
        return self._advance(self._check_time(time, None))

    def flush(self) -> list[Decision]:
        """Decide once more, on the last poses of all who are there, and forget everybody.

        Here `least` does not hold: a stream may be a single short clip.
        """
        now = self._now
        for person, known in self._people.items():
            if self.refiner is not None:
                self._take(known, self.refiner.flush(person))
        found = self._decide(now, least=0.0)
        self._people.clear()
        self._shape = None
        self._began, self._now, self._due = math.nan, -math.inf, math.inf
        return found

    def _check_time(self, time: float | None, known: _Person | None) -> float:
        if time is None:
            if self.config.fps is None:
                self.tell(
                    f"WARNING: the poses come without times; taken for {self.fps:g} frames a second; fps=N says another"
                )
            if known is None and math.isfinite(self._now):
                return self._now
        now = check_time(time, known.last if known else None, self.fps)
        if now < self._now - SAME_TIME:
            raise InputError(
                f"time: found {now:g} s after {self._now:g} s; poses must come in the order of their times"
            )
        return now

    def _check_shape(self, joints: np.ndarray, trust: np.ndarray) -> None:
        """Make sure that poses stay what they are, and that a clip can be made of the first."""
        if self._shape is None:
            still = replace(self._fitting, fps=None)  # one frame has no rate
            clip_of(_recording([[_Pose(0.0, joints, trust)]]), "", still, "pose", "the poses")
            self._shape = joints.shape
        elif joints.shape != self._shape:
            raise InputError(f"pose: found shape {joints.shape}, expected {self._shape} as before")

    def _advance(self, now: float) -> list[Decision]:
        """Go on to a time, with the decisions that are due before it."""
        found: list[Decision] = []
        if not math.isfinite(self._began):
            self._began, self._due = now, now + 1 / self.config.rate
        elif now > self._due + SAME_TIME:
            # those that were due as well have nothing new to go by
            found = self._decide(self._due, self.config.least * self.config.window)
            steps = math.ceil((now - self._began) * self.config.rate - SAME_TIME)
            self._due = self._began + steps / self.config.rate
        self._now = max(self._now, now)
        return found

    def _take(self, known: _Person, refined: Sequence[Any]) -> None:
        for one in refined:
            known.poses.append(_Pose(one.time, one.pose, known.refining.popleft()))

    def _forget(self, person: Hashable) -> None:
        del self._people[person]
        if self.refiner is not None:
            self.refiner.flush(person)

    def _decide(self, now: float, least: float) -> list[Decision]:
        for person, known in list(self._people.items()):
            if now - known.last > FORGET:
                self._forget(person)
        there = {
            person: poses
            for person, known in self._people.items()
            if now - known.since >= least - SAME_TIME and (poses := self._window(known))
        }
        if not there:
            return []
        together = [tuple(there)] if self.config.people == "pair" else [(person,) for person in there]
        called = ["the poses of " + ", ".join(shown(person, 40) for person in people[:3]) for people in together]
        clips = [
            clip_of(_recording([there[person] for person in people]), where, self._fitting, where, "the poses")
            for people, where in zip(together, called, strict=True)
        ]
        store = in_memory(Path("poses"), clips, self._info)
        scores = predict(self._recognizers, store, np.arange(len(clips)), samplings=self.config.samplings)
        best = likeliest(called, scores, self._actions, self._called)
        return [
            Decision(
                now,
                people,
                min(there[person][0].time for person in people),
                max(there[person][-1].time for person in people),
                one.actions,
                one.names,
                one.probabilities,
            )
            for people, one in zip(together, best, strict=True)
        ]

    def _window(self, known: _Person) -> list[_Pose]:
        """Return somebody's last poses; none where no joint is seen in any of them. Those before are forgotten."""
        poses = known.poses
        while poses and poses[0].time <= poses[-1].time - self.config.window + SAME_TIME:
            poses.popleft()
        return list(poses) if any(pose.confidence.any() for pose in poses) else []

    def tell(self, line: str) -> None:
        """Tell the user something, once."""
        kind = re.sub(r"\d[\d.]*", "#", line)  # frame rates that are measured are never twice the same
        if kind not in self._told:
            self._told.add(kind)
            self._tell(line)


def _recording(people: Sequence[Sequence[_Pose]]) -> Recording:
    """Make a recording of the poses of some people."""
    rows = [(pose, number) for number, poses in enumerate(people) for pose in poses]
    seconds = np.array([pose.time for pose, _ in rows])
    times, at = np.unique(seconds, return_inverse=True)
    # numbered as the tracker would have, so that a frame that is missing leaves the others at even times
    steps = np.diff(times) / np.median(np.diff(times)) if len(times) > 1 else np.zeros(0)
    numbers = np.concatenate([[0], np.rint(steps).clip(1, LONGEST).cumsum()]).astype(np.int64)
    return Recording(
        np.stack([pose.joints for pose, _ in rows]),
        numbers[at],
        lambda joints, path: None,
        person=np.array([number for _, number in rows], np.int64),
        confidence=np.stack([pose.confidence for pose, _ in rows]).astype(np.float32),
        seconds=seconds,
    )
