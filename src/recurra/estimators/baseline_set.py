"""The baselines that stand beside every score: persistence, climatology, linear, seasonal, sinusoids, nearest past
segment."""

from collections.abc import Callable
from typing import Any

import numpy as np

from recurra.baselines import (
    Climatology,
    Harmonic,
    LinearAR,
    Nearest,
    Persistence,
    Seasonal,
    fit_linear,
    periods,
)
from recurra.data.gaps import hold
from recurra.errors import DataError, ModelFileError
from recurra.estimators.baseline_harmonic import choose_harmonic
from recurra.estimators.training_set import Scaled, TrainingSet, validation_origins
from recurra.forecasting import Origins, closed_loop_errors, forecast_origins, horizon_score
from recurra.storage import Layout

ORDERS = (1, 2, 3, 5, 8)  # of the autoregression that is fitted beside every learner
CUTOFFS = (1e-12, 1e-9, 1e-6)  # of relative singular values: for data with noise, little noise, none
SHORT = ("linear", "nearest")  # baselines whose warm-up a separate series has to bring
WIDTHS = (1, 2, 4, 8, 16)  # of the past segments that are compared
PAST_ROWS, PAST_VALUES = 10_000, 2**18  # of the training rows that are searched: the last ones
HOLD_OUT = 0.2
HORIZON, ORIGINS = 100, 20  # of the validation forecasts
GROWTH = 10.0  # in a validation forecast: what grows more is unstable, even where its error is still small at the end


HARMONIC_ORDERS = (8,)  # of the autoregression of what sinusoids leave, beside every learner

BaselineNetwork = Persistence | Climatology | LinearAR | Seasonal | Harmonic | Nearest
History = list[dict[str, Any]]


def _fit_linear(training: TrainingSet) -> LinearAR | None:
    possible = _affordable(training, min(ORDERS)) and _judgeable(training, min(ORDERS))
    return choose_linear(training, ORDERS, horizon=None)[0] if possible else None


BASELINES: dict[str, Callable[[TrainingSet], BaselineNetwork | None]] = {
    "persistence": lambda training: Persistence(len(training.frame.channels)),
    "climatology": lambda training: Climatology(len(training.frame.channels)),
    "linear": _fit_linear,
    "seasonal": lambda training: choose_seasonal(training, None)[0],
    "harmonic": lambda training: choose_harmonic(training, None, None, HARMONIC_ORDERS, None)[0],
    "nearest": lambda training: choose_nearest(training, WIDTHS, None)[0],
}


def fit_baselines(training: TrainingSet, leave_out: str) -> dict[str, BaselineNetwork]:
    """Every baseline but the one that is itself being fitted, and those that the rows are too few for.

    No seasonal forecast and no sinusoids stand beside rows without a period.
    """
    fitted = {name: fit(training) for name, fit in BASELINES.items() if name != leave_out}
    return {name: network for name, network in fitted.items() if network is not None}


def warmup_rows(network: BaselineNetwork) -> int:
    """Rows before the last one that a baseline looks back on."""
    return max(0, network.order - 1)


def baseline_facts(network: BaselineNetwork) -> dict[str, Any]:
    """Sizes of a baseline, from which its arrays in a model file follow."""
    if isinstance(network, Nearest):
        return {"order": network.order, "rows": len(network.past), "series": len(network.lengths)}
    if isinstance(network, Harmonic):
        return {"order": network.order, "periods": len(network.periods), "lags": network.residual.order}
    return {"order": network.order}


def baseline_tensors(network: BaselineNetwork) -> dict[str, np.ndarray]:
    """What a model file keeps of a baseline, beside its sizes."""
    if isinstance(network, Nearest):
        return {"past": network.past, "lengths": network.lengths}
    if isinstance(network, Harmonic):
        return {"periods": network.periods, "coefficients": network.residual.coefficients}
    return {"coefficients": network.coefficients} if isinstance(network, LinearAR) else {}


