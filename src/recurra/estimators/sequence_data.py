"""Sequences as they are given, as numbers, and as padded arrays: what `Sequences` takes and learns from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.data import Scaler, to_one_hot
from recurra.errors import DataError
from recurra.tasks import TaskType

Table = np.ndarray | list[Any]  # rows of numbers, or symbols


@dataclass(frozen=True, eq=False)
class Coding:
    """How one side, inputs or targets, becomes rows of numbers: one-hot symbols, or values, scaled or as they are.

    Args:
        width: columns of numbers.
        symbols: those there are, in the order of the columns; None for values.
        scaler: of values; None where they stay as they are.
    """

    width: int
    symbols: tuple[Any, ...] | None = None
    scaler: Scaler | None = None

    @classmethod
    def fit(cls, tables: Sequence[Table], what: str, *, scaled: bool) -> "Coding":
        """The coding of the training sequences.

        Raises:
            DataError: a column that is constant, symbols without an order.
        """
        _check_alike(tables, what)
        if isinstance(tables[0], list):
            try:
                symbols = tuple(sorted({symbol for table in tables for symbol in table}))
            except TypeError as error:
                raise DataError(f"`{what}` mix symbols of several types, which have no order: {error}") from error
            return cls(len(symbols), symbols)
        width = tables[0].shape[1]
        if not scaled:
            return cls(width)
        try:
            return cls(width, None, Scaler.fit([table for table in tables if isinstance(table, np.ndarray)]))
        except DataError as error:
            raise DataError(f"`{what}`: {error}") from error

    def code(self, tables: Sequence[Table], what: str) -> list[np.ndarray]:
        """Every table as rows of numbers (rows, width).

        Raises:
            DataError: symbols where values were fitted or the other way round, another number of columns, a symbol
                that the training did not have.
        """
        return [self._coded(table, f"`{what}`, sequence {k}") for k, table in enumerate(tables)]

    def _coded(self, table: Table, where: str) -> np.ndarray:
        if isinstance(table, list) != (self.symbols is not None):
            kinds = ("symbols", "values") if self.symbols is None else ("values", "symbols")
            raise DataError(f"{where} holds {kinds[0]}; the model was fitted to {kinds[1]}")
        if isinstance(table, list):
            assert self.symbols is not None
            try:
                return to_one_hot(table, self.symbols)
            except DataError as error:
                raise DataError(f"{where}: {error}") from error
        if table.shape[1] != self.width:
            raise DataError(f"{where} has {table.shape[1]} columns; the model was fitted to {self.width}")
        return table if self.scaler is None else self.scaler.scale(table)

    def values(self, coded: np.ndarray) -> np.ndarray:
        """Rows of numbers in the units of the data."""
        return coded if self.scaler is None else self.scaler.unscale(coded)

    def decided(self, coded: np.ndarray) -> list[Any]:
        """The likeliest symbol of each row."""
        assert self.symbols is not None
        return [self.symbols[column] for column in coded.argmax(axis=1)]


def _check_alike(tables: Sequence[Table], what: str) -> None:
    """Refuse symbols among values, and values in different numbers of columns."""
    kinds = ["symbols" if isinstance(table, list) else _counted(table.shape[1]) for table in tables]
    other = next((k for k, kind in enumerate(kinds) if kind != kinds[0]), None)
    if other is not None:
        raise DataError(f"`{what}`: sequence {other} has {kinds[other]}, and sequence 0 has {kinds[0]}")


def _counted(columns: int) -> str:
    return f"{columns} column{'s' if columns != 1 else ''}"


def read_inputs(given: Any, task: TaskType) -> list[Table]:
    """The inputs as tables: arrays (rows, features), or lists of symbols.

    Raises:
        DataError: nothing, no rows, a shape that is none, NaN or infinity.
    """
    flat = 1 if task.name == "one-to-many" else 2
    if isinstance(given, np.ndarray) and given.ndim <= flat and given.dtype.kind in "biuf":
        raise DataError(
            f"`inputs` is one array of shape {given.shape}: give a list of arrays (time, features), one for each "
            "sequence, or an array (sequences, time, features)"
        )
    tables = []
    for k, item in enumerate(_listed(given, "inputs")):
        table = _table(item, f"`inputs`, sequence {k}", static=task.name == "one-to-many")
        if len(table) == 0:
            raise DataError(f"`inputs`, sequence {k} has no rows")
        if isinstance(table, np.ndarray) and not np.isfinite(table).all():
            row = int((~np.isfinite(table)).any(axis=1).argmax())
            raise DataError(
                f"`inputs`, sequence {k}: {int((~np.isfinite(table)).sum())} values are NaN or infinite, the first in "
                f"row {row}: fill them, or leave the sequence out"
            )
        tables.append(table)
    return tables


def read_targets(given: Any, inputs: Sequence[Table], task: TaskType, *, classes: bool) -> list[Table]:
    """The targets as tables that fit the inputs: arrays (rows, outputs), or lists of classes.

    Raises:
        DataError: not one for each input, rows that are not those of the task, infinity.
    """
    items = _listed(given, "targets")
    if len(items) != len(inputs):
        raise DataError(f"{len(inputs)} inputs and {len(items)} targets: there is one target for each sequence")
    single = task.name == "many-to-one"
    if not classes:
        items = [_numbers(item, f"`targets`, sequence {k}") for k, item in enumerate(items)]
        vectors = {item.shape for item in items if item.ndim == 1}
        rows = [_rows(item, vector=single and len(vectors) == 1) for item in items]
    else:
        items = [item.tolist() if isinstance(item, np.ndarray | np.generic) else item for item in items]
        rows = [len(item) if _several(item, text=not single) else None for item in items]
    task.check([len(table) for table in inputs], rows)
    for k, count in enumerate(rows):
        if count == 0:
            raise DataError(f"`targets`, sequence {k} has no rows")
    if classes:
        lists: list[Table] = [
            list(item) if count is not None else [item] for item, count in zip(items, rows, strict=True)
        ]
        lacking = [k for k, each in enumerate(lists) if any(symbol != symbol for symbol in each)]
        if lacking:
            raise DataError(f"`targets`, sequence {lacking[0]} holds NaN, which is no class: leave the sequence out")
        return lists
    tables: list[Table] = [np.reshape(item, (count or 1, -1)) for item, count in zip(items, rows, strict=True)]
    for k, table in enumerate(tables):
        if np.isinf(np.asarray(table)).any():
            raise DataError(f"`targets`, sequence {k} holds infinite values: NaN is what is missing")
    return tables


def hold_out(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of `count` sequences are trained on, and which validate: drawn from `seed`.

    Raises:
        DataError: too few for that.
    """
    held = round(share * count)
    if held >= count or (share and held == 0):
        raise DataError(f"{count} sequences are too few to hold out {share:g} of them: set `validation` to 0")
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[held:]), np.sort(order[:held])


