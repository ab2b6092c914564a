import re

from data.ntu.actions import ACTIONS, TWO_PERSON

# As the data set's authors number them.
PUBLISHED = """
1 drink water; 2 eat meal; 3 brush teeth; 4 brush hair; 5 drop; 6 pick up; 7 throw; 8 sit down; 9 stand up; 10
clapping; 11 reading; 12 writing; 13 tear up paper; 14 put on jacket; 15 take off jacket; 16 put on a shoe; 17 take
off a shoe; 18 put on glasses; 19 take off glasses; 20 put on a hat; 21 take off a hat; 22 cheer up; 23 hand waving;
24 kicking something; 25 reach into pocket; 26 hopping; 27 jump up; 28 phone call; 29 play with phone; 30 type on a
keyboard; 31 point to something; 32 take a selfie; 33 check time on a watch; 34 rub two hands; 35 nod head or bow;
36 shake head; 37 wipe face; 38 salute; 39 put palms together; 40 cross hands in front; 41 sneeze or cough; 42
staggering; 43 falling down; 44 headache; 45 chest pain; 46 back pain; 47 neck pain; 48 nausea or vomiting; 49 fan
self; 50 punch or slap; 51 kicking; 52 pushing; 53 pat on back; 54 point finger; 55 hugging; 56 giving object; 57
touch pocket; 58 shaking hands; 59 walking towards; 60 walking apart.
"""


def test_the_actions_are_the_authors_in_their_order():
    found = re.findall(r"(\d+) ([^;]+?)[;.]", " ".join(PUBLISHED.split()))
    assert [int(number) for number, _ in found] == list(range(1, 61))
    assert tuple(name for _, name in found) == ACTIONS


def test_two_people_perform_the_last_eleven():
    assert [ACTIONS[number - 1] for number in TWO_PERSON] == [
        "punch or slap", "kicking", "pushing", "pat on back", "point finger", "hugging", "giving object",
        "touch pocket", "shaking hands", "walking towards", "walking apart",
    ]  # fmt: skip
