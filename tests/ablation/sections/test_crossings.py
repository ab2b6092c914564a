import json

import numpy as np

from ablation.sections.crossings import _notes, _table
from ablation.statistics import Crossing


def test_severities_without_end_are_said_in_words(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100, grid=True)
    found = [
        Crossing("refined", 1.26, (-np.inf, np.inf)),
        Crossing("refined", np.inf, None),
    ]
    table = _table(study, found)
    assert table.text() == [["SmoothNet", "1.3", "any to none up to 4"], ["SmoothNet", "none up to 4", "–"]]
    assert "–: no interval is given" in table.caption
    notes = json.loads(json.dumps(_notes(study, found)))["crossings"]
    assert notes[0] == {"arm": "refined", "severity": "1.26", "interval": ["-inf", "inf"]}
    assert _notes(study, None) == {"crossings": []}
