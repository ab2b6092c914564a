import numpy as np
import pytest

from data.skeletons.layouts import NTU25
from recognition.config import RecognizeConfig
from recognition.terminal import print_explanation, print_predictions, print_results
from recognition.use.explain import Explained
from recognition.use.explain_report import Explanation
from recognition.use.predict import Prediction

ACCURACIES = {"top1": 81.518, "top5": 96.5, "mean_class_accuracy": 80.004}
RESULTS = {"split": "xsub", "classes": 60, "train_clips": 39000, "test_clips": 16487, "seconds": 12.34, **ACCURACIES}


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")


def cells(text):
    """The words of each line, without the frame of a table."""
    return ["".join(c if c.isprintable() and not "\u2500" <= c <= "\u257f" else " " for c in line).split()
            for line in text.splitlines()]  # fmt: skip


def test_results_of_a_run_and_the_files_that_are_there(tmp_path, capsys):
    config = RecognizeConfig.model_validate({"run": {"dir": tmp_path}, "data": {"store": "ntu60"}})
    print_results(RESULTS, config)
    told = capsys.readouterr().out
    assert "ntu60 (xsub), 60 classes" in told
    assert ["39000", "16487", "81.52", "96.50", "80.00", "12.3"] in cells(told)
    assert "trained recogniser" not in told
    assert told.endswith(f"results, scores and confusion matrix: {tmp_path}\n")


def test_intervals_are_told_in_the_order_of_the_figures(tmp_path, capsys):
    config = RecognizeConfig.model_validate({"run": {"dir": tmp_path}, "data": {"store": "ntu60"}})
    ends = {"top1": [80.92, 82.1], "top5": [96.2, 96.8], "mean_class_accuracy": [79.4, 80.6]}
    over = {"intervals": ends, "test_subjects": 20, "intervals_over_subjects": {key: [70.0, 90.0] for key in ends}}
    print_results({**RESULTS, **over, "ensembles": {}, "streams": {"bone": {**ACCURACIES, "intervals": ends}}}, config)
    told = capsys.readouterr().out
    said = "top-1 80.9 to 82.1, top-5 96.2 to 96.8, mean class 79.4 to 80.6"
    assert f"95% interval over the 16487 test clips: {said}" in told.splitlines()
    said = "top-1 70.0 to 90.0, top-5 70.0 to 90.0, mean class 70.0 to 90.0"
    assert f"95% interval over the 20 people in them: {said}" in told.splitlines()
    assert "81.52 (80.9 to 82.1)" in told


def test_results_of_streams_are_told_one_by_one(tmp_path, capsys):
    (tmp_path / "bone/checkpoints").mkdir(parents=True)
    (tmp_path / "bone/checkpoints/best.pt").touch()
    config = RecognizeConfig.model_validate({"run": {"dir": tmp_path}, "data": {"store": "ntu60"}})
    parts = {"streams": {"joint": ACCURACIES, "bone": {**ACCURACIES, "top1": 7.0}}, "ensembles": {"two": ACCURACIES}}
    print_results({**RESULTS, **parts}, config)
    told = capsys.readouterr().out
    for row in (["joint", "81.52"], ["bone", "7.00"], ["two", "81.52"]):
        assert [*row, "96.50", "80.00"] in cells(told)
    recognisers = [line for line in told.splitlines() if line.startswith("trained")]
    assert recognisers == [f"trained recogniser: {tmp_path / 'bone/checkpoints/best.pt'}"]


def test_the_five_joints_that_matter_most_the_first_most_so(tmp_path, capsys):
    importance = np.zeros((2, 4, 25), np.float32)
    importance[:, :, :6] = np.array([1, 6, 2, 5, 3, 4]) / 8  # 21 in all, of which each has its share
    found = Explained("wave\nhand", 23, 0.876, np.arange(4), importance)
    print_explanation(Explanation(found, "hand waving", NTU25), tmp_path / "why.png")
    first, second = capsys.readouterr().out.splitlines()
    shares = {1: 29, 3: 24, 5: 19, 4: 14, 2: 10}  # 6 / 21, 5 / 21, ... in percent
    most = ", ".join(f"{NTU25.joints[joint]} {percent}%" for joint, percent in shares.items())
    assert first.endswith(f": hand waving (88%) rests most on {most}")
    assert second == f"{tmp_path / 'why.png'} and {tmp_path / 'why.csv'}"


@pytest.mark.parametrize(("count", "more"), [(1, None), (40, None), (43, "and 3 more")])
def test_forty_clips_of_any_name_are_shown(tmp_path, capsys, count, more):
    found = [Prediction(f"[b]{number}[/b]", (23, 1), ("wave", "drink"), (0.756, 0.244)) for number in range(count)]
    print_predictions(found, tmp_path / "out.csv")
    told = capsys.readouterr().out
    rows = [row for row in cells(told) if row and row[0].startswith("[b]")]
    assert rows == [[f"[b]{number}[/b]", "wave", "76", "drink", "24"] for number in range(min(count, 40))]
    assert (more in told.splitlines()) if more else ("more" not in told)
    assert told.splitlines()[-1] == f"{count} clip{'s' * (count > 1)}: {tmp_path / 'out.csv'}"
