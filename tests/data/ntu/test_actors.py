import numpy as np

from data.ntu.actors import choose_actors, motion
from data.ntu.skeleton import Body, Skeleton


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
