import run
from refine.terminal import absent_lines, flattening_lines, short_lines


def test_the_command_says_where_the_refiner_is_and_when_it_did_nothing(workplace, configured, capsys, monkeypatch):
    def said(*words):
        monkeypatch.setattr("sys.argv", ["run.py", "refine", str(workplace / "refine.yaml"), *words])
        assert run.main() == 0
        return capsys.readouterr().out

    first = said()
    assert f"trained refiner: {workplace}/run/checkpoints/best.pt" in first.splitlines()
    assert "already finished" not in first
    second = said()
    told = f"{workplace}/run: already finished, nothing was run; pass --again to run it again"
    assert second.splitlines() == [*first.splitlines(), told]
    assert "already finished" not in said("--again")


def test_what_is_absent_is_named_with_the_file_that_was_looked_for():
    row = {"benchmark": "h36m_fcn_3D", "split": "test", "missing": "poses/a.npz"}
    assert absent_lines([row]) == ["h36m_fcn_3D: absent, looked for poses/a.npz"]


def test_sequences_too_short_for_a_band_are_told_once():
    rows = [{"benchmark": "b", "too_short": [3, 1, 0]}] * 2 + [{"benchmark": "old"}]
    assert short_lines(rows) == [
        "b: 3 sequences are too short for the gain 0.5-1.5 Hz", "b: 1 sequence is too short for the gain 1.5-3 Hz",
    ]  # fmt: skip


def test_who_is_steady_because_nothing_moves_is_told():
    given = {"gain": [0.9, 0.8, None], "own_acceleration": 20.0}
    kept, lost = ({"gain": [0.8, share, None], "own_acceleration": own} for share, own in ((0.7, 1.5), (0.4, 0.5)))
    about = {"benchmark": "b", "window": 8, "stride": 2, "input": given}
    filters = [
        {"benchmark": "b", "filter": name, "parameters": {}, "tuned_on": on, "output": output}
        for name, on, output in (("gaussian", "b", kept), ("one_euro", None, lost))
    ]
    said = (
        "flattens: it left 40% of the true movement between 1.5 and 3 Hz (of 80% put in) and accelerates 0.50 times as "
    )
    said += "much as the truth"
    lines = flattening_lines({"rows": [about | {"output": lost}], "filters": filters})
    assert lines == [f"b: SmoothNet (window 8, stride 2) {said}", f"b: One-Euro (as released) {said}"]
    old = {"mpjpe": 1.0}
    assert flattening_lines({"rows": [about | {"input": old, "output": old}], "filters": []}) == []
