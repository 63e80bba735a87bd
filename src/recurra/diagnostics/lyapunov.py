"""Lyapunov exponents of a step map: how fast states that almost agree part, or meet, in every direction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from recurra._types import whole_number
from recurra.diagnostics.dimension import entropy_bound, kaplan_yorke_dimension
from recurra.errors import ConfigError, DivergenceError

_PARTS = 48  # stretches of a trajectory, at most
_BLOCKS = 20  # of whole stretches, at least, from whose scatter the errors are told
_FEW = 10  # exponents where no number is asked for
_APART = 4.0  # standard errors between the halves of a run that still drifts


@dataclass(frozen=True, eq=False)
class LyapunovSpectrum:
    """Lyapunov exponents, and how well they are known.

    Attributes:
        exponents: (count,), largest first, natural logarithm per time unit; -inf where a step forgets a direction.
        parts: (trajectories, parts, count): the same over each of the equal stretches that a trajectory is cut into;
            what is left over of it is in `exponents` alone.
        time: of one trajectory, in time units, the transient not counted.
        size: numbers in a state: of so many exponents the largest `count` are here.
        last: the states in the end, as they were given.
    """

    exponents: np.ndarray
    parts: np.ndarray
    time: float
    size: int
    last: Any

    @property
    def errors(self) -> np.ndarray:
        """Standard errors (count,): batch means, over blocks as long as twenty of them allow.

        The growth over a short block also depends on where on the attractor it begins and ends, and what one block has
        too much the next has too little. NaN for a single block, and where the exponent is -inf.
        """
        trajectories, parts, count = self.parts.shape
        whole = [k for k in range(1, parts + 1) if parts % k == 0 and trajectories * parts // k >= _BLOCKS]
        values = self.parts.reshape(-1, max(whole, default=1), count).mean(axis=1)
        found = np.full(len(self.exponents), np.nan)
        if len(values) > 1:
            good = np.isfinite(values).all(axis=0)
            found[good] = values[:, good].std(axis=0, ddof=1) / np.sqrt(len(values))
        return found

    @property
    def history(self) -> np.ndarray:
        """The exponents (parts, count) as they were after each stretch, over all trajectories."""
        steps = np.arange(1, self.parts.shape[1] + 1)[:, None]
        return np.cumsum(self.parts.mean(axis=0), axis=0) / steps

    @property
    def converged(self) -> bool:
        """Whether the two halves of the run agree within four standard errors: nothing drifts any more."""
        half = self.parts.shape[1] // 2
        if half < 2:
            return False
        good = np.isfinite(self.exponents)
        ends = [part[..., good].reshape(-1, good.sum()) for part in (self.parts[:, :half], self.parts[:, half:])]
        scatter = np.sqrt(sum(end.var(axis=0, ddof=1) / len(end) for end in ends))
        apart = np.abs(ends[0].mean(axis=0) - ends[1].mean(axis=0))
        return bool(np.all(apart <= _APART * scatter + 1e-9 * np.abs(self.exponents[good])))

    @property
    def dimension(self) -> float | None:
        """Kaplan-Yorke dimension; None where more exponents are needed to tell. See `kaplan_yorke_dimension`."""
        return kaplan_yorke_dimension(self.exponents, self.size)

    @property
    def entropy(self) -> float:
        """The sum of the positive ones of these exponents, nats per time unit. See `entropy_bound`."""
        return entropy_bound(self.exponents)


def lyapunov_spectrum(
    step: Any,
    start: Any = None,
    *,
    steps: int = 100_000,
    transient: int = 1000,
    dt: float | None = None,
    count: int | None = None,
    qr_every: int = 1,
    many: bool = False,
    seed: int = 0,
) -> LyapunovSpectrum:
    r"""The Lyapunov exponents of a forecaster, a system or a step map along one trajectory or several, in float64.

    .. math::
        J_{t+m-1} \cdots J_t\, Q_t = Q_{t+m} R_{t+m}, \quad
        \lambda_i = \frac{1}{n \, dt} \sum_t \ln |(R_t)_{ii}|

    J_t is the derivative of the step at the state where it is taken. The columns of Q are random at first and turn to
    the directions of fastest growth during the transient.

    Args:
        step: a fitted forecaster, which runs on its own output; a system that is a vector field or a map; or a map,
            state -> state, in `jax.numpy` (see `recurra.diagnostics.step_maps`). One that is a `jax.tree_util.Partial`,
            or a method of an `equinox.Module`, is compiled once for all values of its arrays; any other at every call.
        start: the state to start from, any structure of arrays. It is everything that is carried from step to step.
            None for one that a system draws; of a forecaster, the series that it follows first, None for the last rows
            that it was fitted to.
        steps: n, over which growth is averaged; rounded up to a multiple of `qr_every`.
        transient: steps before them.
        dt: time units of one step; None for that of the rows of a forecaster or a system, and for 1.
        count: how many exponents, the largest first; None for all of them, or 10 where there are more.
        qr_every: m, steps between two decompositions. More are cheaper, and lose small exponents to rounding when the
            ratio of growth over so many steps comes near 1e16.
        many: whether every array of `start` has a leading axis of trajectories.
        seed: of the directions, and of the start that a system draws.

    Raises:
        ConfigError: arguments that cannot be, a step that changes the structure of its state.
        DivergenceError: a trajectory leaves the finite numbers.

    References: I. Shimada, T. Nagashima, Progress of Theoretical Physics 61 (1979) 1605-1616; G. Benettin, L. Galgani,
    A. Giorgilli, J.-M. Strelcyn, Meccanica 15 (1980) 9-20 and 21-30.

    Example:
        >>> found = lyapunov_spectrum(lambda x: x * np.array([0.25, 0.5]), np.ones(2), steps=100)
        >>> np.exp(found.exponents).round(6).tolist()
        [0.5, 0.25]
    """
    _check(steps=(steps, 1), transient=(transient, 0), seed=(seed, 0), qr_every=(qr_every, 1))
    if dt is not None and not (np.isfinite(dt) and dt > 0):
        raise ConfigError(f"`dt` must be a positive, finite number of time units, got {dt!r}")
    step, start, dt = _step_map(step, start, dt, seed)
    with jax.enable_x64(True):
        state = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), start)
        if many and (len(axes := {leaf.shape[:1] for leaf in jax.tree.leaves(state)}) != 1 or () in axes):
            raise ConfigError(
                "of `many` trajectories every array of `start` has one leading axis, as long in all of them"
            )
        one = jax.tree.map(lambda leaf: leaf[0], state) if many else state
        state = state if many else jax.tree.map(lambda leaf: leaf[None], state)
        size, trajectories = sum(leaf.size for leaf in jax.tree.leaves(one)), len(jax.tree.leaves(state)[0])
        count = min(size, _FEW) if count is None else count
        _check(count=(count, 1))
        if count > size:
            raise ConfigError(f"`count` is {count}, and a state of {size} numbers has {size} exponents")
        pieces = -(-steps // qr_every)
        parts = min(_PARTS, pieces)
        each, rest = divmod(pieces, parts)
        directions = np.random.default_rng(seed).standard_normal((trajectories, size, count))
        before = -(-transient // qr_every)
        before, each, rest = (np.asarray(number) for number in (before, each, rest))  # else they would be compiled in
        found = _grow(step, state, directions, before, each, rest, parts, qr_every)
        last, growth, left = jax.tree.map(np.asarray, found)
    if np.isnan(growth).any() or not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(last)):
        raise DivergenceError(
            f"a trajectory leaves the finite numbers within {transient + steps} steps: start closer to its attractor"
        )
    time = pieces * qr_every * dt
    exponents = (growth.sum(axis=1) + left).mean(axis=0) / time
    order = np.argsort(-exponents, kind="stable")
    last = last if many else jax.tree.map(lambda leaf: leaf[0], last)
    return LyapunovSpectrum(exponents[order], growth[:, :, order] / (each * qr_every * dt), time, size, last)


def _step_map(step: Any, start: Any, dt: float | None, seed: int) -> tuple[Any, Any, float]:
    from recurra.diagnostics.step_maps import StepMap, of_forecaster, of_system  # a network is loaded without systems
    from recurra.systems.system import System

    if isinstance(step, System):
        found = of_system(step, dt, seed)
        return found if start is None else found._replace(start=start)
    if hasattr(step, "fit"):
        found = of_forecaster(step, start)
        return found if dt is None else found._replace(dt=dt)
    if start is None:
        raise ConfigError("a step map needs a state to start from: give `start`")
    return StepMap(step, start, 1.0 if dt is None else dt)


def _check(**numbers: tuple[Any, int]) -> None:
    for name, (value, least) in numbers.items():
        if not whole_number(value) or value < least:
            raise ConfigError(f"`{name}` must be a whole number of at least {least}, got {value!r}")


@eqx.filter_jit
def _grow(
    step: Callable[[Any], Any],
    start: Any,
    directions: Any,
    before: Any,
    each: Any,
    rest: Any,
    parts: int,
    qr_every: int,
) -> Any:
    """The last states, logarithms of growth (trajectories, parts, count) over `each` decompositions, and the rest."""
    rebuild = ravel_pytree(jax.tree.map(lambda leaf: leaf[0], start))[1]

    def forward(flat: jax.Array) -> jax.Array:
        given = rebuild(flat)
        new = step(given)
        if jax.tree.structure(new) != jax.tree.structure(given):
            raise ConfigError("a step map gives a state of the structure that it is given")
        return ravel_pytree(new)[0]

    def push(_: Any, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        state, derivative = jax.linearize(forward, carry[0])
        return state, jax.vmap(derivative, in_axes=1, out_axes=1)(carry[1])

    def advance(carry: tuple[jax.Array, jax.Array]) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        state, tangents = jax.lax.fori_loop(0, qr_every, push, carry)
        Q, R = jnp.linalg.qr(tangents)
        return (state, Q), jnp.log(jnp.abs(jnp.diagonal(R)))

    def add(_: Any, both: Any) -> Any:
        carry, logs = both
        carry, more = advance(carry)
        return carry, logs + more

    def stretch(carry: Any, pieces: Any) -> tuple[Any, jax.Array]:
        return jax.lax.fori_loop(0, pieces, add, (carry, jnp.zeros(directions.shape[-1])))

    def along(state: jax.Array, tangents: jax.Array) -> tuple[Any, jax.Array, jax.Array]:
        settled, _ = stretch((state, jnp.linalg.qr(tangents)[0]), before)
        carry, logs = jax.lax.scan(lambda carry, _: stretch(carry, each), settled, length=parts)
        (last, _), left = stretch(carry, rest)
        return last, logs, left

    flat = jax.vmap(lambda state: ravel_pytree(state)[0])(start)
    last, logs, left = jax.vmap(along)(flat, directions)
    return jax.vmap(rebuild)(last), logs, left
