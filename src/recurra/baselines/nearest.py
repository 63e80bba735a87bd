"""The nearest past segment: what followed the most similar rows of the past is what is forecast."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from recurra._types import Batch, BatchDrive, BatchInputs, Row

FOLLOWED = 100  # rows that have to follow a segment, or a quarter of the longest series


@dataclass(frozen=True, eq=False)
class Nearest:
    """Find the w past rows closest to the last w known ones, and copy what followed them.

    Where the copy reaches the end of the past, the search starts again from the rows copied last. A segment counts only
    where at least 100 rows follow it (or a quarter of the longest series): else the rows just before the end would
    always be the most similar ones.

    Args:
        past: the training rows of all series one after the other, (rows, channels), scaled, without NaN.
        lengths: rows of each series.
        width: w.

    The state is the w - 1 rows before the last one, oldest first; before any data they are the mean, zero.

    Reference: E. N. Lorenz, Journal of the Atmospheric Sciences 26 (1969) 636-646.
    """

    past: np.ndarray
    lengths: np.ndarray
    width: int

    @property
    def order(self) -> int:
        """Rows that a forecast looks back on."""
        return self.width

    def __len__(self) -> int:
        """Number of past segments that can be copied from."""
        return len(self.ends)

    @property
    def channels(self) -> int:
        """Number of forecast channels."""
        return self.past.shape[1]

    @cached_property
    def ends(self) -> np.ndarray:
        """The last row of every segment that may be copied from, as a row of `past`."""
        stops = np.cumsum(self.lengths)
        followed = min(FOLLOWED, max(1, int(self.lengths.max()) // 4))
        spans = zip(stops - self.lengths + self.width - 1, stops - followed, strict=True)
        return np.concatenate([np.arange(first, last) for first, last in spans])

    @cached_property
    def _stops(self) -> np.ndarray:
        """For every row of `past`, the row after the last one of its series."""
        return np.repeat(np.cumsum(self.lengths), self.lengths)

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import KDTree  # takes half a second to load

        segments = np.lib.stride_tricks.sliding_window_view(self.past, self.width, axis=0)
        rows = segments.transpose(0, 2, 1)[self.ends - self.width + 1]
        return KDTree(rows.reshape(len(rows), -1), balanced_tree=False, compact_nodes=False)

    def initial_state(self, batch: int) -> np.ndarray:
        return np.zeros((batch, self.width - 1, self.channels))

    def run(self, state: np.ndarray, inputs: BatchInputs) -> tuple[np.ndarray, Batch]:
        rows = inputs.shape[1]
        known = np.concatenate([state, inputs[..., : self.channels]], axis=1)
        if rows == 0:
            return known, np.empty((len(inputs), 0, self.channels))
        segments = np.lib.stride_tricks.sliding_window_view(known, self.width, axis=1).swapaxes(2, 3)
        ends = self._search(segments.reshape(-1, self.width * self.channels))
        return known[:, rows:], self.past[ends + 1].reshape(len(inputs), rows, self.channels)

    def free_run(self, state: np.ndarray, last: Row, drive: BatchDrive) -> tuple[np.ndarray, Batch]:
        steps = drive.shape[1]
        known = np.concatenate([state, last[:, None], np.empty((len(last), steps, self.channels))], axis=1)
        done = np.zeros(len(last), int)  # steps that are copied, of each copy of the batch
        while steps and (open_ := np.flatnonzero(done < steps)).size:
            recent = known[open_[:, None], done[open_, None] + np.arange(self.width)]
            ends = self._search(recent.reshape(len(open_), -1))
            for one, end in zip(open_, ends, strict=True):
                rows = self.past[end + 1 : min(self._stops[end], end + 1 + steps - done[one])]
                at = self.width + done[one]
                known[one, at : at + len(rows)] = rows
                done[one] += len(rows)
        return known[:, steps : steps + self.width - 1], known[:, self.width :]

    def _search(self, segments: np.ndarray) -> np.ndarray:
        """The last row of the past segment that is closest to each of these."""
        return self.ends[self._tree.query(segments)[1]]
