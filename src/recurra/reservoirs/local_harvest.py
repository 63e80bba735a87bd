"""From training rows to the sums of local readouts: one sum for all groups together, or one after another for each."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from recurra.native import threads
from recurra.reservoirs.harvest import BLOCK, Harvest, Saturation
from recurra.reservoirs.local import harvest_groups, observed
from recurra.reservoirs.neighbourhoods import Neighbourhoods
from recurra.reservoirs.readout import RowSum, empty_sum
from recurra.reservoirs.reservoir import Reservoir

STATES = 2**23  # numbers of the states of all groups that are held at a time
Steps = tuple[np.ndarray, np.ndarray]  # inputs (rows, channels + drive) and targets (rows, channels) of a series


@dataclass(frozen=True, eq=False)
class LocalHarvest:
    """Drives the reservoirs of all groups with training rows.

    A row of which a target of a group is NaN drives that group and is left out of its sum.

    Args:
        near: who sees whom.
        reservoirs: one for all groups, or one for each.
        direct, increment, readout_features: as of `LocalEchoState`.
        washout: rows dropped at the start of every series.
        pause: called between blocks; may raise, to stop.
        saturation: counts the states that it goes through.
    """

    near: Neighbourhoods
    reservoirs: tuple[Reservoir, ...]
    direct: bool
    increment: bool
    washout: int
    readout_features: str
    pause: Callable[[], None]
    saturation: Saturation = field(default_factory=Saturation)

    def together(self, series: Iterable[Steps], size: int) -> RowSum:
        """One sum over the rows of all groups: of a readout that they share. The states of one block are held.

        A group of which a site takes no part is left out: it would teach the shared readout that this site gives 0.

        Args:
            series: the training series.
            size: features of the readout.
        """
        total: RowSum = empty_sum(size, self.near.given)
        for inputs, targets in series:
            for seen, wanted in self._blocks(inputs, targets):
                if len(seen):
                    total = total.add(seen, wanted)
        return total

    def one_by_one(
        self, series: Sequence[Steps], size: int, solve: Callable[[RowSum], np.ndarray], workers: int | None = None
    ) -> np.ndarray:
        """What `solve` makes of the sum of each group, side by side; as many sums are held as there are threads.

        Args:
            series: the training series.
            size: features of a readout.
            solve: coefficients from a sum.
            workers: threads, at most; None for all that this process may use.
        """
        counters = [Saturation() for _ in self.near.sees]

        def one(group: int) -> np.ndarray:
            total: RowSum = empty_sum(size, self.near.given)
            for inputs, targets in series:
                alone = self.near.alone(group)
                x, z = alone.see(inputs)[:, 0], alone.own(targets)[:, 0]
                total, _ = self._single(group, counters[group]).add(total, x, z, range(len(x)), None)
            return solve(total)

        workers = min(threads() if workers is None else workers, len(counters))
        if workers == 1:
            found = [one(group) for group in range(len(counters))]
        else:
            with ThreadPoolExecutor(workers) as pool:
                found = list(pool.map(one, range(len(counters))))
        for counter in counters:
            self.saturation.states += counter.states
            self.saturation.full += counter.full
        return np.stack(found)

    def _single(self, group: int, counter: Saturation) -> Harvest:
        reservoir = self.reservoirs[group % len(self.reservoirs)]
        options = int(self.direct), self.increment, self.washout, self.readout_features
        return Harvest(reservoir, *options, self.pause, counter)

    def _blocks(self, inputs: np.ndarray, targets: np.ndarray) -> Iterable[Steps]:
        """What the shared readout sees and is to give, all groups one below the other, block of rows by block."""
        groups, reservoir = len(self.near.sees), self.reservoirs[0]
        height = int(np.clip(STATES // (groups * reservoir.units), 1, BLOCK))
        states = np.zeros((groups, reservoir.units), reservoir.dtype)
        room = np.empty((groups, height, reservoir.units), reservoir.dtype)
        for first in range(0, len(inputs), height):
            self.pause()
            rows = slice(first, min(first + height, len(inputs)))
            x, z = self.near.see(inputs[rows]), self.near.own(targets[rows])
            out = room if len(x) == height else None
            found = harvest_groups(self.reservoirs, states, x, out)
            states = found[:, -1].copy()
            self.saturation.count(found)
            z = z - x[..., : self.near.given] if self.increment else z
            told = self.near.complete & ~np.isnan(z.sum(axis=-1))
            told[: max(0, self.washout - first)] = False
            seen = observed(found.swapaxes(0, 1), x, self.readout_features, direct=self.direct)
            yield seen[told], z[told]
