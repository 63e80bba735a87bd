"""The vanilla network as five arrays in NumPy: the one whose backward pass can be written on one page."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from recurra.errors import ConfigError
from recurra.models import Stack
from recurra.models.slopes import sigma


@dataclass(frozen=True, eq=False)
class Vanilla:
    r"""One hidden layer that sees itself one step earlier, and a dense readout.

    .. math::
        a(t) &= U x(t) + W h(t-1) + b, & h(t) &= \sigma(a(t)) \\
        z(t) &= V h(t) + c, & y(t) &= \sigma_y(z(t))

    Args:
        U: input-hidden weights (hidden, inputs).
        W: hidden-hidden weights (hidden, hidden).
        b: bias of the hidden units (hidden,).
        V: hidden-output weights (outputs, hidden).
        c: bias of the outputs (outputs,).
        activation: name of sigma.
        output: name of sigma_y.
        scale: s (outputs,) of a model that learns increments, y(t) = x(t)[:outputs] + s sigma_y(z(t)); None for one
            that learns values.

    Raises:
        ConfigError: an activation that is not known, softmax on hidden units, shapes that do not fit each other.

    Example:
        >>> network = Vanilla(U=[[1.0]], W=[[0.5]], b=[0.0], V=[[2.0]], c=[0.0])
        >>> network.parameter_count
        5

    Reference: J. L. Elman, Finding structure in time, Cognitive Science 14 (1990) 179-211.
    """

    U: Any
    W: Any
    b: Any
    V: Any
    c: Any
    activation: str = "tanh"
    output: str = "identity"
    scale: Any = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in ("activation", "output") and value is not None:
                object.__setattr__(self, field.name, numbers(value))
        sigma(self.activation)
        sigma(self.output)
        if self.activation == "softmax":
            raise ConfigError("softmax is for outputs: the slope of a hidden unit depends on that unit alone")
        n, m, k = self.b.size, self.U.shape[-1] if self.U.ndim else 0, self.c.size
        wanted = {"U": (n, m), "W": (n, n), "b": (n,), "V": (k, n), "c": (k,)}
        wanted |= {"scale": (k,)} if self.scale is not None else {}
        wrong = [
            f"`{s}` is {getattr(self, s).shape}, not {w}" for s, w in wanted.items() if getattr(self, s).shape != w
        ]
        if wrong:
            raise ConfigError(f"the arrays of a network with {n} hidden units and {k} outputs: {'; '.join(wrong)}")

    @staticmethod
    def of(model: Any) -> "Vanilla":
        """The network of a model, in float64; one that is a `Vanilla` already stays as it is.

        Args:
            model: a `recurra.models.Stack` of one `Elman` and one `Dense`.

        Raises:
            ConfigError: another model.
        """
        if isinstance(model, Vanilla):
            return model
        parts = [*model.cells, *model.readout] if isinstance(model, Stack) else [model]
        kinds = [type(part).__name__ for part in parts]
        if kinds != ["Elman", "Dense"]:
            raise ConfigError(
                "backpropagation step by step is written out for the vanilla network, a `Stack` of one `Elman` and one "
                f"`Dense` layer or a `Vanilla` of five arrays; this is {', '.join(kinds)}"
            )
        cell: Any = model.cells[0]
        dense = model.readout[0]
        return Vanilla(cell.U, cell.W, cell.b, dense.V, dense.c, cell.activation, dense.activation, model.scale)

    @property
    def parameter_count(self) -> int:
        """hidden (inputs + hidden + 1) + outputs (hidden + 1)."""
        return sum(getattr(self, name).size for name in "UWbVc")

    @property
    def named(self) -> dict[str, np.ndarray]:
        """The weights by the names that say what they join: x to h, h to h, h to y."""
        return {"W_hx": self.U, "W_hh": self.W, "b_h": self.b, "W_yh": self.V, "b_y": self.c}

    @property
    def fused(self) -> np.ndarray:
        """[W U], the one matrix (hidden, hidden + inputs) that multiplies h(t-1) and x(t), one above the other."""
        return np.hstack([self.W, self.U])


def numbers(values: Any) -> np.ndarray:
    """The values in float64, or in complex128 where they are complex."""
    array = np.asarray(values)
    return array.astype(np.result_type(array.dtype, np.float64))
