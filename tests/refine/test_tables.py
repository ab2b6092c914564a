from refine.tables import all_tables, benchmark_table, filter_table, known_table, parameters, unit, write_tables

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


LEFT = {"gain": [0.5, None, -0.001], "own_acceleration": 0.25, "clean_error": 3.0}
KNOWN = {"gesture_peak": 0.4, "noisy_gesture_peak": 0.375, "travel_error": 0.00012}


def test_what_is_left_of_the_movement_stands_beside_accel():
    full = row(input={**FIGURES, "gain": [0.9, None, 0.8], "own_acceleration": 9.0, "clean_error": 0.0})
    full["output"] = {**full["output"], **LEFT}
    lines = {cells[4]: (cells[5], cells[6]) for cells in benchmark_table([full]).rows}
    gains = ["gain 0.5-1.5 Hz", "gain 1.5-3 Hz", "gain 3-6 Hz"]
    assert list(lines)[1:] == ["Accel, mm/frame²", *gains, "own acceleration / truth's", "clean error, mm"]
    assert lines["gain 0.5-1.5 Hz"] == (0.9, 0.5)
    assert lines["gain 1.5-3 Hz"] == (None, None)
    given = {"benchmark": "b", "unit": "mm", "filter": "gaussian", "parameters": {}, "tuned_on": None, "output": LEFT}
    table = filter_table([given], [full])
    shown = dict(zip([column.label for column in table.columns], table.text()[-1], strict=True))
    assert (shown["gain 0.5-1.5 Hz"], shown["gain 1.5-3 Hz"], shown["gain 3-6 Hz"]) == ("0.50", "–", "0.00")
    assert (shown["own acceleration / truth's"], shown["clean error"], shown["MPJPE"]) == ("0.25", "3.00", "–")


def test_known_movements_are_told_once_for_each_method():
    rows = [row(known=KNOWN, stride=stride, benchmark=name) for stride in (1, 4) for name in ("b", "c")]
    given = {"filter": "gaussian", "parameters": {"sigma_s": 0.1}, "known": KNOWN}
    assert known_table([*rows, given, given]).text() == [
        ["SmoothNet", "window 32", "0.40", "0.38", "0.00"],
        ["Gaussian", "sigma 0.1 s", "0.40", "0.38", "0.00"],
    ]
    # Results of an earlier version know of none.
    assert [table.name for table in all_tables({"rows": [row()], "filters": []})] == ["benchmarks", "worst"]


def test_parameters_are_written_with_their_units():
    assert (
        parameters({"sigma_s": 0.05, "order": 2, "min_cutoff_hz": 1.25}) == "sigma 0.05 s, order 2, min cutoff 1.25 Hz"
    )


def test_units():
    names = ("mpjpe", "accel", "pck_05", "gain_0.5_1.5", "own_acceleration", "clean_error")
    assert [unit(name, row()) for name in names] == ["mm", "mm/frame²", "%", "", "", "mm"]


def test_each_table_is_three_files(tmp_path):
    write_tables([benchmark_table([row()])], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["benchmarks.csv", "benchmarks.json", "benchmarks.md"]
