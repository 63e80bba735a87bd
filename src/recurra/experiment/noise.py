"""What a learner noticed of the noise in its rows, and what it did about it."""

from collections.abc import Mapping
from typing import Any


def noise_met(estimator: Any) -> dict[str, Any] | None:
    """The noise of each channel as a learner that looks for it found it, and the gain of its filter, 1 for none.

    Returns:
        {"relative": {channel: standard deviations}, "found": {channel: whether it was told from the motion}, "gain"};
        None of a learner that does not look.
    """
    level = getattr(estimator, "noise_", None)
    if level is None:
        return None
    names = estimator.frame_.channels
    return {
        "relative": {name: float(each) for name, each in zip(names, level.relative, strict=True)},
        "found": {name: bool(each) for name, each in zip(names, level.found, strict=True)},
        "gain": float(estimator.gain_),
    }


def noise_in_words(noise: Mapping[str, Any]) -> str:
    """A sentence or two for people.

    >>> noise_in_words({"relative": {"x": 0.0102}, "found": {"x": True}, "gain": 0.35})
    'White noise in the training rows, in standard deviations: x 0.01. The rows were filtered by forecasts (gain 0.35).'
    >>> noise_in_words({"relative": {"x": 1.2}, "found": {"x": False}, "gain": 1.0})
    'No noise can be told from the motion in the training rows. They were learnt as they are.'
    """
    levels = ", ".join(f"{name} {noise['relative'][name]:.2g}" for name, found in noise["found"].items() if found)
    said = f"White noise in the training rows, in standard deviations: {levels}." if levels else ""
    if noise["gain"] < 1:
        return f"{said} The rows were filtered by forecasts (gain {noise['gain']:.2g})."
    before = said or "No noise can be told from the motion in the training rows."
    return f"{before} They were learnt as they are."
