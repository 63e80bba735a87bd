"""Rolling-origin evaluation: many closed-loop forecasts of one series, scored by horizon."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from recurra._types import whole_number
from recurra.errors import ConfigError, DataError
from recurra.forecasting import closed_loop_errors


@dataclass(frozen=True, eq=False)
class Backtest:
    """Forecasts of several learners from the same origins, in the units of the data.

    Args:
        truth: (origins, horizon, channels); NaN where nothing was measured.
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
                mean = np.nanmean if np.isnan(error).any() else np.mean
                rmse, mae = np.sqrt(mean(error**2, axis=0)), mean(np.abs(error), axis=0)
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
            errors = closed_loop_errors(forecast / self.scale, self.truth / self.scale)
            within = ~(errors > threshold)  # a step at which nothing was measured ends no forecast
            times[learner] = np.where(within.all(axis=1), within.shape[1], within.argmin(axis=1)) * self.dt
        return times


def pick_origins(
    segments: Sequence[int], memory: int, horizon: int, origins: int | Sequence[int], trained: int = -1
) -> list[int]:
    """The last known row of each origin: `origins` of them spread from row `trained` on, or those given, checked.

    Args:
        segments: rows of each unbroken piece of the series; no origin's rows reach over a break.
        memory: known rows that an origin needs.
        horizon: rows that are forecast after it.
        origins: how many, or which.
        trained: the last row that was trained on.
    """
    if not whole_number(horizon) or horizon < 1:
        raise ConfigError(f"`horizon` must be a whole number of at least 1, got {horizon!r}")
    rows, stops = sum(segments), np.cumsum(segments)
    spans = zip(stops - segments + memory - 1, stops - horizon, strict=True)
    possible = np.concatenate([np.arange(first, last) for first, last in spans])
    if whole_number(origins):
        if origins < 1:  # pyright: ignore[reportOperatorIssue]
            raise ConfigError(f"`origins` must be at least 1, got {origins}")
        possible = possible[possible >= trained]
        if possible.size == 0:
            _refuse_short(segments, memory, horizon, trained)
        first = possible[0]
        spread = np.linspace(first, first + len(possible) - 1, int(origins))  # pyright: ignore[reportArgumentType]
        return possible[np.unique(spread.round().astype(int)) - first].tolist()
    given = list(origins)  # pyright: ignore[reportArgumentType]
    outside = [row for row in given if not whole_number(row) or row not in possible]
    if outside or not given:
        raise ConfigError(
            f"origins are row numbers from {memory - 1} to {rows - horizon - 1} ({memory} known before, {horizon} "
            f"after, no break between), got {outside}"
        )
    return [int(row) for row in given]


def _refuse_short(segments: Sequence[int], memory: int, horizon: int, trained: int) -> NoReturn:
    """No origin has its rows: with a shorter horizon there would be one, or there is none at all."""
    starts = np.cumsum([0, *segments[:-1]])
    rooms = [n - max(memory, trained + 1 - start) for n, start in zip(segments, starts.tolist(), strict=True)]
    many = f" in {len(segments)} segments" if len(segments) > 1 else ""
    known = max(memory, trained + 1)
    has = f"a backtest needs {known} known rows and {horizon} to score, got {sum(segments)} rows{many}"
    if max(rooms) > 0:
        raise ConfigError(f"{has}: take a `horizon` of at most {max(rooms)}, or give more rows")
    raise DataError(f"{has}: give the rows before the test part too, or more rows")
