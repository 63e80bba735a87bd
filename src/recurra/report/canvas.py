"""Where figures are drawn: matplotlib's object interface, all defaults fixed, points from the top left.

Text stays text in the SVG, so that it can be found, selected and enlarged by the page; positions therefore
come from counted characters with room to spare, not from the metrics of a font that the reader may not have.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from recurra.errors import MissingExtraError
from recurra.report.formatting import clean, power_of_ten, text_width, tick_labels
from recurra.report.palette import FAINT, INK, MUTED, Ink

try:
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num, num2date
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.ticker import MaxNLocator
except ImportError as error:
    raise MissingExtraError(
        "the report needs matplotlib, which is not installed: pip install 'recurra[report]'"
    ) from error

WIDTH = 480.0  # points; one point is one unit of the SVG
TEXT = 9.5
CHARACTER = 7.0  # points a character, at the largest size that the page chooses (on a phone)
_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "recurra",
    "path.simplify": False,  # lines are thinned before they come here, without losing extremes
    "font.size": TEXT,
    "text.color": INK,
    "text.parse_math": False,
    "axes.unicode_minus": True,
}


@contextmanager
def drawing(height: float) -> Iterator[Figure]:
    """A figure of WIDTH by `height` points, to be drawn and rendered inside the `with` block."""
    with mpl.rc_context(), warnings.catch_warnings():
        # The reader's browser has the fonts for these names; matplotlib's own font only measures.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72, facecolor="none")
        FigureCanvasSVG(figure)
        yield figure


def height_of(figure: Figure) -> float:
    """Height of the figure in points."""
    return float(figure.get_size_inches()[1]) * 72


def panel(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place in points from the top left, with quiet spines and ticks."""
    whole = height_of(figure)
    axes = figure.add_axes((left / WIDTH, 1 - (top + height) / whole, width / WIDTH, height / whole))
    axes.set_facecolor("none")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.tick_params(colors=MUTED, labelcolor=MUTED, length=3, width=0.8, labelsize=TEXT)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    return axes


def note(axes: Axes, text: str, above: float = 6.0, **style: Any) -> None:
    """Text `above` the top left corner of a panel, in points."""
    looks: dict = {"color": INK, "annotation_clip": False, **style}
    axes.annotate(text, (looks.pop("at", 0), 1), (0, above), "axes fraction", "offset points", **looks)


def heading(axes: Axes, text: str, above: float = 6.0) -> None:
    """The vertical axis label, upright above the top left corner: read without turning the head."""
    note(axes, text, above, fontweight="bold")


def x_label(axes: Axes, text: str) -> None:
    """The horizontal axis label."""
    axes.set_xlabel(text, color=MUTED, labelpad=7)


def line(axes: Axes, x: np.ndarray, y: np.ndarray, pen: Ink, gid: str, **style: object) -> None:
    """One line in the manner of its learner, found again in the SVG by `gid`."""
    looks: dict = {"color": pen.light, "linewidth": pen.width, "linestyle": dashes(pen), **style}
    axes.plot(x, y, gid=gid, solid_joinstyle="round", **looks)


def dashes(pen: Ink) -> object:
    """matplotlib's line style for a pen."""
    return (0, pen.dash) if pen.dash else "-"


def legend(figure: Figure, entries: Sequence[tuple[str, Ink]], left: float = 8.0) -> float:
    """Lines and names at the top of the figure, in as many rows as they need.

    Returns:
        The height it takes, in points.
    """
    x, y, whole = left, 11.0, height_of(figure)
    for name, pen in entries:
        label = clean(name)
        width = 22 + text_width(label) * CHARACTER + 12
        if x > left and x + width > WIDTH:
            x, y = left, y + 17
        at = 1 - y / whole
        figure.add_artist(
            Line2D(
                [x / WIDTH, (x + 17) / WIDTH], [at, at], color=pen.light, linewidth=pen.width + 0.5,
                linestyle=dashes(pen),  # type: ignore[arg-type]
            )
        )  # fmt: skip
        figure.text((x + 22) / WIDTH, 1 - (y + 3.4) / whole, label, color=INK)
        x += width
    return y + 9


