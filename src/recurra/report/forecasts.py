"""The forecast against the truth: one panel a channel, what came before in grey."""

from collections.abc import Mapping, Sequence

import numpy as np

from recurra.errors import DataError
from recurra.report import canvas
from recurra.report.canvas import Axes
from recurra.report.decimation import decimate
from recurra.report.formatting import clean, quantity, with_unit
from recurra.report.palette import MUTED, PAST, TRUTH, Ink, ink
from recurra.report.svg import to_svg
from recurra.series import Series

_PANELS = 6
_CLOCK = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
_HEIGHT, _GAP = {1: 190.0, 2: 140.0}, 30.0  # of one panel, by the number of panels; between two
_START = Ink("forecast starts", "muted", MUTED, MUTED, (3.0, 2.0), 0.9)
_BEYOND = 0.6  # how far a forecast may leave the range of the data before it is cut, in ranges


def forecast_figure(truth: Series, forecasts: Mapping[str, Series], history: Series | None = None) -> str:
    """Draw forecasts over the truth, one panel for each of the first six channels.

    The vertical range is that of the data, with room on both sides; a forecast that leaves it is cut there
    and marked "off scale" in the legend.

    Args:
        truth: what happened, from the first row that is forecast.
        forecasts: forecasts by learner, the one in question first; same channels as `truth`.
        history: the data before the forecast, of which the last part is shown.

    Returns:
        One SVG element, for a page.

    Raises:
        DataError: no forecast, no rows, or other channels than the truth has.
    """
    check(truth, forecasts)
    shown = truth.channels[:_PANELS]
    past = _past(truth, forecasts, history)
    limits = [_limits(truth, past, channel) for channel in range(len(shown))]
    outside = {name: _leaves(each, limits) for name, each in forecasts.items()}
    entries: list[tuple[str, Ink]] = [
        (TRUTH.title, TRUTH),
        *([(PAST.title, PAST)] if past is not None else []),
    ]
    for name in forecasts:
        entries.append((ink(name).title + (" (off scale)" if outside[name] else ""), ink(name)))
    if past is not None:
        entries.append((_START.title, _START))
    tall = _HEIGHT.get(len(shown), 110.0)
    top = canvas.legend_height([name for name, _ in entries]) + 24
    with canvas.drawing(top + len(shown) * (tall + _GAP) + 20) as figure:
        canvas.legend(figure, entries)
        ticks = [canvas.linear_ticks(*each) for each in limits]
        left = max(canvas.room_for(labels) for _, labels in ticks)
        for channel in range(len(shown)):
            place = top + channel * (tall + _GAP)
            axes = canvas.panel(figure, left, place, canvas.WIDTH - left - 16, tall)
            canvas.set_ticks(axes, "y", limits[channel], ticks[channel])
            _draw(axes, truth, forecasts, past, channel, limits[channel])
            _time_axis(axes, truth, forecasts, past, last=channel == len(shown) - 1)
            canvas.heading(axes, with_unit(shown[channel], truth.units[channel]))
            if past is not None:
                at = float(canvas.as_numbers(truth.times)[0])
                axes.axvline(at, color=_START.light, linewidth=_START.width, dashes=_START.dash)
        return to_svg(figure, "forecast", "Forecast against truth", _describe(truth, forecasts, outside))


def check(truth: Series, forecasts: Mapping[str, Series]) -> None:
    """Refuse what cannot be compared: no forecast, no rows, other channels."""
    if not forecasts:
        raise DataError("there is no forecast to draw: give at least one, by the name of its learner")
    if not len(truth):
        raise DataError("the truth has no rows: there is nothing to compare a forecast with")
    for name, each in forecasts.items():
        if each.channels != truth.channels:
            raise DataError(
                f"the forecast {name!r} has channels {list(each.channels)}, the truth has "
                f"{list(truth.channels)}: bring them into the same order"
            )


def time_label(series: Series) -> str:
    """The label of a time axis, with its unit where the series knows it; or the name of an index that is no time."""
    if series.times.dtype.kind == "M":
        return "date"
    return str(series.provenance.get("index") or with_unit("time", time_unit(series)))


