"""How a gradient grows or shrinks on its way back through time, against the lag."""

from typing import Any

import numpy as np

from recurra.diagnostics.gradient_norms import DEPTH, GradientFlow
from recurra.report import canvas
from recurra.report.canvas import Axes
from recurra.report.formatting import number, power_of_ten, quantity
from recurra.report.page import Section, Table
from recurra.report.palette import MUTED, Ink
from recurra.report.svg import to_svg

_PENS = {
    "measured": Ink("measured", "esn", "#0068a8", "#5cb8f0", width=2.2),
    "fit": Ink("straight line", "lstm", "#d1520a", "#ff8f4d", (4.0, 1.5), 1.3),
    "exponent": Ink("exp(λ lag), λ the conditional exponent", "gru", "#00835f", "#2fd0a2", (1.5, 1.5), 1.6),
    "bound": Ink("bound from the weights", "muted", MUTED, MUTED, (1.0, 1.5), 1.4),
}
_LOWEST = -300.0  # decades: where an axis of powers of ten goes over to exponents alone


def gradient_figure(flow: GradientFlow, exponent: float | None = None) -> str:
    """Draw the norm of dh(T)/dh(k) against T - k on a logarithmic axis, with the fitted line and the bound.

    Measured is the geometric mean over the end points T, with a band of one standard deviation. Where the norm is
    exactly zero, and where the bound leaves the panel, the lines run along its edge.

    Args:
        flow: what was measured.
        exponent: lambda, the largest conditional Lyapunov exponent per step, drawn as exp(lambda (T - k)), whose slope
            the norm tends to; None for none.

    Returns:
        One SVG element, for a page.
    """
    curves = {"measured": flow.log_norm / np.log(10)}
    if np.isfinite(flow.rate):
        curves["fit"] = flow.fitted / np.log(10)
        if exponent is not None and np.isfinite(exponent):
            curves["exponent"] = exponent * flow.lags / np.log(10)
    if flow.log_bound is not None:
        curves["bound"] = flow.log_bound / np.log(10)
    low, high = _limits(curves, flow.spread / np.log(10))
    ticks = _ticks(low, high)
    left = canvas.room_for(ticks[1])
    entries = [(_PENS[name].title, _PENS[name]) for name in curves]
    top = canvas.legend_height([name for name, _ in entries]) + 24
    with canvas.drawing(top + 210 + 42) as figure:
        canvas.legend(figure, entries)
        axes = canvas.panel(figure, left, top, canvas.WIDTH - left - 16, 210)
        canvas.set_ticks(axes, "y", (low, high), ticks)
        canvas.set_ticks(axes, "x", (0.0, float(flow.length)), canvas.linear_ticks(0.0, float(flow.length), 5))
        canvas.heading(axes, "norm of ∂h(T) / ∂h(k)")
        canvas.x_label(axes, "lag T − k, in steps")
        axes.axhline(0.0, color=MUTED, linewidth=0.8)
        _band(axes, flow, low, high)
        for name, curve in curves.items():  # the thin lines on top
            canvas.line(axes, flow.lags, np.clip(curve, low, high), _PENS[name], f"line-{name}")
        return to_svg(figure, "gradients", "Gradients through time", _describe(flow))


def gradient_section(flow: GradientFlow, rows: str, exponent: float | None = None, beside: str = "") -> Section:
    """The verdict, the numbers and the figure.

    Args:
        flow: what was measured.
        rows: of which rows, such as "the test part".
        exponent, beside: as of `gradient_figure`, and a sentence that compares it with the slope.
    """
    where = f"Measured along {rows}, {ends(flow)}; h is all that the cells carry: {flow.states} numbers."
    shrinks = "A loss at step T reaches the weights at step k only through this product of Jacobians."
    paragraphs = [
        f"{flow.words} {flow.advice.replace('`', '')}",
        f"{where} {shrinks}",
        beside,
        _weights(flow),
        " ".join(flow.notes),
    ]
    tables = [
        Table(
            ["Lag", "Norm", "Bound"], lag_rows(flow), "Geometric mean over the end points, and what no norm exceeds."
        ),
        Table(["What", "Value"], facts(flow), "Rate, reach and slopes."),
    ]
    return Section(
        "Do gradients vanish or explode?",
        "\n\n".join(p for p in paragraphs if p),
        [gradient_figure(flow, exponent)],
        tables,
    )


