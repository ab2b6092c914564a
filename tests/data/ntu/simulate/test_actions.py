import pytest
from pydantic import ValidationError

from base.errors import InputError
from data.ntu.simulate import actions
from data.ntu.simulate.actions import Block, Phase, Repertoire, Targets, flat, repertoire
from data.ntu.simulate.config import DEFAULT_ACTIONS

PHASE = {"lasts": [0.5, 1.0], "hand": {"at": "rest"}}


def described(number=23, **changes):
    """One action, hand waving, and the landmark that it needs."""
    action = {"name": "hand waving", "phases": [PHASE], **changes}
    landmarks = {"rest": {"frame": "pelvis", "at": [0.1, 0.0, 0.0]}}
    return {"landmarks": landmarks, "idle": [{"at": "rest", "share": 1.0}], "actions": {number: action}}


def test_the_file_describes_the_actions_of_the_default_stand_in():
    assert set(DEFAULT_ACTIONS) <= set(repertoire().actions)
    assert {number for number, action in repertoire().actions.items() if action.apart} <= set(range(50, 61))


def test_an_action_that_makes_sense_is_read():
    action = Repertoire.model_validate(described()).actions[23]
    assert (action.start, action.handed, action.phases[0].lasts) == ("standing", True, (0.5, 1.0))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (described(24), "action 24 is not called 'hand waving'"),
        (described(61), "action 61 is not called"),
        (described(apart=[0.5, 1.0]), "`apart` is for actions of two people"),
        (described(58, name="shaking hands"), "`apart` is for actions of two people, and needed there"),
        (described(phases=[{"lasts": [1, 2], "hand": {"at": "moon"}}]), "no landmark 'moon'"),
        (
            described(phases=[{"times": [1, 2], "phases": [{"lasts": [1, 2], "hands": {"at": "sun"}}]}]),
            "landmark 'sun'",
        ),
        ({**described(), "idle": [{"at": "mars", "share": 1.0}]}, "idle: there is no landmark 'mars'"),
        ({**described(), "idle": []}, "idle"),
    ],
)
def test_what_makes_no_sense_is_refused(what, message):
    with pytest.raises(ValidationError, match=message):
        Repertoire.model_validate(what)


def test_a_hand_is_told_one_thing():
    with pytest.raises(ValidationError, match="either `hands` or `hand`"):
        Targets.model_validate({"hands": {"at": "rest"}, "other_hand": {"at": "rest"}})


def test_phases_of_blocks_come_once_and_in_order():
    one, two, three = (Phase(lasts=(0.1, length)) for length in (1.0, 2.0, 3.0))
    assert flat((one, Block(times=(3, 5), phases=(two, three)), one)) == [one, two, three, one]


def test_a_spoilt_file_is_told_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "actions.yaml").write_text("landmarks: 3\n")
    monkeypatch.setattr(actions, "FILE", tmp_path / "actions.yaml")
    with pytest.raises(InputError, match=r"actions\.yaml: landmarks: ") as caught:
        repertoire.__wrapped__()  # what is kept of the real file stays
    assert "\n" not in str(caught.value)