def time_unit(series: Series) -> str:
    """The unit of `dt`: seconds for dates, else what the provenance says."""
    return "s" if series.times.dtype.kind == "M" else str(series.provenance.get("time_unit") or "")


def readable_unit(series: Series, span: float) -> tuple[float, str]:
    """How many of the series' time units make one that suits `span`, and its name: 86,400 s are a day.

    Only dates are converted; other units stay what they are.
    """
    if series.times.dtype.kind != "M":
        return 1.0, time_unit(series)
    return next((size, name) for size, name in _CLOCK if abs(span) >= 2 * size or size == 1)


def duration(series: Series, span: float) -> str:
    """A span of time in words: `span` in the units of the series' dt."""
    size, unit = readable_unit(series, span)
    return quantity(span / size, unit)


def _past(truth: Series, forecasts: Mapping[str, Series], history: Series | None) -> Series | None:
    if history is None or not len(history) or history.times.dtype.kind != truth.times.dtype.kind:
        return None
    longest = max(len(truth), *(len(each) for each in forecasts.values()))
    return history[max(0, len(history) - max(longest // 2, 20)) :]


def _limits(truth: Series, past: Series | None, channel: int) -> tuple[float, float]:
    parts = [truth.values[:, channel]] + ([] if past is None else [past.values[:, channel]])
    return canvas.padded(np.concatenate(parts), share=0.25)


def _leaves(forecast: Series, limits: Sequence[tuple[float, float]]) -> bool:
    table = forecast.values[:, : len(limits)]
    low, high = np.array(limits).T
    return bool((~np.isfinite(table) | (table < low) | (table > high)).any())


def _draw(
    axes: Axes,
    truth: Series,
    forecasts: Mapping[str, Series],
    past: Series | None,
    channel: int,
    limits: tuple[float, float],
) -> None:
    room = _BEYOND * (limits[1] - limits[0])
    lines = [("history", PAST, past)] if past is not None else []
    lines.append(("truth", TRUTH, truth))
    # The forecast in question comes first and is drawn last, on top.
    numbered = list(enumerate(forecasts.items()))
    lines.extend((f"forecast{i}", ink(name), each) for i, (name, each) in reversed(numbered))
    for name, pen, series in lines:
        t, y = decimate(canvas.as_numbers(series.times), series.values[:, channel])
        canvas.line(axes, t, np.clip(y, limits[0] - room, limits[1] + room), pen, f"line-{channel}-{name}")


def _time_axis(axes: Axes, truth: Series, forecasts: Mapping[str, Series], past: Series | None, last: bool) -> None:
    every = [truth, *forecasts.values()] + ([] if past is None else [past])
    ends = [float(canvas.as_numbers(each.times)[end]) for each in every if len(each) for end in (0, -1)]
    low, high = min(ends), max(ends)
    if low == high:
        low, high = low - 0.5 * truth.dt, high + 0.5 * truth.dt
    ticks, common = canvas.time_ticks(low, high, truth.times.dtype.kind == "M")
    canvas.set_ticks(axes, "x", (low, high), ticks if last else (ticks[0], [""] * len(ticks[0])))
    if last:
        label = time_label(truth)
        canvas.x_label(axes, f"{label}, {common}" if common else label)


def _describe(truth: Series, forecasts: Mapping[str, Series], outside: Mapping[str, bool]) -> str:
    names = ", ".join(clean(ink(name).title) for name in forecasts)
    channels = ", ".join(clean(name) for name in truth.channels[:_PANELS])
    rest = f" (the first {_PANELS} of {len(truth.channels)})" if len(truth.channels) > _PANELS else ""
    rows = max(len(each) for each in forecasts.values())
    span = f"{'' if time_unit(truth) else 'time '}{duration(truth, rows * truth.dt)}"
    what = "Channel" if len(truth.channels) == 1 else "Channels"
    text = f"{what} {channels}{rest}: {names} against the truth over {rows:,} steps ({span})."
    left = [clean(ink(name).title) for name, gone in outside.items() if gone]
    return text + (f" Cut at the edge of a panel, or not finite: {', '.join(left)}." if left else "")
