"""The sentence that a report ends with: how long anything can be forecast from data with this noise."""

import numpy as np

from recurra.report.formatting import number
from recurra.series import Series

_FEWEST = 50  # rows that tell the noise
_ROUNDING = float(np.finfo(np.float64).eps)


def limit(series: Series, exponent: float | None, whose: str, *, is_map: bool = False) -> str:
    """How long a forecast of these data can stay near the truth, whatever the model.

    Args:
        series: the data; the longest of their unbroken rows tell the noise.
        exponent: the largest Lyapunov exponent per time unit; None where it is not known.
        whose: what it is the exponent of.
        is_map: whether the rows are those of a map, from which noise cannot be told: what is left is rounding.
    """
    from recurra.diagnostics.predictability import predictability

    if exponent is None or not np.isfinite(exponent):
        return "How long the data can be forecast is not known: there is no exponent that could be trusted."
    noise, said = (_ROUNDING, "rounding alone") if is_map else _noise(series)
    found = predictability(noise, exponent)
    by = f"The largest exponent, {number(exponent)} per time unit, is that of {whose}; the noise is {said}."
    return f"{found.words} {by}"


def _noise(series: Series) -> tuple[float, str]:
    """Noise of the whole, as a share of the standard deviation, and how it is known."""
    from recurra.diagnostics.predictability import noise_level

    rows = max(series.segments, key=len)
    if len(rows) < _FEWEST or not np.isfinite(rows.values).all() or not rows.observed.all():
        return _ROUNDING, "not known, so that this is the limit by rounding alone"
    level = float(np.sqrt((noise_level(rows) ** 2).mean()))
    return max(level, _ROUNDING), "estimated from the rows, where motion as fast as the sampling counts as noise"
