import json
import os
import signal
import time

from bench.parts import Found, Part, in_one_line, markdown, run_parts, tried


def two(given):
    yield {"way": "first", "ms": 1.5}
    yield {"way": "second", "ms": given, "memory": 2}


def breaks(given):
    yield {"way": "before"}
    raise ValueError("no card\nand more")


def dies(given):
    yield {"way": "before"}
    os.kill(os.getpid(), signal.SIGKILL)


def hangs(given):
    yield {"way": "before"}
    time.sleep(3600)


def test_every_part_leaves_what_it_had_and_why_it_ended(tmp_path):
    parts = [
        Part("breaks", "One that breaks", 60, breaks),
        Part("dies", "One that dies", 60, dies),
        Part("hangs", "One that hangs", 0.5, hangs),
        Part("two", "One that works", 60, two),
    ]
    said = []
    found = run_parts(parts, 12_345.6, tmp_path, {"device": "none"}, said.append)
    broken, dead, hung, sound = found
    assert broken.failed == "ValueError: no card (test_parts.py, line 16)"
    assert dead.failed == "its process ended with status -9"
    assert hung.failed == "stopped after 0.5 s"
    assert [one.rows for one in found[:2]] == [[{"way": "before"}]] * 2
    assert (sound.failed, sound.rows) == ("", list(two(12_345.6)))
    content = json.loads((tmp_path / "results.json").read_text())
    assert content["about"] == {"device": "none"}
    assert [part["name"] for part in content["parts"]] == ["breaks", "dies", "hangs", "two"]
    assert content["parts"][3]["rows"] == sound.rows
    assert "  way second, ms 12,346, memory 2" in said


def test_the_tables():
    sound = Found("two", "One that works", 3.4, list(two(12_345.6)))
    broken = Found("breaks", "One that breaks", 1.0, [{"way": "a | b"}], "it was so")
    assert markdown({"device": "none", "tiny": True}, [sound, broken]).splitlines() == [
        "device none; tiny True",
        "",
        "### One that works",
        "",
        "| way | ms | memory |",
        "|---|---|---|",
        "| first | 1.5 |  |",
        "| second | 12,346 | 2 |",
        "",
        "3 s.",
        "",
        "### One that breaks",
        "",
        "| way |",
        "|---|",
        "| a \\| b |",
        "",
        "1 s. Ended early: it was so.",
    ]


def test_a_row_says_what_could_not_be_measured():
    assert tried({"way": "a"}, lambda: {"ms": 1.0}) == {"way": "a", "ms": 1.0}
    row = tried({"way": "a"}, lambda: 1 / 0)
    assert row["failed"].startswith("ZeroDivisionError: division by zero (test_parts.py, line ")
    assert in_one_line(KeyError("x")) == "KeyError: 'x'"
