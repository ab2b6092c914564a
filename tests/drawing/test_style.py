from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from drawing.style import INK, METHODS, MUTED, STYLE


def contrast(colour, paper="#ffffff"):
    """WCAG 2.1's contrast ratio, of its relative luminance in sRGB."""

    def luminance(name):
        c = np.array(to_rgb(name))
        return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    lighter, darker = sorted((luminance(colour), luminance(paper)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_texts_and_skeletons_can_be_told_from_the_paper():
    """WCAG 2.1, success criteria 1.4.3 and 1.4.11: 4.5 to 1 for text, 3 to 1 for graphics."""
    assert contrast("#000000") == pytest.approx(21)
    for colour in (INK, MUTED):
        assert contrast(colour) >= 4.5
    for colour in METHODS.values():
        assert contrast(colour) >= 3


def test_kinds_of_skeletons_can_be_told_apart():
    assert set(METHODS) == {"raw", "refined", "truth"}
    for one, other in combinations(METHODS.values(), 2):
        assert np.abs(np.subtract(to_rgb(one), to_rgb(other))).max() > 0.25


def test_the_settings_are_ones_that_matplotlib_knows_and_change_nothing_for_others():
    before = dict(mpl.rcParams)
    with mpl.rc_context(STYLE):
        axes = Figure().add_subplot()
        axes.set_title("a")
    assert dict(mpl.rcParams) == before
    assert [axes.spines[side].get_visible() for side in ("left", "bottom", "top", "right")] == [
        True,
        True,
        False,
        False,
    ]
    assert axes.title.get_color() == INK
    assert axes.title.get_fontsize() == 9.5
