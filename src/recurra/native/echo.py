"""Echo state reservoirs on NumPy arrays: one or several harvested, and batches of sequences with their readouts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from recurra.errors import ConfigError, DataError
from recurra.native.status import kernels, threads

WIRINGS = {"sparse": 0, "shifts": 1, "dense": 2}


@dataclass(frozen=True, eq=False)
class Reservoir:
    """The weights of a leaky reservoir with tanh units, packed once for the kernels.

    Args:
        wiring: how W is given: "sparse" (values, columns and row starts of a CSR matrix), "shifts" (the value of
            W[i, (i + s_j) mod units], for each row i and shift s_j side by side) or "dense" (all of W, row by row).
        values: of W, float32 or float64; the precision of the states.
        columns: of each value (sparse); the shifts (shifts); empty (dense).
        starts: first value of each row, and the end.
        W_in: input weights (units, inputs), in the same precision.
        b: bias (units,).
        leak: leaking rate a.

    Raises:
        DataError: parts that do not fit together.
    """

    wiring: str
    values: np.ndarray
    columns: np.ndarray
    starts: np.ndarray
    W_in: np.ndarray
    b: np.ndarray
    leak: float
    units: int = field(init=False)
    inputs: int = field(init=False)

    def __post_init__(self) -> None:
        if self.wiring not in WIRINGS:
            raise ConfigError(f"`wiring` is one of {', '.join(WIRINGS)}, not {self.wiring!r}")
        object.__setattr__(self, "units", len(self.b))
        object.__setattr__(self, "inputs", self.W_in.shape[1])
        if self.dtype not in (np.float32, np.float64) or {self.W_in.dtype, self.b.dtype} != {self.dtype}:
            raise DataError(f"W, W_in and b are {self.dtype}, {self.W_in.dtype} and {self.b.dtype}: give all in one")
        rows, entries = np.diff(self.starts), self.values.size
        fits = self.W_in.shape[0] == self.units == len(rows) and self.starts[0] == 0 and self.starts[-1] == entries
        if not fits or (rows < 0).any() or (self.wiring != "sparse" and (rows != entries // self.units).any()):
            raise DataError(f"W has {len(rows)} rows for {entries} values, W_in {self.W_in.shape}, b {self.b.shape}")
        wanted = {"sparse": entries, "shifts": entries // self.units, "dense": 0}[self.wiring]
        if self.columns.size != wanted or (wanted and not 0 <= self.columns.min() <= self.columns.max() < self.units):
            raise DataError(f"`columns` of a {self.wiring} W are {wanted} numbers below {self.units} units")

    @property
    def dtype(self) -> np.dtype:
        """The precision of the states."""
        return self.values.dtype

    @property
    def padded(self) -> int:
        """Units, rounded up to whole slices."""
        return -(-self.units // self._slice) * self._slice

    @property
    def _slice(self) -> int:
        return 64 // self.dtype.itemsize

    @cached_property
    def held(self) -> Any:
        """The weights as the kernels keep them: slices of rows, entry by entry, each as long as its longest row."""
        size, rows = self._slice, np.diff(self.starts)
        longest = np.zeros(self.padded, np.int64)
        longest[: self.units] = rows
        longest = longest.reshape(-1, size).max(axis=1)
        starts = np.concatenate([[0], np.cumsum(longest)])
        if starts[-1] * size >= 2**31:
            raise DataError(f"W has {self.values.size} entries, more than the native kernels can number")
        row = np.repeat(np.arange(self.units), rows)
        entry = np.arange(self.values.size) - np.repeat(self.starts[:-1].astype(np.int64), rows)
        at = (starts[row // size] + entry) * size + row % size
        values = np.zeros(starts[-1] * size, self.dtype)
        values[at] = self.values
        columns = self.columns.astype(np.int32)
        if self.wiring == "sparse":
            columns = np.full(values.size, self.padded, np.int32)
            columns[at] = self.columns
        W_in, b = np.zeros((self.inputs, self.padded), self.dtype), np.zeros(self.padded, self.dtype)
        W_in[:, : self.units], b[: self.units] = self.W_in.T, self.b
        maker = getattr(kernels(), f"Reservoir_{self.dtype}")
        parts = values, columns, starts.astype(np.int32), W_in, b
        return maker(WIRINGS[self.wiring], self.units, float(self.leak), *parts)


@dataclass(frozen=True, eq=False)
class Readout:
    """What the outputs are made of, in float64.

    Args:
        constant: (sets, channels); the batch is as many equal parts as there are sets.
        inputs: (sets, channels, lags inputs), of the latest inputs, the last one first.
        states: (sets, channels, units).
        squares: (sets, channels, units) of the squared states; None for none.
        increment: the outputs are added to the first inputs.
    """

    constant: np.ndarray
    inputs: np.ndarray
    states: np.ndarray
    squares: np.ndarray | None = None
    increment: bool = False
    _packed: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    def packed(self, padded: int) -> np.ndarray:
        """All of them side by side, the units padded."""
        if padded not in self._packed:
            self._packed[padded] = self._side_by_side(padded)
        return self._packed[padded]

    def _side_by_side(self, padded: int) -> np.ndarray:
        sets, channels, units = self.states.shape
        parts = [self.states] if self.squares is None else [self.states, self.squares]
        tail = np.zeros((sets, channels, len(parts), padded))
        for k, part in enumerate(parts):
            tail[:, :, k, :units] = part
        flat = tail.reshape(sets, channels, -1)
        return np.concatenate([self.constant[..., None], self.inputs, flat], axis=2, dtype=np.float64)


@dataclass(frozen=True)
class Outcome:
    """What a batch of sequences did.

    Args:
        h: states after the last step (batch, units).
        recent: the inputs of the last lags - 1 steps, the latest first (batch, (lags - 1) inputs).
        y: outputs (batch, steps, channels).
    """

    h: np.ndarray
    recent: np.ndarray
    y: np.ndarray


def harvest(
    reservoirs: Sequence[Reservoir], h: np.ndarray, x: np.ndarray, *,
    out: np.ndarray | None = None, workers: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The states that inputs lead through, of several reservoirs at once.

    Args:
        reservoirs: of as many units and inputs each, in one precision.
        h: states before (reservoirs, units).
        x: inputs (reservoirs, steps, inputs), or (1, steps, inputs) for all of them.
        out: where the states after every step are to go.
        workers: threads, at most; None for all that this process may use.

    Returns:
        States after every step (reservoirs, steps, units), and after the last (reservoirs, units).

    Raises:
        DataError: shapes or precisions that do not fit together.
    """
    one, count = reservoirs[0], len(reservoirs)
    if any((each.units, each.inputs, each.dtype) != (one.units, one.inputs, one.dtype) for each in reservoirs):
        raise DataError("reservoirs that run together have as many units and inputs each, in one precision")
    if h.shape != (count, one.units) or x.ndim != 3 or len(x) not in (1, count) or x.shape[2] != one.inputs:
        raise DataError(f"states {h.shape} and inputs {x.shape} do not fit {count} reservoirs of {one.units} units")
    shape, last = (count, x.shape[1], one.units), np.ascontiguousarray(h, one.dtype)
    states = np.empty(shape, one.dtype) if out is None else out
    if states.shape != shape or states.dtype != one.dtype or not states.flags.c_contiguous:
        raise DataError(f"`out` is {states.dtype} of shape {states.shape}: {one.dtype} of {shape} in C order is needed")
    if states.size == 0:
        return states, last
    given, found = np.ascontiguousarray(x, np.float64), np.empty_like(last)
    kernels().echo_harvest([each.held for each in reservoirs], given, last, states, found, workers or threads())
    return states, found


