"""How the error of a forecast grows with time, against the threshold that ends its validity."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from recurra import metrics
from recurra.report import canvas
from recurra.report.canvas import Axes, Figure
from recurra.report.decimation import decimate
from recurra.report.forecasts import check, duration, readable_unit, time_unit
from recurra.report.formatting import clean, number, quantity, with_unit
from recurra.report.palette import MUTED, Ink, ink
from recurra.report.svg import to_svg
from recurra.series import Series

_LINE = Ink("", "muted", MUTED, MUTED, (3.0, 2.0), 1.0)
_SLOPE = Ink("", "muted", MUTED, MUTED, (1.0, 1.5), 1.2)
_DECADES = 8  # of error below the largest that are shown


def error_growth_figure(
    truth: Series,
    forecasts: Mapping[str, Series],
    scale: Any,
    threshold: float = 0.4,
    lyapunov_exponent: float | None = None,
) -> str:
    """Draw the normalised error e(t) = sqrt(mean_c(((ŷ_c - y_c) / σ_c)²)) of each forecast, logarithmically.

    In a chaotic system a small error grows as exp(λ t): with `lyapunov_exponent` the figure shows that slope
    and a second axis in Lyapunov times.

    Args:
        truth: what happened.
        forecasts: forecasts by learner; compared over the rows that both have, up to the first
            that is not finite.
        scale: σ, standard deviation of the training data per channel.
        threshold: the error at which a forecast stops being valid.
        lyapunov_exponent: λ, largest, per time unit; None where unknown.

    Returns:
        One SVG element, for a page.

    Raises:
        DataError: as `forecast_figure`.
    """
    check(truth, forecasts)
    errors = {name: _error(truth, each, scale) for name, each in forecasts.items()}
    broken = {name for name, e in errors.items() if len(e) < min(len(truth), len(forecasts[name]))}
    entries = [(ink(name).title + (" (diverged)" if name in broken else ""), ink(name)) for name in forecasts]
    size, unit = readable_unit(truth, len(truth) * truth.dt)
    dt = truth.dt / size
    chaotic = lyapunov_exponent is not None and lyapunov_exponent > 0
    entries += [(f"threshold {number(threshold, 1)}", _LINE), *([("exp(λt)", _SLOPE)] if chaotic else [])]
    top = canvas.legend_height([name for name, _ in entries]) + (48 if chaotic else 24)
    with canvas.drawing(top + 210 + 42) as figure:
        canvas.legend(figure, entries)
        axes = _axes(figure, top, errors, threshold, dt)
        canvas.heading(axes, "error e(t), in standard deviations", above=26 if chaotic else 6)
        canvas.x_label(axes, with_unit("time since the forecast started", unit))
        axes.axhline(threshold, color=MUTED, linewidth=1.0, linestyle=canvas.dashes(_LINE))  # type: ignore[arg-type]
        if lyapunov_exponent is not None and chaotic:
            _slope(axes, next(iter(errors.values())), threshold, dt, lyapunov_exponent * size)
            _lyapunov_axis(axes, lyapunov_exponent * size)
        _draw(axes, errors, dt)
        text = _describe(truth, errors, threshold, broken)
        if chaotic:
            text += _rate(truth, lyapunov_exponent)
        return to_svg(figure, "error-growth", "Growth of the forecast error", text)


def _error(truth: Series, forecast: Series, scale: Any) -> np.ndarray:
    """e(t) over the rows that both have; NaN in rows where nothing was measured."""
    rows = min(len(truth), len(forecast))
    finite = np.isfinite(forecast.values[:rows]).all(axis=1)
    rows = rows if finite.all() else int(np.argmin(finite))
    observed = truth.observed[:rows]
    if not observed.any():
        return np.full(rows, np.nan)
    return metrics.error_growth(Series(truth.values[:rows], mask=observed), forecast.values[:rows], scale)


def _axes(figure: Figure, top: float, errors: Mapping[str, np.ndarray], threshold: float, dt: float) -> Axes:
    every = np.concatenate([*errors.values(), [threshold]])
    positive = every[np.isfinite(every) & (every > 0)]
    high = float(min(positive.max(), threshold * 1e4)) * 1.6
    low = max(float(positive.min()), high * 10.0**-_DECADES) / 1.6
    ticks = canvas.log_ticks(low, high)
    left = canvas.room_for(ticks[1])
    axes = canvas.panel(figure, left, top, canvas.WIDTH - left - 16, 210)
    axes.set_yscale("log")
    canvas.set_ticks(axes, "y", (low, high), ticks)
    end = dt * max(len(e) for e in errors.values()) or dt
    canvas.set_ticks(axes, "x", (0.0, end), canvas.linear_ticks(0.0, end, 5))
    return axes


def _draw(axes: Axes, errors: Mapping[str, np.ndarray], dt: float) -> None:
    low, high = axes.get_ylim()
    for i, (name, e) in reversed(list(enumerate(errors.items()))):
        # A forecast that is exact (e = 0) or far out runs along the edge of the panel.
        t, shown = decimate(dt * np.arange(1, len(e) + 1), np.clip(e, low, high))
        canvas.line(axes, t, shown, ink(name), f"line-error{i}")


def _slope(axes: Axes, e: np.ndarray, threshold: float, dt: float, exponent: float) -> None:
    """exp(λ t) through the first crossing of the threshold, or through the largest error."""
    if not np.isfinite(e).any():
        return
    out = e > threshold
    row = int(np.argmax(out)) if out.any() else int(np.nanargmax(e))
    low = axes.get_ylim()[0]
    at, level = dt * (row + 1), max(float(e[row]), low)
    begin = max(0.0, at - np.log(level / low) / exponent)
    t = np.array([begin, at])
    canvas.line(axes, t, level * np.exp(exponent * (t - at)), _SLOPE, "line-slope")


def _lyapunov_axis(axes: Axes, exponent: float) -> None:
    end = axes.get_xlim()[1] * exponent
    above = axes.twiny()
    for side in ("left", "right", "bottom"):
        above.spines[side].set_visible(False)
    above.spines["top"].set_color(MUTED)
    above.tick_params(colors=MUTED, labelcolor=MUTED, length=3, width=0.8, labelsize=canvas.TEXT)
    canvas.set_ticks(above, "x", (0.0, end), canvas.linear_ticks(0.0, end, 5))
    canvas.note(axes, "Lyapunov times", 26, at=1, ha="right", color=MUTED)


def _rate(truth: Series, exponent: float | None) -> str:
    rate = quantity(exponent, f"per {time_unit(truth) or 'time unit'}")
    return f" The dotted line grows as exp(λt) with the Lyapunov exponent λ = {rate}."


def _describe(truth: Series, errors: Mapping[str, np.ndarray], threshold: float, broken: set[str]) -> str:
    parts = []
    for name, e in errors.items():
        out = e > threshold
        rows = int(np.argmax(out)) if out.any() else len(e)
        held = duration(truth, rows * truth.dt)
        title = clean(ink(name).title)
        if name in broken:
            parts.append(f"{title} leaves the finite numbers in row {len(e)}")
        elif out.any():
            parts.append(f"{title} until {held}")
        else:
            parts.append(f"{title} to the end, {held}")
    return f"Time within the threshold of {number(threshold, 1)} standard deviations: {'; '.join(parts)}."
