import io
import json

import numpy as np
import pytest

from base.errors import InputError
from base.progress import PlainConsole
from recognition.live.config import WatchConfig
from recognition.live.live import Decision
from recognition.live.sources import Sight
from recognition.live.watch import as_json, of_source, open_live, show_table, watch, write_lines
from recognition.use.first import FIRST
from refine import Stream
from run import app

ONE = Decision(1.5, ("[/b]", 2), 0.25, 1 / 3, (23, 9), ("wave", "stand up"), (0.75, 0.2500000001))


def test_a_decision_is_a_line_of_json_written_at_once():
    out = io.StringIO()

    def decisions():
        yield ONE
        assert out.getvalue().endswith("\n")  # before the next is asked for
        yield ONE

    write_lines(decisions(), out)
    line, again = out.getvalue().splitlines()
    assert line == again == as_json(ONE)
    assert json.loads(line) == {
        "time": 1.5,
        "people": ["[/b]", 2],
        "begin": 0.25,
        "end": 0.333333,
        "top": [
            {"action": 23, "name": "wave", "probability": 0.75},
            {"action": 9, "name": "stand up", "probability": 0.25},
        ],
    }


def test_the_table_has_those_of_the_last_moment():
    out = io.StringIO()
    later = Decision(2.0, (3,), 1, 2, (9, 23), ("stand up", "wave"), (0.9, 0.1))
    show_table([ONE, later], PlainConsole(file=out, width=100))
    assert "2.0 s" in out.getvalue()
    assert "stand up 90" in out.getvalue()
    assert "[/b]" not in out.getvalue()
    show_table([], PlainConsole(file=out, width=100))
    show_table([ONE], PlainConsole(file=out, width=100))
    assert "[/b], 2" in out.getvalue()


@pytest.fixture(scope="module")
def live():
    config = WatchConfig(window=1, rate=1, lag=2)
    return open_live(config, [FIRST], device="cpu", refiner=lambda fps, lag: Stream(fps, lag))


def test_a_stream_to_its_end_and_where_it_goes_wrong(live, rng):
    pose = rng.normal(0, 0.4, (25, 3))
    sights = [Sight(f"line {number}", pose, number / 30) for number in range(40)]
    found = list(watch(live, [*sights, Sight("line 40", None, 1.5)]))
    assert [one.time for one in found] == [1.0, 1.5]
    assert found[0].end == pytest.approx(28 / 30)  # refined, and two frames late
    with pytest.raises(InputError, match=r"line 7: pose: found shape \(17, 3\), expected \(25, 3\) as before"):
        list(watch(live, [sights[0], Sight("line 7", np.ones((17, 3)), 1.0)]))
    with pytest.raises(InputError, match=r"line 9: time: found 0\.5 s after 1 s"):
        list(watch(live, [Sight("line 8", None, 1.0), Sight("line 9", None, 0.5)]))
    live.flush()


def test_a_stream_with_nobody_in_it_is_told(live):
    told = []
    live._tell = told.append
    assert list(watch(live, [Sight("line 1", None, 1.0)])) == []
    assert told == ["the stream is at its end, and nobody was in it"]


def test_a_source_that_is_none(live, tmp_path):
    with pytest.raises(InputError, match="gone: is no folder; give one that OpenPose writes to, or -"):
        of_source(str(tmp_path / "gone"), live)
    told = []
    live._tell = told.append
    of_source(str(tmp_path), live)
    assert told == [
        f"WARNING: {tmp_path}: does not say how many frames a second it has; taken for 30; fps=N says another"
    ]


def test_the_command(monkeypatch, capsys, rng):
    pose = rng.normal(0, 0.4, (25, 3))
    text = "".join(json.dumps({"pose": (pose + 0.01 * n).tolist(), "time": n / 30}) + "\n" for n in range(20))

    class Standard(io.StringIO):
        buffer = io.BytesIO(text.encode())

    monkeypatch.setattr("sys.stdin", Standard())
    app(["watch", "rate=2", "window=1", "--refine", "steady", "--device", "cpu"], standalone_mode=False)
    out, told = capsys.readouterr()
    assert [json.loads(line)["time"] for line in out.splitlines()] == [0.5, 0.633333]
    assert "simulated actions only" in told


def test_ctrl_c_ends_it(monkeypatch, capsys):
    class Interrupted(io.BytesIO):
        def readline(self, limit=-1):
            raise KeyboardInterrupt

    class Standard(io.StringIO):
        buffer = Interrupted()

    monkeypatch.setattr("sys.stdin", Standard())
    app(["watch", "-m", str(FIRST), "--device", "cpu"], standalone_mode=False)
    assert capsys.readouterr() == ("", "")