def baseline_layout(name: str, facts: dict[str, Any], channels: int, features: int) -> Layout:
    """Dtype and shape of `baseline_tensors` for a baseline of these sizes."""
    if name == "linear":
        return {"coefficients": ("float64", (channels, 1 + int(facts["order"]) * features))}
    if name == "harmonic":
        width = 1 + int(facts["lags"]) * channels
        return {"periods": ("float64", (int(facts["periods"]),)), "coefficients": ("float64", (channels, width))}
    if name == "nearest":
        return {"past": ("float64", (int(facts["rows"]), channels)), "lengths": ("int64", (int(facts["series"]),))}
    return {}


def restore_baseline(
    name: str, facts: dict[str, Any], channels: int, features: int, tensors: dict[str, np.ndarray]
) -> BaselineNetwork:
    """A baseline from what a model file keeps of it."""
    order = int(facts["order"])
    if name == "linear":
        return LinearAR(tensors["coefficients"], features)
    if name == "seasonal":
        if order < 1:
            raise ModelFileError(f"a season of {order} rows does not exist")
        return Seasonal(channels, order)
    if name == "harmonic":
        waves = Harmonic(tensors["periods"], order, LinearAR(tensors["coefficients"], channels))
        if order < 2 or not 1 <= waves.residual.order <= order or not (waves.periods > 0).all():
            raise ModelFileError(f"sinusoids of periods {waves.periods} over {order} rows do not exist")
        return waves
    if name == "nearest":
        network = Nearest(tensors["past"], tensors["lengths"], order)
        if order < 1 or (network.lengths < 1).any() or network.lengths.sum() != len(network.past) or not len(network):
            raise ModelFileError(f"the past segments of {order} rows in series of {network.lengths} rows do not exist")
        return network
    if order != 0:
        raise ModelFileError(f"the baseline {name!r} looks back on no rows, and the file says {order}")
    return {"persistence": Persistence, "climatology": Climatology}[name](channels)


