"""Lyapunov exponents of a network that follows its input: whether it forgets where it started, and how fast."""

from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.exponents.growth import Schedule
from recurra.diagnostics.exponents.lyapunov import LyapunovSpectrum, measure_spectrum
from recurra.diagnostics.maps import ForcedMap
from recurra.diagnostics.step_maps import forced_map
from recurra.errors import DataError

_PARTS = 48  # stretches
_SURE = 2.0  # standard errors
_MET = 1e-10  # of the size of the states: as near as two copies come in float64, with room


@dataclass(frozen=True, eq=False)
class ConditionalExponents:
    """Conditional exponents of a driven network, and whether two copies of it meet.

    Args:
        spectrum: the exponents, per time unit.
        distance: between two copies from different states (steps + 1,), divided by the root mean square of the states
            along the drive.
    """

    spectrum: LyapunovSpectrum
    distance: np.ndarray

    @property
    def exponents(self) -> np.ndarray:
        """(count,), largest first, per time unit."""
        return self.spectrum.exponents

    @property
    def largest(self) -> float:
        """The largest: at what rate the network forgets its past where it is negative."""
        return float(self.exponents[0])

    @property
    def echo_state(self) -> bool | None:
        """Whether the state comes to depend on the drive alone, for this drive.

        True where the largest exponent is negative by two standard errors and two copies have met, False where it is
        positive by as much and they have not; None where that does not settle it, for which a longer drive may do.
        """
        error = np.nan_to_num(self.spectrum.errors[0])
        met = bool(self.distance[-1] < _MET)
        if self.largest + _SURE * error < 0 and met:
            return True
        return False if self.largest - _SURE * error > 0 and not met else None

    @property
    def memory_time(self) -> float:
        """Time units in which a difference shrinks by e, -1 / largest exponent; infinite where it does not."""
        return -1 / self.largest if self.largest < 0 else np.inf

    def gap(self, target: Any) -> float:
        """How far the smallest of the exponents of a target lies above the largest of these, per time unit.

        Where it is positive, the closed loop of the network can have all exponents of the target; where it is
        negative, those below `largest` are lost among those of the network itself.

        Reference: J. D. Hart, Chaos 34 (2024) 043123.
        """
        return float(np.min(target) - self.largest)

    def trusted(self, exponents: Any, target: Any = None) -> np.ndarray:
        """Which exponents of the closed loop belong to what was learned; see `gap`.

        Args:
            exponents: of the closed loop, largest first.
            target: those of what was learned, where they are known: an exponent is trusted where that of
                its rank lies above `largest`, and where there is none of its rank, not. None where they are not
                known: those of the loop must lie above it then, and one not far above may be the network's own.
        """
        found = np.asarray(exponents, np.float64)
        if target is None:
            return found > self.largest
        known = np.full(len(found), -np.inf)
        known[: len(target)] = np.asarray(target, np.float64)[: len(found)]
        return known > self.largest

    @property
    def words(self) -> str:
        """The verdict in a sentence."""
        rate = f"its largest conditional exponent is {self.largest:.4g} per time unit"
        if self.echo_state is None:
            return (
                f"Whether the network forgets where it started is not settled by this drive: {rate}, and two copies of "
                f"it end {self.distance[-1]:.1e} apart."
            )
        if self.echo_state:
            return f"Driven by this series the network forgets where it started ({rate})."
        return f"Driven by this series the network does not forget where it started ({rate})."


def conditional_exponents(
    network: Any,
    drive: Any,
    start: Any = None,
    *,
    transient: int | None = None,
    dt: float | None = None,
    count: int | None = None,
    qr_every: int = 1,
    seed: int = 0,
) -> ConditionalExponents:
    r"""The Lyapunov exponents of a network that is driven, in float64: its input is fixed, its state is disturbed.

    .. math:: J_t = \frac{\partial h_t}{\partial h_{t-1}} \Big|_{x_t}, \quad
        J_{t+m-1} \cdots J_t\, Q_t = Q_{t+m} R_{t+m}, \quad
        \lambda_i = \frac{1}{n \, dt} \sum_t \ln |(R_t)_{ii}|

    Where all are negative, states from different starts meet: the echo state property, for this drive. Beside the
    exponents two copies are followed from different states, the second with the numbers of the first and those of a
    standard normal distribution added.

    Args:
        network: a fitted forecaster; a `recurra.models.Model`; a `recurra.reservoirs.Reservoir`; or a map,
            (state, x) -> state, in `jax.numpy`.
        drive: of a forecaster the series that it follows, in the units of the data; of anything else the inputs
            (steps, features).
        start: the state to start from; None for the initial one of a network.
        transient: steps of the drive before exponents are averaged; None for a tenth of it, at most 1000.
        dt: time units of one step; None for that of the rows of a forecaster, and for 1.
        count, qr_every, seed: as of `lyapunov_spectrum`.

    Raises:
        ConfigError: arguments that cannot be.
        DataError: a drive that is too short or does not fit.
        DivergenceError: the states leave the finite numbers.

    References: L. M. Pecora, T. L. Carroll, Phys. Rev. Lett. 64 (1990) 821-824; for the two copies H. D. I. Abarbanel,
    N. F. Rulkov, M. M. Sushchik, Phys. Rev. E 53 (1996) 4528-4535.

    Example:
        >>> leaky = lambda h, x: 0.5 * h + 0.5 * jnp.tanh(x)
        >>> found = conditional_exponents(leaky, np.ones((200, 1)), np.zeros(1))
        >>> found.echo_state, round(float(np.exp(found.largest)), 6)
        (True, 0.5)
    """
    driven = forced_map(network, drive, start, dt)
    length = len(driven.drive)
    transient = min(length // 10, 1000) if transient is None else transient
    check_whole(1, qr_every=qr_every)
    check_whole(0, transient=transient, seed=seed)
    before = -(-transient // qr_every) * qr_every
    steps = (length - before) // qr_every * qr_every
    if steps < 1:
        raise DataError(f"a drive of {length} steps is too short for a transient of {transient} and one decomposition")
    spectrum = measure_spectrum(
        driven.step,
        driven.start,
        *Schedule.of(before, steps, _PARTS, qr_every),
        dt=driven.dt,
        count=count,
        qr_every=qr_every,
        many=False,
        seed=seed,
        drive=driven.drive,
    )
    return ConditionalExponents(spectrum, _apart(driven, seed))


def _apart(driven: ForcedMap, seed: int) -> np.ndarray:
    with jax.enable_x64(True):
        one = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), driven.start)
        rng = np.random.default_rng(seed)
        other = jax.tree.map(lambda leaf: leaf + rng.standard_normal(leaf.shape), one)
        distances, size = map(np.asarray, _follow(driven.step, one, other, driven.drive))
    return distances / (float(size) if size > 0 else 1.0)


@eqx.filter_jit
def _follow(step: Any, one: Any, other: Any, drive: Any) -> tuple[jax.Array, jax.Array]:
    """Distances (steps + 1,) of two copies, and the root mean square norm of the first."""

    def apart(pair: Any) -> tuple[jax.Array, jax.Array]:
        a, b = (ravel_pytree(state)[0] for state in pair)
        return jnp.linalg.norm(a - b), jnp.sum(a**2)

    def advance(pair: Any, x: Any) -> Any:
        new = step(pair[0], x), step(pair[1], x)
        return new, apart(new)

    first = apart((one, other))[0]
    _, (distances, squares) = jax.lax.scan(advance, (one, other), drive)
    return jnp.concatenate([first[None], distances]), jnp.sqrt(squares.mean())
