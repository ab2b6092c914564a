import json

import pytest

from base.journal import JOURNAL, Journal

IDENTITY = {"b": 1, "a": ["x", "é"]}


@pytest.fixture
def written(tmp_path):
    journal = Journal(tmp_path, IDENTITY)
    journal.begin()
    for rows in (1, 2, 3):
        journal.add({"rows": rows})
    journal.close()
    return tmp_path / JOURNAL


def entries(path, identity=IDENTITY):
    return Journal(path.parent, identity).read()


def test_what_was_added_is_read(written):
    lines = [json.loads(line) for line in written.read_text().splitlines()]
    assert lines == [IDENTITY, {"rows": 1}, {"rows": 2}, {"rows": 3}]
    assert entries(written) == lines[1:]


def test_the_order_of_an_identitys_keys_says_nothing(written):
    assert len(entries(written, dict(reversed(IDENTITY.items())))) == 3


def test_entries_of_another_identity_do_not_count(written):
    assert entries(written, {**IDENTITY, "b": 2}) == []
    assert entries(written.parent / "elsewhere" / JOURNAL) == []


def test_wherever_it_is_cut_what_precedes_is_read(written):
    whole = written.read_bytes()
    ends = [at for at, byte in enumerate(whole) if byte == ord("\n")]
    for size in range(len(whole)):
        written.write_bytes(whole[:size])
        assert len(entries(written)) == max(0, sum(end < size for end in ends) - 1)


@pytest.mark.parametrize("damage", [b"\xff", b"{", b"[" * 100_000, b"\x00"])
def test_a_damaged_entry_ends_what_counts(written, damage):
    lines = written.read_bytes().split(b"\n")
    lines[2] = damage
    written.write_bytes(b"\n".join(lines))
    assert entries(written) in ([{"rows": 1}], [])


def test_begun_again_it_has_what_still_holds(written):
    journal = Journal(written.parent, IDENTITY)
    journal.begin(journal.read()[:2])
    journal.add({"rows": 9})
    journal.close()
    assert entries(written) == [{"rows": 1}, {"rows": 2}, {"rows": 9}]
    assert [path.name for path in written.parent.iterdir()] == [JOURNAL]
