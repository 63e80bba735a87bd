"""A user's own equations as a system, from one function."""
# pyright: reportIncompatibleVariableOverride=false
# Name and channels of a user's system belong to the instance.

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.errors import ConfigError
from recurra.series import Series
from recurra.systems.flow import integrate
from recurra.systems.integrators import GENERAL, METHODS
from recurra.systems.system import Plan, System

PREFIX = "custom/"


class Custom(System):
    """A vector field that the user wrote; made by `custom` or `second_order`."""

    function: Callable = eqx.field(static=True)
    values: dict[str, float] = eqx.field(metadata={"number": False})
    channels: tuple[str, ...] = eqx.field(static=True)
    units: tuple[str, ...] = eqx.field(static=True)
    default_dt: float = eqx.field(static=True)
    settling: float = eqx.field(static=True)
    mechanical: bool = eqx.field(static=True)

    title: ClassVar[str] = "The user's own equations"

    @property
    def name(self) -> str:
        """custom/ and the name of the function."""
        return PREFIX + getattr(self.function, "__name__", type(self.function).__name__)

    @property
    def parameters(self) -> dict[str, Any]:
        """As given."""
        return {name: float(value) for name, value in self.values.items()}

    @property
    def state_size(self) -> int:
        """One number a channel."""
        return len(self.channels)

    @property
    def methods(self) -> tuple[str, ...]:
        """Those for x'' = a(t, x, v) only where the system was given as that."""
        return tuple(METHODS) if self.mechanical else GENERAL

    @property
    def transient(self) -> float:
        """As given."""
        return self.settling

    @property
    def drive(self) -> None:
        """None: what drives is a part of the function."""
        return None

    def field(self, t: jax.Array, state: jax.Array) -> jax.Array:
        """y', from the function."""
        more = (self.values,) if self.values else ()
        if not self.mechanical:
            return jnp.asarray(self.function(t, state, *more))
        half = len(self.channels) // 2
        x, v = (state[0], state[1]) if half == 1 else (state[:half], state[half:])
        return jnp.concatenate([state[half:], jnp.atleast_1d(self.function(t, x, v, *more))])

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Standard normal."""
        return rng.standard_normal(self.state_size)

    def trajectory(self, plan: Plan) -> Series:
        """Integrate the field."""
        return integrate(self, plan)


def custom(
    field: Callable,
    *,
    channels: Sequence[str],
    parameters: Mapping[str, float] | None = None,
    dt: float = 0.01,
    transient: float = 0.0,
    units: Sequence[str] | None = None,
) -> System:
    """A system of first order from its vector field, y' = f(t, y) or f(t, y, parameters).

    Args:
        field: f, written in `jax.numpy`: (t, y) -> y', both arrays (channels,). With `parameters` it gets them as
            its third argument, a dict; other values of them compile nothing anew.
        channels: name of each number of the state.
        parameters: name -> number.
        dt: step between rows where `simulate` is given none.
        transient: time units that are discarded where `simulate` is given no `initial`; the start is then standard
            normal.
        units: unit of each channel.

    Returns:
        A system: `simulate` with every general method, `agreement_time(series, system=...)`.

    Raises:
        ConfigError: a function that fails in `jax.numpy` or returns another shape, or a parameter that is no number.

    >>> def predator_prey(t, y, p):
    ...     hares, lynxes = y
    ...     return jnp.stack([hares - p["catch"] * hares * lynxes, p["catch"] * hares * lynxes - lynxes])
    >>> system = custom(predator_prey, channels=["hares", "lynxes"], parameters={"catch": 0.5})
    >>> system.simulate(steps=100, dt=0.1, initial=[1.0, 1.0])
    Series(101 rows, dt=0.1, channels=['hares', 'lynxes'])
    """
    return _checked(field, channels, parameters, dt, transient, units, mechanical=False)


def second_order(
    acceleration: Callable,
    *,
    channels: Sequence[str] = ("x", "v"),
    parameters: Mapping[str, float] | None = None,
    dt: float = 0.01,
    transient: float = 0.0,
    units: Sequence[str] | None = None,
) -> System:
    """A system of second order as it stands, x'' = a(t, x, v), reduced to x' = v, v' = a(t, x, v).

    Args:
        acceleration: a, written in `jax.numpy`: (t, x, v) -> x'', or (t, x, v, parameters). With two channels x, v and
            x'' are numbers, with 2 n arrays (n,).
        channels: names of the positions, then of the velocities.
        parameters, dt, transient, units: see `custom`.

    Returns:
        A system that also takes the methods "verlet" and "euler-cromer".

    Raises:
        ConfigError: as `custom`, or an odd number of channels.

    >>> def spring(t, x, v, p):
    ...     return -p["stiffness"] * x
    >>> system = second_order(spring, parameters={"stiffness": 4.0})
    >>> system.simulate(steps=10, dt=jnp.pi / 10, initial=[1.0, 0.0]).values[-1].round(9).tolist()
    [1.0, 0.0]
    """
    if len(channels) % 2:
        raise ConfigError(f"`channels` are positions, then as many velocities, got {len(channels)} names")
    return _checked(acceleration, channels, parameters, dt, transient, units, mechanical=True)


def _checked(function, channels, parameters, dt, transient, units, *, mechanical: bool) -> Custom:
    values = dict(parameters or {})
    wrong = {name: v for name, v in values.items() if isinstance(v, bool | str) or np.shape(v) or not np.isfinite(v)}
    if wrong:
        raise ConfigError(f"parameters must be finite numbers, got {wrong!r}")
    if isinstance(channels, str) or not channels:
        raise ConfigError(f"`channels` must be a list of at least one name, got {channels!r}")
    if not callable(function):
        raise ConfigError(f"the equations must be a function, got {function!r}")
    if not 0 < dt < np.inf or not 0 <= transient < np.inf:
        raise ConfigError(f"`dt` must be positive and `transient` not negative, got {dt!r} and {transient!r}")
    size = len(channels)
    units = ("",) * size if units is None else tuple(units)
    system = Custom(
        function=function,
        values=values,
        channels=tuple(channels),
        units=units,
        default_dt=float(dt),
        settling=float(transient),
        mechanical=mechanical,
    )
    try:
        result = jax.eval_shape(system.field, jnp.float32(0.0), jnp.zeros(size, jnp.float32))
    except (TypeError, ValueError, KeyError, IndexError) as error:  # JAX's tracing errors are TypeErrors too
        first = str(error).splitlines()[0]
        raise ConfigError(f"{system.name} must be written in `jax.numpy`: {type(error).__name__}: {first}") from error
    if result.shape != (size,):
        raise ConfigError(f"{system.name} must return one number for each of the {size} channels, got {result.shape}")
    return system
