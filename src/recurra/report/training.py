"""The training curve: loss and validation score against the epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recurra.errors import DataError
from recurra.report import canvas
from recurra.report.decimation import decimate
from recurra.report.formatting import number
from recurra.report.palette import Ink
from recurra.report.svg import to_svg

_PENS = {
    "loss": Ink("loss", "esn", "#0068a8", "#5cb8f0", width=1.5),
    "validation": Ink("validation score", "lstm", "#d1520a", "#ff8f4d", (4.0, 1.5), 1.5),
}


def training_curve(history: Sequence[Mapping[str, Any]]) -> str:
    """Draw loss and validation score on a logarithmic axis, with a dot at the best validation score.

    Args:
        history: one mapping an epoch with "epoch", "loss" and "validation" (None where there is none).

    Returns:
        One SVG element, for a page.

    Raises:
        DataError: no epoch has a positive, finite loss.
    """
    epochs = np.array([row["epoch"] for row in history], dtype=np.float64)
    curves = {name: _column(history, name) for name in _PENS}
    curves = {name: values for name, values in curves.items() if np.isfinite(values).any()}
    if "loss" not in curves:
        raise DataError(f"none of the {len(history)} epochs has a positive, finite loss: there is no curve to draw")
    every = np.concatenate(list(curves.values()))
    low, high = float(np.nanmin(every)) / 1.4, float(np.nanmax(every)) * 1.4
    ticks = canvas.log_ticks(low, high)
    left = canvas.room_for(ticks[1])
    entries = [(_PENS[name].title, _PENS[name]) for name in curves]
    top = canvas.legend_height([name for name, _ in entries]) + 12
    with canvas.drawing(top + 170 + 42) as figure:
        canvas.legend(figure, entries)
        axes = canvas.panel(figure, left, top, canvas.WIDTH - left - 16, 170)
        axes.set_yscale("log")
        canvas.set_ticks(axes, "y", (low, high), ticks)
        ends = (float(epochs.min()), float(epochs.max()))
        ends = ends if ends[0] < ends[1] else (ends[0] - 0.5, ends[1] + 0.5)
        canvas.set_ticks(axes, "x", ends, _whole(canvas.linear_ticks(*ends, 5)))
        canvas.x_label(axes, "epoch")
        marker = {"marker": "o", "markersize": 4} if len(history) == 1 else {}
        for name, values in curves.items():
            given = np.array([row.get(name) is not None for row in history])  # a score every tenth epoch is one line
            canvas.line(axes, *decimate(epochs[given], values[given]), _PENS[name], f"line-{name}", **marker)
        if "validation" in curves:
            best = int(np.nanargmin(curves["validation"]))
            axes.plot(epochs[best], curves["validation"][best], "o", color=_PENS["validation"].light, markersize=5)
        return to_svg(figure, "training", "Training curve", _describe(epochs, curves, history))


def _column(history: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """One value an epoch; NaN where a logarithmic axis has none: missing, not finite, not positive."""
    values = np.array([np.nan if row.get(name) is None else row[name] for row in history], dtype=np.float64)
    return np.where(np.isfinite(values) & (values > 0), values, np.nan)


def _whole(ticks: tuple[np.ndarray, list[str]]) -> tuple[np.ndarray, list[str]]:
    kept = [(at, f"{at:.0f}") for at in ticks[0] if at == round(at)]
    return np.array([at for at, _ in kept]), [label for _, label in kept]


def _describe(epochs: np.ndarray, curves: Mapping[str, np.ndarray], history: Sequence[Mapping[str, Any]]) -> str:
    loss = curves["loss"][np.isfinite(curves["loss"])]
    text = f"{len(epochs):,} epochs; the loss goes from {number(loss[0])} to {number(loss[-1])}."
    if len(epochs) == 1:
        text = f"One epoch, with a loss of {number(loss[0])}."
    if "validation" in curves:
        best = int(np.nanargmin(curves["validation"]))
        score = number(curves["validation"][best])
        text += f" The best validation score, {score}, is that of epoch {epochs[best]:.0f}."
    given = {name: sum(row.get(name) is not None for row in history) for name in curves}
    gaps = {name: given[name] - int(np.isfinite(values).sum()) for name, values in curves.items()}
    missing = [f"{count} of {name}" for name, count in gaps.items() if count]
    return text + (f" Not drawn, because not finite or not positive: {', '.join(missing)}." if missing else "")
