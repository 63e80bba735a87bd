"""How the errors of forecasts are distributed, beside the noise that no forecast can avoid."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from recurra.errors import DataError
from recurra.report import canvas
from recurra.report.formatting import clean, number, with_unit
from recurra.report.palette import MUTED, Ink, ink
from recurra.report.svg import to_svg

_NORMAL = Ink("normal distribution of the noise", "muted", MUTED, MUTED, (3.0, 2.0), 1.4)
_BINS = 31


def error_histogram(errors: Mapping[str, Any], noise: float | None = None, unit: str = "") -> str:
    r"""Draw the density of errors, one outline a learner, all in the same bins.

    .. math:: p(e) = \frac{1}{\sqrt{2 \pi} \sigma} e^{-e^2 / 2 \sigma^2} \text{ for noise of standard deviation } \sigma

    Args:
        errors: forecast minus truth by learner, arrays of any shape, the learner in question first.
        noise: sigma; None draws no noise.
        unit: of the errors.

    Returns:
        One SVG element, for a page.

    Raises:
        DataError: no errors, errors that are not finite, a sigma that is not positive.
    """
    tables = {name: np.asarray(each, np.float64).ravel() for name, each in errors.items()}
    _check(tables, noise)
    widest = max(float(np.abs(each).max()) for each in tables.values()) or 1.0
    edges = np.linspace(-widest, widest, _BINS + 1)
    heights = {name: np.histogram(each, edges, density=True)[0] for name, each in tables.items()}
    fine = np.linspace(-widest, widest, 201)
    normal = None if noise is None else np.exp(-0.5 * (fine / noise) ** 2) / (np.sqrt(2 * np.pi) * noise)
    highest = max(float(each.max()) for each in [*heights.values(), *([] if normal is None else [normal])])
    limits = (0.0, 1.08 * highest)
    ticks = canvas.linear_ticks(*limits)
    entries = [(ink(name).title, ink(name)) for name in tables] + ([] if normal is None else [(_NORMAL.title, _NORMAL)])
    left, top = canvas.room_for(ticks[1]), canvas.legend_height([title for title, _ in entries]) + 24
    with canvas.drawing(top + 170 + 42) as figure:
        canvas.legend(figure, entries)
        axes = canvas.panel(figure, left, top, canvas.WIDTH - left - 16, 170)
        canvas.set_ticks(axes, "y", limits, ticks)
        canvas.set_ticks(axes, "x", (-widest, widest), canvas.linear_ticks(-widest, widest, 5))
        canvas.heading(axes, "density")
        canvas.x_label(axes, with_unit("forecast minus truth", unit))
        for i, (name, each) in reversed(list(enumerate(heights.items()))):
            outline = np.concatenate([[0.0], np.repeat(each, 2), [0.0]])
            canvas.line(axes, np.repeat(edges, 2), outline, ink(name), f"line-errors{i}")
        if normal is not None:
            canvas.line(axes, fine, normal, _NORMAL, "line-noise")
        return to_svg(figure, "histogram", "Distribution of the errors", _describe(tables, noise, unit))


def _check(tables: Mapping[str, np.ndarray], noise: float | None) -> None:
    if not tables or not all(each.size for each in tables.values()):
        raise DataError("there are no errors to draw: give an array of them for each learner, by its name")
    for name, each in tables.items():
        if not np.isfinite(each).all():
            bad = int((~np.isfinite(each)).sum())
            raise DataError(f"{bad} of the {each.size} errors of {name!r} are not finite: draw only those that are")
    if noise is not None and not (np.isfinite(noise) and noise > 0):
        raise DataError(f"the standard deviation of the noise is {noise!r}: it is a positive number, or None")


def _describe(tables: Mapping[str, np.ndarray], noise: float | None, unit: str) -> str:
    spreads = ", ".join(
        f"{clean(ink(name).title)} {number(each.mean())} ± {number(each.std())}" for name, each in tables.items()
    )
    beside = "" if noise is None else f" The noise has a standard deviation of {number(noise)}."
    return f"Mean and standard deviation{f' in {clean(unit)}' if unit else ''}: {spreads}.{beside}"
