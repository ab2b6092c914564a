import os

import numpy as np
import pytest

from bench.measure import (
    Server,
    current_mib,
    in_own_process,
    peak_mib,
    print_table,
    ratio,
    run_script,
    take_turns,
    timed,
)


def test_turns_alternate_and_the_first_round_warms_up():
    called = []
    works = {name: (lambda name=name: called.append(name) or len(called)) for name in "ab"}
    assert take_turns(works, 2) == {"a": [3, 5], "b": [4, 6]}
    assert called == list("ababab")
    assert take_turns({"a": lambda: 1}, 1, warm_up=0) == {"a": [1]}


def test_the_ratio_is_the_median_within_turns():
    assert ratio([2.0, 30.0, 4.0], [1.0, 10.0, 1.0]) == 3.0


def test_what_a_call_returns_and_takes():
    result, taken = timed(lambda: sum(range(200_000)))
    assert result == 19_999_900_000
    assert taken.processor > 0
    assert taken.wall > 0


def hold_for_a_while():
    before = current_mib()
    block = np.ones(64 << 17)  # 64 MiB
    held = current_mib()
    del block
    return held - before, peak_mib() - before


def test_the_peak_includes_what_is_freed_again():
    """In a process of its own: one that has freed as much before takes nothing more from the system."""
    held, peak = in_own_process(hold_for_a_while)
    assert held > 50
    assert peak > 50


def make_adder(first):
    return lambda second: (os.getpid(), first + second)


def test_functions_in_processes_of_their_own():
    assert in_own_process(os.getpid) != os.getpid()
    server = Server(make_adder, 40)
    (process, answer), (again, _) = server(2), server(3)
    server.close()
    assert answer == 42
    assert process == again != os.getpid()


def test_a_script_is_run_with_its_words(tmp_path):
    script = tmp_path / "script.py"
    (tmp_path / "beside.py").write_text("SIZE = 1\n")
    script.write_text(
        "import sys\nfrom beside import SIZE\nassert sys.argv[1:] == ['a', 'b'], sys.argv\nx = bytearray(SIZE << 26)\n"
    )
    _, peak = run_script(script, "a", "b")
    assert 64 < peak < 300
    with pytest.raises(SystemExit, match=r"script\.py a ended with status 1"):
        run_script(script, "a")


def test_columns_are_aligned(capsys):
    print_table(("name", "ms"), [("a", 1), ("longer", "10.5")])
    assert capsys.readouterr().out == "name      ms\na          1\nlonger  10.5\n"
