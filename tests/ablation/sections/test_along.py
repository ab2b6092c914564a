from ablation.page.report import tell
from ablation.verdict import along


def test_lines_are_drawn_of_what_the_grid_varies(make):
    gains = {"raw": 0, "refined": 0.1}
    for grid in (True, False):
        study = make.study(gains, clips=96, resamples=100, grid=grid)
        drawn = {drawing.name for one in tell(study) for drawing in one.drawings}
        assert ({"severity", "share"} <= drawn) == grid
        assert bool({"severity", "share", "conditions"} & drawn) == grid


def test_rows_ascend_along_an_axis(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100, grid=True)
    for arm in ("raw", "refined"):
        assert [row.condition.severity for row in along(study, "severity")[arm]] == [0, 1, 2, 4]
        assert [row.condition.share for row in along(study, "share")[arm]] == [0.5, 1]
    assert along(study, "split") == {}
