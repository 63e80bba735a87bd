"""Real-time recurrent learning: the same derivatives forward in time, at every step complete, for a higher price."""

from typing import Any

import numpy as np

from recurra.diagnostics.bptt import Gradients, Tape, output_errors


def real_time_gradients(tape: Tape, errors: Any) -> Gradients:
    r"""Carry the sensitivities of the hidden state along with it, and never look back.

    .. math::
        \frac{\mathrm d h(t)}{\mathrm d \theta} = D(t) \left(W \frac{\mathrm d h(t-1)}{\mathrm d \theta}
            + \frac{\partial^+ a(t)}{\partial \theta}\right), \quad
        \frac{\mathrm d L}{\mathrm d \theta} = \sum_t \frac{\partial L(t)}{\partial h(t)}
            \frac{\mathrm d h(t)}{\mathrm d \theta}

    It needs hidden^3 numbers of memory, whatever the number of steps, and hidden^4 multiplications a step, where
    backpropagation needs steps times hidden numbers and hidden^2 multiplications a step.

    Args:
        tape: of the forward pass, read from the first step to the last.
        errors: dL/dy(t) (steps, outputs).

    Reference: R. J. Williams, D. Zipser, A learning algorithm for continually running fully recurrent neural networks,
    Neural Computation 1 (1989) 270-280.
    """
    network, slopes = tape.network, tape.slopes
    dz = output_errors(tape, errors)[1]
    n, m = network.U.shape
    U, W, b, start = slice(0, n * m), slice(n * m, n * (m + n)), slice(n * (m + n), n * (m + n + 1)), slice(-n, None)
    sensitivity = np.zeros((n, n * (m + n + 2)))  # dh(t)/d(U, W, b, h(0)), each unrolled by rows
    sensitivity[:, start] = np.eye(n)
    total = np.zeros(n * (m + n + 2))
    for t in range(len(tape)):
        immediate = np.zeros_like(sensitivity, dtype=tape.a.dtype)  # a_i depends on row i of U and of W, and on b_i
        immediate[:, U] = np.kron(np.eye(n), tape.x[t])
        immediate[:, W] = np.kron(np.eye(n), tape.h[t])
        immediate[:, b] = np.eye(n)
        sensitivity = slopes[t][:, None] * (network.W @ sensitivity + immediate)
        total = total + (dz[t] @ network.V) @ sensitivity
    return Gradients(
        U=total[U].reshape(n, m),
        W=total[W].reshape(n, n),
        b=total[b],
        V=np.einsum("to,tn->on", dz, tape.h[1:]),
        c=dz.sum(axis=0),
        h0=total[start],
    )
