"""How the report's figures are drawn and put into its page.

They are drawn once in light colours. Each colour stands for a role, and `themed_svg` replaces it by the page's custom
property of that role, so that one drawing follows the reader's light or dark theme.
"""

import html
import io
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from drawing import style as plot_style
from drawing.style import GRID, INK, METHODS, MUTED, series
from refine.filters.registry import FILTERS

if TYPE_CHECKING:
    from ablation.study.study import Study

PAPER = "#fdfefe"
GAIN, LOSS = "#17754f", "#b3392f"
FILTER_COLOURS = {name: FILTERS[name].colours for name in FILTERS.names()}
ARMS = {
    **{"oracle" if name == "truth" else name: colour for name, colour in METHODS.items()},
    **{name: colours[0] for name, colours in FILTER_COLOURS.items() if colours},
}
OWN = ("#7c2665", "#2250da", "#593513", "#0c6351", "#825234", "#c5430e")
"""For arms without a colour of their own, in their order."""
PROPERTIES = {
    INK: "ink", MUTED: "muted", GRID: "grid", PAPER: "paper", GAIN: "gain", LOSS: "loss",
    **{colour: f"arm-{name.replace('_', '-')}" for name, colour in ARMS.items()},
    **{colour: f"arm-own-{number}" for number, colour in enumerate(OWN, 1)},
}  # fmt: skip
"""The page's custom property for each colour that is drawn."""

TEXT = 10.5
"""Points, of all text in figures: where a figure is `WIDTH` wide, on a phone, as many pixels."""
SIZES = ("font.size", "axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize", "legend.fontsize")
STYLE = plot_style.STYLE | dict.fromkeys(SIZES, TEXT) | {
    "svg.fonttype": "none", "figure.facecolor": PAPER, "text.parse_math": False, "lines.markersize": 5,
    "legend.handlelength": 2.6, "legend.columnspacing": 1.2, "legend.handletextpad": 0.5,
}  # fmt: skip
WIDTH = 4.6
"""Inches, 331 points: the page never shows a figure with fewer pixels than points (see report.css)."""


def filter_properties() -> str:
    """Return the style sheet's lines that give each filter with colours its property, on light and on dark paper."""

    def lines(paper: int) -> str:
        return " ".join(
            f"--arm-{name.replace('_', '-')}: {colours[paper]};" for name, colours in FILTER_COLOURS.items() if colours
        )

    return f":root {{ {lines(0)} }}\n@media screen and (prefers-color-scheme: dark) {{ :root {{ {lines(1)} }} }}\n"


def colour_of(study: "Study", arm: str) -> str:
    """Return an arm's colour."""
    own = [name for name in study.arms if name not in ARMS]
    return ARMS[arm] if arm in ARMS else OWN[own.index(arm) % len(OWN)] if arm in own else INK


def look_of(study: "Study", arm: str) -> dict[str, Any]:
    """Return an arm's colour, marker and dash, as matplotlib takes them; no two arms of a study share all three."""
    places = list(study.arms)
    return {"color": colour_of(study, arm), **series(places.index(arm) if arm in places else len(places))}


def tip(axes: Axes, x: float, y: float, text: str) -> None:
    """Let a text appear when the pointer is over a place: an invisible marker, named by the text (see `_svg`)."""
    axes.plot(x, y, "o", markersize=11, color=INK, alpha=0, zorder=9, gid=f"tip-{text.encode().hex()}")


def new_axes(height: float, grid: str = "x") -> tuple[Figure, Axes]:
    """Return a figure of the page's width with one panel, its grid behind."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.grid(axis=grid)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    return figure, axes


def log_scale(axes: Axes, which: Literal["x", "y"]) -> None:
    """Make an axis logarithmic, its ticks plain numbers; call it when all is drawn."""
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    axis = axes.xaxis if which == "x" else axes.yaxis
    steps = (1,) if high > 1000 * low else (1, 2, 5) if high > 10 * low else (1, 1.5, 2, 3, 4, 5, 7)
    axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def themed_svg(figure: Figure, prefix: str) -> str:
    """Return a drawing to put inside the page: no prologue, own ids, colours as custom properties of the page.

    Parameters
    ----------
    figure
        The figure.
    prefix
        Makes its ids differ from those of other figures on the page.
    """
    text = _svg(figure, transparent=True)
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = text.replace("xlink:href=", "href=")
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text)
    text = re.sub(r'\sid="([^"]+)"', rf' id="{prefix}-\1"', text)
    text = re.sub(r'href="#', f'href="#{prefix}-', text)
    text = re.sub(r"url\(#", f"url(#{prefix}-", text)
    # Width and height are the page's business; the viewBox keeps the proportions.
    text = re.sub(r'(<svg\b[^>]*?)\s(?:width|height)="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg\b[^>]*?)\s(?:width|height)="[^"]*"', r"\1", text, count=1)
    text = re.sub(r"'DejaVu Sans'(, [^;\"]*)?", "system-ui, sans-serif", text)
    for colour, name in PROPERTIES.items():
        text = text.replace(colour, f"var(--{name})")
    return text.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1).strip()


def save_formats(figure: Figure) -> Mapping[str, Callable[[], bytes]]:
    """Return, per file ending, a function that renders the figure for use elsewhere."""

    def png() -> bytes:
        with mpl.rc_context(STYLE), io.BytesIO() as file:
            figure.savefig(file, format="png", dpi=200)
            return file.getvalue()

    return {"png": png, "svg": lambda: _svg(figure).encode()}


def _svg(figure: Figure, transparent: bool = False) -> str:
    with mpl.rc_context(STYLE), io.StringIO() as file:
        # Without a date, equal findings give equal bytes.
        figure.savefig(file, format="svg", transparent=transparent, metadata={"Date": None})
        return re.sub(r'<g id="tip-([0-9a-f]*)">', _titled, file.getvalue())


def _titled(found: re.Match[str]) -> str:
    return f'<g class="tip"><title>{html.escape(bytes.fromhex(found[1]).decode())}</title>'
