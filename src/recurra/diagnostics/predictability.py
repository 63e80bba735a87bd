"""How long a chaotic system can be forecast from a noisy measurement, whatever the model."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import comb

from recurra.diagnostics.tables import table
from recurra.errors import ConfigError

_ORDERS = range(2, 11)  # of the differences that are tried


@dataclass(frozen=True)
class Predictability:
    """The limit that noise sets to every forecast.

    Attributes:
        noise: sigma, of the measurement, relative to the standard deviation of the data.
        exponent: lambda, the largest Lyapunov exponent, per time unit.
        tolerance: the error up to which a forecast counts, in the same units as the noise.
        lyapunov_times: ln(tolerance / sigma), 0 where the noise is above the tolerance; infinity without noise.
        time: that divided by lambda; None where lambda is not positive and errors do not grow exponentially.
    """

    noise: float
    exponent: float
    tolerance: float
    lyapunov_times: float
    time: float | None

    @property
    def words(self) -> str:
        """The limit in one sentence."""
        if self.time is None:
            return (
                f"The largest exponent, {self.exponent:.3g}, is not positive: errors do not grow exponentially, and "
                "the noise sets no such limit."
            )
        if not np.isfinite(self.time):
            return "Without noise there is no such limit."
        return (
            f"With noise of {100 * self.noise:.3g} % no forecast stays within {self.tolerance:g} standard deviations "
            f"for longer than about {self.lyapunov_times:.2g} Lyapunov times, {self.time:.3g} time units."
        )


def predictability(noise: float, exponent: float, tolerance: float = 0.4) -> Predictability:
    r"""How long the error of a start that is known up to noise stays within a tolerance.

    .. math:: \sigma e^{\lambda t} = \epsilon, \qquad \lambda t = \ln \frac{\epsilon}{\sigma}

    A model that also filters the noise out of a long past starts closer, and can do better by the factor of the noise
    that it removes. Local exponents scatter: it is a limit on average, not of each forecast.

    Args:
        noise: sigma, as a share of the standard deviation of the data; of several channels that of the whole.
        exponent: lambda, the largest Lyapunov exponent, natural logarithm per time unit.
        tolerance: epsilon, as of `recurra.metrics.valid_prediction_time`.

    Raises:
        ConfigError: a negative noise, a tolerance that is not positive, a number that is not finite.

    Reference: E. N. Lorenz, Tellus 21 (1969) 289-307.

    Example:
        >>> limit = predictability(0.01, 0.9056)
        >>> round(limit.lyapunov_times, 2), round(limit.time, 2)
        (3.69, 4.07)
    """
    if not (np.isfinite(noise) and noise >= 0):
        raise ConfigError(f"`noise` must be a finite share of the standard deviation, 0 or more, got {noise!r}")
    if not np.isfinite(exponent):
        raise ConfigError(f"`exponent` must be finite, got {exponent!r}")
    if not (np.isfinite(tolerance) and tolerance > 0):
        raise ConfigError(f"`tolerance` must be positive and finite, got {tolerance!r}")
    times = max(0.0, float(np.log(tolerance / noise))) if noise > 0 else float("inf")
    limit = times / float(exponent) if exponent > 0 else None
    return Predictability(float(noise), float(exponent), float(tolerance), times, limit)


def noise_level(series: Any) -> np.ndarray:
    r"""Estimate the white measurement noise on each channel, as a share of its standard deviation.

    .. math:: \sigma^2 = \min_{2 \le p \le 10} \frac{\mathrm{mean}_t \, (\Delta^p y_t)^2}{\binom{2p}{p}}

    The difference of order p removes every polynomial of degree p - 1 from p + 1 successive rows, and leaves white
    noise with binom(2p, p) times its variance. So what is smooth from row to row goes away with growing p, and the
    noise stays. What is as fast as the sampling, a map or a flow with few rows a period, cannot be told from noise and
    counts as it.

    Args:
        series: Series or array (time, channels).

    Returns:
        sigma / standard deviation (channels,); 0 for a channel that does not vary.

    Raises:
        DataError: a value that is missing or not finite, a break, fewer than 50 rows.

    Reference: J. von Neumann, R. H. Kent, H. R. Bellinson, B. I. Hart, Annals of Mathematical Statistics 12 (1941)
    153-162, for p = 1.

    Example:
        >>> rng, wave = np.random.default_rng(0), np.sin(0.1 * np.arange(5000))
        >>> noise_level(wave + 0.07 * rng.normal(size=5000)).round(2).tolist(), bool(noise_level(wave)[0] < 1e-9)
        ([0.1], True)
    """
    values = table(series, fewest=50, unbroken=True)
    flat = np.ptp(values, axis=0) == 0
    scaled = (values - values.mean(axis=0)) / np.where(flat, 1.0, values.std(axis=0))
    found = [(np.diff(scaled, p, axis=0) ** 2).mean(axis=0) / comb(2 * p, p) for p in _ORDERS]
    return np.where(flat, 0.0, np.sqrt(np.min(found, axis=0)))
