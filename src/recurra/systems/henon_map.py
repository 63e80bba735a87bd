"""The Hénon map."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from recurra.series import Series
from recurra.systems.maps import iterate
from recurra.systems.system import Plan, System


class HenonMap(System):
    """The Hénon map.

    x[n+1] = 1 - a x[n]^2 + y[n],  y[n+1] = b x[n]; every step shrinks areas by |b|

    Args:
        a: strength of the fold.
        b: contraction.

    References:
        M. Hénon, Commun. Math. Phys. 50 (1976) 69-77. Exponent 0.4192: J. C. Sprott, Chaos and Time-Series
        Analysis (2003).

    >>> HenonMap().simulate(steps=1, initial=[0.0, 0.0]).values.tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """

    a: float = 1.4
    b: float = 0.3

    name: ClassVar[str] = "henon-map"
    title: ClassVar[str] = "Hénon map, two variables, chaotic"
    channels: ClassVar[tuple[str, ...]] = ("x", "y")
    units: ClassVar[tuple[str, ...]] = ("", "")
    default_dt: ClassVar[float] = 1.0
    methods: ClassVar[tuple[str, ...]] = ()
    state_size: ClassVar[int] = 2

    @property
    def transient(self) -> float:
        """Areas have shrunk by 0.3^1000 by then."""
        return 1000.0

    @property
    def lyapunov_exponent(self) -> float | None:
        """0.4192 for a = 1.4, b = 0.3."""
        return 0.4192 if (self.a, self.b) == (1.4, 0.3) else None

    def map(self, state: jax.Array) -> jax.Array:
        """(1 - a x^2 + y, b x)."""
        x, y = state
        return jnp.stack([1 - self.a * x**2 + y, self.b * x])

    def start(self, rng: np.random.Generator) -> np.ndarray:
        """Uniform on a square about the origin, inside the basin of the classic attractor."""
        return rng.uniform(-0.1, 0.1, 2)

    def trajectory(self, plan: Plan) -> Series:
        """Iterate the map."""
        return iterate(self, plan)
