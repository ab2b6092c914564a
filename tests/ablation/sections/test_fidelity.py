import pytest

from ablation.fidelity import ArmFidelity, StudyFidelity, find_fidelity
from ablation.page.report import tell
from ablation.sections.fidelity import _caveats, _draw, _known, _notes, _tables, _values


def study_of(make, arms, truth=True, **more):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    raw = arms["raw"].shares
    return make.knowing(study, {find_fidelity: StudyFidelity(arms, truth, raw, 9, **more)})


def test_the_figure_shows_each_arm_in_each_band_that_there_is(make):
    arms = {"raw": ArmFidelity((0.9, 0.8, None)), "refined": ArmFidelity((0.75, 0.1, None), flattens=True)}
    study = study_of(make, arms, short=(2, 0, 9))
    found = study.get(find_fidelity)
    [drawing] = _draw(study, found)
    [axes] = drawing.figure.axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.5-1.5 Hz", "1.5-3 Hz"]
    drawn = {line.get_label(): list(line.get_ydata()) for line in axes.lines if line.get_label()[0] != "_"}
    assert drawn == {"raw": [0.9, 0.8], "SmoothNet": [0.75, 0.1], "noise-free": [1, 1]}
    dotted = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == ":"]
    assert dotted == pytest.approx([0.72, 0.64])
    assert "SmoothNet 0.75, 0.10" in drawing.alternative
    said = " ".join(_caveats(study, found))
    assert "2 of 9 tracks are too short for a period at 0.5 Hz" in said
    assert "There is no gain at 3-6 Hz" in said
    assert _values(study, found)["flattening"] == [
        "SmoothNet left 10% of the true movement between 1.5 and 3 Hz (of 80% put in)."
    ]
    assert _notes(study, found)["fidelity"]["too_short"] == [2, 0, 9]


def test_without_any_band_there_is_no_figure(make):
    arms = {arm: ArmFidelity((None, None, None)) for arm in ("raw", "refined")}
    study = study_of(make, arms, short=(9, 9, 9))
    assert _draw(study, study.get(find_fidelity)) == []
    assert _tables(study, study.get(find_fidelity)) == []
    assert len(_caveats(study, study.get(find_fidelity))) == 4


def test_without_truth_what_is_kept_is_called_so_and_is_no_verdict(make):
    arms = {
        "raw": ArmFidelity(kept_of_raw=(1.0, 1.0), gesture_peak=0.5, noisy_gesture_peak=0.48, travel_error=0.0),
        "refined": ArmFidelity(kept_of_raw=(0.6, 0.3), gesture_peak=0.1, noisy_gesture_peak=0.09, travel_error=0.01),
    }
    study = study_of(make, arms, truth=False, short=(0, 0))
    told = {table.name: table for one in tell(study) for table in one.tables}
    labels = [column.label for column in told["poses"].columns]
    assert "kept of raw 1.5-3 Hz" in labels
    assert not any("gain" in label or "clean" in label for label in labels)
    assert told["poses"].text()[1][-2:] == ["0.60", "0.30"]
    assert told["known_movements"].text() == [["raw", "0.50", "0.48", "0.00"], ["SmoothNet", "0.10", "0.09", "0.01"]]
    assert "not whether that is movement or noise" in _caveats(study, study.get(find_fidelity))[0]
    [drawing] = _draw(study, study.get(find_fidelity))
    assert drawing.figure.axes[0].get_ylabel() == "kept of raw"


def test_a_study_without_skeletons_has_no_such_section(make):
    study = make.knowing(make.study({"raw": 0, "refined": 0.1}, clips=96), {find_fidelity: StudyFidelity()})
    assert _known(study) is None
    assert _notes(study, None) == {"fidelity": None}
