"""The search for settings: what is tried, in which order, and which of the trials make the forecast together."""

from recurra.estimators.search.blend import Blend, choose_blend
from recurra.estimators.search.hunt import Hunt
from recurra.estimators.search.spaces import SEARCHED, Rows, candidates
from recurra.estimators.search.trial import Trial

__all__ = ["SEARCHED", "Blend", "Hunt", "Rows", "Trial", "candidates", "choose_blend"]
