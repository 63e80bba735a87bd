"""What every step of a sequence adds to the gradient: how far back an error is heard."""

import numpy as np

from recurra.diagnostics.bptt import Backward
from recurra.errors import DataError
from recurra.report import canvas
from recurra.report.decimation import decimate
from recurra.report.formatting import number
from recurra.report.palette import Ink
from recurra.report.svg import to_svg

_PENS = {
    "W": Ink("dL/dW, hidden to hidden", "esn", "#0068a8", "#5cb8f0", width=1.5),
    "U": Ink("dL/dU, input to hidden", "lstm", "#d1520a", "#ff8f4d", (4.0, 1.5), 1.5),
}
_DECADES = 16  # below the largest that are shown


def backpropagation_figure(back: Backward) -> str:
    """Draw the norms of what each step adds to the derivatives of the recurrent weights, logarithmically.

    Where errors come in at the last steps alone, the lines show how gradients vanish or explode on their way back.

    Args:
        back: of `recurra.diagnostics.bptt.backward`.

    Returns:
        One SVG element, for a page.

    Raises:
        DataError: no step has a positive, finite contribution.
    """
    curves = {name: _positive(back.norms(name)) for name in _PENS}
    every = np.concatenate(list(curves.values()))
    if not np.isfinite(every).any():
        raise DataError(f"none of the {len(back.da)} steps adds anything finite to the gradient: nothing to draw")
    high = float(np.nanmax(every)) * 1.6
    low = max(float(np.nanmin(every)), high * 10.0**-_DECADES) / 1.6
    ticks = canvas.log_ticks(low, high)
    left = canvas.room_for(ticks[1])
    top = canvas.legend_height([pen.title for pen in _PENS.values()]) + 24
    steps = np.arange(1, len(back.da) + 1)
    with canvas.drawing(top + 170 + 42) as figure:
        canvas.legend(figure, [(pen.title, pen) for pen in _PENS.values()])
        axes = canvas.panel(figure, left, top, canvas.WIDTH - left - 16, 170)
        axes.set_yscale("log")
        canvas.set_ticks(axes, "y", (low, high), ticks)
        ends = (1.0, float(len(steps))) if len(steps) > 1 else (0.5, 1.5)
        marks = [at for at in canvas.linear_ticks(*ends, 5)[0] if at == round(at)]
        canvas.set_ticks(axes, "x", ends, (np.array(marks), [f"{at:.0f}" for at in marks]))
        canvas.heading(axes, "norm of what the step adds")
        canvas.x_label(axes, "step t")
        looks = {"marker": "o", "markersize": 3} if len(steps) <= 40 else {}
        for name, sizes in curves.items():
            shown = np.where(np.isfinite(sizes), np.maximum(sizes, low), np.nan)
            canvas.line(axes, *decimate(steps, shown), _PENS[name], f"line-{name}", **looks)
        return to_svg(figure, "backpropagation", "Contribution of each step to the gradient", _describe(curves))


def _positive(sizes: np.ndarray) -> np.ndarray:
    """NaN where a logarithmic axis has no place."""
    return np.where(np.isfinite(sizes) & (sizes > 0), sizes, np.nan)


def _describe(curves: dict[str, np.ndarray]) -> str:
    parts, none = [], []
    for name, sizes in curves.items():
        seen = np.flatnonzero(np.isfinite(sizes))
        if len(seen):
            first, last = seen[0], seen[-1]
            parts.append(
                f"To dL/d{name} step {first + 1} adds {number(sizes[first])} and step {last + 1} {number(sizes[last])}."
            )
        if len(seen) < len(sizes):
            none.append(f"{len(sizes) - len(seen)} of {name}")
    return " ".join(parts) + (f" Not drawn, because zero or not finite: {', '.join(none)}." if none else "")
