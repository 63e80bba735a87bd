"""Forecast origins: what is known before each, and what came after; for forecasts, scores and validation alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from recurra._types import Batch, BatchDrive, BatchInputs, Forecaster, Row
from recurra.data.gaps import hold
from recurra.threads import one_blas_thread


@dataclass(frozen=True, eq=False)
class Origins:
    """A batch of closed-loop problems in scaled units.

    Args:
        warm: inputs [y[t], u[t+1]] that warm the state up, (batch, rows, features), the rows before `last`.
        last: the last known row (batch, channels).
        drive: exogenous inputs of the forecast rows (batch, steps, drive).
        truth: what came (batch, steps, channels), NaN where nothing was measured; empty (0 steps) where unknown.
    """

    warm: BatchInputs
    last: Row
    drive: BatchDrive
    truth: Batch

    @staticmethod
    def cut(values: np.ndarray, drive: np.ndarray, rows: Sequence[int], warmup: int, steps: int) -> "Origins":
        """Origins in one series: row r is the last known one, r + 1 ... r + steps are forecast.

        Args:
            values: scaled (time, channels). Missing values, NaN, are held at the last observed one where they are
                known rows, and stay NaN in the truth.
            drive: scaled (time, drive), zero columns for none.
            rows: the last known row of each origin; each has `warmup` rows before it and `steps` after it.
        """
        known = hold(values)
        inputs = np.concatenate([known[:-1], drive[1:]], axis=1)
        return Origins(
            np.stack([inputs[r - warmup : r] for r in rows]),
            np.stack([known[r] for r in rows]),
            np.stack([drive[r + 1 : r + 1 + steps] for r in rows]),
            np.stack([values[r + 1 : r + 1 + steps] for r in rows]),
        )

    @staticmethod
    def join(parts: Sequence["Origins"]) -> "Origins":
        """Several batches of the same shape as one."""
        fields = ("warm", "last", "drive", "truth")
        return Origins(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))

    def take(self, which: np.ndarray) -> "Origins":
        """Some of the origins, by number or by truth value."""
        return Origins(self.warm[which], self.last[which], self.drive[which], self.truth[which])

    def scored(self) -> "Origins":
        """The origins after which something was measured."""
        kept = np.logical_not(np.isnan(self.truth).all(axis=(1, 2)))
        return self if kept.all() else self.take(kept)

    def __len__(self) -> int:
        return len(self.last)


def forecast_origins(forecaster: Forecaster, origins: Origins) -> Batch:
    """Warm every copy up on its true rows, then run it on its own output: (batch, steps, channels)."""
    with one_blas_thread():
        state = warmed(forecaster, forecaster.initial_state(len(origins)), origins.warm)
        return forecaster.free_run(state, origins.last, origins.drive)[1]


def warmed(forecaster: Forecaster, state: Any, inputs: BatchInputs) -> Any:
    """The state after true rows; where a forecaster finds it without forecasts of them (`warm`), without these."""
    warm = getattr(forecaster, "warm", None)
    return forecaster.run(state, inputs)[0] if warm is None else warm(state, inputs)


def closed_loop_errors(
    forecast: Float[np.ndarray, "*candidates batch steps channels"], truth: Float[np.ndarray, "batch steps channels"]
) -> Float[np.ndarray, "*candidates batch steps"]:
    """Normalised error e(t) = sqrt(mean over channels of ((yhat - y) / std)^2) in scaled units, by origin and step.

    The mean is over the channels that were measured; NaN where none was.
    """
    squares = (forecast - truth) ** 2
    missing = np.isnan(truth)
    if not missing.any():
        return np.sqrt(np.mean(squares, axis=-1))
    measured = np.count_nonzero(~missing, axis=-1)
    total = np.where(missing, 0.0, squares).sum(axis=-1)
    return np.sqrt(np.where(measured > 0, total, np.nan) / np.maximum(measured, 1))


def horizon_score(errors: np.ndarray, ceiling: float = 10.0) -> Any:
    """One number from errors (..., batch, steps), lower is better: the geometric mean of min(e(t), ceiling).

    The geometric mean weighs every factor by which an error grows alike, so the first steps of a chaotic forecast count
    as much as the last; the ceiling, in standard deviations, keeps a runaway origin from deciding by its size. Steps at
    which nothing was measured, NaN, do not count.
    """
    logs = np.log(np.clip(errors, 1e-16, ceiling))
    mean = np.nanmean if np.isnan(logs).any() else np.mean
    return np.exp(mean(logs, axis=(-2, -1)))


def stack_scores(network: Forecaster, count: int, state: np.ndarray, origins: Origins) -> np.ndarray:
    """`horizon_score` of every candidate of a network whose readout is a stack of them, all closed loops in one batch.

    Args:
        network: its batch is a whole number of blocks, one a candidate.
        count: of candidates.
        state: after the warm-up at each origin, which is the same for all candidates.
        origins: what is forecast.
    """
    many = [np.concatenate([array] * count) for array in (state, origins.last, origins.drive)]
    forecasts = network.free_run(*many)[1].reshape(count, *origins.truth.shape)
    return horizon_score(closed_loop_errors(forecasts, origins.truth))