def legend_height(names: Sequence[str], left: float = 8.0) -> float:
    """The height that `legend` will take."""
    x, y = left, 11.0
    for name in names:
        width = 22 + text_width(clean(name)) * CHARACTER + 12
        if x > left and x + width > WIDTH:
            x, y = left, y + 17
        x += width
    return y + 9


def room_for(labels: Sequence[str]) -> float:
    """Points to leave beside an axis for its tick labels."""
    return 12 + max((text_width(label) for label in labels), default=1.0) * CHARACTER


def linear_ticks(low: float, high: float, count: int = 4) -> tuple[np.ndarray, list[str]]:
    """Round numbers inside [low, high] and their labels."""
    found = np.asarray(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    inside = found[(found >= low - 1e-9 * (high - low)) & (found <= high + 1e-9 * (high - low))]
    return inside, tick_labels(inside)


def log_ticks(low: float, high: float, count: int = 5) -> tuple[np.ndarray, list[str]]:
    """Powers of ten inside [low, high], or 1, 2 and 5 times them where there are fewer than three."""
    first, last = int(np.ceil(np.log10(low) - 1e-9)), int(np.floor(np.log10(high) + 1e-9))
    if last - first >= 2:
        exponents = np.arange(first, last + 1)
        exponents = exponents[:: int(np.ceil(len(exponents) / count))]
        plain = exponents[0] >= -3 and exponents[-1] <= 3
        return 10.0**exponents, [_decade(int(n), plain) for n in exponents]
    ticks = [m * 10.0**n for n in range(first - 1, last + 1) for m in (1, 2, 5)]
    inside = [t for t in ticks if low * (1 - 1e-9) <= t <= high * (1 + 1e-9)]
    return np.array(inside), [_round_number(t) for t in inside]


def set_ticks(axes: Axes, axis: str, limits: tuple[float, float], ticks: tuple[np.ndarray, list[str]]) -> None:
    """Fix limits, tick positions and labels of one axis."""
    which = axes.xaxis if axis == "x" else axes.yaxis
    which.set_ticks([])
    which.set_ticks([], minor=True)
    which.set_ticks(ticks[0], labels=ticks[1])
    if axis == "x":
        axes.set_xlim(limits)
    else:
        axes.set_ylim(limits)


def time_ticks(low: float, high: float, dates: bool, count: int = 5) -> tuple[tuple[np.ndarray, list[str]], str]:
    """Ticks of a time axis and what the axis label must add (the part of the date that all ticks share)."""
    if not dates:
        return linear_ticks(low, high, count), ""
    locator = AutoDateLocator()
    found = np.asarray(locator.tick_values(num2date(low), num2date(high)))
    inside = found[(found >= low) & (found <= high)]
    inside = inside[:: int(np.ceil(len(inside) / (count + 1))) or 1]
    formatter = ConciseDateFormatter(locator)
    labels = formatter.format_ticks(inside.tolist())
    return (inside, labels), _shared_date(inside) if formatter.get_offset() else ""


def _shared_date(days: np.ndarray) -> str:
    """The part of the date, from the year on, that all ticks have in common: 2024, 2024-03 or 2024-03-05."""
    dates = [f"{date:%Y-%m-%d}" for date in num2date(days)]
    lengths = [length for length in (10, 7, 4) if len({date[:length] for date in dates}) == 1]
    return dates[0][: lengths[0]] if lengths else ""


def as_numbers(times: np.ndarray) -> np.ndarray:
    """Times as matplotlib draws them: floats as they are, dates as float days."""
    return np.asarray(date2num(times)) if times.dtype.kind == "M" else times


def padded(values: np.ndarray, share: float = 0.06) -> tuple[float, float]:
    """Limits a little wider than the finite values; a constant gets room on both sides."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    margin = share * (high - low) if high - low > 1e-12 * max(abs(low), abs(high)) else 0.5 * max(abs(low), 1.0)
    return low - margin, high + margin


def _decade(exponent: int, plain: bool) -> str:
    return f"{10.0**exponent:g}" if plain or exponent in (0, 1) else power_of_ten(exponent)


def _round_number(value: float) -> str:
    exponent = int(np.floor(np.log10(value) + 1e-9))
    if -3 <= exponent <= 3:
        return f"{value:g}"
    return f"{value / 10.0**exponent:.0f}×{power_of_ten(exponent)}"
