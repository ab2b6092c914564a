import csv
import io

from base.tables import Column, Table, to_csv, to_markdown, write_csv

FORMULAS = ["=cmd|' /C calc'!A0", "+SUM(A1)", "-A1", "@SUM(A1)", "\t=1", "\r=1"]


def cells(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def test_no_cell_of_text_is_a_formula():
    table = Table("t", "c", (Column("=A1", numeric=False), Column("n")), [(text, 1) for text in FORMULAS])
    for row in cells(to_csv(table)):
        assert row[0][0] == "'"
    with io.StringIO(newline="") as file:
        write_csv(file, [FORMULAS])
        assert [cell[1:] for cell in cells(file.getvalue())[0]] == [text.replace("\r", "\n") for text in FORMULAS]


def test_numbers_stay_numbers():
    rows = [("a", -1.5), ("-2", 3), ("+0.38", None), ("S001", (-1.0, 2.0)), ("a-b=c", 1e-9)]
    table = Table("t", "c", (Column("name", numeric=False), Column("n")), rows)
    assert cells(to_csv(table))[1:] == [
        ["a", "-1.5", ""],
        ["-2", "3", ""],
        ["+0.38", "", ""],
        ["S001", "-1.0", "2.0"],
        ["a-b=c", "1e-09", ""],
    ]


def test_markdown_of_foreign_text_is_text():
    hostile = "a|b `c` *d* [e](http://f) <img src=x>\n# g"
    table = Table("t", f"# {hostile}", (Column(hostile, numeric=False), Column("n")), [(hostile, -1)])
    caption, _, heading, rule, row = to_markdown(table).rstrip("\n").split("\n")
    expected = r"a\|b \`c\` \*d\* [e\](http://f) &lt;img src=x> # g"
    assert caption == rf"\# {expected}."
    assert heading == f"| {expected} | n |"
    assert rule == "|---|---:|"
    assert row == f"| {expected} | -1 |"
