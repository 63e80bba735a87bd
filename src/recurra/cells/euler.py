"""Differential equations as recurrent cells: one step of Euler, Heun or Runge and Kutta is one step of a network."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells.cell import Array, Cell
from recurra.cells.elman import Elman
from recurra.errors import ConfigError, unknown

STEPS = ("euler", "heun", "rk4")


class EulerCell(Cell):
    r"""A vector field, followed for one step of time.

    .. math:: h_t = h_{t-1} + \Delta t \, f(h_{t-1}, x_t; \theta)

    The drive x is held over the step. "heun" and "rk4" take the steps of order 2 and 4 in place of Euler's.

    Args:
        field: f(h, x), or f(h, x, theta) where there is a `theta`, with the shape of h: a function in `jax.numpy`, or
            an `equinox.Module` such as a network, whose arrays are trained.
        theta: parameters of f, any tree of arrays: they are trained.
        size: numbers in the state h.
        dt: Delta t, in time units.
        method: "euler", "heun" or "rk4".

    Raises:
        ConfigError: an unknown method, a step or a size that is not positive.

    Example:
        >>> decay = EulerCell(lambda h, x, theta: x - theta["rate"] * h, {"rate": np.array(0.5)}, size=1, dt=0.1)
        >>> round(float(decay(jnp.ones(1), jnp.zeros(1))[0]), 6)
        0.95

    Reference: L. Euler, Institutionum calculi integralis (1768) I.2.7; as a network, R. T. Q. Chen et al., Neural
    ordinary differential equations, NeurIPS 2018, arXiv:1806.07366.
    """

    field: Any
    theta: Any = None
    size: int = eqx.field(static=True, kw_only=True)
    dt: float = eqx.field(static=True, kw_only=True)
    method: str = eqx.field(static=True, kw_only=True, default="euler")

    @staticmethod
    def of(system: Any, parameters: Sequence[str], *, dt: float, method: str = "euler") -> "EulerCell":
        """The equations of a system; the state is the system's own, in its units.

        A system with a force has it as the last entry of x, instead of its own F(t).

        Args:
            system: a vector field of `recurra.systems` that does not depend on time but through its force.
            parameters: names of those that become weights; the others keep the values they have.
            dt, method: as of the cell.

        Raises:
            ConfigError: no vector field, or a name that is none of its numbers.
        """
        theta = numbers(system, parameters)
        if driven := hasattr(system, "force"):
            system = with_force(system, "none")
        return EulerCell(_Field(system, driven), theta, size=system.state_size, dt=dt, method=method)

    def __check_init__(self) -> None:
        if self.method not in STEPS:
            raise ConfigError(unknown("method of an Euler cell", self.method, STEPS))
        if not 0 < self.dt < np.inf or self.size < 1:
            raise ConfigError(f"a step of {self.dt} with {self.size} numbers: both must be positive")

    def constants(self) -> dict[str, bool | int | float | str]:
        """What a model file says of the cell beside its weights."""
        fixed = {"size": self.size, "dt": self.dt, "method": self.method}
        if not isinstance(self.field, _Field):
            return fixed
        system = self.field.system
        return fixed | {"system": system.name} | {k: v for k, v in system.parameters.items() if k not in self.theta}

    def initial_state(self) -> np.ndarray:
        return np.zeros(self.size, jax.dtypes.canonicalize_dtype(np.float64))  # in the precision of the context

    def __call__(self, state: Array, x: Array) -> jax.Array:
        more = () if self.theta is None else (self.theta,)
        return follow(self.method)(lambda t, h: self.field(h, x, *more), 0.0, state, self.dt)


class _Field(eqx.Module):
    """f(h, x, theta) of a system whose force is in x."""

    system: Any = eqx.field(static=True)
    driven: bool = eqx.field(static=True)

    def __call__(self, h: Array, x: Array, theta: Any) -> jax.Array:
        system = with_parameters(self.system, theta)
        if self.driven:
            system = with_force(system, lambda t: x[-1])
        return system.field(jnp.zeros(()), h)


def follow(method: str) -> Callable[..., jax.Array]:
    """The step (field(t, y), t, y, dt) -> y at t + dt of one of `STEPS`."""
    from recurra.systems.integrators import euler, rk4  # a network without equations does without the solvers

    return {"euler": euler.step, "heun": _heun, "rk4": rk4.step}[method]


def _heun(field: Callable, t: Any, y: Array, dt: Any) -> jax.Array:
    """One step of order 2, y + dt (k1 + k2) / 2 (Heun 1900)."""
    k1 = field(t, y)
    return y + dt / 2 * (k1 + field(t + dt, y + dt * k1))


def numbers(system: Any, parameters: Sequence[str]) -> dict[str, np.ndarray]:
    """These parameters of a vector field, as arrays by name.

    Raises:
        ConfigError: no vector field, or a name that is none of its numbers.
    """
    if not hasattr(system, "field"):
        raise ConfigError(f"{getattr(system, 'name', system)!r} is no vector field dy/dt = f(t, y): it has no `field`")
    own = getattr(system, "values", {})  # of equations of one's own
    fixed = {f.name for f in dataclasses.fields(system) if f.metadata.get("static", False)}
    known = [n for n, value in system.parameters.items() if isinstance(value, float) and (n in own or n not in fixed)]
    for name in parameters:
        if name not in known:
            raise ConfigError(unknown(f"parameter of {system.name}", name, known))
    return {name: np.asarray(system.parameters[name], np.float64) for name in parameters}


def with_parameters(system: Any, values: Mapping[str, Any]) -> Any:
    """The system with these values, which may be traced, in place of its own."""
    for name, value in values.items():
        own = name in getattr(system, "values", {})
        system = eqx.tree_at(lambda s, n=name, o=own: s.values[n] if o else getattr(s, n), system, value)
    return system


def with_force(system: Any, force: Any) -> Any:
    """The system with another force, which may be traced: a function of t, or "none"."""
    return eqx.tree_at(lambda s: s.force, system, force)


def velocity_unit(oscillator: Any, dt: float) -> Elman:
    r"""Euler's update of the velocity of a damped oscillator, as one linear unit.

    .. math:: v_{i+1} = v_i + \Delta t \, (F_i - \eta v_i - \omega_0^2 x_i)

    Its recurrent weight is 1 - eta dt; the inputs are x, with the weight -w0^2 dt, and F, with the weight dt. After n
    steps the unit remembers (1 - eta dt)^n of where it began: the vanishing gradient in closed form.

    Args:
        oscillator: a `recurra.systems.DampedOscillator`; its eta and w0 are taken.
        dt: step in time units.
    """
    U = np.array([[-dt * oscillator.natural_frequency**2, dt]])
    return Elman(U, np.array([[1 - dt * oscillator.damping]]), np.zeros(1), "identity")


def motion_units(oscillator: Any, dt: float, squash: float | None = None) -> Elman:
    r"""Euler's step of position and velocity, as two units with the input F.

    .. math:: W = \begin{pmatrix} 1 & \Delta t \\ -\omega_0^2 \Delta t & 1 - \eta \Delta t \end{pmatrix}, \quad
        U = \begin{pmatrix} 0 \\ \Delta t \end{pmatrix}

    Underdamped, the eigenvalues of W have the squared modulus 1 - eta dt + w0^2 dt^2: for dt > eta / w0^2 the step, and
    so the network, grows without bound.

    Args:
        oscillator, dt: as of `velocity_unit`.
        squash: s; the units are then tanh and hold s (x, v), with an error of the order of s^2. None for linear units.
    """
    eta, w2 = oscillator.damping, oscillator.natural_frequency**2
    W = np.array([[1.0, dt], [-w2 * dt, 1 - eta * dt]])
    U = np.array([[0.0], [dt]])
    if squash is None:
        return Elman(U, W, np.zeros(2), "identity")
    return Elman(squash * U, W, np.zeros(2), "tanh")
