"""Sequences of symbols as rows of numbers and back: letters, states, classes, with no time and no order among them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from recurra.errors import ConfigError, DataError

DNA = "ACGT"


def to_one_hot(symbols: Sequence[Any], alphabet: Sequence[Any]) -> np.ndarray:
    """One row for each symbol: 1 in the column of the symbol, 0 in the others.

    Args:
        symbols: a text, or any sequence of symbols, of length n.
        alphabet: the k symbols that there are, in the order of the columns.

    Returns:
        (n, k) in float64.

    Raises:
        DataError: a symbol that is not in the alphabet.
        ConfigError: an alphabet without symbols, or with the same one twice.

    >>> to_one_hot("GAT", DNA)
    array([[0., 0., 1., 0.],
           [1., 0., 0., 0.],
           [0., 0., 0., 1.]])
    """
    columns = _columns(alphabet)
    strangers = [(row, symbol) for row, symbol in enumerate(symbols) if symbol not in columns]
    if strangers:
        row, symbol = strangers[0]
        raise DataError(
            f"{len(strangers)} of {len(symbols)} symbols are not in the alphabet {_listed(alphabet)}; the first is "
            f"{symbol!r} at position {row}: correct it, or add it to the alphabet"
        )
    return np.eye(len(columns))[[columns[symbol] for symbol in symbols]].reshape(len(symbols), len(columns))


def from_one_hot(rows: Any, alphabet: Sequence[Any]) -> list[Any]:
    """The symbol with the largest number in each row: the inverse of `to_one_hot`, or what a network finds likeliest.

    Args:
        rows: (n, k) one-hot rows, probabilities or logits.
        alphabet: the k symbols, in the order of the columns.

    Raises:
        DataError: not k columns, a value that is not a number, or a row whose largest number is there twice.

    >>> "".join(from_one_hot([[0.1, 0.2, 0.7, 0.0], [0.9, 0.1, 0.0, 0.0]], DNA))
    'GA'
    """
    columns, array = _columns(alphabet), np.asarray(rows, float)
    if array.ndim != 2 or array.shape[1] != len(columns):
        raise DataError(
            f"the alphabet {_listed(alphabet)} needs rows with {len(columns)} columns, got shape {array.shape}"
        )
    if np.isnan(array).any():
        raise DataError(f"row {np.isnan(array).any(axis=1).argmax()} holds NaN: it says no symbol")
    several = (array == array.max(axis=1, keepdims=True, initial=-np.inf)).sum(axis=1) > 1
    if several.any():
        raise DataError(
            f"{several.sum()} of {len(array)} rows do not decide between symbols; the first is row {several.argmax()}: "
            f"{array[several.argmax()].tolist()}"
        )
    return [alphabet[column] for column in array.argmax(axis=1)]


def _columns(alphabet: Sequence[Any]) -> dict[Any, int]:
    columns = {symbol: column for column, symbol in enumerate(alphabet)}
    if not columns or len(columns) != len(alphabet):
        raise ConfigError(f"an alphabet has at least one symbol, and each of them once, got {_listed(alphabet)}")
    return columns


def _listed(alphabet: Sequence[Any]) -> str:
    return ", ".join(map(repr, alphabet))
