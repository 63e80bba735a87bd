r"""Backpropagation through time, step by step, for the vanilla network.

The forward pass builds up a stack of all activities, here `Tape`; the backward pass peels it from the last step to the
first and is linear in the errors: twice the error gives twice every derivative. A weight is used at every step, so its
derivative is a sum over all steps, and every term of the sum is there to be looked at.

>>> network = Vanilla(U=[[1.0]], W=[[0.5]], b=[0.0], V=[[1.0]], c=[0.0], activation="identity")
>>> tape = forward(network, [[1.0], [0.0], [0.0]])
>>> tape.y[:, 0].tolist()
[1.0, 0.5, 0.25]
>>> back = backward(tape, [[0.0], [0.0], [1.0]])  # an error at the last step only
>>> back.da[:, 0].tolist(), back.contributions("W")[:, 0, 0].tolist(), float(back.total.W[0, 0])
([0.25, 0.5, 1.0], [0.0, 0.5, 0.5], 1.0)

Reference: P. J. Werbos, Backpropagation through time: what it does and how to do it, Proceedings of the IEEE 78 (1990)
1550-1560.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from recurra.diagnostics.vanilla import Vanilla, numbers
from recurra.errors import ConfigError, DataError, unknown
from recurra.models.slopes import sigma, through_output


@dataclass(frozen=True, eq=False)
class Tape:
    r"""All activities of a run, the stack that the backward pass peels. Row t - 1 is step t, but h has h(0) first.

    Args:
        network: what has run.
        x: x(t), inputs (steps, inputs).
        from_input: U x(t), what the inputs add to the net input (steps, hidden).
        from_past: W h(t-1), what the hidden units add to it from one step before (steps, hidden).
        a: a(t) = U x(t) + W h(t-1) + b, net input of the hidden units (steps, hidden).
        h: h(0), then h(t) = sigma(a(t)) (steps + 1, hidden).
        z: z(t) = V h(t) + c, net input of the outputs (steps, outputs).
        y: y(t) = sigma_y(z(t)), outputs (steps, outputs).
    """

    network: Vanilla
    x: np.ndarray
    from_input: np.ndarray
    from_past: np.ndarray
    a: np.ndarray
    h: np.ndarray
    z: np.ndarray
    y: np.ndarray

    def __len__(self) -> int:
        """The number of steps."""
        return len(self.x)

    @property
    def nbytes(self) -> int:
        """Memory: 8 bytes for each of steps (inputs + 4 hidden + 2 outputs) + hidden real numbers."""
        return sum(getattr(self, field.name).nbytes for field in fields(self) if field.name != "network")

    @property
    def slopes(self) -> np.ndarray:
        """The diagonals of D(t) = diag(sigma'(a(t))) (steps, hidden): they fix the linear map of the backward pass."""
        return sigma(self.network.activation).slope(self.a)

    def saturation(self, below: float = 0.01) -> np.ndarray:
        """The share of hidden units at every step (steps,) whose slope is smaller: they pass hardly any error back."""
        return np.mean(np.abs(self.slopes) < below, axis=1)

    def drivers(self, unit: int, step: int) -> dict[str, Any]:
        """Who drives a hidden unit: every term of its net input, the largest first. They add up to a(t).

        Args:
            unit: of the hidden layer, from 0.
            step: t, from 1.

        Example:
            >>> network = Vanilla(U=[[1.0]], W=[[0.5]], b=[0.2], V=[[1.0]], c=[0.0], activation="identity")
            >>> forward(network, [[1.0], [3.0]]).drivers(unit=0, step=2)
            {'x[0]': 3.0, 'h[0]': 0.6, 'b': 0.2}
        """
        if not 1 <= step <= len(self) or not 0 <= unit < self.network.b.size:
            raise ConfigError(
                f"there is no step {step} of unit {unit}: steps are 1 to {len(self)}, units 0 to {self.a.shape[1] - 1}"
            )
        terms = {f"x[{j}]": v for j, v in enumerate(self.network.U[unit] * self.x[step - 1])}
        terms |= {f"h[{j}]": v for j, v in enumerate(self.network.W[unit] * self.h[step - 1])}
        terms["b"] = self.network.b[unit]
        return {name: terms[name].item() for name in sorted(terms, key=lambda name: -abs(terms[name]))}


@dataclass(frozen=True, eq=False)
class Gradients:
    r"""The derivatives of the loss L = sum_t L(t) with respect to the weights and the initial state.

    Args:
        U, W, b, V, c: dL/dU and so on, in the shapes of the weights.
        h0: dL/dh(0) (hidden,).
    """

    U: np.ndarray
    W: np.ndarray
    b: np.ndarray
    V: np.ndarray
    c: np.ndarray
    h0: np.ndarray


@dataclass(frozen=True, eq=False)
class Backward:
    r"""What the backward pass finds at every step. Row t - 1 is step t.

    Args:
        tape: of the forward pass.
        dz: dL/dz(t) = (dy(t)/dz(t))^T dL/dy(t) (steps, outputs).
        dh: dL/dh(t) = V^T dL/dz(t) + W^T dL/da(t+1), the second term from the second-last step on (steps, hidden).
        da: dL/da(t) = D(t) dL/dh(t) (steps, hidden).
        dx: dL/dx(t) = U^T dL/da(t) (steps, inputs).
        total: the sums over all steps.
    """

    tape: Tape
    dz: np.ndarray
    dh: np.ndarray
    da: np.ndarray
    dx: np.ndarray
    total: Gradients

    def contributions(self, name: str) -> np.ndarray:
        r"""What every step adds to the derivative of a weight.

        .. math::
            U: \frac{\partial L}{\partial a(t)} x(t)^T, \quad
            W: \frac{\partial L}{\partial a(t)} h(t-1)^T, \quad
            b: \frac{\partial L}{\partial a(t)}, \quad
            V: \frac{\partial L}{\partial z(t)} h(t)^T, \quad
            c: \frac{\partial L}{\partial z(t)}

        Args:
            name: "U", "W", "b", "V" or "c".

        Returns:
            (steps, and the shape of the weight): the sum over the first axis is that of `total`.
        """
        errors, activity = self._factors(name)
        return errors if activity is None else errors[:, :, None] * activity[:, None, :]

    def norms(self, name: str) -> np.ndarray:
        """The Frobenius norms (steps,) of the contributions, without making them."""
        errors, activity = self._factors(name)
        sizes = np.linalg.norm(errors, axis=1)
        return sizes if activity is None else sizes * np.linalg.norm(activity, axis=1)

    def _factors(self, name: str) -> tuple[np.ndarray, np.ndarray | None]:
        """The two vectors at every step whose outer product is the contribution."""
        tape = self.tape
        factors: dict[str, tuple[np.ndarray, np.ndarray | None]] = {
            "U": (self.da, tape.x),
            "W": (self.da, tape.h[:-1]),
            "b": (self.da, None),
            "V": (self.dz, tape.h[1:]),
            "c": (self.dz, None),
        }
        if name not in factors:
            raise ConfigError(unknown("weight", name, factors))
        return factors[name]


def forward(model: Any, xs: Any, start: Any = None) -> Tape:
    """Run the network over a sequence and keep everything.

    Args:
        model: a `recurra.models.Stack` of one `Elman` and one `Dense` layer, or a `Vanilla`.
        xs: inputs (steps, inputs).
        start: h(0) (hidden,); None for zeros.

    Raises:
        ConfigError: another model.
        DataError: inputs or a start of another shape.
    """
    network, xs = Vanilla.of(model), numbers(xs)
    n, m = network.U.shape
    start = np.zeros(n) if start is None else numbers(start)
    if xs.ndim != 2 or xs.shape[1] != m or not len(xs):
        raise DataError(f"the inputs have shape {xs.shape}: the network takes (steps, {m}), at least one step")
    if start.shape != (n,):
        raise DataError(f"the start has shape {start.shape}: the hidden state is ({n},)")
    function = sigma(network.activation).value
    h, from_input, from_past, a = [start], [], [], []
    for x in xs:
        from_input.append(network.U @ x)
        from_past.append(network.W @ h[-1])
        a.append(from_input[-1] + from_past[-1] + network.b)
        h.append(function(a[-1]))
    z = np.array([network.V @ each + network.c for each in h[1:]])
    y = sigma(network.output).value(z)
    if network.scale is not None:
        y = xs[:, : z.shape[1]] + network.scale * y
    return Tape(network, xs, np.array(from_input), np.array(from_past), np.array(a), np.array(h), z, y)


def backward(tape: Tape, errors: Any) -> Backward:
    """Peel the tape from the last step to the first: a linear map of the errors.

    Args:
        tape: of the forward pass.
        errors: dL/dy(t) (steps, outputs), of whatever loss, or any vectors: see `squared_error`.

    Raises:
        DataError: errors of another shape than the outputs.
    """
    network, slopes, steps = tape.network, tape.slopes, len(tape)
    errors, dz = output_errors(tape, errors)
    dh, da = [np.empty(0)] * steps, [np.empty(0)] * steps
    later = np.zeros(network.b.size)  # W^T dL/da(t+1): nothing comes from beyond the last step
    for t in reversed(range(steps)):
        dh[t] = network.V.T @ dz[t] + later
        da[t] = slopes[t] * dh[t]
        later = network.W.T @ da[t]
    signal, dx = np.array(da), np.array(da) @ network.U
    if network.scale is not None:
        dx[:, : errors.shape[1]] += errors
    total = Gradients(
        U=signal.T @ tape.x,
        W=signal.T @ tape.h[:-1],
        b=signal.sum(axis=0),
        V=dz.T @ tape.h[1:],
        c=dz.sum(axis=0),
        h0=later,
    )
    return Backward(tape, dz, np.array(dh), signal, dx, total)


def output_errors(tape: Tape, errors: Any) -> tuple[np.ndarray, np.ndarray]:
    """dL/dy(t) checked, and dL/dz(t), each (steps, outputs)."""
    errors, network = numbers(errors), tape.network
    if errors.shape != tape.y.shape:
        raise DataError(f"the errors have shape {errors.shape}, the outputs {tape.y.shape}: one error for each output")
    scaled = errors if network.scale is None else network.scale * errors
    return errors, through_output(network.output, tape.z, scaled)


def squared_error(y: Any, target: Any, weights: Any = 1.0) -> tuple[np.ndarray, np.ndarray]:
    r"""Half the squared error of every step, and its derivative.

    .. math:: L = \sum_t L(t), \quad L(t) = \tfrac12 w(t) |y(t) - \hat y(t)|^2, \quad
        \frac{\partial L}{\partial y(t)} = w(t) (y(t) - \hat y(t))

    Args:
        y, target: (steps, outputs).
        weights: w(t) (steps,) or one number: 1 for the sum over the steps, 1 / steps for their mean, 0 at a step that
            is not compared.

    Returns:
        L(t) (steps,) and dL/dy(t) (steps, outputs).
    """
    difference = numbers(y) - numbers(target)
    w = np.broadcast_to(numbers(weights), difference.shape[:1])
    return 0.5 * w * (difference**2).sum(axis=1), w[:, None] * difference


def cross_entropy(y: Any, target: Any, weights: Any = 1.0) -> tuple[np.ndarray, np.ndarray]:
    r"""The cross-entropy of every step for probabilities of classes, and its derivative.

    .. math:: L(t) = -w(t) \sum_i \hat y_i(t) \ln y_i(t), \quad
        \frac{\partial L}{\partial y_i(t)} = -w(t) \frac{\hat y_i(t)}{y_i(t)}

    Args:
        y: probabilities (steps, classes), of an output softmax.
        target: those that are wanted, the same shape.
        weights: as of `squared_error`.

    Returns:
        L(t) (steps,) and dL/dy(t) (steps, classes).
    """
    y, target = numbers(y), numbers(target)
    w = np.broadcast_to(numbers(weights), y.shape[:1])
    return -w * (target * np.log(y)).sum(axis=1), -w[:, None] * target / y
