"""Tables as plain text."""

from collections.abc import Mapping, Sequence
from typing import Any

_LOOPS = (("closed_loop", "closed loop"), ("one_step", "one step"))
_SHOWN = (("rmse", "RMSE"), ("nrmse", "NRMSE"), ("r2", "R2"))


def aligned(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns of text, numbers to the right.

    >>> print(aligned(["learner", "RMSE"], [["esn", 0.12345], ["linear", None]]))
    learner    RMSE
    esn      0.1235
    linear        -
    """
    texts = [list(columns), *([cell(value) for value in row] for row in rows)]
    right = [any(isinstance(row[i], int | float) for row in rows) for i in range(len(columns))]
    widths = [max(len(row[i]) for row in texts) for i in range(len(columns))]
    lines = [
        "  ".join(
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in texts
    ]
    return "\n".join(lines)


def cell(value: Any) -> str:
    """One cell: four digits of a number, a dash for nothing."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def score_table(learner: str, score: Mapping[str, Any], time_unit: str = "") -> str:
    """Scores of a learner above those of its baselines, closed loop and one step apart; below, what to bear in mind."""
    closed = score["closed_loop"]
    unit = f" ({time_unit})" if time_unit else ""
    columns = ["learner", f"valid time{unit}"]
    columns += [f"{loop}: {title}" for _, loop in _LOOPS for _, title in _SHOWN]
    rows = []
    for name in [learner, *closed.get("baselines", {})]:
        row: list[Any] = [name]
        for key, _ in _LOOPS:
            found = score[key] if name == learner else score[key]["baselines"][name]
            if key == "closed_loop":
                row.append(found.get("valid_time"))
            row += [found.get(metric) for metric, _ in _SHOWN]
        rows.append(row)
    notes = [note for key, _ in _LOOPS for note in score[key].get("notes", ())]
    return "\n\n".join([aligned(columns, rows), *notes])
