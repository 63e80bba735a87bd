"""Weights of cells as Keras and PyTorch keep them, and back: other orders of gates, transposes, numbers of biases."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recurra.cells.cell import Array
from recurra.cells.elman import Elman
from recurra.cells.gru import GRU
from recurra.cells.lstm import LSTM, Clamp
from recurra.errors import DataError, unknown

_GATES = {"elman": 1, "lstm": 4, "gru": 3}


def from_keras(kind: str, weights: Sequence[Array], activation: str = "tanh") -> Elman | LSTM | GRU:
    r"""The cell with the weights of a layer of Keras, as `layer.get_weights()` gives them.

    Keras multiplies rows, :math:`x_t K + h_{t-1} R`, so that :math:`U = K^T` and :math:`W = R^T`. The gates of its
    LSTM stand in the order i, f, g, o and those of its GRU in the order z, r, n, as here. A GRU with `reset_after` has
    two rows of biases, one of the input and one of the recurrent part.

    Args:
        kind: "elman" (SimpleRNN), "lstm" or "gru".
        weights: kernel (inputs, gates units), recurrent kernel (units, gates units), and the bias (gates units,) or
            (2, 3 units); without a bias, zeros.
        activation: of the hidden units of "elman".

    Raises:
        DataError: shapes that do not fit together.

    Reference: the documentation of `keras.layers.SimpleRNN`, `LSTM` and `GRU`.

    >>> cell = from_keras("elman", [np.ones((2, 3)), np.eye(3), np.zeros(3)])
    >>> cell.U.shape, cell.W.shape
    ((3, 2), (3, 3))
    """
    if not 2 <= len(weights) <= 3:
        raise DataError(
            f"a layer of Keras has a kernel, a recurrent kernel and perhaps a bias, got {len(weights)} arrays"
        )
    kernel, recurrent, *bias = [np.asarray(part) for part in weights]
    rows = _GATES[_known(kind)] * len(recurrent)
    b = bias[0] if bias else np.zeros(rows, kernel.dtype)
    U, W = np.ascontiguousarray(kernel.T), np.ascontiguousarray(recurrent.T)
    two = kind == "gru" and b.ndim == 2
    _check(U, W, b, rows, (2, rows) if two else (rows,))
    if kind == "gru":
        return GRU(U, W, b[0].copy(), b[1].copy()) if two else GRU(U, W, b, None)
    return LSTM(U, W, b) if kind == "lstm" else Elman(U, W, b, activation)


def to_keras(cell: Elman | LSTM | GRU) -> list[np.ndarray]:
    """The weights of a cell for `layer.set_weights()` of Keras; the inverse of `from_keras`, to the bit."""
    U, W, b = (np.asarray(part) for part in (cell.U, cell.W, cell.b))
    _check_plain(cell)
    if isinstance(cell, GRU) and cell.d is not None:
        b = np.stack([b, np.asarray(cell.d)])
    return [np.ascontiguousarray(U.T), np.ascontiguousarray(W.T), b.copy()]


def from_torch(kind: str, weights: Mapping[str, Array], layer: int = 0, activation: str = "tanh") -> Any:
    """The cell with the weights of one layer of PyTorch, from a `state_dict` whose tensors are arrays.

    The gates of its LSTM stand in the order i, f, g, o, as here, those of its GRU in the order r, z, n. Every part has
    two biases: where both only ever stand in a sum (RNN, LSTM), b is that sum.

    Args:
        kind: "elman" (torch.nn.RNN), "lstm" or "gru".
        weights: `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0` and `bias_hh_l0` by name, as NumPy arrays; biases may be
            missing.
        layer: k of `weight_ih_lk`.
        activation: of the hidden units of "elman".

    Raises:
        DataError: a name is missing, or shapes do not fit together.

    Reference: the documentation of `torch.nn.RNN`, `LSTM` and `GRU`.
    """
    names = {part: f"{part}_l{layer}" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    lacking = [names[part] for part in ("weight_ih", "weight_hh") if names[part] not in weights]
    if lacking:
        raise DataError(f"the weights of PyTorch have no {', '.join(lacking)}, only {', '.join(sorted(weights))}")
    U, W = (np.array(weights[names[part]]) for part in ("weight_ih", "weight_hh"))
    rows = _GATES[_known(kind)] * W.shape[-1]
    b, d = (np.array(weights.get(names[part], np.zeros(rows, U.dtype))) for part in ("bias_ih", "bias_hh"))
    _check(U, W, b, rows, (rows,))
    _check(U, W, d, rows, (rows,))
    if kind == "gru":
        return GRU(*(_update_first(part) for part in (U, W, b, d)))
    return LSTM(U, W, b + d) if kind == "lstm" else Elman(U, W, b + d, activation)


def to_torch(cell: Elman | LSTM | GRU, layer: int = 0) -> dict[str, np.ndarray]:
    """The weights of a cell by the names of PyTorch's `state_dict`; `from_torch` gives the cell back, to the bit.

    Raises:
        DataError: a GRU with the reset gate before the matrix product, which PyTorch does not have.
    """
    _check_plain(cell)
    U, W, b = (np.array(part) for part in (cell.U, cell.W, cell.b))
    d = np.zeros_like(b)
    if isinstance(cell, GRU):
        if cell.d is None:
            raise DataError("PyTorch's GRU has its reset gate after the matrix product: this one has it before")
        U, W, b, d = (_update_first(part) for part in (U, W, b, np.asarray(cell.d)))
    parts = {"weight_ih": U, "weight_hh": W, "bias_ih": b, "bias_hh": d}
    return {f"{name}_l{layer}": part for name, part in parts.items()}


def _update_first(part: np.ndarray) -> np.ndarray:
    """Rows r, z, n as z, r, n, and the other way round."""
    first, second, third = np.split(part, 3)
    return np.concatenate([second, first, third])


def _known(kind: str) -> str:
    if kind not in _GATES:
        raise DataError(unknown("cell", kind, _GATES))
    return kind


def _check(U: np.ndarray, W: np.ndarray, b: np.ndarray, rows: int, bias: tuple[int, ...]) -> None:
    units = W.shape[-1]
    if U.ndim != 2 or W.shape != (rows, units) or U.shape[0] != rows or b.shape != bias:
        raise DataError(
            f"{units} units have {rows} rows in U and W and biases {bias}; found U {U.shape}, W {W.shape} and biases "
            f"{b.shape} (Keras keeps U and W transposed)"
        )


def _check_plain(cell: Elman | LSTM | GRU) -> None:
    """Refuse what neither framework has."""
    if isinstance(cell, LSTM) and (cell.p is not None or not cell.forget_gate or cell.clamp != Clamp()):
        raise DataError(
            "an LSTM with peepholes or without a forget gate, or with gates held by hand, has no counterpart in Keras "
            "and PyTorch"
        )
