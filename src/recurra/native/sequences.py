"""A recurrent layer over a batch of sequences, forward, backward and its tangent, on NumPy arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from recurra.errors import ConfigError, DataError
from recurra.native.status import kernels, threads

CELLS = {"elman": 0, "gru": 1, "lstm": 2}
GATES = {"elman": 1, "gru": 3, "lstm": 4}
ACTIVATIONS = {"tanh": 0, "relu": 1, "identity": 2, "logistic": 3}


@dataclass(frozen=True)
class Weights:
    """The weights of a layer, as of `recurra.cells`.

    Args:
        cell: "elman", "gru" (the reset gate after the matrix product) or "lstm" (with a forget gate, no peepholes).
        U: (gates units, inputs).
        W: (gates units, units).
        b: (gates units,).
        d: (gates units,), the bias of the recurrent part of a GRU.
        activation: of the hidden units of "elman", a key of `ACTIVATIONS`.
    """

    cell: str
    U: np.ndarray
    W: np.ndarray
    b: np.ndarray
    d: np.ndarray | None = None
    activation: str = "tanh"

    def __post_init__(self) -> None:
        if self.cell not in CELLS or self.activation not in ACTIVATIONS:
            raise ConfigError(
                f"there are native kernels for {', '.join(CELLS)} with {', '.join(ACTIVATIONS)}, "
                f"not for {self.cell} with {self.activation}"
            )
        rows = GATES[self.cell] * self.units
        shapes = {"U": (rows, self.inputs), "W": (rows, self.units), "b": (rows,), "d": (rows,)}
        for name, shape in shapes.items():
            part = getattr(self, name)
            if (part is None) != (name == "d" and self.cell != "gru") or (part is not None and part.shape != shape):
                found = "missing" if part is None else f"of shape {part.shape}"
                raise DataError(f"`{name}` of {self.cell} with {self.units} units is {found}: it should be {shape}")

    @property
    def units(self) -> int:
        """Hidden units."""
        return self.W.shape[1]

    @property
    def inputs(self) -> int:
        """Columns of x."""
        return self.U.shape[1]


@dataclass(frozen=True)
class Forward:
    """What a layer did.

    Args:
        hs: h after every step (batch, steps, units).
        h, c: after the last step (batch, units); c is empty but for LSTM.
        tape: what `backward` and `tangent` need.
    """

    hs: np.ndarray
    h: np.ndarray
    c: np.ndarray
    tape: np.ndarray


@dataclass(frozen=True)
class Gradient:
    """Gradients with respect to the inputs, the state before, and the weights; in the shapes of these."""

    x: np.ndarray
    h: np.ndarray
    c: np.ndarray
    U: np.ndarray
    W: np.ndarray
    b: np.ndarray
    d: np.ndarray


@dataclass(frozen=True)
class Along:
    """A direction of what goes into a layer; in the shapes of it, None for zeros."""

    x: np.ndarray | None = None
    h: np.ndarray | None = None
    c: np.ndarray | None = None
    U: np.ndarray | None = None
    W: np.ndarray | None = None
    b: np.ndarray | None = None
    d: np.ndarray | None = None


@dataclass(frozen=True)
class Tangent:
    """Tangents of h after every step, and of h and c after the last; in the shapes of `Forward`."""

    hs: np.ndarray
    h: np.ndarray
    c: np.ndarray


def forward(
    weights: Weights,
    x: np.ndarray,
    h: np.ndarray,
    c: np.ndarray | None = None,
    *,
    present: np.ndarray | None = None,
    record: bool = True,
    workers: int | None = None,
    out: Forward | None = None,
) -> Forward:
    """Run a layer over a batch of sequences.

    Args:
        weights: of the layer.
        x: inputs (batch, steps, inputs), float32 or float64; the precision of everything.
        h, c: the state before (batch, units); c for LSTM.
        present: (batch, steps), False at steps that leave the state as it is; None for all.
        record: keep a tape for `backward`.
        workers: threads, at most; None for all that this process may use.
        out: of an earlier call of the same shapes, to be overwritten; fresh memory can cost as much as the kernel.

    Raises:
        DataError: shapes or precisions that do not fit together.
    """
    dtype, (batch, steps, _) = x.dtype, x.shape
    units, lstm = weights.units, weights.cell == "lstm"
    state = [_checked("h", h, (batch, units), dtype), _checked("c", c, (batch, units) if lstm else None, dtype)]
    inputs = [_inputs(weights, x, present), *state, *_parts(weights, dtype)]
    size = sum(kernels().tape_sizes(CELLS[weights.cell], batch, steps, units, dtype == np.float32))
    shapes = (batch, steps, units), (batch, units), (batch, units) if lstm else 0, size if record else 0
    found = Forward(*_results(shapes, dtype, out))
    kernels().forward(
        CELLS[weights.cell],
        ACTIVATIONS[weights.activation],
        *inputs,
        _mask(present, batch, steps),
        found.hs,
        found.h,
        found.c,
        found.tape,
        workers or threads(),
    )
    return found


def backward(
    weights: Weights,
    x: np.ndarray,
    tape: np.ndarray,
    hs: np.ndarray,
    h: np.ndarray,
    c: np.ndarray | None = None,
    *,
    present: np.ndarray | None = None,
    of_inputs: bool = True,
    workers: int | None = None,
    out: Gradient | None = None,
) -> Gradient:
    """The gradient of a number through a layer (backpropagation through time).

    Args:
        weights, x, present: as of `forward`.
        tape: of that `forward`; it stays as it is.
        hs: the gradient with respect to its outputs (batch, steps, units).
        h, c: with respect to its last state (batch, units); c for LSTM.
        of_inputs: whether the gradient with respect to x is wanted; without it `x` of the result is empty.
        workers, out: as of `forward`.

    Raises:
        DataError: shapes or precisions that do not fit together.
    """
    dtype, (batch, steps, _) = x.dtype, x.shape
    units, lstm = weights.units, weights.cell == "lstm"
    _check_tape(weights, x, tape)
    given = [
        _checked("hs", hs, (batch, steps, units), dtype),
        _checked("h", h, (batch, units), dtype),
        _checked("c", c, (batch, units) if lstm else None, dtype),
    ]
    U, W, b, d = _parts(weights, dtype)
    wanted = x.shape if of_inputs else 0
    shapes = wanted, (batch, units), (batch, units) if lstm else 0, *(part.shape for part in (U, W, b, d))
    found = Gradient(*_results(shapes, dtype, out))
    kernels().backward(
        CELLS[weights.cell],
        ACTIVATIONS[weights.activation],
        _inputs(weights, x, present),
        U,
        W,
        _mask(present, batch, steps),
        *given,
        tape,
        found.x,
        found.h,
        found.c,
        found.U,
        found.W,
        found.b,
        found.d,
        workers or threads(),
    )
    return found


def tangent(
    weights: Weights,
    x: np.ndarray,
    tape: np.ndarray,
    along: Along,
    *,
    present: np.ndarray | None = None,
    workers: int | None = None,
) -> Tangent:
    """The tangent of what a layer gives, along a direction of all that goes in.

    Args:
        weights, x, present: as of `forward`.
        tape: of that `forward`; it stays as it is.
        along: the direction.
        workers: as of `forward`.

    Raises:
        DataError: shapes or precisions that do not fit together.
    """
    dtype, (batch, steps, _) = x.dtype, x.shape
    units, lstm = weights.units, weights.cell == "lstm"
    _check_tape(weights, x, tape)
    ends = (batch, units), (batch, units) if lstm else None
    parts = (weights.U, weights.W, weights.b, weights.d)
    shapes = x.shape, *ends, *(None if part is None else part.shape for part in parts)
    directions = [
        np.zeros(0, dtype) if given is None else _checked(f"along.{name}", given, shape, dtype)
        for (name, given), shape in zip(vars(along).items(), shapes, strict=True)
    ]
    if along.x is not None:
        directions[0] = _inputs(weights, directions[0], present)
    U, W, *_ = _parts(weights, dtype)
    found = Tangent(*_results(((batch, steps, units), (batch, units), (batch, units) if lstm else 0), dtype, None))
    kernels().tangent(
        CELLS[weights.cell],
        ACTIVATIONS[weights.activation],
        _inputs(weights, x, present),
        U,
        W,
        _mask(present, batch, steps),
        tape,
        *directions,
        found.hs,
        found.h,
        found.c,
        workers or threads(),
    )
    return found


def _check_tape(weights: Weights, x: np.ndarray, tape: np.ndarray) -> None:
    batch, steps, _ = x.shape
    size = sum(kernels().tape_sizes(CELLS[weights.cell], batch, steps, weights.units, x.dtype == np.float32))
    if tape.shape != (size,) or tape.dtype != x.dtype:
        raise DataError(f"`tape` has {tape.size} numbers: take the one of `forward`, which has {size}, once")


def _results(shapes: Sequence[Any], dtype: np.dtype, out: Any) -> list[np.ndarray]:
    """Memory for the results of these shapes: that of `out`, or fresh."""
    if out is None:
        return [np.empty(shape, dtype) for shape in shapes]
    arrays = [getattr(out, field.name) for field in fields(out)]
    for array, shape in zip(arrays, shapes, strict=True):
        expected = (shape,) if isinstance(shape, int) else tuple(shape)
        if array.shape != expected or array.dtype != dtype or not array.flags.writeable:
            raise DataError(f"`out` has an array {array.dtype}{list(array.shape)} where {dtype}{list(expected)} goes")
    return arrays


def _inputs(weights: Weights, x: np.ndarray, present: np.ndarray | None) -> np.ndarray:
    """x, with zeros where there is no step: a NaN there must not reach a gradient."""
    found = _checked("x", x, (*x.shape[:2], weights.inputs), x.dtype)
    return found if present is None else np.where(_mask(present, *x.shape[:2])[..., None], found, 0).astype(x.dtype)


def _parts(weights: Weights, dtype: np.dtype) -> list[np.ndarray]:
    parts = {name: getattr(weights, name) for name in ("U", "W", "b", "d")}
    return [_checked(name, part, None if part is None else part.shape, dtype) for name, part in parts.items()]


def _checked(name: str, array: np.ndarray | None, shape: tuple[int, ...] | None, dtype: np.dtype) -> np.ndarray:
    if array is None and shape is None:
        return np.zeros(0, dtype)
    if array is None or array.shape != shape or array.dtype != dtype or dtype not in (np.float32, np.float64):
        found = "missing" if array is None else f"{array.dtype} of shape {array.shape}"
        raise DataError(f"`{name}` is {found}: a native kernel in {dtype} takes {shape}, float32 or float64 throughout")
    return np.ascontiguousarray(array)


def _mask(present: np.ndarray | None, batch: int, steps: int) -> np.ndarray:
    if present is None:
        return np.zeros(0, bool)
    if present.shape != (batch, steps):
        raise DataError(
            f"`present` has the shape {present.shape}: give one of {(batch, steps)} that says where there is a step"
        )
    return np.ascontiguousarray(present, bool)
