"""From training rows to the sums of the readout, a block of states at a time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from recurra.native import threads
from recurra.reservoirs.features import expand
from recurra.reservoirs.readout import RowSum
from recurra.reservoirs.reservoir import Reservoir

BLOCK = 1000  # rows whose states are held at a time
_FULL = 0.99  # a unit beyond is at the end of its tanh and tells rows apart no more


def go_on() -> None:
    """What a harvest that nothing can stop does between two blocks."""


@dataclass
class Saturation:
    """How many of the states that a harvest went through were at the ends of the tanh."""

    states: int = 0
    full: int = 0

    def count(self, states: np.ndarray) -> None:
        """Count some more states."""
        self.states += states.size
        self.full += int(np.count_nonzero(np.abs(states) > _FULL))

    @property
    def share(self) -> float:
        """The share of them that had |h| > 0.99."""
        return self.full / max(1, self.states)


@dataclass(frozen=True, eq=False)
class Harvest:
    """Drives a reservoir with training rows and adds what the readout sees to its sums.

    Args:
        reservoir: the fixed recurrent part.
        lags: inputs that the readout sees directly.
        increment: the targets are y[t+1] - y[t].
        washout: rows dropped at the start of every series.
        readout_features: what the readout sees of the states, a key of `READOUT_FEATURES`.
        pause: called between blocks; may raise, to stop.
        saturation: counts the states that it goes through.
    """

    reservoir: Reservoir
    lags: int
    increment: bool
    washout: int
    readout_features: str = "states"
    pause: Callable[[], None] = go_on
    saturation: Saturation = field(default_factory=Saturation)

    def add(
        self, total: RowSum, inputs: np.ndarray, targets: np.ndarray, steps: range, state: np.ndarray | None
    ) -> tuple[RowSum, np.ndarray]:
        """Add some steps of a series.

        Args:
            total: the sums so far.
            inputs, targets: of the whole series, (rows, features) and (rows, channels). A row of which a target is
                NaN drives the reservoir and is left out of the sums.
            steps: which of its rows; the state carries on from one call to the next.
            state: (units,) before the first of them; None for zero, at the start of the series.

        Returns:
            The sums, and the state after the last step.
        """
        now = np.zeros(self.reservoir.units) if state is None else state
        for seen, wanted, after in self.blocks(inputs, targets, steps, now):
            now = after
            if len(seen):
                total = total.add(seen, wanted)
        return total, now

    def blocks(
        self, inputs: np.ndarray, targets: np.ndarray, steps: range, state: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """What the readout sees and is to give in some steps, and the state (units,) after them, block by block."""
        if self.increment:
            targets = targets - inputs[:, : targets.shape[1]]
        told = ~np.isnan(targets.sum(axis=1))
        for first in steps[::BLOCK]:
            self.pause()
            rows = range(first, min(first + BLOCK, steps.stop))
            states = self.reservoir.harvest(state, inputs[rows.start : rows.stop])
            self.saturation.count(states)
            state = states[-1]
            kept = np.arange(max(first, self.washout), rows.stop)
            kept = kept[told[kept]]
            yield self._seen(states[kept - first], inputs, kept), targets[kept], state

    def _seen(self, states: np.ndarray, inputs: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """[x_t, x_{t-1}, ..., phi(h_t)] of some rows; inputs before the start of the series are zero."""
        taps = [np.where((rows >= k)[:, None], inputs[np.maximum(rows - k, 0)], 0.0) for k in range(self.lags)]
        return np.concatenate([*taps, expand(states, self.readout_features)], axis=1)


def add_many(
    harvests: Sequence[Harvest], totals: Sequence[RowSum], inputs: np.ndarray, targets: np.ndarray
) -> list[RowSum]:
    """Add a whole series to the sums of several reservoirs, each on a thread of its own.

    The states are held for one block of rows at a time. The sums are those of `Harvest.add`, to the bit.

    Args:
        harvests: of the reservoirs; what counts the saturation must not be shared among them.
        totals: the sums so far, one for each.
        inputs, targets: as of `Harvest.add`.
    """

    def add(k: int) -> RowSum:
        return harvests[k].add(totals[k], inputs, targets, range(len(inputs)), None)[0]

    if threads() == 1:
        return [add(k) for k in range(len(harvests))]
    with ThreadPoolExecutor(threads()) as pool:
        return list(pool.map(add, range(len(harvests))))
