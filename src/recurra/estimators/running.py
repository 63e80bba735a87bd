"""Run a fitted network on series: closed loop and one step ahead, in the units of the data."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra._types import Forecaster, whole_number
from recurra.data.gaps import hold
from recurra.errors import ConfigError, DataError
from recurra.estimators.frame import Frame
from recurra.forecasting import Origins, forecast_origins
from recurra.series import Series
from recurra.times import time_grid


@dataclass(frozen=True, eq=False)
class Runner:
    """A forecaster in its frame.

    Args:
        frame: names, step and scaling.
        network: the forecaster, in scaled units.
        warmup: rows of history run through it before the closed loop.
    """

    frame: Frame
    network: Forecaster
    warmup: int

    def forecast(self, known: Series, steps: int, inputs: Any) -> Series:
        """Closed loop for `steps` steps after the last row of `known`; its missing values are held."""
        if not whole_number(steps) or steps < 1:
            raise ConfigError(f"`n`, the number of steps, must be a whole number of at least 1, got {steps!r}")
        self.frame.check(known, "history")
        drive = self.frame.scaled_drive(inputs, steps, known)
        values, known_drive = self.frame.scaled(self.frame.held(known)[-(self.warmup + 1) :])
        warm = np.concatenate([values[:-1], known_drive[1:]], axis=1)
        origin = Origins(warm[None], values[-1:], drive[None], np.zeros((1, 0, values.shape[1])))
        times = time_grid(known.next_time, self.frame.dt, steps)
        return self.frame.series(forecast_origins(self.network, origin)[0], times, self.frame.dt, drive)

    def one_step(self, series: Series, before: Series | None) -> Series:
        """Teacher-forced: row k from the true rows before it; without rows `before`, row 0 is only an input.

        Where a true value is missing, the last observed one is held.
        """
        values, drive = self.frame.scaled(series)
        if before is not None:
            old, old_drive = self.frame.scaled(self.frame.held(before)[-(self.warmup + 1) :])
            values, drive = np.concatenate([old, values]), np.concatenate([old_drive, drive])
        rows = len(series) - (before is None)
        if rows < 1:
            raise DataError("a one-step prediction needs a row before it: give 2 rows, or `history`")
        inputs = np.concatenate([hold(values)[:-1], drive[1:]], axis=1)
        _, forecasts = self.network.run(self.network.initial_state(1), inputs[None])
        return self.frame.series(forecasts[0, -rows:], series.times[-rows:], series.dt)

    def predict(self, series: Series, before: Series | None) -> Series:
        """`one_step` over a series that may have breaks: after each, the first row is only an input."""
        first, *others = series.segments
        found = [] if before is None and len(first) < 2 and others else [self.one_step(first, before)]
        found += [self.one_step(part, None) for part in others if len(part) > 1]
        if len(found) == 1:
            return found[0]
        if not found:
            raise DataError("every segment has one row: a one-step prediction needs a row before it")
        return Series(
            np.concatenate([part.values for part in found]),
            dt=found[0].dt,
            times=np.concatenate([part.times for part in found]),
            channels=self.frame.channels,
            units=self.frame.units,
            provenance=found[0].provenance,
            breaks=np.cumsum([len(part) for part in found])[:-1].tolist(),
        )


def rows_before(series: Series, data: Any, history: Any, recent: Series | None, frame: Frame) -> Series | None:
    """The known rows just before `series`: `history`, or the `recent` training rows where the series follows them.

    Args:
        series: the rows to score or predict.
        data, history: what the caller gave; both are compared in time where both are series.
        recent: the last training rows; None where nothing can follow them.
        frame: of the model.
    """
    if history is None:
        return recent if recent is not None and recent.leads_to(series.times[0]) else None
    before = frame.series_of(history)
    frame.check(before, "history")
    before = before.segments[-1]
    if isinstance(history, Series) and isinstance(data, Series) and not before.leads_to(series.times[0]):
        raise DataError(
            f"`history` ends at {before.times[-1]} and the data start at {series.times[0]}, one step of {frame.dt:g} "
            "later they would have to: give the rows just before the data"
        )
    return before
