"""The warning of a reservoir whose units are at the ends of their tanh."""

from collections.abc import Callable
from typing import Any

SATURATED = 0.5  # share of states at the ends of the tanh from which on a warning is due


def warn_of_saturation(model: Any, share: float, warn: Callable[[str], None]) -> None:
    """Tell of it where it is due.

    Args:
        model: an estimator with a reservoir.
        share: of the states beyond 0.99.
        warn: who is told.
    """
    if share > SATURATED:
        plasticity = ", or switch `plasticity` on" if hasattr(model, "plasticity") else ""
        warn(
            f"the reservoir is saturated: {share:.0%} of its states are beyond 0.99, at the ends of the tanh, "
            f"where units tell inputs apart no more. Lower `input_scaling` (now {model.input_scaling:g}), "
            f"`bias_scaling` ({model.bias_scaling:g}) or `spectral_radius` ({model.spectral_radius:g}){plasticity}"
        )
