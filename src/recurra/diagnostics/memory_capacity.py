"""How much of its past input a recurrent network can be asked for: Jaeger's memory capacity, without its bias."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.errors import ConfigError, DataError
from recurra.reservoirs import Reservoir

_BLOCKS, _FEWEST = 10, 1000  # of rows: blocks from whose spread the error comes, and the fewest of all


@dataclass(frozen=True, eq=False)
class MemoryCapacity:
    """What a linear readout of the states says about the input of every lag.

    Args:
        by_lag: squared correlation of x(t - k) with what is read, k = 0, 1, ..., corrected for chance; around zero
            where nothing is remembered, so that it may be below.
        units: n, the bound of the sum.
        error: standard error of the sum, from its spread over ten blocks of rows.
    """

    by_lag: np.ndarray
    units: int
    error: float

    @property
    def total(self) -> float:
        """The memory capacity: the sum over the lags."""
        return float(self.by_lag.sum())


def memory_capacity(states: np.ndarray, inputs: np.ndarray, *, lags: int | None = None) -> MemoryCapacity:
    r"""The memory capacity of states that white noise drove.

    .. math:: MC = \sum_{k \ge 0} r_k^2, \quad
        r_k = \mathrm{corr}(x_{t-k}, \hat x_{t-k}), \quad \hat x_{t-k} = a_k + b_k \cdot h_t

    The readouts are fitted to the first half of the rows, by singular values without a ridge, and correlated on the
    second. On the rows of the fit a readout of n states would find r^2 = n / rows in pure noise, of every lag; on
    others m, chance alone gives 1 / (m - 1), and that is taken off: r^2 - (1 - r^2) / (m - 2). So the sum over any
    number of lags does not grow with chance, and stays below n but for its standard error.

    Args:
        states: h (time, n), after a transient.
        inputs: x (time,), white noise, row by row what the states of that row were driven with.
        lags: number of lags 0, 1, ..., lags - 1; None for 2 n.

    Raises:
        DataError: arrays that do not fit together or are not finite, fewer rows than 4 (n + lags) or 1000.
        ConfigError: `lags` is no whole number of at least 1.

    Reference: H. Jaeger, Short term memory in echo state networks, GMD Report 152, 2001. There k begins at 1; with the
    input of the same step the bound is the same n.

    Example:
        >>> x = np.random.default_rng(0).normal(size=2000)
        >>> line = np.stack([np.roll(x, k) for k in range(3)], axis=1)
        >>> (memory_capacity(line, x, lags=5).by_lag > 0.5).tolist()
        [True, True, True, False, False]
    """
    h, x = np.asarray(states, np.float64), np.asarray(inputs, np.float64)
    if h.ndim != 2 or x.shape != h.shape[:1] or not np.isfinite(h).all() or not np.isfinite(x).all():
        raise DataError(f"states (time, units) and inputs (time,), all finite, have the shapes {h.shape} and {x.shape}")
    count = 2 * h.shape[1] if lags is None else lags
    if not whole_number(count) or count < 1:
        raise ConfigError(f"`lags` must be a whole number of at least 1, got {lags!r}")
    fewest = max(_FEWEST, 4 * (h.shape[1] + count))
    if len(x) < fewest:
        raise DataError(f"{len(x)} rows are too few for {h.shape[1]} units and {count} lags: take {fewest}")
    past = np.lib.stride_tricks.sliding_window_view(x, count)[:, ::-1]  # row t: x of t, t - 1, ...
    h = h[count - 1 :]
    half = len(h) // 2
    wanted, read = past[half:], _readout(h[:half], past[:half], h[half:])
    pairs = zip(np.array_split(wanted, _BLOCKS), np.array_split(read, _BLOCKS), strict=True)
    sums = [_squared_correlation(*pair).sum() for pair in pairs]  # the errors of the lags are not independent
    return MemoryCapacity(
        _squared_correlation(wanted, read), h.shape[1], float(np.std(sums, ddof=1) / np.sqrt(_BLOCKS))
    )


def measure_memory_capacity(
    network: Any,
    *,
    steps: int = 10_000,
    scale: float = 0.5,
    lags: int | None = None,
    transient: int = 500,
    seed: int = 0,
) -> MemoryCapacity:
    """Drive a network of one input with white noise and measure its memory capacity.

    That of a linear network is a number of its own; that of any other depends on the size of the input.

    Args:
        network: a `recurra.reservoirs.Reservoir` or what holds one (an `EchoState`, a fitted ESN), or a
            `recurra.models.Model`, whose state is all that its cells carry.
        steps: rows that are measured.
        scale: the input is uniform on (-scale, scale).
        lags: as of `memory_capacity`.
        transient: rows before them.
        seed: of the input.

    Raises:
        ConfigError: the network has more inputs than one, or is none.
        DataError: as `memory_capacity`.
    """
    x = np.random.default_rng(seed).uniform(-scale, scale, transient + steps)
    return memory_capacity(_drive(network, x)[transient:], x[transient:], lags=lags)


def _drive(network: Any, x: np.ndarray) -> np.ndarray:
    """The states (time, units) that the inputs lead through."""
    held = getattr(network, "network_", network)
    reservoir = getattr(held, "reservoir", held)
    if isinstance(reservoir, Reservoir):
        if reservoir.features != 1:
            raise ConfigError(f"memory capacity is that of one input, and this reservoir has {reservoir.features}")
        return reservoir.harvest(np.zeros(reservoir.units), x[:, None])
    return _model_states(getattr(held, "model", held), x[:, None])


def _model_states(model: Any, xs: np.ndarray) -> np.ndarray:
    """All that the cells of a model carry after each step."""
    import jax  # for models alone: a reservoir and its states need none

    from recurra.models import Model, unroll

    if not isinstance(model, Model):
        raise ConfigError(f"memory capacity is that of a reservoir, a model or a fitted estimator, not of {model!r}")

    def step(state: Any, x: Any) -> tuple[Any, Any]:
        new = model.step(state, x)[0]
        return new, jax.tree.leaves(new)

    with jax.enable_x64(model.dtype == np.float64):
        try:
            leaves = jax.jit(lambda start, rows: unroll(step, start, rows)[1])(
                model.initial_state(), xs.astype(model.dtype)
            )
        except TypeError as error:
            raise ConfigError(
                f"memory capacity is that of one input, and this model takes another number: {error}"
            ) from error
        return np.concatenate([np.asarray(leaf, np.float64).reshape(len(xs), -1) for leaf in leaves], axis=1)


def _readout(states: np.ndarray, targets: np.ndarray, others: np.ndarray) -> np.ndarray:
    """What the least-squares readout of some rows reads in others."""
    mean, size = states.mean(axis=0), states.std(axis=0)
    size = np.where(size > 0, size, 1.0)
    centre = targets.mean(axis=0)
    weights = np.linalg.lstsq((states - mean) / size, targets - centre)[0]
    return (others - mean) / size @ weights + centre


def _squared_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """That of each pair of columns, without what chance gives; 0 where one does not vary."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    product = (a**2).sum(axis=0) * (b**2).sum(axis=0)
    found = (a * b).sum(axis=0) ** 2 / np.where(product > 0, product, 1.0)
    return found - (1 - found) / (len(a) - 2)
