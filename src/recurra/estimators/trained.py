"""Which rows a model was trained on: enough of them to recognise them when they come back to be scored."""

from dataclasses import dataclass

import numpy as np

from recurra.errors import ConfigError
from recurra.series import Series
from recurra.times import seconds

_SAMPLE = 1024  # rows that are remembered


@dataclass(frozen=True, eq=False)
class TrainedRows:
    """The time spans of the training series and an even sample of their rows, the first and the last among them.

    Args:
        starts, stops: times of the first and the last row of each series.
        owners: the series of each sampled row.
        times, values: of the sampled rows; NaN where a value is missing.
        source: what the provenance says that the rows are from; empty where it says nothing.
    """

    starts: np.ndarray
    stops: np.ndarray
    owners: np.ndarray
    times: np.ndarray
    values: np.ndarray
    source: str

    @staticmethod
    def of(parts: list[Series]) -> "TrainedRows":
        """What to remember of these training series."""
        most = max(2, _SAMPLE // len(parts))
        rows = [np.unique(np.linspace(0, len(p) - 1, min(most, len(p))).round().astype(np.int64)) for p in parts]
        return TrainedRows(
            np.array([part.times[0] for part in parts]),
            np.array([part.times[-1] for part in parts]),
            np.repeat(np.arange(len(parts)), [len(chosen) for chosen in rows]),
            np.concatenate([part.times[chosen] for part, chosen in zip(parts, rows, strict=True)]),
            np.concatenate([part.values[chosen] for part, chosen in zip(parts, rows, strict=True)]),
            _source(parts[0]),
        )

    def within(self, series: Series) -> tuple[int, int] | None:
        """The first and the last row of `series` that were trained on; None where none were.

        A training series is recognised where all of its remembered rows that have the time of a row of `series` have
        its values too; where they have no time in common, by what the provenance says.
        """
        if self.times.dtype.kind != series.times.dtype.kind:
            return None
        known = self._recognised(series)
        tolerance, rows = 0.01 * series.dt, []
        for start, stop in zip(self.starts[known], self.stops[known], strict=True):
            after, before = seconds(series.times - start), seconds(series.times - stop)
            inside = np.flatnonzero((after >= -tolerance) & (before <= tolerance))
            rows += [int(inside[0]), int(inside[-1])] if inside.size else []
        return (min(rows), max(rows)) if rows else None

    def _recognised(self, series: Series) -> np.ndarray:
        clock, sampled = seconds(series.times - series.times[0]), seconds(self.times - series.times[0])
        at = np.clip(np.searchsorted(clock, sampled - 0.01 * series.dt), 0, len(clock) - 1)
        common = np.abs(clock[at] - sampled) <= 0.01 * series.dt
        found, kept = series.values[at], self.values
        same = ((found == kept) | (np.isnan(found) & np.isnan(kept))).all(axis=1)
        count = len(self.starts)
        shared = np.bincount(self.owners[common], minlength=count)
        equal = np.bincount(self.owners[common & same], minlength=count)
        by_name = self.source != "" and _source(series) == self.source
        return np.where(shared > 0, equal == shared, by_name)

    def refuse(self, series: Series, what: str) -> None:
        """Refuse to score rows that were trained on, or that come before all training rows of the same source.

        Raises:
            ConfigError: with both ranges.
        """
        ranges = (
            f"{what} reaches from {series.times[0]} to {series.times[-1]}, the training rows from {self.starts.min()} "
            f"to {self.stops.max()}"
        )
        if (rows := self.within(series)) is not None:
            raise ConfigError(
                f"rows {rows[0]} to {rows[1]} of {what} were trained on ({ranges}), and a score on them says nothing "
                "about new data: score rows after the training part; `predict` gives the errors of training rows"
            )
        if self.times.dtype.kind == series.times.dtype.kind and self._follows(series):
            raise ConfigError(
                f"{what} lies before the training part ({ranges}), and what came later has told the model about it: "
                "train on the earlier part, and score the later one"
            )

    def _follows(self, series: Series) -> bool:
        first = self.starts.min()
        if seconds(first - series.times[-1]) <= 0:
            return False
        return (self.source != "" and _source(series) == self.source) or series.leads_to(first)


def _source(series: Series) -> str:
    told = series.provenance
    return repr(sorted(told.items())) if told.get("source") else ""
