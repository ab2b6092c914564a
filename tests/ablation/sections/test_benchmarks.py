from ablation.sections.benchmarks import _table, find_benchmarks


def test_filters_stand_beside_the_refiner_on_their_own_benchmark(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    found = study.get(find_benchmarks)
    other = {**found["filters"][0], "benchmark": "h36m_fcn_3D"}
    table = _table(study, {**found, "filters": [*found["filters"], other]})
    assert table.text() == [
        ["ntusim_kinect_3D (test)", "input", "50.30", "40.20", "21.90", "mm"],
        ["ntusim_kinect_3D (test)", "SmoothNet, window 32", "45.10", "37.00", "3.10", "mm"],
        ["ntusim_kinect_3D (test)", "Gaussian (sigma 0.053 s)", "47.10", "38.20", "–", "mm"],
    ]


def test_a_study_without_a_refiner_has_no_benchmarks(make):
    study = make.knowing(make.study({"raw": 0, "gaussian": 0.1}, clips=96, resamples=100))
    assert find_benchmarks(study) is None
