import dataclasses
from typing import get_args

import numpy as np
import pytest

from data.formats.options import Dtype, Positions, ReadOptions, WriteOptions
from data.ntu.splits import SPLITS
from data.skeletons.units import Units


def test_without_a_word_nothing_of_a_store_is_lost_or_left_out():
    """All clips, positions as they are, and not as float16, which rounds by millimetres at the data set's distances."""
    assert WriteOptions() == WriteOptions(dtype="float32", split=None, positions="stored")
    assert ReadOptions() == ReadOptions(names=None, split=None, units="m")
    joints = np.linspace(2, 5, 1000, dtype=np.float32)
    assert np.abs(joints.astype(WriteOptions().dtype) - joints).max() == 0


def test_every_dtype_is_one_of_numpy_and_the_units_and_splits_are_those_of_the_data():
    assert [np.dtype(name).itemsize for name in get_args(Dtype)] == [2, 4]
    assert set(get_args(Positions)) == {"stored", "prepared"}
    assert ReadOptions().units in get_args(Units)
    assert SPLITS == ("xsub", "xview")


@pytest.mark.parametrize("options", [WriteOptions(), ReadOptions()], ids=["write", "read"])
def test_options_that_several_formats_share_cannot_be_changed(options):
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.split = "xsub"
    assert dataclasses.replace(options, split="xsub") != options
