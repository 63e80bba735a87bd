"""The frame of a fitted model: names, step and scaling, between `Series` in the units of the data and scaled arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra._types import LOST
from recurra.data import Scaler, as_series, check_finite
from recurra.data.gaps import hold
from recurra.errors import DataError, unknown
from recurra.series import Series
from recurra.times import time_grid

_SAME_STEP = 1e-3  # steps that differ by less than this fraction are the same sampling
_NAMED = ("pandas", "polars", "xarray")  # packages whose tables have names and times of their own


@dataclass(frozen=True, eq=False)
class Frame:
    """What a model knows of the data it was trained on.

    Args:
        channels, units: of the forecast quantities.
        inputs, input_units: of the drive, empty for none.
        dt: step in time units.
        scaler, drive_scaler: mean and standard deviation of the training rows.
        facts: provenance that forecasts carry on (time unit, Lyapunov exponent).
    """

    channels: tuple[str, ...]
    units: tuple[str, ...]
    inputs: tuple[str, ...]
    input_units: tuple[str, ...]
    dt: float
    scaler: Scaler
    drive_scaler: Scaler
    facts: dict[str, Any]

    @staticmethod
    def of(parts: list[Series]) -> "Frame":
        """The frame of the training series; they agree in channels, inputs and step."""
        first = parts[0]
        facts = {k: first.provenance[k] for k in ("time_unit", "lyapunov_exponent") if k in first.provenance}
        return Frame(
            first.channels,
            first.units,
            first.inputs.channels if first.inputs is not None else (),
            first.inputs.units if first.inputs is not None else (),
            first.dt,
            Scaler.fit([part.values for part in parts]),
            Scaler.fit([_drive_values(part) for part in parts]),
            facts,
        )

    @property
    def features(self) -> int:
        """What one step sees: channels and drive."""
        return len(self.channels) + len(self.inputs)

    def series_of(self, data: Any, after: Series | None = None) -> Series:
        """One series from what users have at hand; a plain array takes names, units and step of the training data.

        Args:
            data: whatever `as_series` takes.
            after: the rows that a plain array, which has no times, is known to follow.
        """
        series = as_series(data)
        named = isinstance(data, Series) or type(data).__module__.partition(".")[0] in _NAMED
        if named or len(series) == 0 or len(series.channels) != len(self.channels):
            return series
        times = None if after is None else time_grid(after.next_time, self.dt, len(series))
        return Series(series.values, dt=self.dt, times=times, channels=self.channels, units=self.units)

    def many(self, data: Any) -> list[Series]:
        """One or many series from what users have at hand, a list where `data` is a list of tables."""
        tables = isinstance(data, list | tuple) and any(
            isinstance(part, Series) or getattr(part, "ndim", 0) > 0 for part in data
        )
        if isinstance(data, list | tuple) and not data:
            raise DataError("there are no series in the list")
        return [self.series_of(part) for part in data] if tables else [self.series_of(data)]

    def check(self, series: Series, what: str) -> None:
        """Refuse a series that the model was not made for, with what differs."""
        if len(series) == 0:
            raise DataError(f"{what} has no rows")
        names = series.inputs.channels if series.inputs is not None else ()
        for kind, got, expected in (
            ("channels", series.channels, self.channels),
            ("inputs", names, self.inputs),
        ):
            if got != expected:
                raise DataError(f"{what} has {kind} {list(got)}; the model was fitted to {list(expected)}")
        _check_units(series, self.units, what)
        if series.inputs is not None:
            _check_units(series.inputs, self.input_units, what)
        if abs(series.dt - self.dt) > _SAME_STEP * self.dt:
            raise DataError(f"{what} has a step of {series.dt:g}; the model was fitted to {self.dt:g}: resample it")
        check_finite(series, what)

    def scaled(self, series: Series) -> tuple[np.ndarray, np.ndarray]:
        """Scaled values (time, channels), NaN where missing, and drive (time, drive)."""
        return self.scaler.scale(series.values), self.drive_scaler.scale(_drive_values(series))

    def held(self, series: Series) -> Series:
        """The series with every missing value held at the last observed one; the mean before the first.

        What `recurra.data.gaps.hold` does in scaled units, here in those of the data.
        """
        if series.mask is None:
            return series
        unseen = np.cumsum(series.mask, axis=0) == 0
        return Series(
            np.where(unseen, self.scaler.mean, hold(series.values)),
            dt=series.dt,
            times=series.times,
            channels=series.channels,
            units=series.units,
            inputs=series.inputs,
            provenance=series.provenance,
            breaks=series.breaks,
        )

    def scaled_drive(self, inputs: Any, steps: int, known: Series) -> np.ndarray:
        """The drive of the `steps` rows after `known`, scaled; refuses a missing, superfluous or displaced one.

        Args:
            inputs: a `Series`, an array (steps, drive), or values by name: numbers that do not change, or arrays
                (steps,).
            steps: rows of the forecast.
            known: the rows before them.
        """
        if not self.inputs:
            if inputs is not None:
                raise DataError("this model was fitted without inputs and takes none")
            return np.zeros((steps, 0))
        if inputs is None:
            raise DataError(f"the model is driven by {list(self.inputs)}: give `inputs` for the {steps} forecast rows")
        if isinstance(inputs, Mapping):
            inputs = self._columns(inputs, steps)
        timed = isinstance(inputs, Series)
        drive = inputs if timed else Series(inputs, channels=self.inputs, dt=self.dt)
        if drive.channels != self.inputs or len(drive) < steps or (not timed and len(drive) > steps):
            raise DataError(
                f"`inputs` has {len(drive)} rows of {list(drive.channels)}; the forecast needs {steps} rows of "
                f"{list(self.inputs)}, row k at the time of forecast row k"
            )
        if timed:
            self._check_drive(drive, known)
        check_finite(drive, "inputs")
        return self.drive_scaler.scale(drive.values[:steps])

    def _columns(self, given: Mapping[str, Any], steps: int) -> np.ndarray:
        """The drive (steps, drive) from its columns by name."""
        if missing := [name for name in self.inputs if name not in given]:
            raise DataError(f"`inputs` has no {', '.join(missing)}: the model is driven by {list(self.inputs)}")
        if surplus := [name for name in given if name not in self.inputs]:
            raise DataError(unknown("input", surplus[0], self.inputs))
        columns = []
        for name in self.inputs:
            column = np.asarray(given[name])
            if column.dtype.kind not in "iuf" or column.shape not in ((), (steps,)):
                raise DataError(
                    f"`inputs[{name!r}]` is a number, or {steps} numbers, one for each forecast row; got "
                    f"{column.dtype} of shape {column.shape}"
                )
            columns.append(np.broadcast_to(column, steps))
        return np.stack(columns, axis=1)

    def _check_drive(self, drive: Series, known: Series) -> None:
        _check_units(drive, self.input_units, "inputs")
        if len(drive) > 1 and abs(drive.dt - self.dt) > _SAME_STEP * self.dt:
            raise DataError(f"`inputs` has a step of {drive.dt:g}; the model was fitted to {self.dt:g}: resample it")
        if not known.leads_to(drive.times[0]):
            raise DataError(
                f"`inputs` starts at {drive.times[0]} and the forecast at {known.next_time}: row k of the inputs is at "
                "the time of forecast row k. Cut the inputs there, or give an array"
            )

    def series(self, scaled: np.ndarray, times: np.ndarray, dt: float, drive: np.ndarray | None = None) -> Series:
        """A forecast at these times, in the units of the data.

        Of one that runs away, provenance says after how many rows: `lost_after`.
        """
        inputs = None
        lost = np.flatnonzero((np.abs(scaled) >= LOST).any(axis=1))
        horizon = {"lost_after": int(lost[0])} if lost.size else {}
        if drive is not None and self.inputs:
            values = self.drive_scaler.unscale(drive)
            inputs = Series(values, dt=dt, times=times, channels=self.inputs, units=self.input_units)
        return Series(
            self.scaler.unscale(scaled),
            dt=dt,
            times=times,
            channels=self.channels,
            units=self.units,
            inputs=inputs,
            provenance={**self.facts, "source": "forecast", "training_std": self.scaler.std.tolist(), **horizon},
        )


def _check_units(series: Series, units: tuple[str, ...], what: str) -> None:
    for name, got, expected in zip(series.channels, series.units, units, strict=True):
        if got and expected and got != expected:
            raise DataError(f"{what} has {name!r} in {got!r}; the model was fitted to {expected!r}: convert it")


def _drive_values(series: Series) -> np.ndarray:
    return series.inputs.values if series.inputs is not None else np.zeros((len(series), 0))
