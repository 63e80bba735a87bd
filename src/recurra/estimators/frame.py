"""The frame of a fitted model: names, step and scaling, between `Series` in the units of the data and scaled arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.data import Scaler, check_finite
from recurra.errors import DataError
from recurra.series import Series

_SAME_STEP = 1e-3  # steps that differ by less than this fraction are the same sampling


@dataclass(frozen=True, eq=False)
class Frame:
    """What a model knows of the data it was trained on.

    Args:
        channels, units: of the forecast quantities.
        inputs: names of the drive's channels, empty for none.
        dt: step in time units.
        scaler, drive_scaler: mean and standard deviation of the training rows.
        facts: provenance that forecasts carry on (time unit, Lyapunov exponent).
    """

    channels: tuple[str, ...]
    units: tuple[str, ...]
    inputs: tuple[str, ...]
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
            first.dt,
            Scaler.fit([part.values for part in parts]),
            Scaler.fit([_drive_values(part) for part in parts]),
            facts,
        )

    @property
    def features(self) -> int:
        """What one step sees: channels and drive."""
        return len(self.channels) + len(self.inputs)

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
        for name, got, expected in zip(series.channels, series.units, self.units, strict=True):
            if got and expected and got != expected:
                raise DataError(
                    f"{what} has channel {name!r} in {got!r}; the model was fitted to {expected!r}: convert it"
                )
        if abs(series.dt - self.dt) > _SAME_STEP * self.dt:
            raise DataError(f"{what} has a step of {series.dt:g}; the model was fitted to {self.dt:g}: resample it")
        check_finite(series, what)

    def scaled(self, series: Series) -> tuple[np.ndarray, np.ndarray]:
        """Scaled values (time, channels) and drive (time, drive)."""
        return self.scaler.scale(series.values), self.drive_scaler.scale(_drive_values(series))

    def scaled_drive(self, inputs: Any, steps: int) -> np.ndarray:
        """The drive of the forecast rows, scaled; refuses a missing, superfluous or too short one."""
        if not self.inputs:
            if inputs is not None:
                raise DataError("this model was fitted without inputs and takes none")
            return np.zeros((steps, 0))
        if inputs is None:
            raise DataError(f"the model is driven by {list(self.inputs)}: give `inputs` for the {steps} forecast rows")
        drive = inputs if isinstance(inputs, Series) else Series(inputs, channels=self.inputs, dt=self.dt)
        if drive.channels != self.inputs or len(drive) < steps:
            raise DataError(
                f"`inputs` has {len(drive)} rows of {list(drive.channels)}; the forecast needs {steps} rows of "
                f"{list(self.inputs)}, row k at the time of forecast row k"
            )
        if len(drive) > 1 and abs(drive.dt - self.dt) > _SAME_STEP * self.dt:
            raise DataError(f"`inputs` has a step of {drive.dt:g}; the model was fitted to {self.dt:g}: resample it")
        check_finite(drive, "inputs")
        return self.drive_scaler.scale(drive.values[:steps])

    def series(self, scaled: np.ndarray, times: np.ndarray, dt: float, drive: np.ndarray | None = None) -> Series:
        """A forecast at these times, in the units of the data."""
        inputs = None
        if drive is not None and self.inputs:
            inputs = Series(self.drive_scaler.unscale(drive), dt=dt, times=times, channels=self.inputs)
        return Series(
            self.scaler.unscale(scaled),
            dt=dt,
            times=times,
            channels=self.channels,
            units=self.units,
            inputs=inputs,
            provenance={**self.facts, "source": "forecast", "training_std": self.scaler.std.tolist()},
        )


def _drive_values(series: Series) -> np.ndarray:
    return series.inputs.values if series.inputs is not None else np.zeros((len(series), 0))
