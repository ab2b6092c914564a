"""Own clips get names as NTU RGB+D has them, and keep their own."""

import pytest

from base.errors import InputError
from data.ntu.names import ClipName
from data.skeletons.labels import OwnClip, code_clips, natural


def test_numbers_follow_the_natural_order_of_names():
    clips = [
        OwnClip("b10", "wave", "P10", "left", "2"),
        OwnClip("b9", "wave", "P10", "left", "2"),
        OwnClip("a", "bow", "P2", "right", "10", {"official": "test"}),
        OwnClip("c", "bow", "P10", "left", "2", {"official": "train", "mine": "validation"}),
    ]
    names, labels = code_clips(clips)
    assert names == [ClipName(1, 1, 2, 2, 2), ClipName(1, 1, 2, 1, 2), ClipName(2, 2, 1, 1, 1), ClipName(1, 1, 2, 1, 1)]
    assert labels.clips == {str(name): clip.name for name, clip in zip(names, clips, strict=True)}
    assert (labels.actions, labels.subjects) == (("bow", "wave"), ("P2", "P10"))
    assert labels.splits == {
        "official": {"test": (str(names[2]),), "train": (str(names[3]),)},
        "mine": {"validation": (str(names[3]),)},
    }
    some = labels.of([str(names[2])])
    assert (some.clips, some.splits["official"]) == ({str(names[2]): "a"}, {"test": (str(names[2]),), "train": ()})
    assert some.actions == labels.actions


def test_more_clips_than_three_digits_count():
    clips = [OwnClip(f"clip {number}", "wave", session=str(number % 2)) for number in range(2 * 1100)]
    names, labels = code_clips(clips)
    assert len(set(names)) == len(clips)
    assert max(name.replication for name in names) == 999
    assert {name.setup for name in names} == {1, 2, 3, 4}
    assert labels.subjects == ()


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([OwnClip("a", "wave"), OwnClip("a", "bow")], "two clips called 'a'"),
        ([OwnClip("a", "wave"), OwnClip("b")], "1 clip has no action, the first is 'b'"),
        ([OwnClip(f"{n}", f"action {n}") for n in range(1000)], "has 1000 actions, at most 999"),
        ([OwnClip("a", "w" * 201)], "a name of 201 characters"),
    ],
)
def test_what_cannot_be_numbered_is_refused(clips, message):
    with pytest.raises(InputError, match=message):
        code_clips(clips, where="f")


def test_numbers_inside_texts_count():
    assert sorted(["p10", "p9b", "p9", "p1x"], key=natural) == ["p1x", "p9", "p9b", "p10"]
    assert natural("clip2") < natural("clip10")
    assert natural("P9") < natural("P9b")
