"""`System`: something that can be simulated, with named parameters."""

import dataclasses
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import numpy as np

from recurra._types import whole_number
from recurra.errors import ConfigError, unknown
from recurra.series import Series
from recurra.systems.integrators import MECHANICAL
from recurra.systems.reference import reference_exponents


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to simulate, checked: `steps` steps of `dt`, by which method, from where."""

    steps: int
    dt: float
    method: str | None
    initial: np.ndarray | None
    seed: int


class System(eqx.Module):
    """Interface of a system: parameters as fields, and `simulate`, which rests on `trajectory`.

    A vector field writes `field`, `start` and `drive` and returns `flow.integrate(self, plan)`
    (see `recurra.systems.flow.Flow`); a map writes `map` and returns `maps.iterate(self, plan)`; anything else makes
    its rows in its own way.

    Attributes:
        name: what the command line calls it.
        title: one line about it.
        channels: name of each column.
        units: unit of each column, "" where there is none.
        default_dt: the step between rows where none is given.
        methods: names that `simulate(method=...)` takes; empty where nothing is integrated.
        state_size: numbers in `initial`; 0 where there is no state to start from.
        resolution: parameters that say how finely it is solved, not what.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    channels: ClassVar[tuple[str, ...]]
    units: ClassVar[tuple[str, ...]]
    default_dt: ClassVar[float]
    methods: ClassVar[tuple[str, ...]]
    state_size: ClassVar[int]
    resolution: ClassVar[tuple[str, ...]] = ()

    def __check_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.metadata.get("static", False) or not field.metadata.get("number", True):
                continue
            number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            if not number or not np.isfinite(value):
                raise ConfigError(f"`{field.name}` of {self.name} must be a finite number, got {value!r}")

    @property
    @abstractmethod
    def transient(self) -> float:
        """Time units that are simulated and discarded where no `initial` is given."""

    @property
    def lyapunov_exponent(self) -> float | None:
        """Largest Lyapunov exponent per time unit, for these parameters; None where it is not known.

        Where it is not a published number it is the largest of `reference_exponents`.
        """
        found = reference_exponents(self)
        return None if found is None else found.largest

    @abstractmethod
    def trajectory(self, plan: Plan) -> Series:
        """The rows that `simulate` was asked for."""

    @property
    def parameters(self) -> dict[str, Any]:
        """Fields by name, as plain data: numbers and words; a function by its name."""
        values = {field: getattr(self, field.name) for field in dataclasses.fields(self)}
        static = {field.name: field.metadata.get("static", False) for field in values}
        return {field.name: value if static[field.name] else _plain(value) for field, value in values.items()}

    def simulate(
        self,
        steps: int,
        dt: float | None = None,
        method: str | None = None,
        initial: Sequence[float] | np.ndarray | None = None,
        *,
        seed: int = 0,
    ) -> Series:
        """Simulate `steps` steps; the same arguments give the same bits.

        Args:
            steps: n, a positive whole number.
            dt: step between the rows in time units. Default: `default_dt`.
            method: None, the most accurate that the system has: for a vector field "accurate" (sub-steps hold the
                local error at 1e-12). Others are "adaptive" (at 1e-9) and, with the step dt, "rk4" and "euler"; for
                x'' = a(t, x, v) also "verlet" and "euler-cromer". `methods` lists what the system takes.
            initial: state at time 0, (state_size,). Nothing is then discarded. Default: a random start, drawn
                from `seed`, at time -`transient`; the rows before time 0 are discarded.
            seed: seed of everything that is random.

        Returns:
            n + 1 rows at the times 0, dt, ..., n dt. The provenance says how they were made.

        Raises:
            ConfigError: an argument that cannot work, or a trajectory that leaves the finite numbers.
        """
        if not whole_number(steps) or steps < 1:
            raise ConfigError(f"`steps` must be a whole number of at least 1, got {steps!r}")
        if not whole_number(seed) or seed < 0:
            raise ConfigError(f"`seed` must be a whole number of at least 0, got {seed!r}")
        step = self.default_dt if dt is None else dt
        if isinstance(step, bool) or not isinstance(step, int | float | np.number) or not 0 < step < np.inf:
            raise ConfigError(f"`dt` must be a positive, finite number of time units, got {dt!r}")
        if method is not None and method not in self.methods:
            if method in MECHANICAL:
                raise ConfigError(
                    f"{method!r} is a method for x'' = a(t, x, v), and {self.name} is no such system: "
                    f"take one of {', '.join(self.methods) or 'none'}"
                )
            raise ConfigError(unknown(f"method of {self.name}", method, self.methods))
        start = None if initial is None else self._start(initial)
        return self.trajectory(Plan(int(steps), float(step), method, start, int(seed)))

    def _start(self, initial: Any) -> np.ndarray:
        if self.state_size == 0:
            raise ConfigError(f"{self.name} has no state to start from: leave `initial` out")
        try:
            start = np.array(initial, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"`initial` must be {self.state_size} numbers, got {initial!r}") from error
        if start.shape != (self.state_size,):
            raise ConfigError(
                f"`initial` of {self.name} must be {self.state_size} numbers ({', '.join(self.channels)}), "
                f"got shape {start.shape}"
            )
        if not np.isfinite(start).all():
            raise ConfigError(f"`initial` must be finite, got {start.tolist()}")
        return start


def _plain(value: Any) -> Any:
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return value if isinstance(value, str) else float(value)


def in_float64(system: System) -> Any:
    """The system with every parameter as a float64: traced, so that new values need no new compilation."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64) if eqx.is_array_like(leaf) else leaf, system)
