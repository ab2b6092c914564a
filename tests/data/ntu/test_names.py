"""The names of clips say who did what, where."""

from itertools import product

import pytest

from base.errors import InputError
from data.ntu.names import ClipName, parse_name


def test_the_parts_of_a_name():
    """NTU RGB+D 60 has 17 setups, 3 cameras, 40 performers, 2 replications and 60 actions."""
    name = parse_name("S017C003P040R002A060")
    assert (name.setup, name.camera, name.performer, name.replication, name.action) == (17, 3, 40, 2, 60)
    assert str(name) == "S017C003P040R002A060"


def test_names_are_in_the_order_of_their_text():
    texts = [f"S00{a}C00{b}P00{c}R00{d}A0{e}0" for a, b, c, d, e in product((1, 3), repeat=5)]
    assert [str(name) for name in sorted(map(parse_name, reversed(texts)))] == sorted(texts)


@pytest.mark.parametrize(
    "text",
    ["", "S001C001P001R001A000", "S000C001P001R001A001", "S1C1P1R1A1", "S001C001P001R001A001.skeleton", "walking"],
)
def test_other_names_are_refused(text):
    with pytest.raises(InputError, match=r"not an NTU RGB.D clip name; expected SsssCcccPpppRrrrAaaa"):
        parse_name(text)


def test_a_name_of_numbers_is_that_of_its_text():
    assert ClipName(1, 2, 3, 2, 13) == parse_name("S001C002P003R002A013")
