"""The report of a comparison: medians and spreads, and how each learner got there."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recurra.report import canvas
from recurra.report.decimation import decimate
from recurra.report.formatting import number
from recurra.report.page import Section, Table
from recurra.report.palette import Ink, ink
from recurra.report.svg import to_svg

Curve = Sequence[Mapping[str, Any]]

_HEADS = {  # metric -> heading, and which is better
    "valid_time": ("valid time", "higher"),
    "closed_loop_nrmse": ("closed loop: NRMSE", "lower"),
    "one_step_nrmse": ("one step: NRMSE", "lower"),
    "solved": ("solved, share of seeds", "higher"),
    "wrong_fraction": ("wrong answers", "lower"),
    "sequences": ("sequences", ""),
    "seconds": ("seconds", ""),
    "parameters": ("parameters", ""),
    "gradient_passes": ("gradient passes", ""),
    "peak_memory_bytes": ("memory, MiB", ""),
}
_HEIGHT = 190.0
_MEDIANS = "Each number is the median over the seeds, with the lowest and the highest in brackets. "
_COSTS = (
    "By default each had a process of its own: seconds are those of the whole fit, compilation included. Memory is the "
    "most that the process of a run held, and is not told where it did others before.\n\n"
)
_HESSIAN_FREE = (
    "; a step of a Hessian-free optimisation counts as the passes that it is worth. A learner that is solved in one "
    "step has none."
)
_READ = {
    "data": f"{_MEDIANS}Every run saw the same rows and was scored in the same way. {_COSTS}A gradient pass is the "
    f"work of one gradient over all training data{_HESSIAN_FREE}",
    "task": f"{_MEDIANS}Every run drew new sequences, by its seed, and was scored on others. It ended where the task "
    "was solved, after the epoch in which its time was over, or before the one that would exceed its sequences. "
    f"{_COSTS}A gradient pass is the work of the gradient of one sequence{_HESSIAN_FREE}",
}
_PASSES = {"data": "gradients over all training data", "task": "gradients of one sequence"}


def comparison_sections(
    rows: Sequence[Mapping[str, Any]],
    runs: Sequence[Mapping[str, Any]],
    curves: Mapping[str, Sequence[Curve]],
    metrics: Sequence[str],
    *,
    kind: str = "data",
) -> list[Section]:
    """The sections of the report.

    Args:
        rows: one a learner, as of `recurra.sweeps.comparison.summary`.
        runs: one a learner and seed.
        curves: the learning curves of each learner, one a seed, as of `curve_of`.
        metrics: what to show of them.
        kind: "data" or "task", which says what a gradient pass is and what the runs have in common.
    """
    cut = metrics.index("seconds") if "seconds" in metrics else len(metrics)
    tables = [_table(rows, part, what) for part, what in ((metrics[:cut], "How good"), (metrics[cut:], "At what cost"))]
    sections = [Section("Results", _READ[kind], tables=[table for table in tables if len(table.columns) > 1])]
    figures = [figure for x in ("seconds", "passes") if (figure := learning_curves(curves, x, _PASSES[kind]))]
    if figures:
        sections.append(Section("Learning curves", "One line a seed.", figures=figures))
    sections.append(Section("Every run", tables=[_runs(runs, metrics)]))
    return sections


def verdict(rows: Sequence[Mapping[str, Any]], metric: str) -> str:
    """Which learners were best, in a sentence or two.

    Args:
        rows: one a learner.
        metric: "solved", or "valid_time" on data: far beyond it the error of a closed loop only says how lively a
            forecast is, and that of a constant is less than that of the best network.

    >>> rows = [{"learner": name, "solved": {"median": share}} for name, share in (("esn", 1), ("gru", 0), ("lstm", 1))]
    >>> verdict(rows, "solved")
    '3 learners; the largest share of seeds that solved it, 1, is that of esn and lstm.'
    """
    found = {row["learner"]: row[metric]["median"] for row in rows if row[metric] is not None}
    if not found:
        return "No run has finished."
    best = max(found.values())
    *others, last = (name for name, value in found.items() if value == best)
    names, many = f"{', '.join(others)} and {last}" if others else last, _count(len(rows), "learner")
    if metric == "solved" and best == 0:
        return f"{many}; no learner solved it."
    what = {"solved": "largest share of seeds that solved it", "valid_time": "longest median valid time"}[metric]
    return f"{many}; the {what}, {best:.3g}, is that of {names}."


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _table(rows: Sequence[Mapping[str, Any]], metrics: Sequence[str], what: str) -> Table:
    body = [[ink(row["learner"]).title, *(_spread(row[name], name) for name in metrics)] for row in rows]
    failed = sum(row["failed"] for row in rows)
    seeds = max(row["runs"] for row in rows)
    caption = f"{what}: {'medians of ' if seeds > 1 else ''}{_count(seeds, 'seed')}"
    caption += f"; {_count(failed, 'run')} failed" if failed else ""
    return Table(["Learner", *(_HEADS[name][0] for name in metrics)], body, caption)


def _runs(runs: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> Table:
    body = []
    for row in runs:
        seed = "" if row["seed"] is None else f", seed {row['seed']}"
        ended = row["reason"].partition("\n")[0] or "finished"
        body.append([f"{ink(row['learner']).title}{seed}", ended, *(_scaled(row[name], name) for name in metrics)])
    heads = [_HEADS[name] for name in metrics]
    better = ["", "", *(way for _, way in heads)]
    return Table(["Run", "how it ended", *(title for title, _ in heads)], body, "All runs, the best marked", better)


def _scaled(value: Any, name: str) -> Any:
    if value is None:
        return None
    return value / 2**20 if name == "peak_memory_bytes" else float(value)


def _spread(found: Mapping[str, float] | None, name: str) -> str | None:
    """`median (low – high)`, one number where they are the same."""
    if found is None:
        return None
    middle, low, high = (number(_scaled(found[key], name)) for key in ("median", "low", "high"))
    return middle if low == high else f"{middle} ({low} – {high})"


def learning_curves(curves: Mapping[str, Sequence[Curve]], x: str, passes: str = "gradient passes") -> str:
    """Draw the validation score (or the loss, where a learner has none) against the work done so far.

    Args:
        curves: the learning curves of each learner, one a seed: points with seconds, passes, loss and validation.
        x: "seconds" or "passes".
        passes: what a pass is, in words, for the axis.

    Returns:
        One SVG element, for a page; "" where no run has a curve.
    """
    y = "validation" if all(_told(c, "validation") for many in curves.values() for c in many if len(c)) else "loss"
    lines = [(ink(name), *_points(curve, x, y)) for name, many in curves.items() for curve in many]
    lines = [(pen, work, score) for pen, work, score in lines if len(score)]
    if not lines:
        return ""
    scores = np.concatenate([score for _, _, score in lines])
    low, high = float(scores.min()) / 1.4, float(scores.max()) * 1.4
    ticks, end = canvas.log_ticks(low, high), float(max(work.max() for _, work, _ in lines))
    left = canvas.room_for(ticks[1])
    pens = {pen.title: pen for pen, _, _ in lines}
    label = "validation score" if y == "validation" else "training loss"
    top = canvas.legend_height(list(pens)) + 30
    with canvas.drawing(top + _HEIGHT + 42) as figure:
        canvas.legend(figure, list(pens.items()))
        axes = canvas.panel(figure, left, top, canvas.WIDTH - left - 16, _HEIGHT)
        axes.set_yscale("log")
        canvas.heading(axes, label)
        canvas.set_ticks(axes, "y", (low, high), ticks)
        canvas.set_ticks(axes, "x", (0.0, end), canvas.linear_ticks(0.0, end, 5))
        canvas.x_label(axes, "seconds of training" if x == "seconds" else passes)
        for k, (pen, work, score) in enumerate(lines):
            marker = {"marker": "o", "markersize": 4} if len(score) == 1 else {}
            canvas.line(axes, *decimate(work, score), pen, f"line-{k}", **marker)
        return to_svg(figure, f"learning-{x}", f"The {label} against {x}", _described(lines, label, x))


def _told(curve: Curve, name: str) -> bool:
    return any(_is_good(point.get(name)) for point in curve)


def _is_good(value: Any) -> bool:
    return value is not None and np.isfinite(value) and value > 0


def _points(curve: Curve, x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    """Work and best score so far, where both are known: a logarithmic axis has no place for others."""
    kept = [point for point in curve if _is_good(point.get(y)) and point.get(x) is not None]
    scores = np.array([point[y] for point in kept], dtype=np.float64)
    if y == "validation":
        scores = np.minimum.accumulate(scores)  # the best model so far is the one that is kept
    return np.array([point[x] for point in kept], dtype=np.float64), scores


def _described(lines: Sequence[tuple[Ink, np.ndarray, np.ndarray]], label: str, x: str) -> str:
    ends = {}
    for pen, work, score in lines:
        ends.setdefault(pen.title, []).append((float(score[-1]), float(work[-1])))
    told = [
        f"{title} {number(float(np.median([score for score, _ in each])))} after "
        f"{number(float(np.median([work for _, work in each])))} {x}"
        for title, each in ends.items()
    ]
    kind = "best so far, " if label.startswith("validation") else ""
    return f"The {label}, {kind}at the end, median over the seeds: {'; '.join(told)}."
