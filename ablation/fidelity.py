"""How much of the movement each arm of a study leaves, to go beside how steady it is."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ablation.skeletons import ClipPoses, clip_tracks, match_track
from ablation.study.known import OnKnown
from ablation.study.study import Study
from data.skeletons.fidelity import BANDS, LEAST_LEFT, RAW_BANDS, Band, Fidelity, flattened, in_words
from data.skeletons.store import ClipStore, open_store
from refine.known_movements import HEIGHT, known_tracks, left_of

Shares = tuple[float | None, ...]
"""One per band; None where there is none."""


@dataclass(frozen=True)
class ArmFidelity:
    """What is left of the movement in one arm's skeletons.

    Parameters
    ----------
    gain
        Which share of the true movement is in them, per band of `BANDS`, see `data.skeletons.fidelity`; None without
        truth.
    kept_of_raw
        Without truth, which share of what was measured is in them, per band of `RAW_BANDS`; else None.
    own_acceleration
        The mean norm of their second differences as a share of the truth's; None without truth.
    clean_error
        How far the arm moves joints without errors, mm or px; None without truth.
    gesture_peak, noisy_gesture_peak, travel_error
        See `refine.known_movements.LeftOfKnown`; metres, metres, mm.
    flattens
        Whether the arm takes movement away with the jitter: with truth, see `data.skeletons.fidelity.flattened`;
        without, whether less than `LEAST_LEFT` is left of what a Kinect sees of the known gesture, since what the raw
        skeletons do is partly noise.
    """

    gain: Shares | None = None
    kept_of_raw: Shares | None = None
    own_acceleration: float | None = None
    clean_error: float | None = None
    gesture_peak: float | None = None
    noisy_gesture_peak: float | None = None
    travel_error: float | None = None
    flattens: bool = False

    @property
    def shares(self) -> Shares:
        """The shares of the movement that are known, of the truth or of the raw skeletons'."""
        return self.gain or self.kept_of_raw or ()


@dataclass(frozen=True)
class StudyFidelity:
    """What is left of the movement in the skeletons of the test clips.

    Parameters
    ----------
    arms
        Each arm's.
    truth
        Whether the true movement is known.
    raw
        The shares of it that the raw skeletons have; 1 where they are what the shares are of.
    tracks
        How many tracks there are.
    short
        How many of them, per band, last no whole period of it and have no say in it.
    """

    arms: Mapping[str, ArmFidelity] = field(default_factory=dict)
    truth: bool = False
    raw: Shares = ()
    tracks: int = 0
    short: tuple[int, ...] = ()

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands of the shares."""
        return BANDS if self.truth else RAW_BANDS

    @property
    def of(self) -> str:
        """What the shares are of."""
        return "the true movement" if self.truth else "the raw skeletons' movement and noise"

    def words(self, arm: str) -> str:
        """Say how much an arm left of the movement, such as `left 53% of the true movement between 1.5 and 3 Hz`."""
        found = self.arms.get(arm, ArmFidelity())
        said = in_words(found.shares, self.raw, found.own_acceleration, self.of) if found.shares else ""
        if found.flattens and not self.truth:
            gesture = f"left {found.noisy_gesture_peak:.2f} m of a known gesture of {HEIGHT:g} m"
            said = ", and ".join(filter(None, (gesture, said.removeprefix("left "))))
        return said

    @property
    def flattening(self) -> list[str]:
        """The arms that take movement away."""
        return [arm for arm, found in self.arms.items() if found.flattens]


def find_fidelity(study: Study) -> StudyFidelity:
    """Measure what is left of the movement in every arm's skeletons; ask for it by `study.get(find_fidelity)`."""
    if not study.stores:
        return StudyFidelity()
    raw = open_store(study.made.source.raw)
    sums = add_up(raw, list(study.stores.values()), study.names, study.truth)
    truth, given = study.truth is not None, tuple(sums.figures()["gain"])
    arms = {}
    for method, arm in enumerate(study.stores, 1):
        figures, known = sums.figures(method), study.known.get(arm)
        shares, own = tuple(figures["gain"]), figures["own_acceleration"] if truth else None
        arms[arm] = ArmFidelity(
            gain=shares if truth else None,
            kept_of_raw=None if truth else shares,
            own_acceleration=own,
            flattens=arm != "oracle" and (flattened(shares, given, own) if truth else _loses_gesture(known)),
            **({} if known is None else {"clean_error": known.clean_error, **known.left._asdict()}),
        )
    return StudyFidelity(arms, truth, given, sums.bands.sequences, tuple(sums.bands.short.tolist()))


