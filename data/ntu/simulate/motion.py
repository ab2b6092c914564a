"""From an action's description to the clean joints of the people who perform it, in the world's axes.

Each part of the body is a channel of keys, moved between along minimum-jerk profiles; cycles and idle sway are added;
the trunk's chain of rotations and the limbs' inverse kinematics give the joints. A body's own axes are x to its left, y
up, z forward; the floor is at 0. All is worked out for right-handed people and mirrored in the end for left-handed.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from data.ntu.simulate.actions import Action, Block, Cycle, Landmark, Phase, Reach, Targets, Triple, repertoire
from data.ntu.simulate.bodies import FPS, Performer
from data.ntu.simulate.kinematics import (
    across,
    crossed,
    key_weights,
    minimum_jerk,
    steps,
    turned,
    turns,
    two_bones,
    unit,
    wander,
)

FRAMES = (30, 180)
"""The shortest and the longest clip."""

SITTING: Triple = (0.0, -0.25, -0.21)
"""The seated pelvis against standing, as `pelvis` in actions.yaml."""

ARC = 0.25
"""How far a reaching hand bows out to the front, share of the way it goes."""

STRIDE = 0.36
"""The longest step, share of the body height."""

STEP_TURN = 65.0
"""The most that one step turns the body, degrees."""

LIFT = 0.045
"""How high a stepping foot is lifted, share of the body height."""

SWING = 0.85
"""The share of a step's time in which the foot is off the floor."""

PAUSE = 0.7
"""Seconds for which people wait at most before they begin, and after they have done."""

OTHER_HAND = 0.2
"""The share of clips in which people use the hand that is not their usual one."""

HEAD_LIMITS = np.array([60.0, 40.0, 75.0])
"""Degrees by which a head nods, tilts and turns at most against the trunk."""

WRIST_LIMITS = np.array([70.0, 35.0])
"""Degrees by which a wrist bends to the palm or back of the hand, and to the thumb or the little finger."""

EASE = 0.15
"""Seconds in which a cycle sets in and dies away."""

MIRROR = np.array([0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 16, 17, 18, 19, 12, 13, 14, 15, 20, 23, 24, 21, 22])
"""Each joint's counterpart on the other side."""

_FLIP = np.array([-1.0, 1.0, 1.0])
_FEET = ("foot", "other_foot")


@dataclass(frozen=True)
class Place:
    """Where a person stands on the floor (x, z) and the direction faced, degrees around the stage."""

    x: float
    z: float
    azimuth: float

    def rotation(self) -> np.ndarray:
        """Return the rotation from the body's axes to the world's, [3, 3]."""
        a = np.radians(self.azimuth)
        return np.array([[np.cos(a), 0.0, np.sin(a)], [0.0, 1.0, 0.0], [-np.sin(a), 0.0, np.cos(a)]])


@dataclass(frozen=True)
class _Beat:
    """One phase at its time, seconds; `index` numbers the phases of the description."""

    phase: Phase
    start: float
    end: float
    index: int


@dataclass(frozen=True)
class _Trunk:
    """The frames that hands can hold on to: (origin [T, 3], rotation [T, 3, 3]) by name; the trunk's and legs' joints.

    `heading` is the rotation [T, 3, 3] about the vertical by which a walker has turned, `swing` [T] how far ahead of
    the pelvis the acting side's foot is, metres.
    """

    frames: dict[str, tuple[np.ndarray, np.ndarray]]
    joints: dict[int, np.ndarray]
    heading: np.ndarray
    swing: np.ndarray


@dataclass(frozen=True)
class _Gait:
    """Where the pelvis and each foot have walked: (x, z, degrees turned to the acting side) [T, 3]; the feet's lift."""

    pelvis: np.ndarray
    feet: dict[str, np.ndarray]
    lift: dict[str, np.ndarray]


