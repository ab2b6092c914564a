"""Converting skeletons between joint layouts: joints of one standard name correspond, and a few are middles of others.

A joint's standard name is its own name, or what its layout's `standard` says. So any two layouts convert, also one of
one's own that names standard joints. Words that layouts use for different joints (head, neck, spine, hip, foot, thumb)
are no standard names: whoever has such a joint says which it is. A joint that corresponds is taken as it is, to the
bit; one that is not there and is the middle of others by `MIDDLES` is made; no joint is ever guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from base.errors import InputError
from base.words import plural
from data.skeletons.layouts import LAYOUTS, Layout, content_of
from data.skeletons.store import Track

MIDDLES = {
    "pelvis": ("left hip", "right hip"),
    "base of neck": ("left shoulder", "right shoulder"),
    "middle of spine": ("pelvis", "base of neck"),
    "centre of head": ("left ear", "right ear"),
    "upper neck": ("base of neck", "centre of head"),
}
"""Standard joints that are the middle of two others, which may be middles themselves. The first two are how OpenPose
has its neck and middle of hips from COCO's joints, the third how MMPose has Human3.6M's spine. The joints that a Kinect
measures there lie 3 to 5 cm from the middles (means over three clips of NTU RGB+D; of all but the head)."""

_NAMED = 6
"""Joints that are named in a line."""


@dataclass(frozen=True)
class Conversion:
    """How the joints of a layout are had from those of another.

    Parameters
    ----------
    source, target
        The layouts.
    weights
        float64 [target's joints, source's joints]: what each joint is the mean of; all 0 where it cannot be had.
    """

    source: Layout
    target: Layout
    weights: np.ndarray

    @property
    def made(self) -> dict[int, np.ndarray]:
        """The target's joints that are middles, and the source's joints of which."""
        parts = {at: np.flatnonzero(row) for at, row in enumerate(self.weights)}
        return {at: several for at, several in parts.items() if len(several) > 1}

    @property
    def missing(self) -> list[str]:
        """The target's joints that cannot be had."""
        return [name for name, row in zip(self.target.joints, self.weights, strict=True) if not row.any()]

    @property
    def lost(self) -> list[str]:
        """The source's joints that go into none of the target's."""
        return [name for name, column in zip(self.source.joints, self.weights.T, strict=True) if not column.any()]

    def told(self) -> str:
        """Say in a line what is kept, lost, made and missing."""
        names = self.source.joints
        made = [f"{self.target.joints[at]} ({', '.join(names[part] for part in of)})" for at, of in self.made.items()]
        had = len(self.target.joints) - len(self.missing)
        parts = [("lost", self.lost), ("made as middles", made), ("missing, as never seen", self.missing)]
        said = [f"{what}: {listed(joints)}" for what, joints in parts if joints]
        head = (
            f"converted {self.source.name} to {self.target.name}: {had} of {plural(len(self.target.joints), 'joint')}"
        )
        return "; ".join([head, *said])

    def track(self, track: Track) -> Track:
        """Convert a track; a joint that is made is seen where all its parts are, as surely as the least sure."""
        first = self.weights.argmax(axis=1)
        joints, tracked = track.joints[:, first], track.tracked[:, first]
        confidence = None if track.confidence is None else track.confidence[:, first]
        for at, parts in self.made.items():
            tracked[:, at] = track.tracked[:, parts].min(axis=1)
            middle = np.tensordot(track.joints[:, parts].astype(np.float64), self.weights[at, parts], (1, 0))
            joints[:, at] = np.where(tracked[:, at, None] > 0, middle, 0)
            if confidence is not None and track.confidence is not None:
                confidence[:, at] = track.confidence[:, parts].min(axis=1)
        nothing = ~self.weights.any(axis=1)
        for array in (joints, tracked, confidence):
            if array is not None:
                array[:, nothing] = 0
        return replace(track, joints=joints, tracked=tracked, confidence=confidence)

    def tracks(self, tracks: Sequence[Track]) -> list[Track]:
        """Convert the tracks of a clip; those of which no joint is left that is seen are left out."""
        return [one for one in map(self.track, tracks) if one.tracked.any()]


def conversion(source: Layout, target: Layout, where: str, missing: bool = False) -> Conversion:
    """Find out how one layout's joints are had from another's.

    Parameters
    ----------
    source, target
        The layouts.
    where
        Whose joints they are, for messages.
    missing
        Whether joints may be missing that cannot be had; they are then never seen.

    Raises
    ------
    InputError
        One is in space and the other in an image, they share no joint, or a joint cannot be had.
    """
    if source.dims != target.dims:
        raise InputError(
            f"{where}: has skeletons of {source.name} with {source.dims} coordinates, expected {target.name} with "
            f"{target.dims}; between space and an image nothing is converted"
        )
    place = {source.standard.get(name, name): at for at, name in enumerate(source.joints)}
    identity = np.eye(len(source.joints))

    def row(name: str) -> np.ndarray | None:
        if name in place:
            found: np.ndarray = identity[place[name]]
            return found
        parts = [row(part) for part in MIDDLES.get(name, ())]
        known = [part for part in parts if part is not None]
        return np.mean(known, axis=0) if parts and len(known) == len(parts) else None

    rows = [row(target.standard.get(name, name)) for name in target.joints]
    found = Conversion(source, target, np.stack([np.zeros(len(source.joints)) if one is None else one for one in rows]))
    if len(found.missing) == len(target.joints):
        raise InputError(f"{where}: joints of {source.name} and {target.name} have no standard name in common")
    if found.missing and not missing:
        raise InputError(
            f"{where}: joints of {source.name} are no {target.name}: {listed(found.missing)} cannot be had from them; "
            "--missing leaves them out, as never seen; `standard` in a layout's file says what a joint is"
        )
    return found


def layout_entries(layout: Layout) -> dict[str, object]:
    """Return what `store.json` says of a layout: its name, and what it is if it is not shipped."""
    return {"layout": layout.name, "own_layout": None if LAYOUTS.get(layout.name) == layout else content_of(layout)}


def listed(names: Sequence[str]) -> str:
    """Name some joints in a line."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
