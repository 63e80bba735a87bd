"""From training rows to the sums of the readout, a block of states at a time."""

from dataclasses import dataclass

import numpy as np

from recurra.reservoirs.readout import RowSum
from recurra.reservoirs.reservoir import Reservoir

BLOCK = 1000  # rows whose states are held at a time


@dataclass(frozen=True, eq=False)
class Harvest:
    """Drives a reservoir with training rows and adds what the readout sees to its sums.

    Args:
        reservoir: the fixed recurrent part.
        lags: inputs that the readout sees directly.
        increment: the targets are y[t+1] - y[t].
        washout: rows dropped at the start of every series.
    """

    reservoir: Reservoir
    lags: int
    increment: bool
    washout: int

    def add(
        self, total: RowSum, inputs: np.ndarray, targets: np.ndarray, steps: range, state: np.ndarray | None
    ) -> tuple[RowSum, np.ndarray]:
        """Add some steps of a series.

        Args:
            total: the sums so far.
            inputs, targets: of the whole series, (rows, features) and (rows, channels).
            steps: which of its rows; the state carries on from one call to the next.
            state: (units,) before the first of them; None for zero, at the start of the series.

        Returns:
            The sums, and the state after the last step.
        """
        now = np.zeros(self.reservoir.units) if state is None else state
        if self.increment:
            targets = targets - inputs[:, : targets.shape[1]]
        for first in steps[::BLOCK]:
            rows = range(first, min(first + BLOCK, steps.stop))
            states = self.reservoir.harvest(now, inputs[rows.start : rows.stop])
            now = states[-1]
            kept = np.arange(max(first, self.washout), rows.stop)
            if kept.size:
                total = total.add(self._seen(states[kept - first], inputs, kept), targets[kept])
        return total, now

    def _seen(self, states: np.ndarray, inputs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """[x_t, x_{t-1}, ..., h_t] of some rows; inputs before the start of the series are zero."""
        taps = [np.where((rows >= k)[:, None], inputs[np.maximum(rows - k, 0)], 0.0) for k in range(self.lags)]
        return np.concatenate([*taps, states], axis=1)