def perform(
    action: Action, people: tuple[Performer, ...], azimuth: float, style: np.random.Generator, rng: np.random.Generator
) -> np.ndarray:
    """Move one or two people through an action once.

    Parameters
    ----------
    action
        What to do.
    people
        The performer and, in actions of two, the partner.
    azimuth
        Degrees around the stage that the performer faces; two people stand across it, face to face.
    style
        Draws what one performer always does alike in this action.
    rng
        Draws what differs from clip to clip.

    Returns
    -------
    float array [people, T, 25, 3], metres, in the world's axes
    """
    beats = _timeline(action, people[0], style, rng)
    frames = int(np.clip(round(beats[-1].end * FPS), *FRAMES))
    stretch = (frames - 1) / FPS / beats[-1].end
    beats = [_Beat(b.phase, b.start * stretch, b.end * stretch, b.index) for b in beats]
    times = np.arange(frames) / FPS
    sits = action.start == "sitting" or (action.start == "either" and bool(rng.random() < 0.5))
    places = _places(action, people, azimuth, rng)
    mirrored = tuple(action.handed and person.left_handed != (rng.random() < OTHER_HAND) for person in people)
    movers = [
        _Mover(person, beats, times, role > 0, sits, np.random.default_rng(style.integers(2**63)), rng)
        for role, person in enumerate(people)
    ]
    trunks = [mover.trunk() for mover in movers]
    joints = []
    for role, mover in enumerate(movers):
        others = _others(trunks, places, mirrored, role)
        own = mover.limbs(trunks[role], others)
        if mirrored[role]:
            own = own[:, MIRROR] * _FLIP
        joints.append(_to_world(own, places[role]))
    return np.stack(joints)


def _timeline(action: Action, person: Performer, style: np.random.Generator, rng: np.random.Generator) -> list[_Beat]:
    """Draw how often and how long; a person's own habit and each clip's chance share the variation."""
    habits = style.random(len(action.phases) * 8)
    speed = person.speed * float(np.exp(rng.normal(0.0, 0.10)))
    beats: list[_Beat] = []
    clock, index = float(rng.uniform(0.0, PAUSE)), 0
    for part in action.phases:
        phases = part.phases if isinstance(part, Block) else (part,)
        times = int(rng.integers(part.times[0], part.times[1] + 1)) if isinstance(part, Block) else 1
        for _ in range(times):
            for offset, phase in enumerate(phases):
                share = 0.5 * (habits[(index + offset) % len(habits)] + rng.random())
                lasts = (phase.lasts[0] + share * (phase.lasts[1] - phase.lasts[0])) / speed
                beats.append(_Beat(phase, clock, clock + lasts, index + offset))
                clock += lasts
        index += len(phases)
    done = Phase(lasts=(0.0, PAUSE))
    return [*beats, _Beat(done, clock, clock + float(rng.uniform(0.0, PAUSE)), index)]


def _places(action: Action, people: tuple[Performer, ...], azimuth: float, rng: np.random.Generator) -> list[Place]:
    x, z = rng.normal(0.0, 0.2, 2)
    own = azimuth + float(rng.normal(0.0, 14.0))
    if action.apart is None:
        return [Place(float(x), float(z), own)]
    half = 0.5 * float(rng.uniform(*action.apart))
    own += 90.0
    dx, dz = half * np.sin(np.radians(own)), half * np.cos(np.radians(own))
    turn = float(rng.normal(0.0, 4.0))
    turn += 180.0 if action.partner_looks == "towards" else 0.0
    return [Place(float(x - dx), float(z - dz), own), Place(float(x + dx), float(z + dz), own + turn)][: len(people)]


def _to_world(points: np.ndarray, place: Place) -> np.ndarray:
    turned_round = (points.reshape(-1, 3) @ place.rotation().T).reshape(points.shape)
    return turned_round + np.array([place.x, 0.0, place.z])


