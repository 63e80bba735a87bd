"""A step map on delayed rows of neighbouring sites: the same functions for every group of a grid, as a forecaster."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from recurra._types import LOST, Batch, BatchDrive, BatchInputs, Row
from recurra.reservoirs.delay_map import Basis, Delays, blocks, taps
from recurra.reservoirs.neighbourhoods import Neighbourhoods, read_groups
from recurra.reservoirs.polynomials import Polynomials


@dataclass(frozen=True, eq=False)
class RowPolynomials:
    """Polynomials of each of several rows, without products of different rows.

    Args:
        each: of one row.
        rows: how many.
    """

    each: Polynomials
    rows: int

    @property
    def size(self) -> int:
        """The number of polynomials of all rows."""
        return self.rows * self.each.size

    def __call__(self, z: Float[np.ndarray, "variables count"]) -> Float[np.ndarray, "size count"]:
        """The polynomials of every column, whose variables are those of one row after the other."""
        count = z.shape[1]
        apart = z.reshape(self.rows, -1, count).swapaxes(0, 1).reshape(-1, self.rows * count)
        return self.each(apart).reshape(-1, self.rows, count).swapaxes(0, 1).reshape(-1, count)


@dataclass(frozen=True, eq=False)
class LocalMap(Delays):
    r"""Forecast every group of sites from functions of its neighbourhood in the last rows; only the readout is trained.

    .. math:: z^{(g)}_{t+1} = c + V \phi(x^{(g)}_t, x^{(g)}_{t-s}, \ldots, x^{(g)}_{t-(l-1)s}) \; [+ \; z^{(g)}_t]

    Args:
        near: who sees whom.
        basis: phi.
        coefficients: [c, V] as of `read_groups`.
        features: size of a row [y, u].
        lags: l.
        stride: s.
        increment: the readout gives z[t+1] - z[t].

    The state is the last (l - 1) s rows [y, u], oldest first; before any data they are the mean, zero.
    """

    near: Neighbourhoods
    basis: Basis
    coefficients: np.ndarray
    features: int
    lags: int = 1
    stride: int = 1
    increment: bool = False

    def run(self, state: np.ndarray, inputs: BatchInputs) -> tuple[np.ndarray, Batch]:
        batch, rows, _ = inputs.shape
        known = np.concatenate([state, inputs], axis=1)
        forecasts = np.empty((batch, rows, self.near.channels))
        for one, found in zip(known, forecasts, strict=True):
            for block in blocks(rows, len(self.near.sees) * self.basis.size):
                x = self.near.see(one[block.start : block.stop + self.order - 1])
                found[block] = self._read(np.stack(taps(x, self.lags, self.stride)))
        return known[:, rows:], forecasts

    def free_run(self, state: np.ndarray, last: Row, drive: BatchDrive) -> tuple[np.ndarray, Batch]:
        steps, channels = drive.shape[1], self.near.channels
        forecasts = np.empty((len(last), steps, channels))
        kept = [state[:, k] for k in range(state.shape[1])]
        seen = [self.near.see(row) for row in kept]
        y = last
        for k in range(steps):
            kept.append(np.concatenate([y, drive[:, k]], axis=1))
            seen.append(self.near.see(kept[-1]))
            y = forecasts[:, k] = np.clip(self._read(np.stack(seen[:: -self.stride])), -LOST, LOST)
            kept, seen = kept[1:], seen[1:]
        return np.stack(kept, axis=1) if kept else state, forecasts

    def _read(self, x: Float[np.ndarray, "lags batch groups seen"]) -> Float[np.ndarray, "batch channels"]:
        """The forecasts from the neighbourhoods in the rows looked at, the latest first."""
        features = self.basis(columns(x)).T.reshape(*x.shape[1:3], -1)
        z = read_groups(self.coefficients, features)
        return self.near.whole(z + x[0, ..., : self.near.given] if self.increment else z)


def columns(x: Float[np.ndarray, "lags rows groups seen"]) -> Float[np.ndarray, "variables count"]:
    """One column for each row and group, with the variables of one lag after the other."""
    lags, rows, groups, seen = x.shape
    return x.transpose(0, 3, 1, 2).reshape(lags * seen, rows * groups)
