import statistics

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data.ntu.actors import choose_actors, motion, plausible
from data.ntu.text import Body, Skeleton, read_skeleton, write_skeleton


def body(identity, frames, amplitude=1.0, wide=0):
    """A body that stands upright and moves to and fro; its first `wide` frames are wider than high."""
    frames = np.asarray(frames)
    joints = np.zeros((len(frames), 25, 3), np.float32)
    joints[:, :, 1] = np.linspace(-1, 1, 25)
    joints[:, :, 2] = 3 + amplitude * np.sin(frames)[:, None]
    joints[:wide, :, 0] = np.linspace(-1, 1, 25)
    return Body(identity, frames, joints, np.full((len(frames), 25), 2, np.uint8))


def choose(*bodies, frames=40):
    length, tracks = choose_actors(Skeleton(frames, bodies))
    return length, [(track.actor, track.first_frame, len(track.joints)) for track in tracks]


def test_a_single_body_is_the_actor_however_short_or_wide():
    assert choose(body(1, range(5), wide=5)) == (5, [(0, 0, 5)])


def test_tracks_of_eleven_frames_are_dropped_and_of_twelve_kept():
    assert choose(body(1, range(40)), body(2, range(11), 5.0)) == (40, [(0, 0, 40)])
    assert choose(body(1, range(40)), body(2, range(12), 0.1)) == (40, [(0, 0, 40), (1, 0, 12)])


def test_an_implausibly_wide_body_is_dropped_at_the_share_of_the_rule():
    # 28 of 40 frames are 70%, above 69.754%; 27 of 40 are 67.5%.
    assert choose(body(1, range(40)), body(2, range(40), wide=28)) == (40, [(0, 0, 40)])
    assert len(choose(body(1, range(40)), body(2, range(40), wide=27))[1]) == 2


def test_implausible_frames_do_not_count_as_motion():
    still = body(1, range(40), 0.1)
    wild = body(2, range(40), 0.1, wide=20)
    wild.joints[:20] *= 100
    assert motion(wild) < 2 * motion(still)


def test_the_most_mobile_body_is_actor_one():
    length, tracks = choose_actors(Skeleton(40, (body(1, range(40), 0.1), body(2, range(40), 2.0))))
    assert length == 40
    assert np.ptp(tracks[0].joints[:, 0, 2]) > np.ptp(tracks[1].joints[:, 0, 2])


def test_an_actor_whose_id_changes_is_joined_and_keeps_its_times():
    length, tracks = choose_actors(Skeleton(50, (body(1, range(20)), body(2, range(50), 0.1), body(3, range(30, 50)))))
    assert length == 50
    assert [(track.actor, track.first_frame, len(track.joints)) for track in tracks] == [(0, 0, 50), (1, 0, 50)]
    assert (tracks[0].tracked[20:30] == 0).all()
    assert (tracks[0].joints[20:30] == 0).all()
    np.testing.assert_array_equal(tracks[0].joints[30:], body(3, range(30, 50)).joints)


def test_two_actors_that_swap_ids_fill_both_places():
    assert choose(
        body(1, range(20), 2.0), body(2, range(20), 1.0), body(3, range(20, 40), 1.5), body(4, range(20, 40), 0.5)
    ) == (40, [(0, 0, 40), (1, 0, 40)])


def test_a_third_body_at_the_same_time_is_left_out():
    assert len(choose(body(1, range(40), 3.0), body(2, range(40), 2.0), body(3, range(40), 1.0))[1]) == 2


def test_frames_in_which_nobody_is_seen_are_dropped():
    assert choose(body(1, [*range(5, 15), *range(25, 40)])) == (25, [(0, 0, 25)])


def test_a_clip_with_nobody_has_no_tracks():
    assert choose() == (0, [])


def test_a_body_wide_as_four_fifths_of_its_height_is_plausible():
    upright = body(1, range(3))
    upright.joints[0, :, 0], upright.joints[1, :, 0] = np.linspace(-0.79, 0.79, 25), np.linspace(-0.81, 0.81, 25)
    assert plausible(upright).tolist() == [True, False, True]


def test_a_ghost_beside_the_actor_is_dropped_and_its_frames_with_it():
    # a chair seen as a body: wider than high, and still seen after the actor has left
    length, tracks = choose_actors(Skeleton(60, (body(7, range(20, 60), 3.0, wide=40), body(8, range(30)))))
    assert (length, len(tracks)) == (30, 1)
    np.testing.assert_array_equal(tracks[0].joints, body(8, range(30)).joints)


def test_where_a_rule_would_drop_everybody_it_drops_nobody():
    assert choose(body(1, range(5), 0.1), body(2, range(8), 2.0)) == (8, [(0, 0, 8), (1, 0, 5)])
    assert len(choose(body(1, range(20), wide=20), body(2, range(20), wide=20))[1]) == 2