def _loses_gesture(known: OnKnown | None) -> bool:
    seen = left_of([track.joints for track in known_tracks()]).noisy_gesture_peak
    return known is not None and known.left.noisy_gesture_peak < LEAST_LEFT * seen


def flattening_sentences(study: Study, arms: Sequence[str] | None = None) -> list[str]:
    """Say of each arm, or of some, that takes movement away how much it left."""
    found = study.get(find_fidelity)
    return [
        f"{study.label(arm)} takes movement away with the jitter: it {found.words(arm)}."
        for arm in found.flattening
        if arms is None or arm in arms
    ]


def add_up(raw: ClipStore, stores: Sequence[ClipStore], names: np.ndarray, truth: ClipStore | None = None) -> Fidelity:
    """Add up what is left of the movement over the tracks of some clips, in the raw skeletons and in each store's.

    Joints count where they were seen, the truth is known, and all stores have them. Gains are about the root in space,
    as MPJPE is; accelerations are of the joints where they are.

    Parameters
    ----------
    raw
        The measured clips, whose tracks are gone through.
    stores
        The skeletons of each arm, on those tracks or on others of the same clips.
    names
        Which clips.
    truth
        The same clips without noise; without it, the raw skeletons stand in for it.
    """
    root = (raw.layout.root,) if raw.layout.dims == 3 else ()
    sums = Fidelity(raw.info.fps, root, BANDS if truth is not None else RAW_BANDS, 1 + len(stores))
    truths = [] if truth is None else [truth]
    for track, joints, seen in clip_tracks(raw, names):
        found = [_on_track(store, raw, track, joints, seen) for store in (*truths, *stores)]
        sides = [joints, *(one[0] for one in found if one is not None)]
        if len(sides) <= len(found):  # somebody does not have this track
            continue
        known = seen & np.all([one[1] for one in found if one is not None], axis=0)
        sides = [np.where(known[..., None], side, 0) for side in sides]
        target = sides.pop(1) if truths else joints
        sums.add(np.stack(sides), target, known)
    return sums


def _on_track(
    store: ClipStore, raw: ClipStore, track: int, joints: np.ndarray, seen: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the joints of a store on a track of the raw skeletons, and where they are known."""
    alike = len(store.joints) == len(raw.joints) and np.array_equal(store.tracks.first_row, raw.tracks.first_row)
    if alike and store.info.kind != "truth":  # which may number the actors otherwise
        rows = raw.rows_of(track)
        own = np.asarray(store.joints[rows], np.float64)
        return own, (np.asarray(store.tracked[rows]) > 0) & np.isfinite(own).all(-1)
    name = str(raw.clips.name[raw.tracks.clip[track]])
    return match_track(store, name, int(raw.tracks.first_frame[track]), joints, seen)


def clip_words(study: Study, clip: ClipPoses) -> str:
    """Say how much the main arm left of the movement in one clip; empty if that is not known."""
    truth, arms = clip.joints.get("oracle"), (study.against, study.main)
    if any(arm not in clip.joints for arm in arms):
        return ""
    target = clip.joints[study.against] if truth is None else truth
    sides = [clip.joints[arm] for arm in arms]
    known = clip.seen & np.isfinite([target, *sides]).all((0, -1))
    root = (clip.layout.root,) if clip.layout.dims == 3 else ()
    sums = Fidelity(clip.fps, root, RAW_BANDS if truth is None else BANDS, 2)
    sums.add(np.where(known[..., None], sides, 0), np.where(known[..., None], target, 0), known)
    given, left = sums.figures(0), sums.figures(1)
    of = StudyFidelity(truth=truth is not None).of
    said = in_words(left["gain"], given["gain"], None if truth is None else left["own_acceleration"], of)
    return f"{study.label(study.main)} {said}" if said else ""


def notes_of(found: ArmFidelity) -> dict[str, Any]:
    """Return an arm's figures as `results.json` has them: what is not known is left out."""
    figures = {key: value for key, value in asdict(found).items() if value is not None}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in figures.items()}
