"""What chooses among readouts of one reservoir: their closed loops over rows that are held out."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from recurra.estimators.training_set import Scaled, TrainingSet, validation_origins
from recurra.forecasting import Origins, stack_scores
from recurra.reservoirs import EchoState, RidgePath
from recurra.reservoirs.readout import BandPath

DECADES = range(-34, 0, 2)  # exponents of the ridges tried first; then the two beside the best of them
HORIZON = 300  # steps of a validation forecast where none is given


@dataclasses.dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out origins, with the states that one reservoir has there.

    Args:
        network: the reservoir, with any readout.
        warm: its states at the origins.
        origins: what is forecast.
        pause: called before every batch of closed loops; may raise, to stop.
    """

    network: EchoState
    warm: np.ndarray
    origins: Origins
    pause: Callable[[], None]

    @staticmethod
    def of(
        network: EchoState, held: list[Scaled], training: TrainingSet, *, warmup: int, horizon: int | None, count: int
    ) -> "HeldOut":
        """Warm the reservoir up at about `count` origins, spread evenly over the held-out series."""
        origins = validation_origins(held, warmup, horizon, HORIZON, count)
        warm = network.warm(network.initial_state(len(origins)), origins.warm)
        return HeldOut(dataclasses.replace(network, known=training.known), warm, origins, training.pause)

    def scores(self, readouts: np.ndarray) -> list[float]:
        """`horizon_score` of each readout (count, channels, 1 + features), all closed loops in one batch."""
        self.pause()
        network = dataclasses.replace(self.network, coefficients=readouts)
        return stack_scores(network, len(readouts), self.warm, self.origins).tolist()

    def ridge(self, path: RidgePath | BandPath) -> tuple[float, list[dict[str, Any]]]:
        """The best power of ten for the ridge, and what was tried."""

        def scores(exponents: list[int]) -> dict[int, float]:
            found = self.scores(np.stack([path.solve(10.0**k) for k in exponents]))
            return dict(zip(exponents, found, strict=True))

        found = scores(list(DECADES))
        best = min(found, key=found.__getitem__)
        found |= scores([best - 1, best + 1])
        history = [{"ridge": 10.0**k, "validation": found[k]} for k in sorted(found)]
        return 10.0 ** min(sorted(found), key=found.__getitem__), history
