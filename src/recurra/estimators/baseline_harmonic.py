"""Sinusoids and an autoregression of what they leave: how many, over how many rows, of which order."""

from typing import Any

import numpy as np

from recurra.baselines import Harmonic, fit_linear, periods, residuals, sinusoids
from recurra.baselines.harmonic import CUTOFF
from recurra.data.gaps import hold
from recurra.estimators.training_set import TrainingSet, validation_origins
from recurra.forecasting import closed_loop_errors, forecast_origins, horizon_score

CYCLES = (3, 6, 10)  # of the longest sinusoid, in the window that it is fitted to
HOLD_OUT = 0.2
HORIZON, ORIGINS = 100, 20  # of the validation forecasts

Candidate = tuple[tuple[float, ...], int, int]  # periods, window, order


def choose_harmonic(
    training: TrainingSet,
    given: tuple[float, ...] | None,
    window: int | None,
    orders: tuple[int, ...],
    horizon: int | None,
    half_life: float | None = None,
) -> tuple[Harmonic | None, list[dict[str, Any]]]:
    """Fit sinusoids and the autoregression of what they leave, as they forecast held-out rows best in closed loop.

    First periods and window, with the largest order that the rows determine; then the order.

    Args:
        training: the training series; the last fifth is held out to choose.
        given: periods, in rows; None looks for up to four (see `recurra.baselines.sinusoids`), where the
            autocorrelation shows a period at all, and tries the strongest, the two strongest, and so on.
        window: rows that they are fitted to; None tries 3, 6 and 10 of the longest period.
        orders: candidate numbers of lags.
        horizon: steps of each validation forecast; None takes 100, or half of the held-out rows.
        half_life: of the rows that the autoregression is fitted to anew before every forecast; None to fit it once.

    Returns:
        The forecast, refitted on all rows, None where the rows show no period or are too few; the score of every
        candidate that was judged.
    """
    train = [values for values, _ in training.trained(training.cuts(HOLD_OUT))]
    found = [given] if given is not None else _found(train)
    windows = [(each, rows) for each in found for rows in _windows(each, window)]
    largest = [(*pair, order) for pair in windows if (order := _largest(train, *pair, orders))]
    if not largest:
        return None, []
    held = training.validation(training.cuts(HOLD_OUT), max(rows for _, rows, _ in largest))
    warmup = min(max(rows for _, rows, _ in largest), max(map(len, (values for values, _ in held))) - 2)
    origins = validation_origins(held, warmup, horizon, HORIZON, ORIGINS)

    def score(candidate: Candidate) -> float:
        network = _fit(train, candidate, half_life)
        return float(horizon_score(closed_loop_errors(forecast_origins(network, origins), origins.truth)))

    judged = {one: score(one) for one in largest}
    waves, rows, most = min(judged, key=judged.__getitem__)
    judged |= {one: score(one) for order in orders if order < most for one in [(waves, rows, order)]}
    best = min(judged, key=judged.__getitem__)
    history = [{"periods": list(p), "window": w, "order": o, "validation": v} for (p, w, o), v in judged.items()]
    return _fit([values for values, _ in training.parts], best, half_life), history


def _found(train: list[np.ndarray]) -> list[tuple[float, ...]]:
    """The strongest sinusoid, the two strongest, ...; none where the autocorrelation shows no period."""
    longest = hold(max(train, key=len))
    found = sinusoids(longest).tolist() if periods(train) else []
    return [tuple(found[:count]) for count in range(1, len(found) + 1)]


def _windows(waves: tuple[float, ...], window: int | None) -> list[int]:
    return [window] if window is not None else [round(cycles * max(waves)) for cycles in CYCLES]


def _largest(train: list[np.ndarray], waves: tuple[float, ...], window: int, orders: tuple[int, ...]) -> int:
    """The largest order that so many rows determine, twice over; 0 where there is none."""
    left = residuals(train, np.array(waves), window)
    channels = train[0].shape[1]

    def rows(order: int) -> int:
        whole = [np.lib.stride_tricks.sliding_window_view(np.isfinite(each).all(axis=1), order + 1) for each in left]
        return sum(int(np.count_nonzero(each.all(axis=1))) for each in whole)

    fits = [order for order in orders if order < window // 2 and rows(order) > 2 * (1 + order * channels)]
    return max(fits, default=0)


def _fit(parts: list[np.ndarray], candidate: Candidate, half_life: float | None) -> Harmonic:
    waves, window, order = candidate
    left = residuals(parts, np.array(waves), window)
    residual = fit_linear([(each[:-1], each[1:]) for each in left], (order,), (CUTOFF,))[order, CUTOFF]
    return Harmonic(np.array(waves), window, residual, half_life)
