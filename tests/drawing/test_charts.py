import numpy as np
import pytest
from matplotlib.figure import Figure

from base.errors import InputError
from drawing import charts as figures
from drawing.charts import (
    FrameCurves,
    Left,
    TradeOff,
    colours_of,
    draw_curves,
    draw_left,
    frame_points,
    plot_errors,
    plot_trade_off,
    plot_transfer,
    upper_limit,
)
from tests.drawing.samples import curves, has_colour, pixels


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn, in place of their files."""
    kept = []
    monkeypatch.setattr(figures, "save", lambda figure, path: kept.append(figure))
    return kept


# Errors per frame.


def test_accelerations_belong_to_the_middle_of_their_three_frames():
    curve = FrameCurves(np.array([1.0, 2, 3, 4]), np.array([7.0, 8]))
    np.testing.assert_array_equal(frame_points(curve, 0, first_frame=10), [[10, 11, 12, 13], [1, 2, 3, 4]])
    np.testing.assert_array_equal(frame_points(curve, 1, first_frame=10), [[11, 12], [7, 8]])


def test_plain_pairs_of_a_short_sequence_are_curves():
    assert frame_points((np.ones(2), np.ones(0)), 1).shape == (2, 0)
    with pytest.raises(ValueError, match="4 frames have 2 accelerations, not 4"):
        frame_points((np.ones(4), np.ones(4)), 1)


def test_one_wild_frame_is_marked_at_the_edge_and_does_not_flatten_the_rest():
    values = np.full(200, 10.0)
    values[50] = 1e6
    axes = Figure().add_subplot()
    draw_curves(axes, {"raw": np.stack([np.arange(200), values])})
    assert axes.get_ylim()[1] == pytest.approx(13)
    (marks,) = [line for line in axes.lines if line.get_marker() == "^" and len(line.get_xdata())]
    np.testing.assert_array_equal(marks.get_xdata(), [50])
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == [f"raw (mean {values.mean():.1f})", "1 frame above 13.0"]


def test_nothing_is_cut_off_where_large_values_are_common():
    values = np.r_[np.full(90, 10.0), np.full(10, 100.0)]
    assert upper_limit([values]) > 100
    assert upper_limit([np.zeros(5)]) > 0
    assert upper_limit([np.full(5, np.nan)]) > 0


def test_frames_that_cannot_be_scored_are_gaps_and_single_frames_between_them_are_dots():
    values = np.array([1, 2, np.nan, 3, np.nan, 4, 5])
    axes = Figure().add_subplot()
    draw_curves(axes, {"raw": np.stack([np.arange(7), values]), "refined": np.stack([np.arange(7), values * np.nan])})
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), values)
    (dots, _) = [line for line in axes.lines if line.get_marker() == "."]
    np.testing.assert_array_equal(dots.get_xdata(), [3])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["raw (mean 3)", "refined (not scored)"]


def test_errors_are_drawn_in_the_colours_of_their_labels(tmp_path, rng):
    plot_errors(tmp_path / "errors.png", curves(rng), "mm", fps=50, title="a sequence of $5 and $6")
    image = pixels(tmp_path / "errors.png")
    assert all(has_colour(image, colours_of({label: 0})[label]) for label in ("raw", "refined"))


def test_a_sequence_of_two_frames_has_no_acceleration_to_draw(tmp_path):
    plot_errors(tmp_path / "short.png", {"raw": (np.ones(2), np.ones(0))}, "mm", fps=50)
    assert pixels(tmp_path / "short.png").size


@pytest.mark.parametrize(("ending", "start"), [("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_equal_vector_figures_are_equal_bytes(tmp_path, rng, ending, start):
    drawn = curves(rng)
    for name in ("a", "b"):
        plot_errors(tmp_path / f"{name}.{ending}", drawn, "mm", fps=50)
    first, second = ((tmp_path / f"{name}.{ending}").read_bytes() for name in ("a", "b"))
    assert first.startswith(start)
    assert first == second


def test_an_unknown_format_is_refused_and_nothing_is_left(tmp_path, rng):
    with pytest.raises(InputError, match=r"errors\.jpeg2: figures end in \.png, \.pdf, \.svg, not \.jpeg2"):
        plot_errors(tmp_path / "errors.jpeg2", curves(rng), "mm", fps=50)
    assert list(tmp_path.iterdir()) == []


def test_labels_without_a_known_name_get_colours_of_their_own():
    colours = colours_of(dict.fromkeys(("raw", "refined", "window 8", "window 16", "Ground-Truth")))
    assert len(set(colours.values())) == 5


# Ablation and transfer.


def test_a_trade_off_has_the_stride_at_every_marker(tmp_path, rng, drawn):
    points = [
        TradeOff(kind, window, stride, 1000.0 * stride / window, 70 + rng.uniform(), 1 + rng.uniform())
        for kind in ("basic", "motion-aware")
        for window in (8, 32)
        for stride in (1, 2, 4)
    ]
    plot_trade_off(tmp_path / "t.png", points, "mm", (73.9, 29.7))
    (figure,) = drawn
    for axes, name, note in zip(
        figure.axes, ("mpjpe", "accel"), ("input: 73.9", "input: 29.7, off the scale ↑"), strict=True
    ):
        written = {(text.xy, text.get_text()) for text in axes.texts}
        expected = {((p.frames_per_second, getattr(p, name)), str(p.stride)) for p in points}
        assert expected <= written
        assert note in {text for _, text in written}
        markers = {tuple(xy) for line in axes.lines if line.get_marker() != "None" for xy in line.get_xydata()}
        assert markers == {place for place, _ in expected}
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {
        "window 8", "window 32", "basic", "motion-aware"
    }  # fmt: skip


def test_a_trade_off_of_one_point(tmp_path):
    plot_trade_off(tmp_path / "one.png", [TradeOff("basic", 8, 1, 10.0, 70.0, 1.0)], "mm", (np.nan, 1.0))
    assert pixels(tmp_path / "one.png").size


def test_a_trade_off_needs_points_that_have_a_speed(tmp_path):
    with pytest.raises(InputError, match="no points"):
        plot_trade_off(tmp_path / "t.png", [], "mm")
    with pytest.raises(InputError, match="a speed above zero is needed"):
        plot_trade_off(tmp_path / "t.png", [TradeOff("basic", 8, 1, 0.0, 1, 1)], "mm")


def test_a_transfer_matrix_writes_its_values_and_says_where_there_is_no_data(tmp_path, drawn):
    changes = {"MPJPE": np.array([[-3.26, 12.5], [np.nan, 0.04]]), "Accel": np.array([[-95.0, 140.4], [np.nan, -80]])}
    plot_transfer(tmp_path / "t.png", changes, ["a_3D", "b_3D"], ["a_3D", "c_2D"])
    panels = {axes.get_title(): [text.get_text() for text in axes.texts] for axes in drawn[0].axes if axes.get_title()}
    assert panels == {
        "MPJPE, change in %": ["−3.3", "+12.5", "no data", "+0.0"],
        "Accel, change in %": ["−95.0", "+140", "no data", "−80.0"],
    }


def test_better_is_blue_and_worse_is_red(tmp_path):
    plot_transfer(tmp_path / "t.png", {"MPJPE": np.array([[-5.0, 5.0]])}, ["a"], ["b", "c"])
    red, _, blue = pixels(tmp_path / "t.png").transpose(2, 0, 1)
    columns = [np.flatnonzero((x > y + 60).any(0)).min() for x, y in ((blue, red), (red, blue))]
    assert columns[0] < columns[1]


def test_a_transfer_matrix_without_data_or_of_another_size(tmp_path):
    plot_transfer(tmp_path / "t.png", {"MPJPE": np.full((1, 7), np.nan)}, ["a"], list("bcdefgh"))
    assert pixels(tmp_path / "t.png").size
    with pytest.raises(ValueError, match="MPJPE"):
        plot_transfer(tmp_path / "t.png", {"MPJPE": np.zeros((2, 2))}, ["a"], ["b", "c"])


# What is left of the movement.


def test_a_bar_for_each_band_that_there_is():
    axes = Figure().add_subplot()
    left = Left("gain", ["slow", "none", "fast"], {"raw": [0.9, None, 1.3], "refined": [0.5, float("nan"), -0.1]})
    draw_left(axes, left, {"raw": "#111111", "refined": "#222222"})
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["slow", "fast"]
    assert [bar.get_height() for bar in axes.patches] == [0.9, 1.3, 0.5, -0.1]
    assert [text.get_text() for text in axes.texts] == ["0.90", "1.30", "0.50", "-0.10"]
    low, high = axes.get_ylim()
    assert low < -0.09
    assert high > 1.3


def test_a_clip_that_is_too_short_for_any_band_says_so():
    axes = Figure().add_subplot()
    draw_left(axes, Left("kept of raw", ["slow"], {"refined": [None]}), {"refined": "#222222"})
    assert [text.get_text() for text in axes.texts] == ["too short for any band"]
    assert len(axes.patches) == 0


def test_the_errors_of_a_sequence_stand_above_what_is_left_of_its_movement(drawn, rng, tmp_path):
    both = curves(rng)
    plot_errors(tmp_path / "a.png", both, "mm", 30, left=Left("gain", ["slow"], dict.fromkeys(both, (0.5,))))
    [figure] = drawn
    assert [axes.get_ylabel() for axes in figure.axes] == ["gain", "MPJPE, mm", "Accel, mm/frame²"]


@pytest.mark.parametrize(("gain", "panels"), [(0.4, 3), (float("nan"), 2)])
def test_the_gain_has_a_panel_where_it_is_known(drawn, tmp_path, gain, panels):
    points = [TradeOff("basic", 8, stride, 100.0 * stride, 50.0, 3.0, gain) for stride in (1, 4)]
    plot_trade_off(tmp_path / "a.png", points, "mm", (60.0, 9.0, gain))
    [figure] = drawn
    assert len(figure.axes) == panels
    if panels == 3:
        assert figure.axes[2].get_ylabel() == "gain between 1.5 and 3 Hz"
        assert [line.get_ydata().tolist() for line in figure.axes[2].lines[:1]] == [[0.4, 0.4]]


def test_less_gain_is_red_and_less_error_is_blue(drawn, tmp_path):
    plot_transfer(tmp_path / "a.png", dict.fromkeys(("MPJPE", "gain 1.5-3 Hz"), np.array([[-40.0]])), ["a"], ["b"])
    [figure] = drawn
    blue, red = (axes.images[0].cmap(axes.images[0].norm(-40.0)) for axes in figure.axes[:2])
    assert blue[2] > blue[0]
    assert red[0] > red[2]
