import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from base.errors import InputError
from data.recordings import table_text
from data.recordings.table_text import delimiter_of, read_table


def table_of(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path)


def rows_of(table):
    return [table.row(row) for row in range(len(table))]


@pytest.mark.parametrize(
    "text",
    [
        "a,b,c\n1,2,3\n",
        "a,b,c\r\n1,2,3\r\n",
        "a,b,c\r1,2,3\r",
        "a,b,c\r\n1,2,3\n",
        "a,b,c\n1,2,3",
        "\ufeffa,b,c\n1,2,3",
        "\n\n \r\na,b,c\n\n1,2,3\n\n",
        "a;b;c\n1;2;3\n",
        "a\tb\tc\n1\t2\t3\n",
        "a b c\n  1  2\t3 \n",
        '"a","b",c\n"1", "2" ,3\n',
        " a , b ,c \n1,2, 3\n",
    ],
)
def test_every_way_to_write_a_table_gives_the_same_cells(tmp_path, text):
    assert rows_of(table_of(tmp_path, text)) == [["a", "b", "c"], ["1", "2", "3"]]


def test_delimiters_in_quotes_are_text_and_doubled_quotes_are_one(tmp_path):
    table = table_of(tmp_path, '"x, y",z\n"[1, 2]","5"" wide"\n')
    assert rows_of(table) == [["x, y", "z"], ["[1, 2]", '5" wide']]


def test_separators_at_the_end_make_an_empty_cell_and_short_rows_stay_short(tmp_path):
    table = table_of(tmp_path, "a,b,\n1,2,\n3\n,,\n")
    assert rows_of(table) == [["a", "b", ""], ["1", "2", ""], ["3"], ["", "", ""]]
    slots = table.slots(slice(1, None), np.arange(2))
    np.testing.assert_array_equal(table.values(slots), [[1, 2], [3, np.nan], [np.nan, np.nan]])
    assert slots[1, 1] == -1


def test_rows_know_their_lines(tmp_path):
    assert table_of(tmp_path, "\r\n\na,b\r\n\n1,2\n").lines.tolist() == [3, 5]


@pytest.mark.parametrize("missing", ["", "nan", "NaN", "NA", "null", "None", "-nan(ind)", '""'])
def test_what_tools_write_for_nothing_is_missing(tmp_path, missing):
    table = table_of(tmp_path, f"a,b\n{missing},2.5\n")
    np.testing.assert_array_equal(table.values(table.slots(np.array([1]), np.arange(2))), [[np.nan, 2.5]])


@pytest.mark.parametrize("together", [1, 3, 100])
def test_decimal_commas_are_read_and_written(tmp_path, monkeypatch, together):
    monkeypatch.setattr(table_text, "AT_ONCE", together)
    table = table_of(tmp_path, "a;b\n1,25;-3\n7,5e-1;\n")
    slots = table.slots(slice(1, None), np.arange(2))
    values = table.values(slots)
    np.testing.assert_array_equal(values, [[1.25, -3], [0.75, np.nan]])
    new = values.copy()
    new[0] = 1.5, -4
    assert table.patched(slots, values, new) == b"a;b\n1,50;-4,00\n7,5e-1;\n"


def test_a_changed_number_leaves_every_other_byte(tmp_path):
    text = b'\xef\xbb\xbfa , "b"\r\n 1.000 ,"2.5"\r\nNaN,,\r\n'
    table = table_of(tmp_path, text)
    slots = table.slots(slice(1, None), np.arange(2))
    values = table.values(slots)
    assert table.patched(slots, values, values) == text
    new = values.copy()
    new[0, 1] = 7
    assert table.patched(slots, values, new) == text.replace(b"2.5", b"7.00")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("1,2.5,3.125", "2.000,3.500,4.125"),
        ("1,2,3", "2.00,3.00,4.00"),
        ("1,2.5,3.125e-2", "2.00000,3.50000,1.03125"),
        ("1,2.5e2,3.1415E+3", "2.00,251.00,3142.50"),
        ("1.5,2e20,3", "2.50,2e20,4.00"),
        ("1.5,nan,3.25", "2.50,nan,4.25"),
    ],
)
def test_all_that_changes_gets_the_decimals_of_what_has_most(tmp_path, cells, expected):
    table = table_of(tmp_path, f"a.b,c.d,e.f\n{cells}\n")
    slots = table.slots(np.array([1]), np.arange(3))
    values = table.values(slots)
    assert table.patched(slots, values, values + 1).decode() == f"a.b,c.d,e.f\n{expected}\n"


@pytest.mark.parametrize("together", [1, 3, 100])
def test_what_is_no_number_is_told_with_line_and_column(tmp_path, monkeypatch, together):
    monkeypatch.setattr(table_text, "AT_ONCE", together)
    table = table_of(tmp_path, "a,b\n\n1,2\n3,four\n")
    with pytest.raises(InputError, match=r"line 4, column 2: found 'four', expected a number"):
        table.values(table.slots(slice(1, None), np.arange(2)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a,b\n1,2\0\n", "byte 7 is zero"),
        ("a,b".encode("utf-16"), "UTF-16"),
        (b'a,b\n1,"2\n', "line 2 has a quote"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        table_of(tmp_path, text)


def test_more_cells_than_memory_is_for_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("data.recordings.table_text.MOST_CELLS", 5)
    with pytest.raises(InputError, match="more than 5 cells"):
        table_of(tmp_path, "a,b,c\n1,2,3\n")


@pytest.mark.parametrize("text", ["", "\n", "\ufeff", " \r\n\r"])
def test_nothing_is_a_table_of_no_rows(tmp_path, text):
    assert len(table_of(tmp_path, text)) == 0


def test_the_delimiter_is_what_the_header_and_most_rows_have():
    assert delimiter_of(b"name\ta, b\n1,5\t2\n") == b"\t"
    assert delimiter_of(b"a b\n1,5 2,5\n2,5 1,5\n") == b" "
    assert delimiter_of(b"a b,c d\n1 2,3 4\n") == b","


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0\v\f\x1c\x1d\x1e\x85\u2028\u2029"), max_size=6)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(cells.map(str.strip), min_size=2, max_size=4), min_size=1, max_size=4))
def test_python_reads_the_same_cells(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    table = read_table(path, b",")
    assert [table.row(row) for row in range(len(table))] == [[cell.strip(" \t") for cell in row] for row in rows]
