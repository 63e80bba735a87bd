"""Local reservoirs: one for each group of sites of a grid, which sees that group and a halo, as one forecaster."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recurra._types import LOST, Batch, BatchDrive, BatchInputs, Row
from recurra.reservoirs.features import expand
from recurra.reservoirs.neighbourhoods import Neighbourhoods, read_groups
from recurra.reservoirs.reservoir import Reservoir, harvest_many


@dataclass(frozen=True, eq=False)
class LocalEchoState:
    r"""Echo state networks side by side on a grid; only the readouts [c, V] are trained.

    .. math:: h^{(g)}_t = \mathrm{reservoir}(h^{(g)}_{t-1}, x^{(g)}_t), \qquad
        z^{(g)}_{t+1} = c + V [x^{(g)}_t; \phi(h^{(g)}_t)] \; [+ \; z^{(g)}_t]

    x of a group are its own sites, those of its halo, and the drive; z its own sites alone. In closed loop every group
    sees in the next step what its neighbours gave in this one.

    Args:
        near: who sees whom.
        reservoirs: one for all groups, or one for each.
        coefficients: [c, V] as of `read_groups`.
        direct: the readout sees x as well as the states.
        increment: the readout gives z[t+1] - z[t].
        readout_features: phi, a key of `READOUT_FEATURES`.

    The state is that of all groups, (batch, groups, units).

    Reference: J. Pathak, B. Hunt, M. Girvan, Z. Lu, E. Ott, Physical Review Letters 120 (2018) 024102.
    """

    near: Neighbourhoods
    reservoirs: tuple[Reservoir, ...]
    coefficients: np.ndarray
    direct: bool = True
    increment: bool = False
    readout_features: str = "states"

    def initial_state(self, batch: int) -> np.ndarray:
        one = self.reservoirs[0]
        return np.zeros((batch, len(self.near.sees), one.units), one.dtype)

    def warm(self, state: np.ndarray, inputs: BatchInputs) -> np.ndarray:
        """The state that a batch of input sequences (batch, rows, features) leads to."""
        for t in range(inputs.shape[1]):
            state = self._step(state, self.near.see(inputs[:, t]))
        return state

    def run(self, state: np.ndarray, inputs: BatchInputs) -> tuple[np.ndarray, Batch]:
        forecasts = np.empty((*inputs.shape[:2], self.near.channels))
        for t in range(inputs.shape[1]):
            x = self.near.see(inputs[:, t])
            state = self._step(state, x)
            forecasts[:, t] = self._read(state, x)
        return state, forecasts

    def free_run(self, state: np.ndarray, last: Row, drive: BatchDrive) -> tuple[np.ndarray, Batch]:
        forecasts = np.empty((len(last), drive.shape[1], self.near.channels))
        y = last
        for k in range(drive.shape[1]):
            x = self.near.see(np.concatenate([y, drive[:, k]], axis=1))
            state = self._step(state, x)
            y = forecasts[:, k] = np.clip(self._read(state, x), -LOST, LOST)
        return state, forecasts

    def _step(self, state: np.ndarray, x: np.ndarray) -> np.ndarray:
        """All groups of a batch one step on, at once."""
        h, seen = state.reshape(-1, state.shape[2]), x.reshape(-1, x.shape[2])
        if len(self.reservoirs) == 1:
            return self.reservoirs[0].step(h, seen).reshape(state.shape)
        return harvest_many(self.reservoirs * len(state), h, seen[:, None]).reshape(state.shape)

    def _read(self, state: np.ndarray, x: np.ndarray) -> np.ndarray:
        z = read_groups(self.coefficients, observed(state, x, self.readout_features, direct=self.direct))
        return self.near.whole(z + x[..., : self.near.given] if self.increment else z)


def observed(states: np.ndarray, x: np.ndarray, readout_features: str, *, direct: bool) -> np.ndarray:
    """What a readout sees: the inputs where it sees them directly, and phi of the states."""
    features = expand(states, readout_features)
    return np.concatenate([x, features], axis=-1) if direct else features


def harvest_groups(
    reservoirs: Sequence[Reservoir], states: np.ndarray, x: np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """The states of all groups over some rows, in one pass of the kernels: (groups, rows, units).

    Args:
        reservoirs: one for all groups, or one for each.
        states: before the first row (groups, units).
        x: what the groups see (rows, groups, features).
        out: where the states are to go.
    """
    many = list(reservoirs) * (len(states) if len(reservoirs) == 1 else 1)
    return harvest_many(many, states, np.ascontiguousarray(x.swapaxes(0, 1)), out)