def choose_linear(
    training: TrainingSet, orders: tuple[int, ...], horizon: int | None
) -> tuple[LinearAR, list[dict[str, Any]]]:
    """The autoregression that forecasts held-out rows best in closed loop, refitted on all rows.

    Candidates are the orders and, for each, three cutoffs of the singular values (see `fit_linear`); one whose closed
    loop is unstable is taken only where all are.

    Args:
        training: the training series; the last fifth is held out to choose the order.
        orders: candidate numbers of lags; those that the rows cannot determine are left out, and those that the
            validation rows are too few to warm up.
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
    orders = tuple(order for order in orders if _judgeable(training, order)) or orders[:1]
    cuts = training.cuts(HOLD_OUT)
    train, held = training.trained(cuts), training.validation(cuts, max(orders))
    origins = validation_origins(held, max(orders), horizon, HORIZON, ORIGINS)
    history = []
    for (order, cutoff), network in fit_linear([_raw_steps(part) for part in train], orders, CUTOFFS).items():
        score = _score(network, origins)
        history.append({"order": order, "cutoff": cutoff, "stable": _stable(network, origins), "validation": score})
    ranked = sorted(history, key=lambda entry: (not entry["stable"], entry["validation"]))
    for entry in ranked:
        network = _refit(training, entry)
        if _stable(network, origins):
            return network, history
    return _refit(training, ranked[0]), history


def _refit(training: TrainingSet, entry: dict[str, Any]) -> LinearAR:
    chosen = entry["order"], entry["cutoff"]
    return fit_linear([_raw_steps(part) for part in training.parts], chosen[:1], chosen[1:])[chosen]


def _raw_steps(part: Scaled) -> tuple[np.ndarray, np.ndarray]:
    """As `steps`, missing values NaN in the inputs too: an autoregression leaves out the rows that have one."""
    values, drive = part
    return np.concatenate([values[:-1], drive[1:]], axis=1), values[1:]


def _stable(network: LinearAR, origins: Origins) -> bool:
    return network.growth <= GROWTH ** (1 / origins.truth.shape[1])  # its power could overflow


def _affordable(training: TrainingSet, order: int) -> bool:
    """Twice as many rows with all lags as unknowns, among the rows that are trained on while the rest validates."""
    trained = training.trained(training.cuts(HOLD_OUT))
    rows = sum(_complete(values, order) for values, _ in trained)
    return rows > 2 * (1 + order * training.frame.features)


def _judgeable(training: TrainingSet, order: int) -> bool:
    """The rows that validate suffice for a warm-up and a step."""
    held = training.validation(training.cuts(HOLD_OUT), order)
    return max(len(values) for values, _ in held) > order + 1


def _complete(values: np.ndarray, order: int) -> int:
    """Targets that were measured together with all their lags."""
    missing = np.concatenate([[0], np.cumsum(np.isnan(values).any(axis=1))])
    return int(np.count_nonzero(missing[order + 1 :] == missing[: -(order + 1)]))


def choose_seasonal(training: TrainingSet, period: int | None) -> tuple[Seasonal | None, History]:
    """The seasonal forecast of a period, or of the one that forecasts held-out rows best in closed loop.

    Args:
        training: the training series.
        period: in rows; None tries the five highest peaks of the autocorrelation (see `recurra.baselines.periods`).

    Returns:
        The forecast, None where the rows show no period, and the score of every candidate.
    """
    channels = len(training.frame.channels)
    tried = [period] if period is not None else periods([values for values, _ in training.parts])
    networks = {period: Seasonal(channels, period) for period in tried}
    return _best(training, networks, "period", None) if networks else (None, [])


def choose_nearest(
    training: TrainingSet, widths: tuple[int, ...], horizon: int | None
) -> tuple[Nearest | None, History]:
    """The nearest past segment, of the width that forecasts held-out rows best in closed loop.

    Args:
        training: the training series; the past is at most their last 10,000 rows (and 2^18 values).
        widths: candidate numbers of rows that are compared.
        horizon: steps of each validation forecast; None takes 100, or half of the held-out rows.

    Returns:
        The forecast, None where no segment of these widths is followed by enough rows, and the score of each candidate.
    """
    past = _past(training.trained(training.cuts(HOLD_OUT))) if len(widths) > 1 else _past(training.parts)
    networks = {width: network for width in widths if len(network := Nearest(*past, width))}
    if not networks:
        return None, []
    best, history = _best(training, networks, "width", horizon)
    return Nearest(*_past(training.parts), best.order), history


def _past(parts: list[Scaled]) -> tuple[np.ndarray, np.ndarray]:
    """The last rows of the training, series after series, missing values held; and how many are of each series."""
    room, kept = min(PAST_ROWS, PAST_VALUES // parts[0][0].shape[1]), []
    for values, _ in reversed(parts):
        if room > 0:
            kept.insert(0, hold(values)[-room:])
            room -= len(kept[0])
    return np.concatenate(kept), np.array([len(values) for values in kept], np.int64)


def _best(training: TrainingSet, networks: dict[int, Any], what: str, horizon: int | None) -> tuple[Any, History]:
    """The candidate with the best closed loop over held-out rows, the smallest of equals; and all their scores.

    Where the held-out rows are too few to judge any, the smallest one.
    """
    cuts = training.cuts(HOLD_OUT)
    longest = max(len(values) for values, _ in training.validation(cuts, max(networks)))
    judged = {size: network for size, network in networks.items() if size + 1 < longest}
    if len(judged) < 2:
        return networks[min(judged or networks)], []
    held = training.validation(cuts, max(judged))
    origins = validation_origins(held, max(judged) - 1, horizon, HORIZON, ORIGINS)
    scores = {size: _score(network, origins) for size, network in sorted(judged.items())}
    return judged[min(scores, key=scores.__getitem__)], [{what: s, "validation": v} for s, v in scores.items()]


def _score(network: BaselineNetwork, origins: Origins) -> float:
    return float(horizon_score(closed_loop_errors(forecast_origins(network, origins), origins.truth)))
