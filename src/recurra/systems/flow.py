"""Systems that are vector fields, dy/dt = f(t, y): from the field to a `Series`."""

from typing import Protocol, cast, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.errors import ConfigError
from recurra.series import Series
from recurra.systems.forces import Force
from recurra.systems.integrators import DEFAULT, METHODS, Integrator
from recurra.systems.system import Plan, System, in_float64


@runtime_checkable
class Flow(Protocol):
    """What a system that is a vector field has to say."""

    @property
    def drive(self) -> Force | None:
        """The external force F(t); None where nothing drives."""
        ...

    def field(self, t: jax.Array, state: jax.Array) -> jax.Array:
        """f(t, y), in `jax.numpy`: the time derivative of the state (state_size,)."""
        ...

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """A random state from which every trajectory reaches what is typical."""
        ...


def integrate(system: System, plan: Plan) -> Series:
    """Simulate a vector field according to a plan.

    Without an initial state the start lies a whole number of steps before time 0, so that the drive is always
    F(t) at the times of the rows.

    Args:
        system: the vector field.
        plan: checked arguments of `simulate`.

    Returns:
        steps + 1 rows; the drive, where there is one, as the input F.

    Raises:
        ConfigError: a row that is not finite, or a drive that is not known at all times.
    """
    method, flow = plan.method or DEFAULT, cast(Flow, system)
    before = 0 if plan.initial is not None else int(np.ceil(system.transient / plan.dt))
    start = flow.start(np.random.default_rng(plan.seed)) if plan.initial is None else plan.initial
    times = plan.dt * np.arange(-before, plan.steps + 1)
    if flow.drive is not None:
        flow.drive.check(times)
    values = states(system, METHODS[method], start, times, plan.dt)[before:]
    times = times[before:]
    inputs = None
    if flow.drive is not None:
        inputs = Series(drive_at(system, times)[:, None], dt=plan.dt, times=times, channels=["F"])
    provenance = {
        "source": f"simulation of {system.name}",
        "system": system.name,
        "parameters": system.parameters,
        "method": method,
        "tolerance": METHODS[method].tolerance,
        "seed": plan.seed if plan.initial is None else None,
        "initial": values[0].tolist(),
        "transient": before * plan.dt,
        "lyapunov_exponent": system.lyapunov_exponent,
    }
    return Series(
        values,
        dt=plan.dt,
        times=times,
        channels=system.channels,
        units=system.units,
        inputs=inputs,
        provenance=provenance,
    )


def states(system: System, integrator: Integrator, start: np.ndarray, times: np.ndarray, dt: float) -> np.ndarray:
    """The states (len(times), state_size) from `start` at times[0] on, in float64.

    Raises:
        ConfigError: a state that is not finite.
    """
    rows = [np.asarray(start, np.float64)[None]]
    with jax.enable_x64(True):
        numbers = in_float64(system)
        for block in integrator.blocks(times):
            rows.append(np.asarray(_states(numbers, integrator, rows[-1][-1], block, np.float64(dt)))[1:])
            if not np.isfinite(rows[-1][-1]).all():
                break
    values = np.concatenate(rows)[: len(times)]
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        row = bad[0]
        last = np.array2string(values[row - 1], precision=3) if row else "the start"
        raise ConfigError(
            f"{system.name} leaves the finite numbers, or grows too stiff, at step {row} of {len(times) - 1} "
            f"(t = {times[row]:g}, after {last}) with dt = {dt:g}: "
            "take a smaller `dt`, the default `method`, or another start"
        )
    return values


def drive_at(system: System, times: np.ndarray) -> np.ndarray:
    """F(t) at `times`, in float64."""
    with jax.enable_x64(True):
        return np.array(_drive(in_float64(system), times), dtype=np.float64)


@eqx.filter_jit
def _states(system, integrator, start, times, dt):
    jumps = jnp.zeros(0) if system.drive is None else system.drive.jumps
    return integrator.rows(system.field, start, times, dt, jumps)


@eqx.filter_jit
def _drive(system, times):
    return jax.vmap(system.drive)(times)
