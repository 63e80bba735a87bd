"""The reservoir: a leaky, randomly connected network that is never trained."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse


@dataclass(frozen=True, eq=False)
class Reservoir:
    r"""A leaky-integrator reservoir.

    .. math:: h_t = (1 - a) h_{t-1} + a \tanh(W h_{t-1} + W_{in} x_t + b)

    Args:
        W: recurrent weights (units, units), sparse.
        W_in: input weights (units, features).
        b: bias (units,).
        leak: leaking rate a.

    Reference: H. Jaeger, M. Lukosevicius, D. Popovici, U. Siewert, Neural Networks 20 (2007) 335-352.
    """

    W: scipy.sparse.csr_array
    W_in: np.ndarray
    b: np.ndarray
    leak: float

    @property
    def units(self) -> int:
        """The number of units N."""
        return len(self.b)

    @property
    def features(self) -> int:
        """The number of input features."""
        return self.W_in.shape[1]

    def step(self, state: np.ndarray, x: np.ndarray) -> np.ndarray:
        """One step of a batch: state (batch, units), x (batch, features) -> state."""
        drive = x @ self.W_in.T + self.b
        return self._advance(state, drive)

    def harvest(self, state: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """The states (rows, units) that one sequence of inputs (rows, features) leads through from a state (units,)."""
        states = inputs @ self.W_in.T + self.b
        for t in range(len(states)):
            state = self._advance(state, states[t])
            states[t] = state
        return states

    def _advance(self, state: np.ndarray, drive: np.ndarray) -> np.ndarray:
        new = np.tanh((self.W @ state.T).T + drive)
        if self.leak == 1:
            return new
        return (1 - self.leak) * state + self.leak * new
