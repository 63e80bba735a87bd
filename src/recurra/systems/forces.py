"""External forces F(t), shared by every driven system."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.errors import ConfigError, unknown
from recurra.series import Series


class Force(eqx.Module):
    """F as a function of t, and where it is not smooth."""

    @abstractmethod
    def __call__(self, t: jax.Array) -> jax.Array:
        """F(t), in `jax.numpy`."""

    @property
    def jumps(self) -> Any:
        """Times at which F jumps or has a kink, array (jumps,): adaptive methods end a sub-step on each."""
        return jnp.zeros(0)

    def check(self, times: np.ndarray) -> None:
        """Refuse times at which F is not known."""


class Constant(Force):
    """F(t) = amplitude."""

    amplitude: Any

    def __call__(self, t: jax.Array) -> jax.Array:
        return self.amplitude * jnp.ones_like(t)


class Cosine(Force):
    """F(t) = amplitude cos(frequency t), with an angular frequency."""

    amplitude: Any
    frequency: Any

    def __call__(self, t: jax.Array) -> jax.Array:
        return self.amplitude * jnp.cos(self.frequency * t)


class Step(Force):
    """F(t) = amplitude from t = onset on, 0 before."""

    amplitude: Any
    onset: Any

    def __call__(self, t: jax.Array) -> jax.Array:
        return jnp.where(t >= self.onset, self.amplitude, 0.0)

    @property
    def jumps(self) -> jax.Array:
        return jnp.stack([self.onset])


class Pulse(Force):
    """F(t) = amplitude where onset <= t < onset + width, 0 elsewhere."""

    amplitude: Any
    onset: Any
    width: Any

    def __call__(self, t: jax.Array) -> jax.Array:
        return jnp.where((t >= self.onset) & (t < self.onset + self.width), self.amplitude, 0.0)

    @property
    def jumps(self) -> jax.Array:
        return jnp.stack([self.onset, self.onset + self.width])


class Sampled(Force):
    """A measured force: values at uniform times, linear in between; not defined outside.

    Args:
        values: F at the times first, first + dt, ..., array (time,), or a `Series` of one channel with its own times.
        dt: step between the values in time units; for a `Series` it is known.
        first: time of the first value.

    Raises:
        ConfigError: fewer than two values, a value that is not finite, more than one channel, or no step.

    >>> float(Sampled([0.0, 1.0, 0.0], dt=2.0)(0.5))
    0.25
    """

    values: np.ndarray
    dt: float
    first: float

    def __init__(self, values: Any, dt: float | None = None, first: float = 0.0):
        if isinstance(values, Series):
            if dt is not None or first or len(values.channels) != 1 or values.breaks or values.times.dtype.kind != "f":
                raise ConfigError(
                    f"a sampled force is a series of one channel with its own, unbroken times: {values!r}"
                )
            values, dt, first = values.values[:, 0], values.dt, values.times[0]
        table = np.array(values, dtype=np.float64)
        if table.ndim != 1 or len(table) < 2 or not np.isfinite(table).all():
            raise ConfigError(f"a sampled force must be at least 2 finite numbers, got shape {table.shape}")
        if dt is None or not 0 < dt < np.inf or not np.isfinite(first):
            raise ConfigError(f"a sampled force needs the positive step `dt` between its values, got {dt!r}")
        self.values, self.dt, self.first = table, float(dt), float(first)

    def __call__(self, t: jax.Array) -> jax.Array:
        place = (t - self.first) / self.dt
        row = jnp.clip(jnp.floor(place), 0, len(self.values) - 2).astype(int)
        before, after = jnp.asarray(self.values)[row], jnp.asarray(self.values)[row + 1]
        return before + (place - row) * (after - before)

    @property
    def jumps(self) -> jax.Array:
        return self.first + self.dt * jnp.arange(len(self.values))

    def check(self, times: np.ndarray) -> None:
        last = self.first + self.dt * (len(self.values) - 1)
        slack = 1e-9 * self.dt
        if times[0] < self.first - slack or times[-1] > last + slack:
            raise ConfigError(
                f"the sampled force is known from t = {self.first:g} to {last:g} and asked for from {times[0]:g} to "
                f"{times[-1]:g}: take fewer `steps`, pass `initial` (nothing runs before time 0 then), or more values"
            )


class Function(Force):
    """F(t) as a function that the user wrote."""

    function: Callable[[jax.Array], jax.Array]

    def __call__(self, t: jax.Array) -> jax.Array:
        return self.function(t)


FORCES: dict[str, type[Force] | None] = {
    "none": None,
    "constant": Constant,
    "cosine": Cosine,
    "step": Step,
    "pulse": Pulse,
}


class Driven(eqx.Module):
    """What driven systems share: the force and its parameters, keywords all.

    Args:
        force: "none", "constant" (amplitude), "cosine" (amplitude cos(frequency t)), "step" (amplitude from the
            time onset on), "pulse" (amplitude from onset on, for the time width), `Sampled` values, or F(t) as a
            function of t in `jax.numpy`, which becomes a part of the compiled program: each new function compiles anew.
        amplitude: F0, size of the force.
        frequency: w, angular frequency of the cosine.
        onset: time at which a step or a pulse begins.
        width: for how long a pulse lasts; positive.
    """

    force: Any = eqx.field(default="cosine", kw_only=True, metadata={"number": False})
    amplitude: float = eqx.field(default=1.0, kw_only=True)
    frequency: float = eqx.field(default=0.5, kw_only=True)
    onset: float = eqx.field(default=5.0, kw_only=True)
    width: float = eqx.field(default=1.0, kw_only=True)

    def __check_init__(self):
        force = self.force
        if not callable(force) and (not isinstance(force, str) or force not in FORCES):
            hint = "; measured values go into `Sampled`" if isinstance(force, Series | np.ndarray | list) else ""
            raise ConfigError(unknown("force", force, FORCES) + hint)
        kind = FORCES[force] if isinstance(force, str) else None
        used = set() if kind is None else {field.name for field in fields(kind)}
        shape = [field for field in fields(Driven) if field.name != "force"]
        own = {field.name: field.default for field in fields(self)}
        ignored = [f.name for f in shape if f.name not in used and getattr(self, f.name) != own[f.name]]
        if ignored:
            raise ConfigError(f"`{'`, `'.join(ignored)}` mean nothing for the force {force!r}: leave them out")
        if force == "pulse" and not self.width > 0:
            raise ConfigError(f"`width` of a pulse must be positive, got {self.width!r}")
        if callable(force) and not isinstance(force, Force):
            _check_function(force)

    @property
    def drive(self) -> Force | None:
        """F(t), None without a force."""
        if not isinstance(self.force, str):
            return self.force if isinstance(self.force, Force) else Function(self.force)
        kind = FORCES[self.force]
        return None if kind is None else kind(**{field.name: getattr(self, field.name) for field in fields(kind)})

    def push(self, t: jax.Array) -> jax.Array | float:
        """F(t), 0 without a force."""
        return 0.0 if self.drive is None else self.drive(t)


def _check_function(force: Callable) -> None:
    try:
        result = jax.eval_shape(lambda t: jnp.asarray(force(t)), jnp.float32(0.0))
    except (TypeError, ValueError) as error:  # JAX's tracing errors are TypeErrors too
        first = str(error).splitlines()[0]
        raise ConfigError(f"`force` must be a function of one number t written in `jax.numpy`: {first}") from error
    if result.shape != ():
        raise ConfigError(f"`force` must return one number for one t, got shape {result.shape}")
