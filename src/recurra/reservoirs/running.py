"""How reservoirs and maps on delayed rows run: by the native kernels where these run, else by NumPy and SciPy. The one
place that decides."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import scipy.sparse

from recurra._types import LOST
from recurra.native import delays, echo, status
from recurra.reservoirs.kernels import KERNELS, Kernel
from recurra.reservoirs.polynomials import Polynomials

if TYPE_CHECKING:
    from recurra.reservoirs.network import EchoState
    from recurra.reservoirs.reservoir import Reservoir

DENSE = 0.3  # share of the entries of W from which on all of them are stored

_packed: WeakKeyDictionary[Reservoir, echo.Reservoir] = WeakKeyDictionary()
_bases: WeakKeyDictionary[Kernel | Polynomials, delays.Basis] = WeakKeyDictionary()
_readouts: WeakKeyDictionary[EchoState, echo.Readout] = WeakKeyDictionary()


def native(reservoir: Reservoir) -> echo.Reservoir | None:
    """The reservoir as the kernels take it, kept with it; None where they do not run."""
    if not status().active:
        return None
    found = _packed.get(reservoir)
    if found is None:
        found = _packed[reservoir] = _pack(reservoir)
    return found


def native_basis(basis: object) -> delays.Basis | None:
    """Functions of a delay vector as the kernels take them, kept with them; None where they do not run."""
    if not status().active or not isinstance(basis, Kernel | Polynomials):
        return None
    found = _bases.get(basis)
    if found is None:
        found = _bases[basis] = _of_centres(basis) if isinstance(basis, Kernel) else _of_products(basis)
    return found


def _of_centres(basis: Kernel) -> delays.Basis:
    variables = len(basis.centres)
    nothing, length = np.zeros(variables), np.full(variables, basis.length)
    return delays.Basis(basis.name, nothing, length, KERNELS[basis.name][1], np.ascontiguousarray(basis.rows[:, :-1]))


def _of_products(basis: Polynomials) -> delays.Basis:
    earlier, last = (np.concatenate(parts).astype(np.int32) for parts in list(zip(*basis.products, strict=True))[2:])
    options = {"degree": basis.degree, "earlier": earlier, "last": last}
    return delays.Basis("polynomials", basis.middle, basis.half / basis.weight, basis.weight**2, **options)


def native_readout(network: EchoState) -> echo.Readout:
    """What a network makes of its inputs and states, as the kernels take it, kept with it."""
    found = _readouts.get(network)
    if found is None:
        found = _readouts[network] = _split(network)
    return found


def _split(network: EchoState) -> echo.Readout:
    stack = network.coefficients[None] if network.coefficients.ndim == 2 else network.coefficients
    units, taps = network.reservoir.units, network.lags * network.reservoir.features
    states, squares = stack[:, :, 1 + taps :], None
    if network.readout_features == "squares":
        states, squares = states[:, :, :units], states[:, :, units:]
    elif network.readout_features == "squared-half":
        odd = np.arange(units) % 2 == 1
        states, squares = np.where(odd, 0.0, states), np.where(odd, states, 0.0)
    return echo.Readout(stack[:, :, 0], stack[:, :, 1 : 1 + taps], states, squares, network.increment)


def native_run(
    network: EchoState, kernel: echo.Reservoir, state: np.ndarray, inputs: np.ndarray, *, read: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """`EchoState.run` by the kernels; without the forecasts where they are not to be read."""
    units, readout = kernel.units, native_readout(network)
    found = echo.run(kernel, readout, state[:, :units], state[:, units:], inputs, read=read)
    return _joined(found), found.y


def native_free_run(
    network: EchoState, kernel: echo.Reservoir, state: np.ndarray, last: np.ndarray, drive: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`EchoState.free_run` by the kernels."""
    units, readout = kernel.units, native_readout(network)
    found = echo.free_run(kernel, readout, state[:, :units], state[:, units:], last, drive, bound=LOST)
    return _joined(found), found.y


def _joined(found: echo.Outcome) -> np.ndarray:
    return np.concatenate([found.h, found.recent], axis=1) if found.recent.size else found.h


def _pack(reservoir: Reservoir) -> echo.Reservoir:
    W, units = reservoir.W, reservoir.units
    rest = reservoir.W_in, reservoir.b, reservoir.leak
    if isinstance(W, np.ndarray) or W.nnz > DENSE * units**2:
        whole = W if isinstance(W, np.ndarray) else W.toarray()
        return echo.Reservoir("dense", whole.ravel(), np.zeros(0, np.int32), np.arange(units + 1) * units, *rest)
    shifted = _shifts(W)
    if shifted is not None:
        return echo.Reservoir("shifts", *shifted, W.indptr, *rest)
    return echo.Reservoir("sparse", W.data, W.indices, W.indptr, *rest)


def _shifts(W: scipy.sparse.csr_array) -> tuple[np.ndarray, np.ndarray] | None:
    """Values, row by row, and shifts of W[i, (i + s_j) mod units]; None for a W that is not of this form."""
    units = W.indptr.size - 1
    degree, rest = divmod(W.nnz, units)
    if degree == 0 or rest or (np.diff(W.indptr) != degree).any():
        return None
    shifts = (W.indices.reshape(units, degree) - np.arange(units)[:, None]) % units
    order = np.argsort(shifts, axis=1)
    shifts = np.take_along_axis(shifts, order, axis=1)
    if (shifts != shifts[0]).any():
        return None
    return np.take_along_axis(W.data.reshape(units, degree), order, axis=1).ravel(), shifts[0]
