"""What is looked at: the network behind what was given, and what it sees along a series."""

from typing import Any

import numpy as np

from recurra.errors import ConfigError, DataError, NotFittedError
from recurra.forecasting import Filtered, filtered_rows
from recurra.models import Model
from recurra.reservoirs import EchoState
from recurra.series import Series


def subject(model: Any, series: Any) -> tuple[Model, np.ndarray]:
    """The model, and its inputs at every step (steps, features).

    Args:
        model: a `recurra.models.Model`, or a fitted estimator that holds one.
        series: what the model sees, (time, features); of an estimator, a series in the units of its data, of which the
            longest segment is taken: step k sees row k and the drive of row k + 1, one step less than rows.

    Raises:
        ConfigError: something else, or an estimator without a model.
        DataError: inputs of another shape, or not finite; a series that the estimator was not made for.
        NotFittedError: an estimator before its fit.
    """
    if isinstance(model, Model):
        xs = np.asarray(series.values if isinstance(series, Series) else series, np.float64)
        if xs.ndim != 2 or not len(xs) or not np.isfinite(xs).all():
            raise DataError(f"inputs of a model are finite numbers (time, features), got an array of shape {xs.shape}")
        return model, xs
    return network_of(model), inputs_of(model, series)[0]


def inputs_of(estimator: Any, series: Any) -> tuple[np.ndarray, Series]:
    """What the network of a fitted estimator sees along a series, in scaled units, and its rows, in those of the data.

    Step k sees row k, a missing value held, and the drive of row k + 1 (steps, features); the network behind a filter
    sees filtered rows.

    Args:
        estimator: fitted.
        series: of its data, of which the longest segment is taken.

    Raises:
        ConfigError: no forecaster of series.
        DataError: a series that it was not made for.
    """
    if not hasattr(estimator, "frame_"):
        raise ConfigError(
            f"a {type(estimator).__name__} is no forecaster of series: look into `model.network_.model`, along what it "
            "sees"
        )
    given = estimator.frame_.series_of(series)
    estimator.frame_.check(given, "series")
    held = estimator.frame_.held(max(given.segments, key=len))
    values, drive = rows_seen(estimator, held)
    return np.concatenate([values[:-1], drive[1:]], axis=1), held[: len(held) - 1]


def rows_seen(estimator: Any, held: Series) -> tuple[np.ndarray, np.ndarray]:
    """Rows without missing values as the network of a fitted estimator sees them, and their drive, in scaled units."""
    values, drive = estimator.frame_.scaled(held)
    if isinstance(estimator.network_, Filtered):
        values = filtered_rows(estimator.network_, values, drive)
    return values, drive


def behind(network: Any) -> Any:
    """What runs on its own output: the network itself, or that behind a filter of noisy rows."""
    return behind(network.network) if isinstance(network, Filtered) else network


def network_of(estimator: Any) -> Model:
    """The JAX model of a fitted estimator; raises as `subject`."""
    name = type(estimator).__name__
    if not hasattr(estimator, "network_"):
        if hasattr(estimator, "fit"):
            raise NotFittedError(f"this {name} is not fitted yet: call `fit(data)` first")
        raise ConfigError(f"what is looked into is a fitted estimator or a `recurra.models.Model`, not a {name}")
    found = behind(estimator.network_)
    if isinstance(found, EchoState):
        raise ConfigError(
            f"the recurrent weights of this {name} stay as they were drawn, and what reads them is fitted by least "
            "squares: it has no trained layers to look into"
        )
    model = getattr(found, "model", None)
    if not isinstance(model, Model):
        raise ConfigError(
            f"what is looked into is a network that is trained by gradients (rnn, gru, lstm, network), and {name} is "
            "none: fit one of these or, where its motion is asked for, an esn"
        )
    return model


def inner_model(model: Any) -> Any:
    """The network inside wrappers that add a spread or a learned start."""
    while isinstance(getattr(model, "model", None), Model):
        model = model.model
    return model
