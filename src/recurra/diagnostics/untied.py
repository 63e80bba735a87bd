"""The recurrent network as a deep feed-forward network: one copy of the weights for every step, tied or not."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from recurra.diagnostics.bptt import Gradients
from recurra.diagnostics.vanilla import Vanilla, numbers
from recurra.errors import ConfigError, DataError
from recurra.models.slopes import sigma, through_output

_WEIGHTS = ("U", "W", "b", "V", "c")


@dataclass(frozen=True, eq=False)
class Untied:
    r"""A feed-forward network with a layer for every step, each with weights of its own.

    .. math:: h_t = \sigma(U_t x_t + W_t h_{t-1} + b_t), \quad y_t = \sigma_y(V_t h_t + c_t), \quad t = 1 \dots T

    Args:
        layers: the weights of each step. All equal, they are the recurrent network.

    Example:
        >>> network = Vanilla(U=[[1.0]], W=[[0.5]], b=[0.0], V=[[1.0]], c=[0.0], activation="identity")
        >>> untied = Untied.of(network, steps=3)
        >>> untied(np.array([[1.0], [0.0], [0.0]]))[:, 0].tolist()
        [1.0, 0.5, 0.25]
        >>> copies = untied.gradients([[1.0], [0.0], [0.0]], errors=[[0.0], [0.0], [1.0]])
        >>> [float(each.W[0, 0]) for each in copies], float(tie(copies).W[0, 0])
        ([0.0, 0.5, 0.5], 1.0)
    """

    layers: tuple[Vanilla, ...]

    @staticmethod
    def of(model: Any, steps: int) -> "Untied":
        """The model unrolled over a number of steps; every layer gets a copy of its weights.

        Raises:
            ConfigError: another model than `forward` takes, or no steps.
        """
        if steps < 1:
            raise ConfigError(f"`steps` is {steps}: a network is unrolled over at least one")
        network = Vanilla.of(model)
        return Untied(tuple(replace(network, **_copied(network)) for _ in range(steps)))

    def __call__(self, xs: Any, start: Any = None) -> np.ndarray:
        """The outputs (steps, outputs) for inputs (steps, inputs), from h(0) (hidden,), or zeros where it is None."""
        return self._run(xs, start)[-1]

    def gradients(self, xs: Any, errors: Any, start: Any = None) -> tuple[Gradients, ...]:
        """The derivatives with respect to every copy of the weights, by backpropagation from layer to layer.

        Args:
            xs: inputs (steps, inputs).
            errors: dL/dy(t) (steps, outputs).
            start: h(0) (hidden,); None for zeros.

        Returns:
            One for each step. The initial state enters the first alone: `h0` is zero in all others.
        """
        xs, h, a, z, y = self._run(xs, start)
        errors = numbers(errors)
        if errors.shape != y.shape:
            raise DataError(f"the errors have shape {errors.shape}, the outputs {y.shape}: one error for each output")
        found, above = [], np.zeros(len(h[0]))  # dL/dh(t) through the layers above
        for t in reversed(range(len(xs))):
            layer = self.layers[t]
            error = errors[t] if layer.scale is None else layer.scale * errors[t]
            dz = through_output(layer.output, z[t], error)
            da = sigma(layer.activation).slope(a[t]) * (layer.V.T @ dz + above)
            above = layer.W.T @ da
            dh0 = above if t == 0 else np.zeros_like(above)
            found.append(Gradients(np.outer(da, xs[t]), np.outer(da, h[t]), da, np.outer(dz, h[t + 1]), dz, dh0))
        return tuple(reversed(found))

    def updated(self, gradients: Gradients, rate: float) -> "Untied":
        """One step of gradient descent under the constraint that all copies stay equal.

        Args:
            gradients: the tied ones, `tie(...)`: every copy moves by the same.
            rate: of learning.
        """
        moves = {name: rate * getattr(gradients, name) for name in _WEIGHTS}
        moved = ({name: getattr(layer, name) - moves[name] for name in _WEIGHTS} for layer in self.layers)
        return Untied(tuple(replace(layer, **new) for layer, new in zip(self.layers, moved, strict=True)))

    def _run(self, xs: Any, start: Any) -> tuple[np.ndarray, list, list, list, np.ndarray]:
        xs, first = numbers(xs), self.layers[0]
        if xs.shape != (len(self.layers), first.U.shape[1]):
            raise DataError(
                f"the inputs have shape {xs.shape}: this network is unrolled over {len(self.layers)} steps of "
                f"{first.U.shape[1]} inputs"
            )
        h, a, z, y = [np.zeros(first.b.size) if start is None else numbers(start)], [], [], []
        for layer, x in zip(self.layers, xs, strict=True):
            a.append(layer.U @ x + layer.W @ h[-1] + layer.b)
            h.append(sigma(layer.activation).value(a[-1]))
            z.append(layer.V @ h[-1] + layer.c)
            output = sigma(layer.output).value(z[-1])
            y.append(output if layer.scale is None else x[: len(output)] + layer.scale * output)
        return xs, h, a, z, np.array(y)


def tie(copies: Sequence[Gradients]) -> Gradients:
    """The derivatives with respect to weights that all copies share: the sums over the copies."""
    return Gradients(
        **{field.name: np.sum([getattr(each, field.name) for each in copies], axis=0) for field in fields(Gradients)}
    )


def _copied(network: Vanilla) -> dict[str, np.ndarray]:
    return {name: getattr(network, name).copy() for name in _WEIGHTS}