def _others(
    trunks: list[_Trunk], places: list[Place], mirrored: tuple[bool, ...], role: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the frames that belong to the partner or to both, in the axes in which `role`'s limbs are worked out."""
    if len(trunks) == 1:
        return {}
    other = 1 - role

    def seen(points: np.ndarray) -> np.ndarray:
        world = _to_world(points * _FLIP if mirrored[other] else points, places[other])
        own = (world - np.array([places[role].x, 0.0, places[role].z])) @ places[role].rotation()
        return own * _FLIP if mirrored[role] else own

    facing = np.broadcast_to(np.diag([1.0, 1.0, -1.0]), (len(trunks[0].joints[0]), 3, 3))
    chest, own = seen(trunks[other].frames["chest"][0]), trunks[role].frames["chest"][0]
    middle = 0.5 * (chest + own)
    # A point on the floor between both; `forward` is one's own, so that both hands of a handshake stop short of it.
    middle[:, 1] = 0.0
    return {
        "partner_head": (seen(trunks[other].frames["head"][0]), facing),
        "partner_chest": (chest, facing),
        "partner_pelvis": (seen(trunks[other].frames["pelvis"][0]), facing),
        "between": (middle, np.broadcast_to(np.eye(3), facing.shape)),
    }


class _Mover:
    """One person's channels over the frames of a clip."""

    def __init__(
        self,
        person: Performer,
        beats: list[_Beat],
        times: np.ndarray,
        partner: bool,
        sits: bool,
        style: np.random.Generator,
        rng: np.random.Generator,
    ) -> None:
        self.person, self.beats, self.times, self.style, self.rng = person, beats, times, style, rng
        self.targets: list[Targets] = [(beat.phase.partner or Targets()) if partner else beat.phase for beat in beats]
        self.sits = sits
        self.lag = float(rng.uniform(0.0, 0.12)) if partner else 0.0  # nobody reacts at once
        self.amplitude = person.amplitude * float(np.exp(rng.normal(0.0, 0.10)))
        phases = 1 + max(beat.index for beat in beats)
        self.habits = style.standard_normal((phases, 2, 3))
        self.rates = style.random((phases, 8))
        self.rhythms: dict[tuple[float, int], tuple[np.ndarray, np.ndarray]] = {}
        self.landmarks = repertoire().landmarks
        shares = np.array([idle.share for idle in repertoire().idle])
        drawn = rng.choice(len(shares), 2, p=shares / shares.sum())
        self.idle = {part: repertoire().idle[i] for part, i in zip(("hand", "other_hand"), drawn, strict=True)}

    def channel(self, part: str, start: Triple, gain: float = 1.0) -> np.ndarray:
        """Return a channel of plain triples, [T, 3]: keys, cycles."""
        keys, starts, ends = [np.asarray(start, float)], [], []
        for beat, targets in zip(self.beats, self.targets, strict=True):
            value = getattr(targets, part)
            if value is not None:
                keys.append(np.asarray(value, float) * gain * np.exp(self.rng.normal(0.0, 0.06)))
                starts.append(beat.start + self.lag)
                ends.append(beat.end + self.lag)
        cycles = self.cycles(part)
        if not starts:
            return keys[0] + cycles
        return key_weights(np.array(starts), np.array(ends), self.times).T @ np.stack(keys) + cycles

    def cycles(self, part: str, hands: str = "", second: bool = False) -> np.ndarray:
        """Return the sum of a part's cycles, [T, 3]; `hands` is the word for both hands, `second` the other one."""
        total = np.zeros((len(self.times), 3))
        for beat, targets in zip(self.beats, self.targets, strict=True):
            for number, cycle in enumerate(targets.cycles):
                # Both hands must share one rhythm, so each cycle has its own draws.
                if cycle.of in (part, hands):
                    total += self.cycle(beat, cycle, number, second)
        return total

    def cycle(self, beat: _Beat, cycle: Cycle, number: int, second: bool) -> np.ndarray:
        """Return one cycle, [T, 3]."""
        key = (beat.start, number)
        if key not in self.rhythms:
            low, high = cycle.hz
            own = np.random.default_rng([int(1e9 * beat.start), number, int(1e6 * self.amplitude)])
            share = 0.6 * self.rates[beat.index, number % 8] + 0.4 * own.random()
            rate = low + share * (high - low)
            angle = 2 * np.pi * (rate * (self.times - beat.start) + own.random())
            angle += wander(own, len(self.times), 1, 8.0, 0.35)[:, 0]  # nobody keeps time like a clock
            ease = minimum_jerk((self.times - beat.start) / EASE) * minimum_jerk((beat.end - self.times) / EASE)
            strength = self.amplitude * np.exp(wander(own, len(self.times), 1, 12.0, 0.12)[:, 0])
            self.rhythms[key] = angle, ease * strength
        angle, strength = self.rhythms[key]
        if second and cycle.alternate:
            angle = angle + np.pi
        wave = np.abs(np.sin(0.5 * angle)) if cycle.bounce else np.sin(angle)
        return (wave * strength)[:, None] * np.asarray(cycle.along)

    def trunk(self) -> _Trunk:
        """Work out pelvis, spine and head."""
        person, frames, h = self.person, len(self.times), self.person.height
        size = person.lengths
        mirror = np.array([-1.0, 1.0, 1.0])  # `to the acting side` is -x
        body = self.channel("body", (0, 0, 0)) * h * mirror
        pelvis = self.channel("pelvis", SITTING if self.sits else (0, 0, 0)) * h * mirror
        trunk = self.channel("trunk", (0, 0, 0), self.amplitude**0.5)
        head = self.channel("head", (0, 0, 0), self.amplitude**0.5)
        trunk += (
            wander(self.rng, frames, 3, 15.0, 0.9) + np.array([person.posture[0], 0, 0]) + self.rng.normal(0, 3.0, 3)
        )
        head += wander(self.rng, frames, 3, 9.0, 1.5) + np.array([person.posture[1], 0, 0]) + self.rng.normal(0, 8.0, 3)
        head = np.clip(head, -HEAD_LIMITS, HEAD_LIMITS)
        leg = size["thigh"] + size["shank"]
        base = body + pelvis + wander(self.rng, frames, 3, 18.0, 0.006) * np.array([1.0, 0.15, 1.0])
        base[:, 1] += size["ankle_height"] + leg * 0.993 + size["hip_drop"]
        level = np.zeros(frames)
        gait = self.gait()
        course = gait.pelvis[:, 2]  # degrees; added to every turn about the vertical
        heading = turns(level, level, course)
        base = gait.pelvis[:, [0, 0, 1]] * np.array([1.0, 0.0, 1.0]) + turned(heading, base)
        yaw = turns(level, level, course + 0.35 * trunk[:, 2])
        tilt = turns(0.25 * trunk[:, 0], 0.25 * trunk[:, 1], course + 0.35 * trunk[:, 2])

        feet, soles, hips = {}, {}, {}
        for part, side in (("foot", -1.0), ("other_foot", 1.0)):
            foot = self.foot(part) * h * np.array([side, 1.0, 1.0]) + body
            spread = self.rng.normal(0.0, 0.012, 2)
            foot += np.array(
                [side * (person.stance + spread[0]), size["ankle_height"], spread[1] - 0.25 * size["foot"]]
            )
            walked = gait.feet[part]
            soles[part] = turns(level, level, walked[:, 2]) if walked.any() else heading
            feet[part] = walked[:, [0, 0, 1]] * np.array([1.0, 0.0, 1.0]) + turned(soles[part], foot)
            feet[part][:, 1] += LIFT * h * gait.lift[part]
            hips[part] = tilt @ np.array([side * size["hip"], -size["hip_drop"], 0.0])
        for _ in range(3):  # lower the pelvis until both feet can be reached
            for part, foot in feet.items():
                reach = base + hips[part] - foot
                level = np.sqrt(np.maximum((0.994 * leg) ** 2 - reach[:, 0] ** 2 - reach[:, 2] ** 2, 0.0))
                base[:, 1] -= np.maximum(reach[:, 1] - level, 0.0)

        whole = turns(trunk[:, 0], trunk[:, 1], course + trunk[:, 2])
        half = turns(0.6 * trunk[:, 0], 0.6 * trunk[:, 1], course + 0.65 * trunk[:, 2])
        middle = base + size["lower_spine"] * half[:, :, 1]
        spine = middle + size["upper_spine"] * whole[:, :, 1]
        neck = spine + size["neck"] * whole[:, :, 1]
        # A nodding head leans less than it turns down: part of the trunk's bend is taken back to keep the gaze.
        looks = np.array([0.55, 0.6, 0.8]) * trunk + head
        gaze = turns(looks[:, 0], looks[:, 1], course + looks[:, 2])
        crown = neck + size["head"] * gaze[:, :, 1]
        floor = gait.pelvis[:, [0, 0, 1]] * np.array([1.0, 0.0, 1.0])
        joints = {0: base, 1: middle, 20: spine, 2: neck, 3: crown}
        for part, foot in feet.items():
            self.leg(joints, 16 if part == "foot" else 12, base + hips[part], foot, yaw, soles[part])
        rotations = {
            "head": (crown, gaze), "chest": (spine, whole), "pelvis": (base, yaw), "floor": (floor, heading),
            "foot": (joints[19], soles["foot"]),
        }  # fmt: skip
        ahead = np.einsum("ti,ti->t", feet["foot"] - feet["other_foot"], heading[:, :, 2])
        walking = np.maximum(*gait.lift.values()).max() > 0
        return _Trunk(rotations, joints, heading, 0.5 * ahead if walking else np.zeros(frames))

    def foot(self, part: str) -> np.ndarray:
        """Return a foot's channel, lifted a little where it is put elsewhere on the floor, [T, 3]."""
        wanted = [getattr(targets, part) for targets in self.targets]
        if not any(wanted):
            return self.cycles(part)
        keys = np.array([(0.0, 0.0, 0.0), *(value for value in wanted if value is not None)])
        timed = [beat for beat, value in zip(self.beats, wanted, strict=True) if value is not None]
        starts = np.array([beat.start for beat in timed]) + self.lag
        ends = np.array([beat.end for beat in timed]) + self.lag
        keys[1:] *= np.exp(self.rng.normal(0.0, 0.06, (len(timed), 1)))
        place, lift = steps(starts, ends, keys, self.times)
        place[:, 1] += 0.02 * lift * (place[:, 1] < 0.03)
        return place + self.cycles(part)

    def gait(self) -> _Gait:
        """Work out the steps of the phases in which the person walks: turns on the spot, then ahead."""
        height = self.person.height
        if not any(targets.walk for targets in self.targets):
            still, on_floor = np.zeros((len(self.times), 3)), np.zeros(len(self.times))
            return _Gait(still, dict.fromkeys(_FEET, still), dict.fromkeys(_FEET, on_floor))
        pose = np.zeros(3)  # x, z, degrees
        placed = {"foot": [pose], "other_foot": [pose]}
        begun: dict[str, list[float]] = {"foot": [], "other_foot": []}
        ended: dict[str, list[float]] = {"foot": [], "other_foot": []}
        for beat, targets in zip(self.beats, self.targets, strict=True):
            if targets.walk is None:
                continue
            turn = targets.walk.turn * float(np.exp(self.rng.normal(0.0, 0.04)))
            ahead = targets.walk.ahead * height * float(np.exp(self.rng.normal(0.0, 0.08)))
            turning = int(np.ceil(abs(turn) / STEP_TURN))
            walking = int(np.ceil(abs(ahead) / (STRIDE * height)))
            poses = [pose + np.array([0.0, 0.0, turn * (k + 1) / turning]) for k in range(turning)]
            turned_to = np.radians(pose[2] + turn)
            direction = np.array([-np.sin(turned_to), np.cos(turned_to), 0.0])
            stand = poses[-1] if poses else pose
            poses += [stand + direction * ahead * (k + 1) / walking for k in range(walking)]
            poses.append(poses[-1])  # the other foot comes beside
            each = (beat.end - beat.start) / len(poses)
            for k, goal in enumerate(poses):
                part = "foot" if k % 2 == 0 else "other_foot"
                stray = self.rng.normal(0.0, targets.walk.sway * height, 2)
                placed[part].append(goal + np.array([*stray, 0.0]))
                begun[part].append(beat.start + self.lag + k * each)
                ended[part].append(beat.start + self.lag + (k + SWING) * each)
            pose = poses[-1]
        feet, lift = {}, {}
        for part, places in placed.items():
            feet[part], lift[part] = steps(np.array(begun[part]), np.array(ended[part]), np.array(places), self.times)
        middle = 0.5 * (feet["foot"] + feet["other_foot"])
        if len(placed["foot"]) > 1:  # the pelvis glides where the feet stop and go
            middle = gaussian_filter1d(middle, 0.14 * FPS, axis=0, mode="nearest")
        return _Gait(middle, feet, lift)

    def leg(
        self,
        joints: dict[int, np.ndarray],
        hip: int,
        root: np.ndarray,
        ankle: np.ndarray,
        yaw: np.ndarray,
        sole: np.ndarray,
    ) -> None:
        """Put hip, knee, ankle and foot of one leg into `joints`."""
        size = self.person.lengths
        side = -1.0 if hip == 16 else 1.0
        # Knees point ahead and a little out; up as well, so that a lying or seated person's knees bend the right way.
        knee, reached = two_bones(root, ankle, size["thigh"], size["shank"], yaw @ np.array([0.12 * side, 0.15, 1.0]))
        lifted = np.clip((reached[:, 1] - 1.2 * size["ankle_height"]) / 0.25, 0.0, 1.0)[:, None]
        flat = sole @ unit(np.array([0.15 * side, -0.35, 1.0]))
        shin = unit(reached - knee)
        toes = unit((1 - lifted) * flat + lifted * (across(flat, shin) + 0.5 * shin))
        joints.update({hip: root, hip + 1: knee, hip + 2: reached, hip + 3: reached + size["foot"] * toes})

    def limbs(self, trunk: _Trunk, others: dict[str, tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
        """Work out the arms and return all joints, [T, 25, 3]."""
        joints = dict(trunk.joints)
        spine, whole = trunk.frames["chest"]
        for part, side, shoulder, tip in (("hand", -1.0, 8, 23), ("other_hand", 1.0, 4, 21)):
            root = spine + whole @ np.array([side * self.person.lengths["shoulder"], 0.0, 0.0])
            frames = trunk.frames | others | {"shoulder": (root, trunk.heading)}
            target, held = self.reach(part, side, frames, trunk)
            self.arm(joints, shoulder, tip, root, target, held, whole, side)
        return np.stack([joints[joint] for joint in range(25)], axis=1)

    def reach(
        self, part: str, side: float, frames: dict[str, tuple[np.ndarray, np.ndarray]], trunk: _Trunk
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return where a hand shall be, [T, 3], and how the arm is held: (elbow, bend, to the thumb) degrees."""
        h, second = self.person.height, part == "other_hand"
        first: Reach = Reach(at="lap") if self.sits else self.idle[part]
        keys: list[tuple[Reach, int]] = [(first, 0)]
        starts, ends = [], []
        for beat, targets in zip(self.beats, self.targets, strict=True):
            wanted = targets.hands or getattr(targets, part)
            if wanted is not None:
                if wanted.at == "rest" and (self.sits or not any(wanted.by)):
                    wanted = first
                keys.append((wanted, beat.index))
                shift = self.lag + (float(self.rng.uniform(0.0, 0.06)) if targets.hands else 0.0)
                starts.append(beat.start + shift)
                ends.append(max(beat.end, beat.start + 0.1) + shift)
        weights = key_weights(np.array(starts), np.array(ends), self.times)
        target = np.zeros((len(self.times), 3))
        held = np.zeros((len(self.times), 3))
        bow = np.zeros(len(self.times))
        before, left = np.zeros_like(target), np.zeros(len(self.times))
        for weight, (wanted, index) in zip(weights, keys, strict=True):
            landmark = self.landmarks[wanted.at]
            place = self.place(landmark, wanted, index, second)
            origin, rotation = frames[landmark.frame]
            goal = origin + rotation @ (place * np.array([side, 1.0, 1.0]))
            target += weight[:, None] * goal
            held += weight[:, None] * np.array([wanted.elbow + self.person.elbow, *wanted.wrist])
            # Half-way between two places the hand bows out to the front, round the trunk and past the shoulder.
            bow += 4.0 * ARC * left * weight * np.sqrt(np.einsum("ti,ti->t", goal - before, goal - before))
            before, left = goal, weight
        moved = self.cycles(part, "hands", second) * h * np.array([side, 1.0, 1.0])
        moved[:, 2] += bow + 0.7 * side * trunk.swing  # a walker's arm swings with the other side's leg
        target += turned(trunk.heading, moved)
        target += wander(self.rng, len(self.times), 3, 7.0, 0.004)
        held[:, 1:] += self.cycles("other_wrist" if second else "wrist", "wrists", second)[:, :2]
        held += wander(self.rng, len(self.times), 3, 10.0, 3.0)
        held[:, 1:] = np.clip(held[:, 1:], -WRIST_LIMITS, WRIST_LIMITS)
        return target, held

    def place(self, landmark: Landmark, wanted: Reach, index: int, second: bool) -> np.ndarray:
        """Return a key's place in its frame, (out, up, forward) metres: a person's habit, and chance, move it."""
        spread = wanted.vary * (0.8 * self.habits[index, int(second)] + 0.6 * self.rng.standard_normal(3))
        place = (np.asarray(landmark.at) + np.asarray(wanted.by) + spread) * self.person.height
        if wanted.at == "rest":
            place = place + np.asarray(self.person.rest)
        return place

    def arm(
        self,
        joints: dict[int, np.ndarray],
        shoulder: int,
        tip: int,
        root: np.ndarray,
        target: np.ndarray,
        held: np.ndarray,
        whole: np.ndarray,
        side: float,
    ) -> None:
        """Put shoulder, elbow, wrist, hand, finger tip and thumb of one arm into `joints`."""
        size = self.person.lengths
        out, bend, thumbwards = np.radians(held).T
        # A hanging arm's elbow points back; a raised one's points ahead and further out. So the elbow never has to
        # flip over: the direction in which it bends out is far from that in which the hand is.
        up = np.einsum("ti,ti->t", target - root, whole[:, :, 1]) / (size["upper_arm"] + size["forearm"])
        raised = minimum_jerk(0.5 + 0.6 * up)
        out = out + np.radians(25.0) * raised
        local = np.stack([side * np.sin(out), -np.cos(out), -0.55 + 0.75 * raised], axis=-1)
        pole = turned(whole, local)
        # First as if the palm were the forearm's end, then with the wrist bent: the palm's direction depends on the
        # forearm's, and that on where the wrist is.
        wrist_at = target
        for lower in (size["forearm"] + size["palm"], size["forearm"]):
            elbow, wrist = two_bones(root, wrist_at, size["upper_arm"], lower, pole)
            along = unit(wrist - elbow)
            thumb = across(root - elbow, along)  # neither pronated nor supinated
            palm = -side * crossed(thumb, along)
            hand = np.cos(bend)[:, None] * along + np.sin(bend)[:, None] * palm
            direction = np.cos(thumbwards)[:, None] * hand + np.sin(thumbwards)[:, None] * thumb
            wrist_at = target - size["palm"] * direction
        palm_end = wrist + size["palm"] * direction
        thumb = unit(0.7 * across(thumb, direction) + 0.7 * direction)
        joints.update({shoulder: root, shoulder + 1: elbow, shoulder + 2: wrist, shoulder + 3: palm_end})
        joints.update({tip: palm_end + size["fingers"] * direction, tip + 1: palm_end + size["thumb"] * thumb})
