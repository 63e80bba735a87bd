"""One resonance in a measured response: its frequency and its width."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from recurra.errors import DataError


@dataclass(frozen=True, eq=False)
class Resonance:
    """What a damped oscillator with this response would be, x'' + eta x' + w0^2 x = a F + b F'.

    Args:
        frequency: w0, per time unit.
        width: eta, per time unit: the full width at half of the largest power, where it is small.
        strength: a; of the velocity of an oscillator 0.
        slope: b; of the place of an oscillator 0.
        errors: standard errors of the four, from the misfit.
        misfit: root mean square of what is left, relative to the root mean square response.
    """

    frequency: float
    width: float
    strength: float
    slope: float
    errors: np.ndarray
    misfit: float

    @property
    def quality(self) -> float:
        """w0 / eta."""
        return self.frequency / self.width


def fit_resonance(frequencies: np.ndarray, values: np.ndarray) -> Resonance:
    r"""Fit one resonance to a complex response by least squares.

    .. math:: H(\omega) = \frac{a + i \omega b}{\omega_0^2 - \omega^2 + i \eta \omega}

    It starts from the linear problem that multiplication by the denominator makes of it.

    Args:
        frequencies: w, angular, per time unit (n,), n >= 3.
        values: H, complex (n,).

    Raises:
        DataError: too few frequencies, values that are not finite or all zero, or that no resonance resembles.

    Example:
        >>> w = np.linspace(0.2, 3.0, 30)
        >>> found = fit_resonance(w, 1 / (1 - w**2 + 0.4j * w))
        >>> round(found.frequency, 8), round(found.width, 8), round(found.strength, 8)
        (1.0, 0.4, 1.0)
    """
    w, H = np.asarray(frequencies, np.float64), np.asarray(values, complex)
    if w.ndim != 1 or w.shape != H.shape or len(w) < 3 or not np.isfinite(H).all() or not H.any():
        raise DataError(
            f"a resonance is fitted to at least 3 finite values that are not all zero, one for each frequency; got "
            f"shapes {w.shape} and {H.shape}"
        )
    # H w^2 = w0^2 H + eta (i w H) - a - b (i w), for real and imaginary parts
    columns = np.stack([H, 1j * w * H, -np.ones_like(H), -1j * w], axis=1)
    start = np.linalg.lstsq(_real(columns), _real(H * w**2), rcond=None)[0]

    def response(found: np.ndarray) -> np.ndarray:
        square, eta, a, b = found
        return (a + 1j * w * b) / (square - w**2 + 1j * eta * w)

    size = np.sqrt(np.mean(np.abs(H) ** 2))
    fit = least_squares(lambda found: _real(response(found) - H) / size, start, method="lm", xtol=1e-15, ftol=1e-15)
    square, eta, a, b = fit.x
    if not square > 0:
        raise DataError(f"no resonance resembles this response: w0^2 comes out as {square:.3g}. Take frequencies on it")
    w0, freedom = np.sqrt(square), max(1, 2 * len(w) - 4)
    covariance = np.linalg.pinv(fit.jac.T @ fit.jac) * (2 * fit.cost / freedom)
    errors = np.sqrt(np.diag(covariance)) / np.array([2 * w0, 1.0, 1.0, 1.0])
    return Resonance(float(w0), float(eta), float(a), float(b), errors, float(np.sqrt(2 * fit.cost / len(w))))


def _real(values: np.ndarray) -> np.ndarray:
    return np.concatenate([np.real(values), np.imag(values)])
