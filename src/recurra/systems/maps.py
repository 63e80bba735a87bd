"""Systems that are maps, y[n+1] = g(y[n]): from the map to a `Series`."""

from typing import Any, Protocol, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.errors import ConfigError
from recurra.series import Series
from recurra.systems.system import Plan, System, in_float64


class Map(Protocol):
    """What a system that is a map has to say."""

    def map(self, state: jax.Array) -> jax.Array:
        """g(y), in `jax.numpy`: the next state (state_size,)."""
        ...

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """A random state from which every trajectory reaches what is typical."""
        ...


def iterate(system: System, plan: Plan) -> Series:
    """Iterate a map according to a plan, in float64; a longer series starts with the same rows.

    Args:
        system: the map.
        plan: checked arguments of `simulate`.

    Returns:
        steps + 1 rows, one an iteration.

    Raises:
        ConfigError: a step other than 1, or a row that is not finite.
    """
    refuse_step(system.name, plan.dt)
    before = 0 if plan.initial is not None else int(system.transient)
    start = cast(Map, system).start(np.random.default_rng(plan.seed)) if plan.initial is None else plan.initial
    with jax.enable_x64(True):
        numbers = in_float64(system)
        values = np.array(_states(numbers, np.asarray(start, np.float64), before + plan.steps))[before:]
    finite(system.name, values)
    facts = provenance(system, plan.seed if plan.initial is None else None, values[0].tolist(), float(before))
    return Series(values, dt=1.0, channels=system.channels, units=system.units, provenance=facts)


def refuse_step(name: str, dt: float) -> None:
    """A map has no time between its steps."""
    if dt != 1.0:
        raise ConfigError(f"{name} is a map: its step is 1, got dt = {dt:g}; leave `dt` out, or keep every n-th row")


def finite(name: str, values: np.ndarray) -> None:
    """Refuse a trajectory that left the finite numbers, by its row."""
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        last = np.array2string(values[bad[0] - 1], precision=3) if bad[0] else "the start"
        raise ConfigError(
            f"{name} leaves the finite numbers at step {bad[0]} of {len(values) - 1} (after {last}): "
            "take another start or seed, or other parameters"
        )


def provenance(system: System, seed: int | None, initial: Any, transient: float) -> dict[str, Any]:
    """How rows were made that no integrator made."""
    return {
        "source": f"simulation of {system.name}",
        "system": system.name,
        "parameters": system.parameters,
        "method": None,
        "tolerance": None,
        "seed": seed,
        "initial": initial,
        "transient": transient,
        "lyapunov_exponent": system.lyapunov_exponent,
    }


@eqx.filter_jit
def _states(system, start, steps: int):
    def advance(y, _):
        y = system.map(y)
        return y, y

    _, rest = jax.lax.scan(advance, start, None, steps)
    return jnp.concatenate([start[None], rest])
