"""Which of the trials make the forecast together: the best one, the median of the best, or their weighted median."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recurra.estimators.members import weighted_median
from recurra.estimators.search.trial import Trial
from recurra.forecasting import Origins, closed_loop_errors, horizon_score

SIZES = (1, 3, 5, 10)  # of the sets of best trials that are compared
WITHIN = 8.0  # times the best score: trials beyond are in no blend
ALIKE = 1.5  # times the lowest score of a blend: one of more members that is no worse is taken
BLENDS = {
    "best": (1,),
    "median": SIZES[1:],
    "weighted": SIZES[1:],
}


@dataclass(frozen=True, eq=False)
class Blend:
    """Trials that forecast together.

    Args:
        trials: the best first.
        weights: of each in the median.
        score: `horizon_score` of the joint forecasts over the held-out rows.
        forecasts: those (origins, steps, channels).
    """

    trials: tuple[Trial, ...]
    weights: tuple[float, ...]
    score: float
    forecasts: np.ndarray


def choose_blend(trials: Sequence[Trial], origins: Origins, kinds: Sequence[str] = tuple(BLENDS)) -> Blend:
    """The blend whose forecasts of the held-out rows are best; of those that are nearly as good the largest.

    The trials were themselves chosen on these rows, so that the best one alone looks better than it is: on 33 series of
    chaotic systems, one channel of each, it had twice the error of the ten best together.

    Args:
        trials: all that were made, of which one at least has forecasts.
        origins: the closed loops that scored them.
        kinds: "best", the best trial alone; "median", of the 3, 5 or 10 best; "weighted", the same with the weight
            1 / score^2.
    """
    ranked = sorted((trial for trial in trials if not trial.failure), key=lambda trial: trial.score)
    near = [trial for trial in ranked if trial.score <= WITHIN * ranked[0].score]
    found = []
    for kind in kinds:
        for size in BLENDS[kind]:
            best = near[:size]
            weights = [max(trial.score, 1e-9) ** -2.0 if kind == "weighted" else 1.0 for trial in best]
            forecasts = weighted_median(np.stack([trial.forecasts for trial in best]), np.array(weights))
            score = float(horizon_score(closed_loop_errors(forecasts, origins.truth)))
            found.append(Blend(tuple(best), tuple(weights), score, forecasts))
    lowest = min(blend.score for blend in found)
    alike = [blend for blend in found if blend.score <= ALIKE * lowest]
    return min(alike, key=lambda blend: (-len(blend.trials), blend.score))
