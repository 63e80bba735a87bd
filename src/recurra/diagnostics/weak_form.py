"""Differential equations without derivatives of the data: both sides averaged over windows of rows."""

import numpy as np

_POWER = 4  # of the test function: it and three derivatives vanish at the ends of a window
_SURE = 3.0  # standard errors


def weak_rows(library: np.ndarray, values: np.ndarray, dt: float, half: int) -> tuple[np.ndarray, np.ndarray]:
    r"""Averages of the terms and of the derivatives over windows that overlap by half.

    .. math:: \int \phi \, \theta_k(y) \, dt \quad \text{and} \quad
        \int \phi \, \dot y \, dt = -\int \dot\phi \, y \, dt, \qquad \phi(s) \propto (1 - s^2)^4, \quad -1 \le s \le 1

    by the trapezoidal rule, which is of high order for a function that vanishes smoothly at both ends. White noise of
    size s in the rows becomes one of about s / (h dt sqrt(h)) in the derivative, instead of s / dt.

    Args:
        library: theta (rows, terms).
        values: y (rows, channels).
        dt: step between the rows.
        half: h, rows of half a window.

    Returns:
        The two sides, (windows, terms) and (windows, channels).

    Reference: D. A. Messenger, D. M. Bortz, Multiscale Modeling and Simulation 19 (2021) 1474-1497.
    """
    s = np.arange(-half, half + 1) / half
    phi = (1 - s**2) ** _POWER
    slope = -2 * _POWER * s * (1 - s**2) ** (_POWER - 1) / (half * dt)
    weights = phi.sum()

    def averaged(table: np.ndarray, by: np.ndarray) -> np.ndarray:
        return np.lib.stride_tricks.sliding_window_view(table, 2 * half + 1, axis=0)[::half] @ by / weights

    return averaged(library, phi), averaged(values, -slope)


def significant_least_squares(
    library: np.ndarray, slope: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares with the removal, one after the other, of terms that are small or that noise explains.

    Args:
        library: averaged terms (windows, terms).
        slope: the averaged derivative (windows,).
        threshold: the least share of the root mean square derivative that a term contributes.

    Returns:
        Coefficients (terms,), their standard errors (terms,), and the relative misfit. A term is kept where it is three
        standard errors from zero or more.
    """
    size = np.sqrt(np.mean(library**2, axis=0))
    target = np.sqrt(np.mean(slope**2))
    kept = np.flatnonzero(size > 0)
    share, errors, left = _fit(library[:, kept] / size[kept], slope)
    while kept.size:
        # how many times what it needs to have, of the lesser of the two
        worth = np.minimum(np.abs(share) / max(threshold * target, 1e-300), np.abs(share) / (_SURE * errors + 1e-300))
        worst = int(np.argmin(worth))
        if worth[worst] >= 1:
            break
        kept = np.delete(kept, worst)
        share, errors, left = _fit(library[:, kept] / size[kept], slope)
    coefficients, spread = np.zeros(len(size)), np.zeros(len(size))
    coefficients[kept], spread[kept] = share / size[kept], errors / size[kept]
    return coefficients, spread, np.sqrt(np.mean(left**2)) / (target if target > 0 else 1.0)


def _fit(library: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients, standard errors and residuals, which are alike in windows that overlap, and only in these."""
    share = np.linalg.lstsq(library, slope, rcond=None)[0]
    left = slope - library @ share
    variance = left @ left / (len(slope) - len(share))
    alike = np.clip(left[1:] @ left[:-1] / max(left @ left, 1e-300), -0.5, 0.5)
    beside = library[1:].T @ library[:-1]
    inverse = np.linalg.pinv(library.T @ library)
    covariance = inverse @ (library.T @ library + alike * (beside + beside.T)) @ inverse
    return share, np.sqrt(np.maximum(np.diag(covariance), 0.0) * variance), left
