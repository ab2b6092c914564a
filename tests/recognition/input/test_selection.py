import numpy as np
import pytest

from base.errors import InputError
from recognition.input.selection import select_clips


def test_whole_performers_are_held_out_and_order_is_by_name(make_store):
    store = make_store(performers=(4, 1, 2, 3, 6))
    found = select_clips(store, "xsub", 0.3, seed=0)
    performers = [set(store.clips.performer[rows].tolist()) for rows in (found.train, found.validation, found.test)]
    assert [len(group) for group in performers] == [2, 1, 2]
    assert performers[2] == {3, 6}
    assert set.union(*performers) == {1, 2, 3, 4, 6}
    assert found.actions.tolist() == [1, 23]
    assert sorted(np.concatenate([found.train, found.validation, found.test]).tolist()) == list(range(30))
    for rows in (found.train, found.validation, found.test):
        assert sorted(store.clips.name[rows]) == list(store.clips.name[rows])
    assert len(select_clips(store, "xsub", 0, seed=0).validation) == 0


def test_held_out_performers_depend_on_the_seed_only(make_store):
    store = make_store(performers=(1, 2, 4, 5, 8, 9, 3))
    draws = [tuple(select_clips(store, "xsub", 0.15, seed).validation.tolist()) for seed in (0, 0, 1, 2, 3)]
    assert draws[0] == draws[1]
    assert len(set(draws)) > 1


@pytest.mark.parametrize(
    ("performers", "message"),
    [((3, 6), "is for training"), ((1, 2), "is for test"), ((1, 3), "set data.validation=0")],
)
def test_refuses_stores_that_cannot_be_divided(make_store, performers, message):
    with pytest.raises(InputError, match=message):
        select_clips(make_store(performers=performers), "xsub", 0.15, seed=0)


def test_refuses_an_action_that_is_only_tested(make_store):
    store = make_store()
    store.clips.action[np.isin(store.clips.performer, (3, 6))] = 7
    with pytest.raises(InputError, match="A007 has test clips but no training clips"):
        select_clips(store, "xsub", 0.15, seed=0)
