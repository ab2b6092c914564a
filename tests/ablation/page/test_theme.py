import re
from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from ablation.page.theme import ARMS, FILTER_COLOURS, OWN, PAPER, as_svg, colour_of, look_of, themed_svg, tip
from drawing.charts import KNOWN_COLOURS, OTHER_COLOURS
from drawing.player import page_styles
from drawing.style import INK

SEEN_BY = {
    "all cones": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}
"""Machado, Oliveira and Fernandes, IEEE TVCG 15(6), 2009: linear RGB as it is seen, severity 1."""


def linear(colour):
    return np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)])


def lab(rgb):
    """CIELAB of linear sRGB, white D65."""
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    x, y, z = (
        np.cbrt(c) if c > (6 / 29) ** 3 else c / (3 * (6 / 29) ** 2) + 4 / 29
        for c in to_xyz @ np.clip(rgb, 0, 1) / to_xyz.sum(1)
    )
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def apart(one, other):
    """The least CIE76 difference of two colours, whoever looks at them."""
    return min(
        float(np.linalg.norm(lab(seen @ linear(one)) - lab(seen @ linear(other))))
        for seen in map(np.array, SEEN_BY.values())
    )


def on_paper(theme):
    """The colours of arms by name, as the page has them on light (0) or dark (1) paper."""
    found = [
        dict(re.findall(r"--arm-([\w-]+): (#\w{6});", part))
        for part in page_styles().split("@media screen and (prefers")[:2]
    ]
    return found[theme] | {name: colours[theme] for name, colours in FILTER_COLOURS.items() if colours}


def test_the_measure_is_that_of_others():
    """Before, raw and Gaussian were 1.8 apart for protanopes; CIELAB of sRGB's red is well known."""
    assert apart("#6d7888", "#0e7f8c") == pytest.approx(1.8, abs=0.05)
    np.testing.assert_allclose(lab(linear("#ff0000")), (53.24, 80.09, 67.20), atol=0.05)


@pytest.mark.parametrize(("theme", "paper"), [(0, PAPER), (1, "#1a2129")])
def test_colours_are_apart_for_the_colour_blind_and_can_be_read(theme, paper):
    colours = on_paper(theme)
    assert len(colours) == len(ARMS) + len(OWN)
    assert min(apart(*pair) for pair in combinations(colours.values(), 2)) >= 12
    usual = [colours[name] for name in ("raw", "refined", "oracle", "gaussian", "own-1", "own-2")]
    assert min(apart(*pair) for pair in combinations(usual, 2)) >= 19
    weights = np.array([0.2126, 0.7152, 0.0722])
    for colour in colours.values():
        light, dark = sorted((float(weights @ linear(one)) + 0.05 for one in (colour, paper)), reverse=True)
        assert light / dark >= 4.5


def test_drawings_use_the_colours_of_light_paper():
    light = on_paper(0)
    assert {to_hex(colour) for colour in (*ARMS.values(), *OWN)} == set(light.values())
    charts = {*KNOWN_COLOURS.values(), *OTHER_COLOURS}
    assert min(apart(*pair) for pair in combinations(charts, 2)) >= 12


def test_no_two_arms_share_marker_and_dash(make):
    gains = dict.fromkeys(("raw", "first", "second", "third", "gaussian", "one_euro", "savitzky_golay", "oracle"), 0.0)
    study = make.study(gains, clips=96, resamples=100)
    looks = [look_of(study, arm) for arm in gains]
    assert len({(look["marker"], look["linestyle"]) for look in looks}) == len(looks)
    assert len({look["marker"] for look in looks[:7]}) == 7


def test_arms_keep_their_colours_and_own_ones_follow_each_other(make):
    study = make.study({"raw": 0, "first": 0.1, "second": 0.1, "gaussian": 0}, clips=96, resamples=100)
    colours = [colour_of(study, arm) for arm in ("raw", "first", "second", "gaussian", "absent")]
    assert colours == [ARMS["raw"], OWN[0], OWN[1], ARMS["gaussian"], INK]


def test_drawings_have_ids_of_their_own_and_tips():
    figure = Figure()
    axes = figure.add_subplot(facecolor="none")  # as in the style of the report
    axes.plot([0, 1], color=ARMS["raw"])
    tip(axes, 0.5, 0.5, 'a <b> & "c"')
    text = themed_svg(as_svg(figure), "one")
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert ids
    assert all(name.startswith("one-") for name in ids)
    assert "var(--arm-raw)" in text
    assert "fill: #ffffff" not in text, "it brings paper of its own"
    assert "<title>a &lt;b&gt; &amp; &quot;c&quot;</title>" in text