def test_two_actors_that_swap_places_keep_their_own_ids_and_joints():
    first, second = body(1, range(40), 2.0), body(2, range(40), 1.0)
    first.joints[:20, :, 0] -= 1
    first.joints[20:, :, 0] += 1
    second.joints[:20, :, 0] += 1
    second.joints[20:, :, 0] -= 1
    _, tracks = choose_actors(Skeleton(40, (second, first)))
    np.testing.assert_array_equal(tracks[0].joints, first.joints)
    np.testing.assert_array_equal(tracks[1].joints, second.joints)


def test_bodies_whose_ids_are_the_same_as_floats_are_two_actors():
    ids = (72057594037931101, 72057594037931105)
    assert float(ids[0]) == float(ids[1])
    text = write_skeleton(Skeleton(20, (body(ids[0], range(20), 2.0), body(ids[1], range(20), 1.0))))
    _, tracks = choose_actors(read_skeleton(text, "clip"))
    assert [np.ptp(track.joints[:, 0, 2]) > 3 for track in tracks] == [True, False]


def test_a_body_that_leaves_and_returns_keeps_its_times():
    away = body(1, [*range(12), *range(28, 40)], 2.0)
    _, tracks = choose_actors(Skeleton(40, (away, body(2, range(40), 0.5))))
    assert (tracks[0].tracked[12:28] == 0).all()
    np.testing.assert_array_equal(tracks[0].joints[28:], away.joints[12:])


def by_the_book(skeleton):
    """The rules once more, one number at a time, from their description: frames, and each actor's frame by frame."""
    bodies = [dict(zip(body.frames.tolist(), body.joints.tolist(), strict=True)) for body in skeleton.bodies]
    bodies = [body for body in bodies if body]

    def is_plausible(joints):
        x, y = [joint[0] for joint in joints], [joint[1] for joint in joints]
        return max(x) - min(x) <= 0.8 * (max(y) - min(y))

    def mobility(body):
        frames = [joints for joints in body.values() if is_plausible(joints)] or list(body.values())
        positions = [joint for joints in frames for joint in joints]
        return sum(statistics.pvariance([position[axis] for position in positions]) for axis in range(3))

    if len(bodies) > 1:
        bodies = [body for body in bodies if len(body) > 11] or bodies
    if len(bodies) > 1:
        shares = [sum(not is_plausible(joints) for joints in body.values()) / len(body) for body in bodies]
        bodies = [body for body, share in zip(bodies, shares, strict=True) if share < 0.69754] or bodies
    motions = {id(body): mobility(body) for body in bodies}
    bodies.sort(key=lambda body: -motions[id(body)])
    actors = []
    waiting = bodies
    while waiting and len(actors) < 2:
        actor, left = {}, []
        for body in waiting:
            if actor and min(body) <= max(actor) and max(body) >= min(actor):
                left.append(body)
            else:
                actor |= body
        actors.append(actor)
        waiting = left
    times = sorted({frame for actor in actors for frame in actor})
    return len(times), [{times.index(frame): joints for frame, joints in actor.items()} for actor in actors]


@st.composite
def clips(draw):
    made = []
    for number in range(draw(st.integers(0, 5))):
        first, length = draw(st.integers(0, 40)), draw(st.integers(1, 30))
        missing = draw(st.sets(st.integers(first, first + length - 1), max_size=length - 1))
        frames = [frame for frame in range(first, first + length) if frame not in missing]
        # different amplitudes, so that no rounding decides which of two is the more mobile
        amplitude = 0.3 * (1 + 2 * number) * draw(st.sampled_from([0.1, 1.0]))
        made.append(body(72057594037931101 + number, frames, amplitude, wide=draw(st.integers(0, len(frames)))))
    return Skeleton(80, tuple(draw(st.permutations(made))))


@settings(max_examples=150, deadline=None)
@given(clips())
def test_agrees_with_the_rules_followed_one_number_at_a_time(skeleton):
    length, tracks = choose_actors(skeleton)
    expected_length, expected = by_the_book(skeleton)
    assert (length, len(tracks)) == (expected_length, len(expected))
    for number, (track, actor) in enumerate(zip(tracks, expected, strict=True)):
        assert track.actor == number
        assert (track.first_frame, len(track.joints)) == (min(actor), max(actor) - min(actor) + 1)
        seen = track.tracked.any(1)
        assert (np.flatnonzero(seen) + track.first_frame).tolist() == sorted(actor)
        np.testing.assert_array_equal(track.joints[seen], [actor[frame] for frame in sorted(actor)])
        assert not track.joints[~seen].any()


def test_tracks_keep_the_numbers_of_their_frames():
    """Frames 12 to 61, in which nobody is seen, are dropped: the clip is shorter, and its frames say by how much."""
    walker = body(1, [*range(2, 12), *range(62, 70)])
    length, [track] = choose_actors(Skeleton(80, (walker,)))
    assert (length, track.first_frame, len(track.joints)) == (18, 0, 18)
    np.testing.assert_array_equal(track.frames, [*range(2, 12), *range(62, 70)])
    other = body(2, range(5, 30), 0.1)
    _, [first, second] = choose_actors(Skeleton(80, (walker, other)))
    np.testing.assert_array_equal(first.frames, [*range(2, 30), *range(62, 70)])
    np.testing.assert_array_equal(second.frames, range(5, 30))
