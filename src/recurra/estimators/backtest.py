"""Rolling-origin evaluation: many closed-loop forecasts of one series, scored by horizon."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.errors import ConfigError, DataError
from recurra.forecasting import closed_loop_errors


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts of several learners from the same origins, in the units of the data.

    Args:
        truth: (origins, horizon, channels).
        forecasts: the same shape, by learner; the fitted model first.
        origins: time of the last known row of each origin.
        dt: step in time units.
        channels: names.
        scale: training standard deviation of each channel.
    """

    truth: np.ndarray
    forecasts: dict[str, np.ndarray]
    origins: np.ndarray
    dt: float
    channels: tuple[str, ...]
    scale: np.ndarray

    def table(self, horizons: Sequence[int]) -> list[dict[str, Any]]:
        """Root mean square and mean absolute error over the origins, `h` steps ahead, a row for learner and horizon.

        Returns:
            {"learner", "horizon" (time units), "rmse": {channel: value}, "mae": {channel: value}} each.
        """
        steps = self.truth.shape[1]
        outside = [h for h in horizons if not whole_number(h) or not 1 <= h <= steps]
        if outside:
            raise ConfigError(f"horizons are whole numbers of steps, 1 to {steps}, got {outside}")
        rows = []
        for learner, forecast in self.forecasts.items():
            for h in horizons:
                error = forecast[:, h - 1] - self.truth[:, h - 1]
                rmse, mae = np.sqrt((error**2).mean(axis=0)), np.abs(error).mean(axis=0)
                rows.append(
                    {
                        "learner": learner,
                        "horizon": h * self.dt,
                        "rmse": dict(zip(self.channels, rmse.tolist(), strict=True)),
                        "mae": dict(zip(self.channels, mae.tolist(), strict=True)),
                    }
                )
        return rows

    def valid_times(self, threshold: float = 0.4) -> dict[str, np.ndarray]:
        """Valid prediction time from each origin, by learner, in time units."""
        times = {}
        for learner, forecast in self.forecasts.items():
            within = closed_loop_errors(forecast / self.scale, self.truth / self.scale) <= threshold
            times[learner] = np.where(within.all(axis=1), within.shape[1], within.argmin(axis=1)) * self.dt
        return times


def pick_origins(rows: int, memory: int, horizon: int, origins: int | Sequence[int], trained: int = -1) -> list[int]:
    """The last known row of each origin: `origins` of them spread from row `trained` on, or those given, checked."""
    if not whole_number(horizon) or horizon < 1:
        raise ConfigError(f"`horizon` must be a whole number of at least 1, got {horizon!r}")
    first, last = memory - 1, rows - horizon - 1
    if whole_number(origins):
        if origins < 1:  # pyright: ignore[reportOperatorIssue]
            raise ConfigError(f"`origins` must be at least 1, got {origins}")
        first = max(first, trained)
        if last < first:
            raise DataError(
                f"a backtest needs {first + 1} known rows and {horizon} to score, got {rows} rows: give the rows "
                f"before the test part too, or a shorter `horizon`"
            )
        return np.unique(np.linspace(first, last, int(origins)).round().astype(int)).tolist()  # pyright: ignore[reportArgumentType]
    given = list(origins)  # pyright: ignore[reportArgumentType]
    outside = [row for row in given if not whole_number(row) or not first <= row <= last]
    if outside or not given:
        raise ConfigError(
            f"origins are row numbers from {first} to {last} ({memory} known before, {horizon} after), got {outside}"
        )
    return [int(row) for row in given]
