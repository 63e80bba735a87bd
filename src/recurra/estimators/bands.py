"""Bands around a forecast that cover what they claim: split conformal prediction, by step and by channel."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.errors import ConfigError, DataError
from recurra.estimators.base import Estimator
from recurra.series import Series


@dataclass(frozen=True, eq=False)
class Bands:
    r"""Half widths of bands, from the errors that a model made on series that it was not trained on.

    .. math:: q_{kc} = \text{the } \lceil (n + 1) \, \mathrm{level} \rceil \text{-th smallest of } |y - \hat y|_{kc}
        \text{ over } n \text{ series}

    Of a new series the value at step k in channel c lies within q of its forecast with a probability of at least
    `level`, and of at most level + 1 / (n + 1) where no two errors are equal, whatever the model is and however its
    errors are distributed. What that rests on: the new series and those of the calibration are exchangeable, such as
    tracks drawn in the same way, and the model has seen none of them. It is a statement over many series, one step and
    one channel at a time: not that the whole path stays in the band, and nothing about a series of another kind, or a
    later part of one series whose nature changes.

    Args:
        half_width: q (steps, channels), in the units of the data.
        level: what the band is to cover.
        count: n, series in the calibration.

    Reference: V. Vovk, A. Gammerman, G. Shafer, Algorithmic learning in a random world, Springer 2005; J. Lei et al.,
    Distribution-free predictive inference for regression, J. Amer. Stat. Assoc. 113 (2018) 1094-1111.
    """

    half_width: np.ndarray
    level: float
    count: int

    @staticmethod
    def calibrate(truth: Any, forecast: Any, level: float = 0.9) -> "Bands":
        """Bands from forecasts of series that were held out, and what came.

        Args:
            truth, forecast: (series, steps, channels).
            level: share that the band is to cover, in (0, 1).

        Raises:
            ConfigError: a level that cannot be.
            DataError: shapes that differ, values that are not finite, too few series for the level.

        >>> errors = np.arange(1.0, 20.0)[:, None, None]
        >>> Bands.calibrate(errors, np.zeros_like(errors), level=0.9).half_width
        array([[18.]])
        """
        if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
            raise ConfigError(f"`level` is the share that the band covers, between 0 and 1, got {level!r}")
        errors = np.abs(_paths(truth, "truth") - _like(forecast, truth))
        rank = ceil((len(errors) + 1) * level - 1e-9)  # 0.9 is a little more than nine tenths
        if rank > len(errors):
            raise DataError(
                f"a band of {level:g} takes the error of rank {rank} of those of {len(errors)} series: calibrate on at "
                f"least {ceil(level / (1 - level) - 1e-9)} series, or take a lower `level`"
            )
        return Bands(np.sort(errors, axis=0)[rank - 1], float(level), len(errors))

    @staticmethod
    def of(model: Estimator, series: Sequence[Series], steps: int, known: int, level: float = 0.9) -> "Bands":
        """Bands of a fitted model, from its closed-loop forecasts of series that it was not trained on.

        Args:
            model: a fitted estimator.
            series: the calibration series, each of at least `known` + `steps` rows.
            steps: of each forecast.
            known: rows of each series that come before the forecast.
            level: as of `calibrate`.

        Raises:
            ConfigError: rows that were trained on: their errors are too small, and so would the bands be.
            DataError: series that are too short, and as of `calibrate`.
        """
        for name, value in (("steps", steps), ("known", known)):
            if not whole_number(value) or value < 1:
                raise ConfigError(f"`{name}` must be a whole number of at least 1, got {value!r}")
        short = [index for index, part in enumerate(series) if len(part) < known + steps]
        if short or not series:
            raise DataError(
                f"{len(short)} of {len(series)} calibration series have fewer than {known} + {steps} rows"
                + (f", the first is series {short[0] + 1}" if short else "")
            )
        ahead = [part[known : known + steps] for part in series]
        forecasts = [
            model.forecast(steps, part[:known], later.inputs) for part, later in zip(series, ahead, strict=True)
        ]
        for part in series:
            model.refuse_trained(part, "the calibration series")
        return Bands.calibrate([part.values for part in ahead], [f.values for f in forecasts], level)

    def around(self, forecast: Series) -> tuple[Series, Series]:
        """The lower and the upper edge around a forecast of at most as many steps."""
        width = self.half_width[: len(forecast)]
        if width.shape != forecast.values.shape:
            raise DataError(
                f"the bands are for {self.half_width.shape[0]} steps of {self.half_width.shape[1]} channels, the "
                f"forecast has {len(forecast)} of {len(forecast.channels)}"
            )
        low, high = (
            Series(
                forecast.values + sign * width,
                dt=forecast.dt,
                times=forecast.times,
                channels=forecast.channels,
                units=forecast.units,
            )
            for sign in (-1, 1)
        )
        return low, high

    def coverage(self, truth: Any, forecast: Any) -> np.ndarray:
        """The share of other series within the band, (steps, channels); arrays as of `calibrate`."""
        errors = np.abs(_paths(truth, "truth") - _like(forecast, truth))
        width = self.half_width[: errors.shape[1]]
        if width.shape != errors.shape[1:]:
            raise DataError(
                f"the bands are for {self.half_width.shape} (steps, channels), the series {errors.shape[1:]}"
            )
        return np.mean(errors <= width, axis=0)


def _paths(given: Any, what: str) -> np.ndarray:
    found = np.asarray(given, dtype=np.float64)
    if found.ndim != 3 or not found.size:
        raise DataError(f"`{what}` must be an array (series, steps, channels), got the shape {found.shape}")
    if not np.isfinite(found).all():
        raise DataError(f"`{what}` has {np.count_nonzero(~np.isfinite(found))} values that are not finite")
    return found


def _like(forecast: Any, truth: Any) -> np.ndarray:
    found, shape = _paths(forecast, "forecast"), np.shape(truth)
    if found.shape != shape:
        raise DataError(f"`forecast` has the shape {found.shape} and `truth` {shape}")
    return found