def ends(flow: GradientFlow) -> str:
    """From how many end points, in words."""
    return "from one end point T" if len(flow.ends) == 1 else f"from {len(flow.ends)} end points T"


def lag_rows(flow: GradientFlow) -> list[list[Any]]:
    """Lag, norm and bound at the lags that are shown, and at the depth of a feed-forward network."""
    lags = sorted({*flow.shown_lags, min(DEPTH, flow.length)})
    bound = flow.log_bound
    return [[str(lag), flow.norm_at(lag), None if bound is None else _power(bound[lag - 1])] for lag in lags]


def facts(flow: GradientFlow) -> list[list[str]]:
    """Everything but the norms, as names and texts."""
    reach = ("doubling time", flow.doubling_time) if flow.doubling_time is not None else ("half-life", flow.half_life)
    rate = f"{number(flow.rate)} ± {number(flow.rate_error, 2)} per step"
    found = [["rate of log norm", rate], [reach[0], "–" if reach[1] is None else quantity(reach[1], "steps")]]
    found.append([f"norm at lag {flow.length} / at lag {DEPTH}", number(flow.depth_ratio)])
    for layer in flow.layers:
        found.append([f"spectral radius of W, {layer.name}", number(layer.radius)])
        found.append([f"largest singular value of W, {layer.name}", number(layer.norm)])
    found += [[f"saturated, {part}", f"{100 * share:.1f} %"] for part, share in flow.saturated.items()]
    return [*found, ["verdict", flow.verdict]]


def _weights(flow: GradientFlow) -> str:
    if flow.no_bound:
        return flow.no_bound
    return (
        "No norm exceeds (γ ‖W‖)^(T − k), γ the largest slope of the activation. A spectral radius above 1 is "
        "necessary for an explosion, not sufficient: flat slopes shrink every step, and a W that is not normal can do "
        "more for a while than its eigenvalues say. What counts is the measured product."
    )


def _limits(curves: dict[str, np.ndarray], half: np.ndarray) -> tuple[float, float]:
    """The decades that are shown: all that was measured, with its band, and of the bound as much again."""
    measured = np.concatenate([curves["measured"] - half, curves["measured"] + half])
    finite = measured[np.isfinite(measured)]
    values = np.append(finite, 0.0) if finite.size else np.array([-3.0, 0.0])
    low, high = float(values.min()), float(values.max())
    if len(finite) < len(measured):
        low -= 1.0  # the edge along which zero runs
    if "bound" in curves:
        high = max(high, min(float(curves["bound"].max()), high + (high - low)))
    margin = 0.06 * (high - low) + 0.05
    return low - margin, high + margin


def _ticks(low: float, high: float) -> tuple[np.ndarray, list[str]]:
    if low > _LOWEST and high < -_LOWEST:
        at, labels = canvas.log_ticks(10.0**low, 10.0**high)
        return np.log10(at), labels
    at = canvas.linear_ticks(low, high)[0].round()
    return at, [power_of_ten(int(exponent)) for exponent in at]


def _band(axes: Axes, flow: GradientFlow, low: float, high: float) -> None:
    middle, half = flow.log_norm / np.log(10), flow.spread / np.log(10)
    if len(flow.ends) > 1 and np.isfinite(middle).all():
        ends = (np.clip(middle - half, low, high), np.clip(middle + half, low, high))
        axes.fill_between(flow.lags, *ends, color=_PENS["measured"].light, alpha=0.18, linewidth=0)


def _power(log: float) -> str:
    """A number by its natural logarithm, beyond the ends of float64 too."""
    if not np.isfinite(log) or abs(log) < 700:
        return number(float(np.exp(log)))
    return power_of_ten(round(log / np.log(10)))


def _describe(flow: GradientFlow) -> str:
    norms = "; ".join(f"{_power(flow.log_norm[lag - 1])} at lag {lag}" for lag in flow.shown_lags)
    text = f"The norm is {norms}. Verdict: {flow.verdict}."
    if flow.half_life is not None and np.isfinite(flow.rate):
        text += f" It halves every {quantity(flow.half_life, 'steps')}."
    if flow.doubling_time is not None:
        text += f" It doubles every {quantity(flow.doubling_time, 'steps')}."
    return text
