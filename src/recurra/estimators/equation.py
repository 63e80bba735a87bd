"""What an equation says of the next row, in the scaled units of a learner: the part of it that need not be learnt."""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra._types import LOST
from recurra.cells import Array
from recurra.cells.euler import follow, numbers, with_force, with_parameters
from recurra.errors import ConfigError, DataError
from recurra.estimators.frame import Frame

FORCE = "F"  # name of the input that is the force of an equation, as `simulate` calls it
_BLOCK = 256  # rows that are followed at a time: one compiled program for any number of them


class _Step(eqx.Module):
    """One row of an equation from the inputs x of a step, scaled units in and out; all numbers are traced.

    Args:
        system: the equation, without a force of its own.
        dt: step between rows in time units.
        mean, std: of the inputs x, channels and drive (features,).
        columns: where the channels of the equation are among those of the data.
        parameters: name of a parameter, and where its values are in x.
        force: where its force is in x; None for none.
        substeps: of Runge and Kutta in a row; 0 for a map.
    """

    system: Any
    dt: Any
    mean: Array
    std: Array
    columns: tuple[int, ...] = eqx.field(static=True)
    parameters: tuple[tuple[str, int], ...] = eqx.field(static=True)
    force: int | None = eqx.field(static=True)
    substeps: int = eqx.field(static=True)

    def __call__(self, x: Array) -> Array:
        """What follows one x (features,): all its channels, of which the equation moves its own."""
        raw, own = x * self.std + self.mean, np.array(self.columns)
        system = with_parameters(self.system, {name: raw[column] for name, column in self.parameters})
        if self.force is not None:
            system = with_force(system, lambda t: raw[self.force])
        y = raw[own]
        if self.substeps:
            step, h = follow("rk4"), self.dt / self.substeps
            y = jax.lax.fori_loop(0, self.substeps, lambda k, y: step(system.field, k * h, y, h), y)
        else:
            y = system.map(y)
        return jnp.asarray(x).at[own].set((y - self.mean[own]) / self.std[own])


@dataclass(frozen=True, eq=False)
class KnownStep:
    r"""The row that an equation makes of the last one, as a function of the inputs of a step.

    .. math:: \mathrm{known}([y_t; u_{t+1}]) = \Phi_{\Delta t}(y_t; u_{t+1})

    The inputs are held over the step. Channels that the equation does not have stay as they are; what it makes beyond a
    million standard deviations, or not finite, is held there.

    Args:
        step: Phi.
        channels: of the data.
    """

    step: _Step
    channels: int

    @staticmethod
    def of(system: Any, frame: Frame, substeps: int) -> "KnownStep":
        """The step of a system between the rows of a frame.

        Args:
            system: a vector field or a map.
            frame: of the data; its inputs are parameters of the system by their names, F is its force, others do not
                concern it.
            substeps: steps of Runge and Kutta from row to row.

        Raises:
            ConfigError: a system without a step of its own, or one that time itself changes; a map between rows that
                are not 1 apart.
            DataError: channels of the system that the data do not have.
        """
        is_map, force = _kind(system, frame), None
        parameters = tuple(
            (name, len(frame.channels) + k) for k, name in enumerate(frame.inputs) if name in system.parameters
        )
        if not is_map:
            numbers(system, [name for name, _ in parameters])  # refuses one that is no number
        if hasattr(system, "force"):
            force = len(frame.channels) + frame.inputs.index(FORCE) if FORCE in frame.inputs else None
            if system.drive is not None and force is None:
                raise ConfigError(
                    f"the force of {system.name} depends on time, which a forecast does not know: give it as the input "
                    f"{FORCE!r} of the data, or say `force='none'` among the parameters"
                )
            system = with_force(system, "none")
        columns = _columns(system, frame.channels)
        mean, std = (
            np.concatenate([getattr(scaler, name) for scaler in (frame.scaler, frame.drive_scaler)])
            for name in ("mean", "std")
        )
        system = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64) if eqx.is_array_like(leaf) else leaf, system)
        dt = np.float64(frame.dt)
        step = _Step(system, dt, mean, std, columns, parameters, force, 0 if is_map else substeps)
        return KnownStep(step, len(frame.channels))

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """The rows (rows, channels) that follow inputs (rows, features), in scaled units."""
        rows = len(inputs)
        padded = np.zeros((-(-rows // _BLOCK) * _BLOCK, inputs.shape[1]))
        padded[:rows] = inputs
        with jax.enable_x64(True):
            found = [np.asarray(_follow(self.step, block)) for block in np.split(padded, len(padded) // _BLOCK or 1)]
        y = np.concatenate(found)[:rows, : self.channels]
        lost = np.isnan(y) & ~np.isnan(inputs).any(axis=1, keepdims=True)  # what is missing stays so
        return np.clip(np.where(lost, LOST, y), -LOST, LOST)

    def check(self, inputs: np.ndarray) -> None:
        """Refuse an equation that runs away from rows that were measured.

        Raises:
            DataError: the first row after which it does, with its value in standard deviations.
        """
        y = self(inputs)
        bad = np.flatnonzero((np.abs(y) >= LOST).any(axis=1))
        if bad.size:
            raise DataError(
                f"the equation of {self.step.system.name} leaves the finite numbers in one step from training row "
                f"{bad[0]}: see that the data are in its units, take more `substeps`, or other parameters"
            )


@eqx.filter_jit
def _follow(step: _Step, x: Array) -> Array:
    return jax.vmap(step)(x)


def _kind(system: Any, frame: Frame) -> bool:
    """Whether the system is a map; refuses one that is neither a map nor a vector field that time does not change."""
    if hasattr(system, "map"):
        if not np.isclose(frame.dt, 1.0, rtol=1e-9):
            raise ConfigError(f"{system.name} is a map, a row follows the last at the time 1, not {frame.dt:g}")
        return True
    if not hasattr(system, "field"):
        raise ConfigError(
            f"{system.name} says nothing of the next row from the last one alone: `system` is a vector field "
            "dy/dt = f(y) or a map"
        )
    if not hasattr(system, "force") and system.drive is not None:
        raise ConfigError(f"{system.name} is driven by a force that is not among its parameters")
    return False


def _columns(system: Any, channels: tuple[str, ...]) -> tuple[int, ...]:
    """Where the channels of the system are among those of the data: by name; those of a plain array in their order."""
    own = tuple(system.channels)
    if set(own) <= set(channels):
        return tuple(channels.index(name) for name in own)
    if channels == tuple(f"c{k}" for k in range(len(own))):  # of an array, which has no names
        return tuple(range(len(own)))
    raise DataError(
        f"{system.name} moves the channels {list(own)}, and the data have {list(channels)}: name those of the data so; "
        "it may have more, and must have all of these"
    )