def _listed(given: Any, what: str) -> list[Any]:
    if isinstance(given, str) or not hasattr(given, "__len__") or len(given) == 0:
        raise DataError(f"`{what}` must be a list with one entry for each sequence, got {given!r}")
    return list(given)


def _table(item: Any, where: str, *, static: bool) -> Table:
    if isinstance(item, str):
        return list(item)
    item = getattr(item, "values", item)  # a series
    symbols = item.tolist() if isinstance(item, np.ndarray) else item
    if isinstance(symbols, list | tuple) and symbols and all(isinstance(symbol, str) for symbol in symbols):
        return list(symbols)
    array = _numbers(item, where)
    if array.ndim not in (1, 2):
        raise DataError(f"{where} has shape {array.shape}: a sequence is an array (time, features)")
    return array if array.ndim == 2 else array[None] if static else array[:, None]


def _numbers(item: Any, where: str) -> np.ndarray:
    try:
        return np.asarray(getattr(item, "values", item), np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where} is not an array of numbers: {error}") from error


def _rows(item: np.ndarray, *, vector: bool) -> int | None:
    """Rows in time; None where the target has no time axis."""
    return None if item.ndim == 0 or (item.ndim == 1 and vector) else len(item)


def _several(item: Any, *, text: bool) -> bool:
    return isinstance(item, list | tuple) or (text and isinstance(item, str))


def padded(count: int) -> int:
    """The next of few sizes, 1 to 8, then four between powers of two: as few programs, at most a quarter more work.

    >>> [padded(n) for n in (3, 8, 9, 80, 200, 1000)]
    [3, 8, 10, 80, 224, 1024]
    """
    if count <= 8:
        return count
    step = 2 ** ((count - 1).bit_length() - 3)
    return -(-count // step) * step


def padded_data(
    task: TaskType, inputs: list[np.ndarray], targets: list[np.ndarray], *, together: bool, precision: str
) -> tuple[np.ndarray, ...]:
    """The arrays of `recurra.training.MaskedSteps`; targets that are NaN are not compared.

    Args:
        task: which steps answer.
        inputs: (rows, features) each, coded.
        targets: (rows, outputs) each, coded.
        together: the loss is one number for all outputs of a step.
        precision: of the arrays.
    """
    rows = [task.rows(x, len(y)) for x, y in zip(inputs, targets, strict=True)]
    steps = padded(max(map(len, rows)))
    seen, present = stacked(rows, steps, precision), np.zeros((len(rows), steps), bool)
    wanted = np.full((len(rows), steps, targets[0].shape[1]), np.nan, precision)
    for k, (x, y) in enumerate(zip(inputs, targets, strict=True)):
        first = task.first(len(x))
        present[k, : len(rows[k])] = True
        wanted[k, first : first + len(y)] = y
    measured = ~np.isnan(wanted)
    weights = measured.all(axis=2, keepdims=True) if together else measured
    return seen, present, np.nan_to_num(wanted), weights.astype(precision)


def stacked(rows: Sequence[np.ndarray], steps: int, precision: str) -> np.ndarray:
    """Tables as one array (tables, steps, columns), with rows of zeros where they have ended."""
    array = np.zeros((len(rows), steps, rows[0].shape[1]), precision)
    for k, table in enumerate(rows):
        array[k, : len(table)] = table
    return array


def batches(rows: Sequence[np.ndarray], most: int, precision: str) -> Iterator[tuple[list[int], np.ndarray]]:
    """Tables of like length together: their numbers, and an array (at least as many, steps, columns) of few shapes."""
    order = sorted(range(len(rows)), key=lambda k: padded(len(rows[k])))
    while order:
        steps = padded(len(rows[order[0]]))
        now = [k for k in order[:most] if padded(len(rows[k])) == steps]
        order = order[len(now) :]
        empty = [np.zeros((0, rows[0].shape[1]))] * (padded(len(now)) - len(now))
        yield now, stacked([*(rows[k] for k in now), *empty], steps, precision)
