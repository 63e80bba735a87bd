"""What the rows of a suite come to: one line for each entry and measure, over seeds, parts and starts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recurra.suites.rows import Row
from recurra.suites.suite import Measure, Suite

COLUMNS = ("median", "mean", "low", "high", "least", "greatest")
HEADS = ("line", "measure", "median", "mean", "10 %", "90 %", "least", "greatest", "values", "processor s")


def summarise(suite: Suite, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """One line for each entry and measure, in the order of the suite's entries, then of the rows.

    Returns:
        {"name", "measure", "title", "better", "median", "mean", "low", "high", "least", "greatest", "values", "rows",
        "cpu"}: low and high are the tenth and the ninetieth percentile over all values (seeds, parts and starts
        alike); the mean is the root mean square where the measure says so; "lost" counts values that are missing,
        as of a forecast that left the finite numbers; "cpu" is the median of the processor seconds of a row.
    """
    lines = []
    there = dict.fromkeys(row["name"] for row in rows)
    own = [entry.name for entry in suite.entries if entry.name in there]
    for name in dict.fromkeys([*own, *there]):
        of_it = [row for row in rows if row["name"] == name]
        lines += [_line(name, measure, of_it) for measure in suite.measures]
    return lines


def _line(name: str, measure: Measure, rows: Sequence[Row]) -> dict[str, Any]:
    flat = [each for row in rows for each in _listed(row.get(measure.name))]
    values = np.array([each for each in flat if each is not None], dtype=float)
    found: dict[str, Any] = dict.fromkeys(COLUMNS)
    if values.size:
        mean = np.sqrt(np.mean(values**2)) if measure.mean == "rms" else values.mean()
        low, high = np.quantile(values, [0.1, 0.9])
        numbers = (np.median(values), mean, low, high, values.min(), values.max())
        found = {key: float(number) for key, number in zip(COLUMNS, numbers, strict=True)}
    return {
        "name": name,
        "measure": measure.name,
        "title": measure.title,
        "better": measure.better,
        **found,
        "values": int(values.size),
        "lost": len(flat) - int(values.size),
        "rows": len(rows),
        "cpu": float(np.median([row["cpu"] for row in rows])),
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def cells(line: dict[str, Any]) -> list[Any]:
    """A line of `summarise` under `HEADS`."""
    return [line["name"], line["title"], *(line[key] for key in COLUMNS), line["values"], line["cpu"]]


def markdown(suite: Suite, rows: Sequence[Row]) -> str:
    """The table of a suite, and what others have reached, in Markdown."""
    titles = {measure.name: measure.title for measure in suite.measures}
    text = _table(HEADS, [[_shown(cell) for cell in cells(line)] for line in summarise(suite, rows)])
    if not suite.published:
        return text
    others = [[each.who, titles[each.measure], _shown(each.value), each.source] for each in suite.published]
    return f"{text}\n\n{_table(('published', 'measure', 'value', 'source'), others)}"


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = "|" + "---|" * len(heads)
    return "\n".join([f"| {' | '.join(heads)} |", rule, *(f"| {' | '.join(line)} |" for line in lines)])


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "-" if value is None else str(value)
