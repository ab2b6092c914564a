import re

from matplotlib.figure import Figure

from ablation.page.theme import ARMS, OWN, colour_of, themed_svg, tip
from drawing.style import INK


def test_arms_keep_their_colours_and_own_ones_follow_each_other(make):
    study = make.study({"raw": 0, "first": 0.1, "second": 0.1, "gaussian": 0}, clips=96, resamples=100)
    colours = [colour_of(study, arm) for arm in ("raw", "first", "second", "gaussian", "absent")]
    assert colours == [ARMS["raw"], OWN[0], OWN[1], ARMS["gaussian"], INK]


def test_drawings_have_ids_of_their_own_and_tips():
    figure = Figure()
    axes = figure.add_subplot()
    axes.plot([0, 1], color=ARMS["raw"])
    tip(axes, 0.5, 0.5, 'a <b> & "c"')
    text = themed_svg(figure, "one")
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert ids
    assert all(name.startswith("one-") for name in ids)
    assert "var(--arm-raw)" in text
    assert "<title>a &lt;b&gt; &amp; &quot;c&quot;</title>" in text
