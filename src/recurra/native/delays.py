"""Closed loops of maps on delayed rows, on NumPy arrays."""

from dataclasses import dataclass, field

import numpy as np

from recurra.errors import ConfigError, DataError
from recurra.native.status import kernels, threads

BASES = {"gaussian": 0, "matern-5/2": 1, "polynomials": 2}


def _none() -> np.ndarray:
    return np.zeros(0, np.int32)


@dataclass(frozen=True, eq=False)
class Basis:
    r"""Functions of a delay vector x, by way of z = (x - shift) / scale.

    Args:
        name: "gaussian", exp(-r^2 / 2), or "matern-5/2", (1 + a + a^2 / 3) exp(-a), a = sqrt(5) r, with the distances r
            of z from centres; "polynomials", products of powers T_k of the variables.
        shift, scale: (variables,).
        factor: f = -1/2 (gaussian) or 5 (matern-5/2); polynomials: T_k = 2 z T_{k-1} - f T_{k-2}, T_1 = z, T_0 = 1.
        centres: (functions, variables + 1): -2 f c and f |c|^2 of each centre c.
        degree: of the polynomials.
        earlier, last: (functions,) of the polynomials: each is an earlier one, the constant being number 0, times T_k
            of a variable, number k variables + variable.

    Raises:
        ConfigError: another name.
        DataError: parts that do not fit together.
    """

    name: str
    shift: np.ndarray
    scale: np.ndarray
    factor: float
    centres: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    degree: int = 0
    earlier: np.ndarray = field(default_factory=_none)
    last: np.ndarray = field(default_factory=_none)

    def __post_init__(self) -> None:
        if self.name not in BASES:
            raise ConfigError(f"`name` is one of {', '.join(BASES)}, not {self.name!r}")
        size, variables = self.size, len(self.shift)
        fits = self.scale.shape == (variables,) and len(self.last) == len(self.earlier)
        if self.name == "polynomials":
            fits &= bool((self.earlier >= 0).all() and (self.earlier <= np.arange(size)).all() and self.degree >= 1)
            fits &= bool((self.last >= 0).all() and (self.last < (self.degree + 1) * variables).all())
        elif self.centres.shape != (size, variables + 1):
            fits = False
        if not fits:
            raise DataError(f"the parts of {size} functions of {variables} variables do not fit together")

    @property
    def size(self) -> int:
        """How many functions."""
        return len(self.earlier) if self.name == "polynomials" else len(self.centres)


def free_run(
    basis: Basis, coefficients: np.ndarray, state: np.ndarray, last: np.ndarray, drive: np.ndarray, *,
    lags: int, stride: int, increment: bool, bound: float, workers: int | None = None,
) -> np.ndarray:  # fmt: skip
    """y' = c + V phi(x) (+ y), x the last rows [y, drive] at a distance: a batch of sequences that is fed back.

    Args:
        basis: phi.
        coefficients: [c, V] (sets, channels, 1 + functions); the batch is as many equal parts as there are sets.
        state: the rows before (batch, (lags - 1) stride, features), the oldest first.
        last: the first of what is fed back (batch, channels).
        drive: what stands beside it (batch, steps, features - channels).
        lags, stride: of the rows that are seen.
        increment: the outputs are added to what they follow.
        bound: outputs are held in +-bound.
        workers: threads, at most; None for all that this process may use.

    Returns:
        Outputs (batch, steps, channels).

    Raises:
        DataError: shapes that do not fit together.
    """
    (batch, steps, driven), (sets, channels, width) = drive.shape, coefficients.shape
    features = channels + driven
    shapes = {
        "coefficients": (coefficients, (sets, channels, 1 + basis.size)),
        "state": (state, (batch, (lags - 1) * stride, features)),
        "last": (last, (batch, channels)),
    }
    for name, (array, shape) in shapes.items():
        if array.shape != shape:
            raise DataError(f"`{name}` has the shape {array.shape}, where {shape} is needed")
    if len(basis.shift) != lags * features or sets < 1 or batch % sets:
        raise DataError(f"{width - 1} functions of {len(basis.shift)} variables do not fit {lags} rows of {features}")
    found = np.empty((batch, steps, channels))
    if found.size == 0:
        return found
    given = (np.ascontiguousarray(array, np.float64) for array in (coefficients, state, last, drive))
    coefficients, state, last, drive = given
    parts = BASES[basis.name], lags, stride, basis.shift, basis.scale, basis.factor, basis.centres
    parts = *parts, basis.degree, basis.earlier, basis.last
    options = coefficients, increment, bound
    kernels().delays_free_run(*parts, *options, state, last, drive, found, workers or threads())
    return found
