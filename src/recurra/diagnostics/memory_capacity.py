"""How much of its past input a recurrent network can be asked for: Jaeger's memory capacity, without its bias."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.cells import Elman
from recurra.diagnostics.capacity import Readouts, checked, error_of_sum, past
from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.linear_memory import linear_memory
from recurra.diagnostics.states import driven, model_of, reservoir_of
from recurra.diagnostics.subject import inner_model
from recurra.models import Stack


@dataclass(frozen=True, eq=False)
class MemoryCapacity:
    """What a linear readout of the states says about the input of every lag.

    Args:
        by_lag: squared correlation of x(t - k) with what is read, k = 0, 1, ..., corrected for chance; around zero
            where nothing is remembered, so that it may be below.
        units: n, the bound of the sum.
        error: standard error of the sum, from leaving out each of ten blocks of rows; 0 of what was not measured but
            follows from the weights.
    """

    by_lag: np.ndarray
    units: int
    error: float

    @property
    def total(self) -> float:
        """The memory capacity: the sum over the lags, or n where chance has taken it beyond that bound."""
        return min(float(self.by_lag.sum()), float(self.units))


def memory_capacity(states: np.ndarray, inputs: np.ndarray, *, lags: int | None = None) -> MemoryCapacity:
    r"""The memory capacity of states that white noise drove.

    .. math:: MC = \sum_{k \ge 0} r_k^2, \quad
        r_k = \mathrm{corr}(x_{t-k}, \hat x_{t-k}), \quad \hat x_{t-k} = a_k + b_k \cdot h_t

    The readouts are fitted by singular values without a ridge. On m rows a readout of n states finds r^2 = n / (m - 1)
    in pure noise, of every lag, and just that is taken off: see `recurra.diagnostics.capacity`. So the sum over any
    number of lags does not grow with chance.

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
    count = 2 * np.atleast_1d(states).shape[-1] if lags is None else lags
    check_whole(1, lags=count)
    h, x = checked(states, inputs, count)
    by_lag, without = Readouts(h[count - 1 :]).capacities(past(x, count))
    return MemoryCapacity(by_lag, h.shape[1], error_of_sum(without))


def measure_memory_capacity(
    network: Any,
    *,
    steps: int = 10_000,
    scale: float = 0.5,
    lags: int | None = None,
    transient: int = 500,
    feature: int | None = None,
    seed: int = 0,
) -> MemoryCapacity:
    """Drive a network of one input, or one of its inputs, with white noise and measure its memory capacity.

    That of a linear network is a number of its own, and comes from its weights alone, by `linear_memory_capacity`; that
    of any other depends on the size of the input.

    Args:
        network: a `recurra.reservoirs.Reservoir` or what holds one (an `EchoState`, a fitted ESN), or a
            `recurra.models.Model`, whose state is all that its cells carry.
        steps: rows that are measured.
        scale: the input is uniform on (-scale, scale).
        lags: as of `memory_capacity`.
        transient: rows before them.
        feature: which input of a reservoir or a fitted estimator is noise, the others zero; None for the only one.
        seed: of the input.

    Raises:
        ConfigError: the network has more inputs than one and none is chosen, has no such input, or is none.
        DataError: as `memory_capacity`.
    """
    weights = None if feature else _linear_weights(network)
    if weights is not None:
        return linear_memory_capacity(*weights, lags=lags)
    x = np.random.default_rng(seed).uniform(-scale, scale, transient + steps)
    return memory_capacity(driven(network, x, feature)[transient:], x[transient:], lags=lags)


def linear_memory_capacity(W: Any, w: Any, *, leak: float = 1.0, lags: int | None = None) -> MemoryCapacity:
    """The memory capacity of a linear network, exactly: see `recurra.diagnostics.linear_memory` for how.

    It is the rank of [w, W w, W^2 w, ...], n of almost every network, whatever the size of the input. That is what the
    equations hold; of states that were computed in float64 for a while, a readout finds less.

    Args:
        W: recurrent weights (n, n), an array or sparse.
        w: input weights (n,).
        leak: a of h_t = (1 - a) h_{t-1} + a (W h_{t-1} + w x_t).
        lags: number of lags; None for as many as hold all of it but a billionth.

    Raises:
        ConfigError: a spectral radius of 1 or more; `leak` or `lags` out of range.
        DataError: W and w that do not fit together or are not finite.

    Example:
        >>> W = np.random.default_rng(0).normal(size=(100, 100)) / 12
        >>> round(linear_memory_capacity(W, np.ones(100)).total, 6)
        100.0
    """
    by_lag, _ = linear_memory(W, w, leak=leak, lags=lags)
    return MemoryCapacity(by_lag, len(w), 0.0)


def _linear_weights(network: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """W and w of a network of linear layers with one input, all layers as one; None of any other network."""
    if reservoir_of(network) is not None:
        return None
    stack = inner_model(model_of(network))
    cells = stack.cells if isinstance(stack, Stack) else ()
    linear = [cell for cell in cells if isinstance(cell, Elman) and cell.activation == "identity"]
    if not linear or len(linear) < len(cells) or linear[0].U.shape[1] != 1:
        return None
    sizes = [len(cell.b) for cell in linear]
    ends = np.cumsum(sizes)
    A, b = np.zeros((ends[-1], ends[-1])), np.zeros(ends[-1])
    heard, pushed = np.zeros((1, ends[-1])), np.ones(1)  # what a layer sees: of the state before, and of x
    for cell, size, end in zip(linear, sizes, ends, strict=True):
        rows = slice(end - size, end)
        U = np.asarray(cell.U, np.float64)
        A[rows], b[rows] = U @ heard, U @ pushed
        A[rows, rows] += np.asarray(cell.W, np.float64)
        heard, pushed = A[rows], b[rows]
    return A, b
