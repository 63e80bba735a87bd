"""The rows of a file on their way to a `Series`: what is done to them keeps track of where each one stood."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recurra.data.columns import Parts


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of a file, in some order, some left out, some put in.

    Args:
        parts: the file as it was read.
        values: (time, channels), float64.
        inputs: (time, drive), float64.
        times: float64 or `datetime64[ns]`; None where the file has none.
        origin: for each row its number in `parts`; -1 for a row that was put in.
        breaks: rows before which rows are missing.
        facts: what was found and done, for the provenance.
    """

    parts: Parts
    values: np.ndarray
    inputs: np.ndarray | None
    times: np.ndarray | None
    origin: np.ndarray
    breaks: tuple[int, ...]
    facts: dict[str, Any]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def clock(self) -> str:
        """The time axis, for messages."""
        return "the times" if self.parts.time_name is None else f"column {self.parts.time_name!r}"

    def place(self, row: int) -> str:
        """Where a row stands in the file."""
        known = self.origin[: row + 1]
        found = int(known[known >= 0][-1])
        return f"the gap behind {self.parts.place(found)}" if known[-1] < 0 else self.parts.place(found)

    def names(self) -> list[str]:
        """Names of the channels and of the inputs."""
        channels = self.parts.channels or [f"c{column}" for column in range(self.values.shape[1])]
        width = 0 if self.inputs is None else self.inputs.shape[1]
        return [*channels, *(self.parts.input_names or [f"u{column}" for column in range(width)])]

    def table(self) -> np.ndarray:
        """Channels and inputs side by side."""
        return self.values if self.inputs is None else np.column_stack([self.values, self.inputs])

    def with_table(self, table: np.ndarray) -> "Rows":
        """The same rows with other numbers, side by side as in `table()`."""
        width = self.values.shape[1]
        return replace(self, values=table[:, :width], inputs=None if self.inputs is None else table[:, width:])

    def take(self, rows: np.ndarray) -> "Rows":
        """These rows, by number or by True and False; without breaks."""
        return replace(
            self,
            values=self.values[rows],
            inputs=None if self.inputs is None else self.inputs[rows],
            times=None if self.times is None else self.times[rows],
            origin=self.origin[rows],
            breaks=(),
        )

    def noting(self, **facts: Any) -> "Rows":
        """The same rows, and what was found out about them."""
        return replace(self, facts={**self.facts, **facts})


def shown(time: Any) -> str:
    """A time for messages: dates without the zeros of nanoseconds."""
    return str(np.datetime_as_string(time, unit="auto")) if isinstance(time, np.datetime64) else f"{time}"


def listed(names: Sequence[str], counts: Sequence[int]) -> str:
    """Counts by name, for messages: 'x' 2, 'v' 1."""
    return ", ".join(f"{name!r} {count}" for name, count in zip(names, counts, strict=True) if count)
