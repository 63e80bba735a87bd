"""The search for settings: what is tried, in which order, and which of the trials make the forecast together."""

from recurra.estimators.search.blend import Blend, choose_blend
from recurra.estimators.search.calibration import calibration_errors, together
from recurra.estimators.search.ground import Ground
from recurra.estimators.search.hunt import Hunt
from recurra.estimators.search.past import with_past
from recurra.estimators.search.record import run_search
from recurra.estimators.search.spaces import SEARCHED, candidates
from recurra.estimators.search.trial import Trial

__all__ = [
    "SEARCHED",
    "Blend",
    "Ground",
    "Hunt",
    "Trial",
    "calibration_errors",
    "candidates",
    "choose_blend",
    "run_search",
    "together",
    "with_past",
]
