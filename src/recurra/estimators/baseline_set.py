"""The baselines that stand beside every score: persistence, climatology, linear autoregression."""

from collections.abc import Callable
from typing import Any

import numpy as np

from recurra.baselines import Climatology, LinearAR, Persistence, fit_linear
from recurra.errors import DataError
from recurra.estimators.training_set import TrainingSet, steps, validation_origins
from recurra.forecasting import Origins, closed_loop_errors, forecast_origins, horizon_score

ORDERS = (1, 2, 3, 5, 8)  # of the autoregression that is fitted beside every learner
CUTOFFS = (1e-12, 1e-9, 1e-6)  # of relative singular values: for data with noise, little noise, none
HOLD_OUT = 0.2
HORIZON, ORIGINS = 100, 20  # of the validation forecasts
GROWTH = 10.0  # in a validation forecast: what grows more is unstable, even where its error is still small at the end


BaselineNetwork = Persistence | Climatology | LinearAR


def _fit_linear(training: TrainingSet) -> LinearAR:
    return choose_linear(training, ORDERS, horizon=None)[0]


BASELINES: dict[str, Callable[[TrainingSet], BaselineNetwork]] = {
    "persistence": lambda training: Persistence(len(training.frame.channels)),
    "climatology": lambda training: Climatology(len(training.frame.channels)),
    "linear": _fit_linear,
}


def fit_baselines(training: TrainingSet, leave_out: str) -> dict[str, BaselineNetwork]:
    """Every baseline but the one that is itself being fitted; no autoregression where the rows are too few for one."""
    too_short = () if _affordable(training, min(ORDERS)) else ("linear",)
    return {name: fit(training) for name, fit in BASELINES.items() if name not in (leave_out, *too_short)}


def warmup_rows(network: BaselineNetwork) -> int:
    """Rows before the last one that a baseline looks back on."""
    return max(0, network.order - 1)


def baseline_tensors(network: BaselineNetwork) -> dict[str, np.ndarray]:
    """What a model file keeps of a baseline, beside its order."""
    return {"coefficients": network.coefficients} if isinstance(network, LinearAR) else {}


def baseline_layout(order: int, channels: int, features: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Dtype and shape of `baseline_tensors` for a baseline of this order (0: none)."""
    return {"coefficients": ("float64", (channels, 1 + order * features))} if order else {}


def restore_baseline(name: str, channels: int, features: int, tensors: dict[str, np.ndarray]) -> BaselineNetwork:
    """A baseline from what a model file keeps of it."""
    if name == "linear":
        return LinearAR(tensors["coefficients"], features)
    return {"persistence": Persistence, "climatology": Climatology}[name](channels)


def choose_linear(
    training: TrainingSet, orders: tuple[int, ...], horizon: int | None
) -> tuple[LinearAR, list[dict[str, Any]]]:
    """The autoregression that forecasts held-out rows best in closed loop, refitted on all rows.

    Candidates are the orders and, for each, three cutoffs of the singular values (see `fit_linear`); one whose closed
    loop is unstable is taken only where all are.

    Args:
        training: the training series; the last fifth is held out to choose the order.
        orders: candidate numbers of lags; those that the rows cannot determine are left out.
        horizon: steps of each validation forecast; None takes 100, or half of the held-out rows.

    Returns:
        The fitted autoregression, and the score of every candidate.
    """
    longest = max(len(values) for values, _ in training.parts)
    orders = tuple(order for order in orders if _affordable(training, order))
    if not orders:
        raise DataError(
            f"{longest} rows are too few for a linear autoregression of {training.frame.features} features: give more "
            "rows, or a smaller `order`"
        )
    cuts = training.cuts(HOLD_OUT)
    train, held = training.trained(cuts), training.validation(cuts, max(orders))
    origins = validation_origins(held, max(orders), horizon, HORIZON, ORIGINS)
    history = []
    for (order, cutoff), network in fit_linear([steps(part) for part in train], orders, CUTOFFS).items():
        errors = closed_loop_errors(forecast_origins(network, origins), origins.truth)
        score = float(horizon_score(errors))
        history.append({"order": order, "cutoff": cutoff, "stable": _stable(network, origins), "validation": score})
    ranked = sorted(history, key=lambda entry: (not entry["stable"], entry["validation"]))
    for entry in ranked:
        network = _refit(training, entry)
        if _stable(network, origins):
            return network, history
    return _refit(training, ranked[0]), history


def _refit(training: TrainingSet, entry: dict[str, Any]) -> LinearAR:
    chosen = entry["order"], entry["cutoff"]
    return fit_linear([steps(part) for part in training.parts], chosen[:1], chosen[1:])[chosen]


def _stable(network: LinearAR, origins: Origins) -> bool:
    return network.growth <= GROWTH ** (1 / origins.truth.shape[1])  # its power could overflow


def _affordable(training: TrainingSet, order: int) -> bool:
    """Twice as many rows with all lags as unknowns, among the rows that are trained on while the rest validates."""
    trained = training.trained(training.cuts(HOLD_OUT))
    rows = sum(max(0, len(values) - order) for values, _ in trained)
    return rows > 2 * (1 + order * training.frame.features)
