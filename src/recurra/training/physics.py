"""A known equation in the loss: how far a forecast is from what the equation makes of the row before."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from recurra.cells import Array
from recurra.cells.euler import follow, with_force
from recurra.errors import ConfigError
from recurra.models import Layers
from recurra.training.objectives import NextSteps, Objective


class Units(NamedTuple):
    """From scaled rows to the units of the equation, and how much it counts; all traced.

    Args:
        weight: lambda.
        dt: step between rows in time units.
        mean, std: of the channels, (channels,).
        drive_mean, drive_std: of the drive, (drive,).
    """

    weight: Any
    dt: Any
    mean: Any
    std: Any
    drive_mean: Any
    drive_std: Any


@dataclasses.dataclass(frozen=True)
class Physics(Objective):
    r"""Forecasts that are near the data and nearly obey a differential equation.

    .. math:: L + \frac{\lambda}{(T - 1) C} \sum_{t=1}^{T-1} \sum_c
        \left(\frac{\hat y_{t+1,c} - \Phi_c(\hat y_t, F_t, F_{t+1})}{\sigma_c}\right)^2

    Phi is one step of Runge and Kutta of the equation, in its units, with a force that is linear between the rows; hat
    y are the forecasts along a window. The equation counts where values are missing, too.

    `data` is (what `forecast` takes, `Units`).

    Args:
        forecast: the objective L that it is added to.
        system: a vector field that depends on time through its force alone.

    Reference: M. Raissi, P. Perdikaris, G. E. Karniadakis, Physics-informed neural networks, Journal of Computational
    Physics 378 (2019) 686-707.
    """

    forecast: NextSteps
    system: Any

    def __post_init__(self) -> None:
        if self.forecast.steps < 2:
            raise ConfigError("an equation relates two forecasts: a window needs at least 2 steps (`bptt_length`)")

    def count(self, data: Any) -> int:
        return self.forecast.count(data[0])

    def length(self, data: Any) -> int:
        return self.forecast.length(data[0])

    def at(self, data: Any, update: Any) -> Any:
        return self.forecast.at(data[0], update), data[1]

    def outputs(self, model: Any, data: Any, index: jax.Array, keys: Any = None) -> tuple[Any, Layers]:
        """The forecasts, and how far they are from what the equation makes of those before, in units of sigma."""
        windows, units = data
        outputs, layers = self.forecast.outputs(model, windows, index, keys)
        drive = windows[1][windows[2][index][:, None] + jnp.arange(1, self.forecast.steps + 1)]
        means = outputs[..., : windows[0].shape[1]]  # without the spread of a Gaussian
        away = jax.vmap(lambda y, u: residual(self.system, y, u, units))(means, drive)
        return (outputs, away), layers

    def compared(self, outputs: Any, model: Any, data: Any, index: jax.Array) -> jax.Array:
        forecasts, away = outputs
        windows, units = data
        return self.forecast.compared(forecasts, model, windows, index) + units.weight * jnp.mean(away**2)

    def terms(self, data: Any, index: jax.Array) -> Any:
        return self.forecast.terms(data[0], index)

    def share(self, outputs: Any, model: Any, data: Any, index: jax.Array, terms: Any, windows: int) -> jax.Array:
        forecasts, away = outputs
        found = self.forecast.share(forecasts, model, data[0], index, terms, windows)
        return found + data[1].weight * jnp.mean(away**2) * (len(index) / windows)

    def matched(self) -> "Physics":
        return dataclasses.replace(self, forecast=self.forecast.matched())


def residual(system: Any, rows: Array, drive: Array, units: Units) -> jax.Array:
    """(y[t+1] - Phi(y[t], F[t], F[t+1])) / sigma along scaled rows.

    Args:
        system: the vector field.
        rows: scaled states (time, channels).
        drive: scaled force at the same times, (time, 1), or (time, 0) for none.
        units: of both.

    Returns:
        (time - 1, channels), in standard deviations.
    """
    y, F = rows * units.std + units.mean, drive * units.drive_std + units.drive_mean

    def step(y: Array, before: Array, after: Array) -> jax.Array:
        forced = system
        if F.shape[1]:
            forced = with_force(system, lambda t: (before + t / units.dt * (after - before))[0])
        return follow("rk4")(forced.field, jnp.zeros_like(units.dt), y, units.dt)

    return (y[1:] - jax.vmap(step)(y[:-1], F[:-1], F[1:])) / units.std


def check_system(system: Any, channels: tuple[str, ...], inputs: tuple[str, ...]) -> Any:
    """The system as the term needs it: its own force gives way to that in the data.

    Raises:
        ConfigError: no vector field, other channels than the data, a force that the data lack, or the other way round.
    """
    if not hasattr(system, "field"):
        raise ConfigError(f"`physics`: {getattr(system, 'name', system)!r} is no vector field dy/dt = f(t, y)")
    if channels != tuple(system.channels):
        raise ConfigError(
            f"`physics`: {system.name} has the channels {list(system.channels)} and the data {list(channels)}: "
            "name and order those of the data so"
        )
    takes = hasattr(system, "force")
    if len(inputs) > takes or (system.drive is not None and not inputs):
        raise ConfigError(
            f"`physics`: {system.name} {'is driven by one force' if takes else 'has no force'}, and the inputs of the "
            f"data are {list(inputs)}"
        )
    return with_force(system, "none") if takes else system
