import pytest

from refine import stage
from refine.stage import is_finished, refine

ALONE = ("apply.input=null", "apply.output=null")


def test_with_a_section_compare_several_are_run_and_else_one(configured, monkeypatch):
    monkeypatch.setattr(stage, "run_refiner", lambda config, again: ("one", again))
    monkeypatch.setattr(stage, "compare_refiners", lambda config, again: ("several", again))
    assert refine(configured(), again=True) == ("one", True)
    assert refine(configured(*ALONE, "compare.window=[8, 16]")) == ("several", False)


@pytest.mark.parametrize("lost", ["results.json", "../refined"])
def test_a_run_is_finished_with_its_results_and_its_store(workplace, configured, lost):
    config = configured()
    assert not is_finished(config)
    for path in (workplace / "run/results.json", workplace / "refined"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert is_finished(config)
    (workplace / "run" / lost).unlink()
    assert not is_finished(config)
