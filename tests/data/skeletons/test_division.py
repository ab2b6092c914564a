"""Which clips are trained and tested on, compared with scikit-learn where it divides."""

import numpy as np
import pytest
from sklearn.model_selection import LeaveOneGroupOut

from base.errors import InputError
from data.ntu.names import ClipName
from data.skeletons.division import as_split, divide, single_splits, subjects_of
from data.skeletons.labels import OwnClip, code_clips
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store

SUBJECTS = ("Ann", "Bo", "Cy", "Di")


def write(folder, clips):
    names, labels = code_clips(clips)
    with StoreWriter(folder, StoreInfo(), labels=labels) as writer:
        for name in names:
            writer.add(name, 3, [Track(0, 0, np.ones((3, 25, 3), np.float32), np.full((3, 25), 2, np.uint8))])
    return open_store(folder)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    clips = [
        OwnClip(f"{subject} {action} {take}", action, subject, parts={"mine": part})
        for subject, part in zip(SUBJECTS, ("train", "train", "validation", "test"), strict=True)
        for action in ("wave", "bow")
        for take in range(3)
    ]
    return write(tmp_path_factory.mktemp("own") / "store", clips)


def test_the_owners_split(store):
    found = divide(store, "mine")
    subjects = subjects_of(store)
    np.testing.assert_array_equal(found.train, np.isin(subjects, ["Ann", "Bo"]))
    np.testing.assert_array_equal(found.validation, subjects == "Cy")
    np.testing.assert_array_equal(found.test, subjects == "Di")


def test_subjects_that_are_tested_on(store):
    found = divide(store, as_split({"subjects": {"test": ["Bo", "Di"]}}))
    np.testing.assert_array_equal(found.test, np.isin(subjects_of(store), ["Bo", "Di"]))
    np.testing.assert_array_equal(found.train, ~found.test)
    assert found.validation is None


def test_one_subject_is_left_out_as_by_scikit_learn(store):
    parts = single_splits(store, "leave_one_subject_out")
    ours = [tuple(np.flatnonzero(divide(store, part).test)) for part in parts]
    subjects = subjects_of(store)
    theirs = [tuple(test) for _, test in LeaveOneGroupOut().split(subjects, groups=subjects)]
    assert sorted(ours) == sorted(theirs)


def test_folds_test_every_clip_once_and_no_subject_is_on_both_sides(store):
    parts = [divide(store, part) for part in single_splits(store, as_split({"folds": 2}))]
    np.testing.assert_array_equal(sum(part.test.astype(int) for part in parts), 1)
    subjects = subjects_of(store)
    for part in parts:
        assert not set(subjects[part.test]) & set(subjects[part.train])
        assert np.bincount(store.clips.action[part.test])[1:].tolist() == [6, 6]  # all actions alike


@pytest.fixture
def unknown(tmp_path):
    """Clips of which nobody says who is in them."""
    return write(tmp_path / "store", [OwnClip(f"{action} {n}", action) for action in ("wave", "bow") for n in range(4)])


def test_folds_of_clips_where_nobody_is_known(unknown):
    parts = [divide(unknown, part) for part in single_splits(unknown, "folds 4")]
    np.testing.assert_array_equal(sum(part.test.astype(int) for part in parts), 1)
    assert all(np.bincount(unknown.clips.action[part.test])[1:].tolist() == [1, 1] for part in parts)


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("xsub", "is NTU RGB.D's rule, and .* has other clips; it has mine"),
        ("theirs", "found 'theirs', which .* does not have; it has mine; or give subjects"),
        ("subjects Ann, Zoe", "names 'Zoe', which is not among the 4"),
        ("fold 3/2", "expected fold 1/5"),
        ("folds 1", "expected 2 to 100 folds"),
        ("folds 5", "5 folds need as many subjects, .* has 4"),
    ],
)
def test_a_split_that_cannot_be_made(store, split, message):
    with pytest.raises(InputError, match=message):
        divide(store, single_splits(store, split)[0])


def test_more_folds_than_clips(unknown):
    with pytest.raises(InputError, match=r"9 folds need as many clips, .* has 8"):
        divide(unknown, "fold 1/9")
    with pytest.raises(InputError, match=r"5 folds, and no action of .* has more than 4 clips; take fewer"):
        divide(unknown, "fold 1/5")


@pytest.mark.parametrize(
    "value", ["xsub", 7, {"folds": "5"}, {"subjects": {"train": [1]}}, {"folds": 5, "subjects": {}}]
)
def test_what_says_no_split_stays(value):
    assert as_split(value) == value


def test_rules_of_one_data_set_do_not_divide_the_other(tmp_path):
    with StoreWriter(tmp_path / "store", StoreInfo()) as writer:
        for name in (ClipName(1, 1, 1, 1, 1), ClipName(18, 1, 45, 1, 61), ClipName(19, 1, 48, 1, 120)):
            writer.add(name, 3, [])
    ntu = open_store(tmp_path / "store")
    for rule in ("xsub", "xview"):
        with pytest.raises(InputError, match=r"has 2 clips of 120 alone .*S018.*; give xsub120 or xset120"):
            divide(ntu, rule)
    assert divide(ntu, "xsub120").train.tolist() == [True, True, False]
    assert divide(ntu, as_split("xset")).train.tolist() == [False, True, False]
