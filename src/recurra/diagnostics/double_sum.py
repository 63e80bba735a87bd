"""The derivative as a double sum over the step of the error and the step where a weight is used: for understanding.

The recursion of `recurra.diagnostics.bptt` gives the same in one sweep; here every path of an error into the past is
kept apart, so that lags can be looked at one by one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.diagnostics.bptt import Gradients, Tape, output_errors
from recurra.errors import ConfigError


def state_jacobians(tape: Tape) -> np.ndarray:
    """J(i) = dh(i)/dh(i-1) = D(i) W for the steps i = 1, 2, ... (steps, hidden, hidden)."""
    return tape.slopes[:, :, None] * tape.network.W


def state_jacobian(tape: Tape, t: int, k: int) -> np.ndarray:
    r"""How the hidden state of step t depends on that of step k: the product that vanishes or explodes.

    .. math:: \frac{\partial h(t)}{\partial h(k)} = \prod_{i=k+1}^{t} D(i) W, \quad \text{the latest factor leftmost}

    Args:
        tape: of the forward pass.
        t, k: 0 <= k <= t <= steps; 0 is the initial state.

    Returns:
        (hidden, hidden), the identity for t = k.
    """
    if not 0 <= k <= t <= len(tape):
        raise ConfigError(f"dh({t})/dh({k}) is not in the tape: 0 <= k <= t <= {len(tape)}")
    product = np.eye(tape.network.b.size)
    for J in state_jacobians(tape)[k:t]:
        product = J @ product
    return product


@dataclass(frozen=True, eq=False)
class DoubleSum:
    r"""The derivatives of L(t) for every t, resolved by the step k at which a weight is used.

    .. math::
        \frac{\partial L(t)}{\partial W} = \sum_{k \le t} \frac{\partial L(t)}{\partial y(t)}
            \frac{\partial y(t)}{\partial h(t)} \frac{\partial h(t)}{\partial h(k)} \frac{\partial^+ h(k)}{\partial W},
        \quad \text{where } \partial^+ \text{ holds } h(k-1) \text{ fixed}

    Args:
        tape: of the forward pass.
        dz: dL/dz(t) (steps, outputs).
        signals: dL(t)/da(k) (steps t, steps k, hidden); zeros for k > t.
        starts: dL(t)/dh(0) (steps t, hidden).
    """

    tape: Tape
    dz: np.ndarray
    signals: np.ndarray
    starts: np.ndarray

    def norms(self) -> np.ndarray:
        """The Frobenius norms (steps t, steps k) of what step k adds to dL(t)/dW."""
        return np.linalg.norm(self.signals, axis=2) * np.linalg.norm(self.tape.h[:-1], axis=1)

    def gradients(self, lags: int | None = None) -> Gradients:
        """The sum over t and k.

        Args:
            lags: how far an error goes back: only the terms with t - k < lags; None for all. With 1 the immediate
                effects alone are left, and a network can learn nothing that lies further back.
        """
        if lags is not None and lags < 1:
            raise ConfigError(f"`lags` is {lags}: an error goes back at least 1 step, its own")
        steps, tape = len(self.tape), self.tape
        lag = np.arange(steps)[:, None] - np.arange(steps)
        near = lag < (steps if lags is None else lags)
        signal = np.einsum("tk,tkn->kn", near.astype(float), self.signals)
        reached = np.arange(1, steps + 1) <= (steps if lags is None else lags - 1)  # h(0) is step 0
        return Gradients(
            U=np.einsum("kn,km->nm", signal, tape.x),
            W=np.einsum("kn,km->nm", signal, tape.h[:-1]),
            b=signal.sum(axis=0),
            V=np.einsum("to,tn->on", self.dz, tape.h[1:]),
            c=self.dz.sum(axis=0),
            h0=self.starts[reached].sum(axis=0),
        )


def double_sum(tape: Tape, errors: Any) -> DoubleSum:
    """All terms of the double sum, from products of state Jacobians: steps squared times hidden numbers.

    Args:
        tape: of the forward pass.
        errors: dL(t)/dy(t) (steps, outputs).
    """
    network, slopes, steps = tape.network, tape.slopes, len(tape)
    dz = output_errors(tape, errors)[1]
    signals = np.zeros((steps, *tape.a.shape), np.result_type(dz, tape.a))
    starts = np.zeros(tape.a.shape, signals.dtype)
    jacobians = state_jacobians(tape)
    for t in range(steps):
        product = np.eye(network.b.size)  # dh(t)/dh(k)
        for k in reversed(range(t + 1)):
            signals[t, k] = dz[t] @ network.V @ product * slopes[k]
            product = product @ jacobians[k]
        starts[t] = dz[t] @ network.V @ product
    return DoubleSum(tape, dz, signals, starts)
