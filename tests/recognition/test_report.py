import numpy as np

from recognition.report import confusion, draw_confusion, write_confusion

LABEL = np.array([0, 0, 0, 1, 2, 6])
SCORES = np.eye(7)[[0, 0, 3, 1, 6, 6]] + 0.01 * np.arange(7)[::-1]


def test_confusion(tmp_path):
    counts = confusion(LABEL, SCORES)
    assert counts.sum() == 6
    assert counts[0, 3] == 1
    assert counts[2, 6] == 1
    write_confusion(tmp_path / "confusion.csv", counts, [f"A{index + 1:03d}" for index in range(7)])
    lines = (tmp_path / "confusion.csv").read_text().splitlines()
    assert lines[0] == "true,A001,A002,A003,A004,A005,A006,A007"
    assert lines[1] == "A001,2,0,0,1,0,0,0"
    assert draw_confusion(counts, [str(index) for index in range(7)]).axes