def run(
    reservoir: Reservoir, readout: Readout | None, h: np.ndarray, recent: np.ndarray, x: np.ndarray, *,
    read: bool = True, workers: int | None = None,
) -> Outcome:  # fmt: skip
    """A batch of sequences of given inputs.

    Args:
        reservoir: that all of them go through.
        readout: of the outputs, which also says how many lags there are; None for none.
        read: whether the outputs are wanted.
        h: states before (batch, units).
        recent: inputs before, as of `Outcome`.
        x: inputs (batch, steps, inputs).
        workers: as of `harvest`.
    """
    return _sequences(reservoir, readout, h, recent, x, None, x[:, :, :0], 0.0, workers, read=read)


def free_run(
    reservoir: Reservoir, readout: Readout, h: np.ndarray, recent: np.ndarray, last: np.ndarray, drive: np.ndarray, *,
    bound: float, workers: int | None = None,
) -> Outcome:  # fmt: skip
    """A batch of sequences whose outputs are fed back.

    Args:
        reservoir, readout, h, recent, workers: as of `run`.
        last: the first of what is fed back (batch, channels).
        drive: what stands beside it (batch, steps, inputs - channels).
        bound: outputs are held in +-bound.
    """
    return _sequences(reservoir, readout, h, recent, drive[:, :, :0], last, drive, bound, workers, read=True)


def _sequences(
    reservoir: Reservoir, readout: Readout | None, h: np.ndarray, recent: np.ndarray, x: np.ndarray,
    last: np.ndarray | None, drive: np.ndarray, bound: float, workers: int | None, *,
    read: bool,
) -> Outcome:  # fmt: skip
    batch, steps = h.shape[0], x.shape[1]
    lags = 0 if readout is None else readout.inputs.shape[2] // reservoir.inputs
    coefficients = np.zeros((1, 0, 0)) if readout is None else readout.packed(reservoir.padded)
    sets, channels = coefficients.shape[:2]
    shapes = {
        "h": (h, (batch, reservoir.units)),
        "recent": (recent, (batch, max(0, lags - 1) * reservoir.inputs)),
        "x": (x, (batch, steps, reservoir.inputs if last is None else 0)),
        "last": (np.zeros((batch, 0)) if last is None else last, (batch, channels if last is not None else 0)),
        "drive": (drive, (batch, steps, reservoir.inputs - channels if last is not None else 0)),
    }
    for name, (array, shape) in shapes.items():
        if array.shape != shape:
            raise DataError(f"`{name}` has the shape {array.shape}, where {shape} is needed")
    if readout is not None and (readout.states.shape[2] != reservoir.units or batch % sets):
        raise DataError(
            f"a readout of {readout.states.shape} does not fit {reservoir.units} units and {batch} sequences"
        )
    state = np.ascontiguousarray(h, reservoir.dtype)
    given = {name: np.ascontiguousarray(array, np.float64) for name, (array, _) in shapes.items() if name != "h"}
    found = Outcome(
        np.empty_like(state), np.empty(shapes["recent"][1]), np.empty((batch, steps, channels if read else 0))
    )
    if batch == 0 or steps == 0:
        return Outcome(state, given["recent"], found.y)
    squared, increment = readout is not None and readout.squares is not None, readout is not None and readout.increment
    options = coefficients, lags, increment, squared, bound
    inputs = state, given["recent"], given["x"], given["last"], given["drive"]
    kernels().echo_sequences(reservoir.held, *options, *inputs, found.h, found.recent, found.y, workers or threads())
    return found
