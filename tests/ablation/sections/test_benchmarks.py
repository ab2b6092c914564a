from ablation.sections.benchmarks import _table, find_benchmarks


def test_filters_stand_beside_the_refiner_on_their_own_benchmark(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    found = study.get(find_benchmarks)
    other = {**found["filters"][0], "benchmark": "h36m_fcn_3D"}
    table = _table(study, {**found, "filters": [*found["filters"], other]})
    assert table.text() == [
        ["ntusim_kinect_3D (test)", "input", "50.30", "40.20", "21.90", *["–"] * 5, "mm"],
        ["ntusim_kinect_3D (test)", "SmoothNet, window 32", "45.10", "37.00", "3.10", *["–"] * 5, "mm"],
        ["ntusim_kinect_3D (test)", "Gaussian (sigma 0.053 s)", "47.10", "38.20", "–", *["–"] * 5, "mm"],
    ]


def test_a_study_without_a_refiner_has_no_benchmarks(make):
    study = make.knowing(make.study({"raw": 0, "gaussian": 0.1}, clips=96, resamples=100))
    assert find_benchmarks(study) is None


def test_what_is_left_of_the_movement_stands_beside_accel(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    found = study.get(find_benchmarks)
    row = found["rows"][0]
    left = {"gain": [0.5, 0.25, None], "own_acceleration": 1.5, "clean_error": 11.0}
    table = _table(study, {"rows": [{**row, "output": {**row["output"], **left}}]})
    shown = dict(zip([column.label for column in table.columns], table.text()[1], strict=True))
    gains = [shown[f"gain {band} Hz"] for band in ("0.5-1.5", "1.5-3", "3-6")]
    assert gains == ["0.50", "0.25", "–"]
    assert (shown["acceleration / truth's"], shown["clean error"]) == ("1.50", "11.00")
