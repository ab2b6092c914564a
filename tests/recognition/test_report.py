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


def test_the_figure_shows_percent_of_each_true_class_and_0_where_there_is_none():
    axes = draw_confusion(np.array([[2, 1, 1], [0, 0, 0], [0, 3, 1]]), ["drink", "=1+1", "wave"]).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), [[50, 25, 25], [0, 0, 0], [0, 75, 25]])
    assert axes.images[0].get_clim() == (0, 100)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["drink", "=1+1", "wave"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")  # rows are the true ones
