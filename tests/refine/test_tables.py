from refine.tables import benchmark_table, filter_table, parameters, unit, write_tables

FIGURES = {"mpjpe": 50.0, "accel": 20.0}


def row(**more):
    worst = {"share": 0.01, "frames": 3, "input": FIGURES, "output": FIGURES}
    return {
        "benchmark": "b", "unit": "mm", "window": 32, "stride": 1, "input": FIGURES,
        "output": {"mpjpe": 45.0, "accel": 2.0}, "worst": worst, "published": None, **more,
    }  # fmt: skip


def test_the_difference_is_ours_less_theirs():
    published = {"model": "m", "input": {"mpjpe": 51.0}, "output": {"mpjpe": 44.5}}
    table = benchmark_table([row(published=published)])
    [mpjpe, accel] = [dict(zip([c.label for c in table.columns], cells, strict=True)) for cells in table.rows]
    assert (mpjpe["difference"], mpjpe["published with"], mpjpe["metric"]) == (0.5, "m", "MPJPE, mm")
    assert (accel["difference"], accel["published output"]) == (None, None)


def test_filters_go_by_their_labels_and_those_that_are_not_installed_by_their_names():
    given = [
        {"benchmark": "b", "unit": "mm", "filter": name, "parameters": {}, "tuned_on": None, "output": FIGURES}
        for name in ("savitzky_golay", "butterworth", "somebodys")
    ]
    lines = filter_table(given, [row()]).rows
    assert [line[1] for line in lines] == ["input", "SmoothNet", "Savitzky-Golay", "Butterworth", "somebodys"]


def test_parameters_are_written_with_their_units():
    assert (
        parameters({"sigma_s": 0.05, "order": 2, "min_cutoff_hz": 1.25}) == "sigma 0.05 s, order 2, min cutoff 1.25 Hz"
    )


def test_units():
    assert [unit(name, row()) for name in ("mpjpe", "accel", "pck_05")] == ["mm", "mm/frame²", "%"]


def test_each_table_is_three_files(tmp_path):
    write_tables([benchmark_table([row()])], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["benchmarks.csv", "benchmarks.json", "benchmarks.md"]
