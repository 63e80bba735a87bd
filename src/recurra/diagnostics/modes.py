"""A network as a set of oscillators: frequency, damping and quality of the modes around a state."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from recurra.diagnostics.gradient_flow import jacobians, states_along
from recurra.diagnostics.states import model_of, reservoir_of
from recurra.errors import ConfigError, DataError
from recurra.models import Model
from recurra.reservoirs import Reservoir
from recurra.threads import one_blas_thread


@dataclass(frozen=True, eq=False)
class Modes:
    r"""The modes of a linear map, as samples of damped oscillations exp((-gamma + 2 pi i f) t).

    Args:
        multipliers: mu, the eigenvalues of the step, the slowest to die out first.
        dt: time units of a step.
    """

    multipliers: np.ndarray
    dt: float

    @property
    def frequencies(self) -> np.ndarray:
        """f = arg(mu) / (2 pi dt), cycles per time unit, of both signs and within 1 / (2 dt)."""
        return np.angle(self.multipliers) / (2 * np.pi * self.dt)

    @property
    def dampings(self) -> np.ndarray:
        """gamma = -ln|mu| / dt, per time unit; negative of a mode that grows, infinite of one that is forgotten."""
        with np.errstate(divide="ignore"):
            return -np.log(np.abs(self.multipliers)) / self.dt

    @property
    def time_constants(self) -> np.ndarray:
        """1 / gamma, time units in which a mode falls to 1/e; infinite of one that neither falls nor grows."""
        with np.errstate(divide="ignore"):
            return 1 / np.abs(self.dampings) * np.where(self.dampings < 0, -1.0, 1.0)

    @property
    def qualities(self) -> np.ndarray:
        """|gamma + 2 pi i f| / (2 gamma): 1/2 without an oscillation; infinite of a mode that does not die out."""
        gamma, omega = self.dampings, 2 * np.pi * self.frequencies
        dies = (gamma > 0) & np.isfinite(gamma)
        found = np.hypot(gamma, omega)[dies] / (2 * gamma[dies])
        values = np.where(gamma > 0, 0.5, np.inf)
        values[dies] = found
        return values

    @property
    def radius(self) -> float:
        """The largest |mu|."""
        return float(np.abs(self.multipliers).max())

    @property
    def words(self) -> str:
        """The slowest oscillation and the slowest mode of all in a sentence."""
        slowest, turning = self.time_constants[0], np.flatnonzero(self.frequencies > 0)
        what = "grows" if self.radius > 1 else "lives"
        first = f"The slowest of {len(self.multipliers)} modes {what} for {abs(slowest):.3g} time units"
        if not turning.size:
            return f"{first}; none oscillates."
        k = int(turning[0])
        return (
            f"{first}; the slowest oscillation has the frequency {self.frequencies[k]:.3g} and the quality "
            f"{self.qualities[k]:.3g}."
        )


def modes(network: Any, *, state: Any = None, x: Any = None, dt: float | None = None) -> Modes:
    r"""The modes of a network around a state, while its input stays as it is.

    .. math:: \delta h_t = J \, \delta h_{t-1}, \quad
        J = (1 - a) I + a \, \mathrm{diag}(1 - \tanh^2(W h + W_{in} x + b)) W

    of a reservoir, and of any model the derivative of its step. Each eigenvalue of J is an oscillation or, where it is
    positive, a decay.

    Args:
        network: a fitted estimator of one network, a `Model`, a `Reservoir`, an `EchoState`, or the matrix J itself.
        state: h (units,), in the order of `states_of`; None for the initial state, which is zero for most.
        x: the input (features,), of an estimator in scaled units; None for zeros, which is the mean of scaled rows.
        dt: time units of a step; None for that of the data of an estimator, and for 1.

    Raises:
        ConfigError: no such network, or `dt` is not positive.
        DataError: a state or input of another shape, or not finite.
        NotFittedError: an estimator before its fit.

    Example:
        >>> turn = 0.9 * np.array([[0.0, -1.0], [1.0, 0.0]])
        >>> found = modes(turn, dt=0.5)
        >>> found.frequencies.tolist(), found.time_constants.round(3).tolist()
        ([0.5, -0.5], [4.746, 4.746])
    """
    size = float(network.frame_.dt if hasattr(network, "frame_") else 1.0) if dt is None else dt
    if not (np.isfinite(size) and size > 0):
        raise ConfigError(f"`dt` must be a positive, finite number of time units, got {dt!r}")
    J = network if isinstance(network, np.ndarray) else _jacobian(network, state, x)
    if J.ndim != 2 or J.shape[0] != J.shape[1] or not np.isfinite(J).all():
        raise DataError(f"the derivative of a step is a finite square matrix, got the shape {J.shape}")
    with one_blas_thread():
        found = np.linalg.eigvals(J).astype(np.complex128)
    # by size, as far as rounding knows it, and an oscillation before its mirror image
    order = np.lexsort((-found.imag.round(10), -np.abs(found).round(10)))
    return Modes(found[order], float(size))


def _jacobian(network: Any, state: Any, x: Any) -> np.ndarray:
    reservoir = reservoir_of(network)
    if reservoir is not None:
        h, seen = _vector(state, reservoir.units, "state"), _vector(x, reservoir.features, "x")
        return _of_reservoir(reservoir, h, seen)
    model = model_of(network)
    frame = getattr(network, "frame_", None)
    seen = _vector(x, _inputs(model, frame), "x")
    start = states_along(model, seen[None])[0]
    h = start if state is None else _vector(state, len(start), "state")
    return jacobians(model, h[None], seen[None])[0]


def _of_reservoir(reservoir: Reservoir, h: np.ndarray, x: np.ndarray) -> np.ndarray:
    W = reservoir.W.toarray() if isinstance(reservoir.W, scipy.sparse.csr_array) else reservoir.W
    W, leak = np.asarray(W, np.float64), float(reservoir.leak)
    slope = 1 - np.tanh(W @ h + reservoir.W_in @ x + reservoir.b) ** 2
    return (1 - leak) * np.eye(len(h)) + leak * slope[:, None] * W


def _inputs(model: Model, frame: Any) -> int | None:
    """The width of x; None for what is given."""
    if frame is not None:
        return frame.features
    cells = getattr(model, "cells", ())
    return cells[0].U.shape[1] if cells and hasattr(cells[0], "U") else None


def _vector(given: Any, size: int | None, name: str) -> np.ndarray:
    if given is None:
        if size is None:
            raise ConfigError(f"`{name}` of this model must be given: its size cannot be told")
        return np.zeros(size)
    vector = np.asarray(given, np.float64)
    if vector.ndim != 1 or (size is not None and len(vector) != size) or not np.isfinite(vector).all():
        raise DataError(f"`{name}` must be {size or 'some'} finite numbers, got the shape {vector.shape}")
    return vector
