"""A tanh network of a few units in float64, as the examples fit it by least squares, and its forecasts."""

import numpy as np

from recurra.data import Scaler
from recurra.forecasting.compiled import Compiled
from recurra.models import Model, Stack
from recurra.series import Series
from recurra.training import LearnedStart


def drawn(units: int, seed: int, *, learned_start: bool = False) -> Model:
    """One recurrent layer of tanh units and a linear readout of one channel, h = tanh(U x + W h' + b), y = V h + c.

    Args:
        units: of the layer.
        seed: of the weights.
        learned_start: whether the state before the first row is fitted with them.
    """
    model = Stack.draw("elman", 1, 1, units=units, precision="float64", seed=seed)
    return LearnedStart.of(model) if learned_start else model


def forecasts(model: Model, scaler: Scaler, series: Series, cut: int, first: int = 0) -> dict[str, Series]:
    """What a network says of the rows from `cut` on, in the units of the data.

    Args:
        model: in scaled units.
        scaler: of the rows that it was fitted to.
        series: true rows.
        cut: the first row to forecast.
        first: where its initial state stands; the rows before it are not seen.

    Returns:
        "closed_loop", on its own output from row `cut` on, and "one_step", each row from the true ones before it.
    """
    network, z = Compiled(model), scaler.scale(series.values)[None]
    state, _ = network.run(network.initial_state(1), z[:, first : cut - 1])
    _, one_step = network.run(state, z[:, cut - 1 : -1])
    _, closed_loop = network.free_run(state, z[:, cut - 1], np.zeros((1, len(series) - cut, 0)))
    return {
        "closed_loop": like(series[cut:], scaler.unscale(closed_loop[0])),
        "one_step": like(series[cut:], scaler.unscale(one_step[0])),
    }


def like(truth: Series, values: np.ndarray) -> Series:
    """Values at the times of others."""
    return Series(values, times=truth.times, channels=truth.channels, units=truth.units)
