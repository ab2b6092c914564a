from ablation.page.report import tell
from ablation.sections.comparisons import _caveats, _notes, _table
from ablation.verdict import judge


def test_repaired_and_broken_clips_are_counted(make):
    study = make.study({"raw": 0, "refined": 0.1, "gaussian": 0.02}, resamples=100)
    verdict = study.get(judge)
    table = _table(study, verdict)
    labels = [column.label for column in table.columns]
    right = {}
    for arm, scores in study.arms.items():
        guess = scores.score.mean(0).argmax(1)
        right[arm] = {name for name, ok in zip(scores.clip, guess == scores.label, strict=True) if ok}
    first = dict(zip(labels, table.rows[0], strict=True))
    assert first["comparison"] == "SmoothNet against raw"
    assert first["repaired"] == len(right["refined"] - right["raw"])
    assert first["broken"] == len(right["raw"] - right["refined"])
    # the comparison with the best filter is not among those that Holm's method corrects for
    last = dict(zip(labels, table.rows[-1], strict=True))
    assert last["comparison"] == "SmoothNet against Gaussian"
    assert last["Holm p"] is None
    assert len(_caveats(study, verdict)) == 2
    assert _notes(study, verdict)["best_filter"]["against"] == "gaussian"


def test_one_comparison_needs_no_word_on_many(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    assert _caveats(study, study.get(judge)) == []
    assert "difference" in {drawing.name for one in tell(study) for drawing in one.drawings}
