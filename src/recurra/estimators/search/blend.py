"""Which of the trials make the forecast together: the best one, the median of the best, or their weighted median."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recurra.estimators.members import follow
from recurra.estimators.search.trial import Trial, refuse_failures
from recurra.forecasting import Origins, closed_loop_errors, horizon_score

SIZES = (1, 3, 5, 10)  # of the sets of best trials that are compared
WITHIN = 8.0  # times the best score: trials beyond are in no blend
ALIKE = 1.5  # times the lowest score of a blend: one of more members that is no worse is taken


@dataclass(frozen=True, eq=False)
class Blend:
    """Trials that forecast together.

    Args:
        trials: the best first.
        weights: of each in the median.
        score: `horizon_score` of the joint forecasts over the held-out rows.
    """

    trials: tuple[Trial, ...]
    weights: tuple[float, ...]
    score: float

    @staticmethod
    def of(trials: Sequence[Trial], weights: Sequence[float], origins: Origins) -> "Blend":
        """What these trials forecast together from the origins, as of `recurra.estimators.members.follow`."""
        forecasts, _ = follow(np.stack([trial.forecasts for trial in trials]), np.array(weights))
        score = float(horizon_score(closed_loop_errors(forecasts, origins.truth)))
        return Blend(tuple(trials), tuple(weights), score)


def choose_blend(trials: Sequence[Trial], origins: Origins, most: int = SIZES[-1]) -> Blend:
    """The blend whose forecasts of the held-out rows are best; of those that are nearly as good the largest.

    Compared are the best trial alone, and the 3, 5 and 10 best with equal weights and with the weights 1 / score^2. The
    trials were themselves chosen on these rows, so that the best one alone looks better than it is: on 33 series of
    chaotic systems, one channel of each, it had twice the error of the ten best together.

    Args:
        trials: all that were made.
        origins: the closed loops that scored them.
        most: how many may forecast together.

    Raises:
        ConfigError, DataError, DivergenceError: all of them failed, as the first one did.
    """
    refuse_failures(trials)
    ranked = sorted((trial for trial in trials if not trial.failure), key=lambda trial: trial.score)
    near = [trial for trial in ranked if trial.score <= WITHIN * ranked[0].score]
    found = []
    for size in (size for size in SIZES if size <= most):
        best = near[:size]
        found.append(Blend.of(best, [1.0] * len(best), origins))
        found.append(Blend.of(best, [max(trial.score, 1e-9) ** -2.0 for trial in best], origins))
    lowest = min(blend.score for blend in found)
    alike = [blend for blend in found if blend.score <= ALIKE * lowest]
    return min(alike, key=lambda blend: (-len(blend.trials), blend.score))
