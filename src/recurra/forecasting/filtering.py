"""Rows with noise, filtered by the forecasts of a network: what a forecaster sees, and where it starts from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra._types import Batch, BatchDrive, BatchInputs, Forecaster, Row
from recurra.data.gaps import hold
from recurra.forecasting.origins import Origins, closed_loop_errors, forecast_origins, horizon_score, warmed
from recurra.threads import one_blas_thread

GAINS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08)  # that are tried
ASTRAY = 1.0  # standard deviations: a forecast that is further from its row gives way to it


@dataclass(frozen=True, eq=False)
class Filtered:
    r"""A network that sees every row through its own forecast of it.

    .. math:: \tilde y_t = \hat y_t + K (y_t - \hat y_t), \qquad
        \hat y_{t+1} = \mathrm{network}(\ldots, \tilde y_{t-1}, \tilde y_t)

    An observer with a constant gain: along directions that shrink the forecasts forget the noise of the rows, along
    those that grow K has to outweigh the growth in a step. Row t of what it makes follows from the rows up to t alone.

    Args:
        network: the forecaster.
        gain: K in (0, 1]; 1 takes the rows as they are. Where gains are compared, one for each sequence (batch, 1).
        burn: rows at the start that are taken as they are, while the state settles.

    The state is (that of the network, its last forecast, rows seen).

    Reference: D. G. Luenberger, IEEE Transactions on Automatic Control 16 (1971) 596-602; for chaotic rows, H. U. Voss,
    J. Timmer, J. Kurths, International Journal of Bifurcation and Chaos 14 (2004) 1905-1933.
    """

    network: Forecaster
    gain: float | np.ndarray
    burn: int

    def initial_state(self, batch: int) -> Any:
        return self.network.initial_state(batch), None, 0

    def warm(self, state: Any, inputs: BatchInputs) -> Any:
        """The state that a batch of input sequences leads to."""
        return self._follow(state, inputs, told=False)[0]

    def run(self, state: Any, inputs: BatchInputs) -> tuple[Any, Batch]:
        return self._follow(state, inputs)[:2]

    def free_run(self, state: Any, last: Row, drive: BatchDrive) -> tuple[Any, Batch]:
        inner, forecast, seen = state
        inner, found = self.network.free_run(inner, self._blend(last, forecast, seen), drive)
        steps = found.shape[1]
        return (inner, found[:, -1] if steps else forecast, seen + steps), found

    def rows(self, inputs: BatchInputs) -> Batch:
        """The filtered rows y~ (batch, rows, channels) of inputs from the start on."""
        return self._follow(self.initial_state(len(inputs)), inputs, told=False)[2]

    def _follow(self, state: Any, inputs: BatchInputs, *, told: bool = True) -> tuple[Any, Batch, Batch]:
        """The state after the inputs, the forecasts, unless not `told` of rows that are taken as they are, and the
        filtered rows."""
        inner, forecast, seen = state
        forecasts: list[np.ndarray] = []
        rows: list[np.ndarray] = []
        plain = inputs.shape[1] if np.all(self.gain == 1) else min(max(0, self.burn - seen), inputs.shape[1])
        if forecast is None or plain:  # the first row is taken as it is
            plain = min(max(1, plain), inputs.shape[1])
            skipped = 0 if told or not hasattr(self.network, "warm") else max(0, plain - 1)
            inner = warmed(self.network, inner, inputs[:, :skipped]) if skipped else inner
            inner, ahead = self.network.run(inner, inputs[:, skipped:plain])
            forecasts.append(ahead)
            rows.append(inputs[:, :plain, : ahead.shape[2]])
            channels, forecast, seen = ahead.shape[2], ahead[:, -1] if plain else None, seen + plain
        else:
            channels = forecast.shape[1]
        for t in range(plain, inputs.shape[1]):
            row = self._blend(inputs[:, t, :channels], forecast, seen)
            inner, ahead = self.network.run(inner, np.concatenate([row, inputs[:, t, channels:]], axis=1)[:, None])
            forecast, seen = ahead[:, 0], seen + 1
            forecasts.append(ahead)
            rows.append(row[:, None])
        return (inner, forecast, seen), np.concatenate(forecasts, axis=1), np.concatenate(rows, axis=1)

    def _blend(self, row: Row, forecast: Row | None, seen: int) -> Row:
        if forecast is None or seen < self.burn or np.all(self.gain == 1):
            return row
        away = row - forecast
        astray = np.logical_not((np.abs(away) <= ASTRAY).all(axis=1, keepdims=True))
        return np.where(astray, row, row - (1 - self.gain) * away)


def filtered_rows(network: Filtered, values: np.ndarray, drive: np.ndarray) -> np.ndarray:
    """A scaled series (time, channels) as the filter sees it; a missing value stays missing.

    Args:
        network: with its gain.
        values, drive: of the series, NaN where a value is missing.
    """
    held = hold(values)
    inputs = np.concatenate([held, np.concatenate([drive[1:], drive[-1:]])], axis=1)  # the last drive is not used
    with one_blas_thread():
        rows = network.rows(inputs[None])[0]
    return np.where(np.isnan(values), np.nan, rows)


def choose_gain(
    network: Forecaster, origins: Origins, burn: int, gains: Sequence[float] = GAINS
) -> tuple[Filtered, float]:
    """The filter whose closed loops from the origins are best, the larger gain of equals, and their score.

    All gains filter and forecast at once, in one batch.

    Args:
        network: that filters and forecasts.
        origins: with rows as they were measured, more than `burn` before each.
        burn: as of `Filtered`.
        gains: that are tried.
    """
    every = Filtered(network, np.repeat(gains, len(origins))[:, None], burn)
    forecasts = forecast_origins(every, Origins.join([origins] * len(gains)))
    scores = horizon_score(closed_loop_errors(forecasts.reshape(-1, *origins.truth.shape), origins.truth))
    best = int(np.argmin(scores))
    return Filtered(network, float(gains[best]), burn), float(scores[best])
