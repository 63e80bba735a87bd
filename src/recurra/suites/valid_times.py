"""For how many Lyapunov times forecasts from many starts hold, and for how many the truth itself is known."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from recurra.series import Series
from recurra.suites.suite import Measure

THRESHOLD = 0.5  # of sqrt(mean over channels of ((forecast - truth) / standard deviation)^2)
MEASURES = (
    Measure("valid_times", "valid prediction time, Lyapunov times", "higher"),
    Measure("truth", "two solvers agree, Lyapunov times"),
)


@dataclass(frozen=True, eq=False)
class Starts:
    """One trajectory, how much of it may be learnt, and from where forecasts begin.

    Args:
        truth: the trajectory.
        learnt: how many of its first rows may be learnt.
        origins: the last known row of each forecast.
        horizon: rows of each.
        exponent: the first Lyapunov exponent, per time unit.
    """

    truth: Series
    learnt: int
    origins: tuple[int, ...]
    horizon: int
    exponent: float

    @cached_property
    def scale(self) -> np.ndarray:
        """Standard deviations of the rows that may be learnt, (channels,)."""
        return self.truth.values[: self.learnt].std(axis=0)

    @cached_property
    def agreement(self) -> np.ndarray:
        """Lyapunov times for which two solvers agree from each start; at most the horizon."""
        from recurra.systems import agreement_time

        parts = (self.truth[r : r + self.horizon + 1] for r in self.origins)
        return self.exponent * np.array([agreement_time(part, THRESHOLD, self.scale) for part in parts])

    def valid_times(self, forecasts: np.ndarray) -> np.ndarray:
        """Lyapunov times for which each forecast holds: (starts, horizon, channels) -> (starts,)."""
        from recurra.metrics import valid_prediction_time

        times = []
        for row, forecast in zip(self.origins, forecasts, strict=True):
            after = self.truth.values[row + 1 : row + 1 + self.horizon]
            times.append(valid_prediction_time(after, forecast, THRESHOLD, self.scale, self.truth.dt))
        return self.exponent * np.array(times)


def held(
    model: Any,
    starts: Starts,
    rows: int,
    seen: Callable[[np.ndarray], np.ndarray] = np.asarray,
    whole: Callable[[np.ndarray], np.ndarray] = np.asarray,
) -> dict[str, Any]:
    """Fit to the last rows that may be learnt, and forecast from every start.

    Args:
        model: the estimator, unfitted.
        starts: the trajectory.
        rows: how many are learnt.
        seen: from rows of all channels to what the learner sees of them.
        whole: from forecasts (starts, horizon, what it sees) to all channels.
    """
    table = seen(starts.truth.values)
    names = starts.truth.channels if table.shape[1] == len(starts.truth.channels) else None
    series = Series(table, dt=starts.truth.dt, channels=names)
    used = time.process_time()
    model.fit(series[starts.learnt - rows : starts.learnt])
    used = time.process_time() - used
    found = model.backtest(series, starts.horizon, list(starts.origins)).forecasts[model.kind]
    tried = [entry for entry in model.history_ if "ridge" in entry]
    best = min(tried, key=lambda entry: entry["validation"], default={})
    return {
        "settings": {name: value for name, value in best.items() if name != "validation"},
        "cpu": round(used, 1),
        "valid_times": np.round(starts.valid_times(whole(found)), 2),
        "truth": np.round(starts.agreement, 2),
    }
