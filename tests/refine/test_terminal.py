import run
from refine.terminal import absent_lines


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
