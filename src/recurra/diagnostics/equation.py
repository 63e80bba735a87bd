"""The equation behind a series, or behind what a network does: sparse regression of derivatives on monomials."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.weak_form import significant_least_squares, weak_rows
from recurra.errors import ConfigError, DataError, NotFittedError
from recurra.series import Series

_CENTRAL = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])  # of the eighth order, for rows 1, 2, 3, 4 away
_ROUNDS = 20


@dataclass(frozen=True, eq=False)
class Equation:
    """A differential equation that is linear in its coefficients.

    Args:
        channels: whose derivatives it gives.
        terms: the names of the monomials.
        coefficients: (terms, channels), zero where a term was left out; in the units of the data and time.
        errors: standard errors of them, from the residuals as if these were alike and, but for overlapping windows,
            independent; zero where a term was left out.
        misfit: root mean square of what is left of every derivative, relative to that of the derivative (channels,).
    """

    channels: tuple[str, ...]
    terms: tuple[str, ...]
    coefficients: np.ndarray
    errors: np.ndarray
    misfit: np.ndarray

    def coefficient(self, channel: str, term: str) -> float:
        """Of one term in the derivative of one channel."""
        return float(self.coefficients[self.terms.index(term), self.channels.index(channel)])

    def __str__(self) -> str:
        lines = []
        for name, column in zip(self.channels, self.coefficients.T, strict=True):
            kept = [(c, term) for c, term in zip(column, self.terms, strict=True) if c]
            parts = [f"{'-' if c < 0 else '+'} {abs(c):.5g}{'' if term == '1' else ' ' + term}" for c, term in kept]
            lines.append(f"{name}' = " + (" ".join(parts).removeprefix("+ ") or "0"))
        return "\n".join(lines)


def sparse_regression(
    series_or_model: Any,
    *,
    degree: int = 2,
    threshold: float = 0.01,
    window: int | None = None,
    steps: int = 10_000,
    inputs: Any = None,
) -> Equation:
    r"""Find the few monomials that make the derivatives, by least squares and the removal of small terms in turns.

    .. math:: \dot y_i = \sum_k \xi_{ik} \prod_j y_j^{p_{kj}}, \qquad
        |\xi_{ik}| \, \mathrm{rms}(\theta_k) < \epsilon \, \mathrm{rms}(\dot y_i) \;\Rightarrow\; \xi_{ik} = 0

    A term counts by what it contributes to the derivative, so that the threshold has no units. Derivatives are central
    differences of the eighth order, for rows that lie close and have no noise: of a simulation, or of a network, which
    makes none. Noise of size s in the rows is one of about s / dt in them.

    With a `window`, both sides are averaged over windows of so many rows instead, the derivative by parts, and a term
    has to be three standard errors from zero too. Of eight draws of noise on 5,000 rows of Lorenz-63 at 0.01 windows of
    30 rows gave the seven terms and no other eight times, with 1 % of noise to 1.3 % or better, with 3 % to 3.3 %. With
    10 % they fail three times in eight: noise in the terms themselves then pulls the coefficients towards zero.

    Args:
        series_or_model: a series, or a fitted forecaster: the equation is then that of the network, along its own
            output, and not that of the data. Inputs of a series are variables of the monomials too.
        degree: the largest degree of a monomial.
        threshold: epsilon.
        window: rows of a window, for rows with noise: long beside the step, short beside the fastest turn, such as a
            third of it; None for differences from row to row.
        steps: of a model: how many rows it runs on its own output.
        inputs: of a model that is driven: its drive in these rows, as `forecast` takes it.

    Raises:
        ConfigError: arguments that cannot be.
        DataError: too few rows, or values that are not finite.

    Example:
        >>> t = 0.05 * np.arange(400)
        >>> rows = np.exp(-0.1 * t)[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1)
        >>> print(sparse_regression(Series(rows, dt=0.05, channels=["x", "y"])))
        x' = - 0.1 x - 1 y
        y' = 1 x - 0.1 y

    Reference: S. L. Brunton, J. L. Proctor, J. N. Kutz, PNAS 113 (2016) 3932-3937.
    """
    check_whole(1, degree=degree)
    if not (np.isfinite(threshold) and 0 <= threshold < 1):
        raise ConfigError(f"`threshold` is a share of the derivative, 0 <= threshold < 1, got {threshold!r}")
    series = _series(series_or_model, steps, inputs)
    drive = () if series.inputs is None else series.inputs.channels
    powers = [
        p for n in range(degree + 1) for p in combinations_with_replacement(range(len(series.channels + drive)), n)
    ]
    if window is not None:
        check_whole(8, window=window)
    tables, slopes = [], []
    for part in series.segments:
        if len(part) > (2 * len(_CENTRAL) if window is None else window):
            table, slope = _sides(part, powers, series.dt, window)
            tables.append(table)
            slopes.append(slope)
    rows = sum(map(len, tables))
    if rows <= len(powers):
        raise DataError(
            f"{rows} derivatives are too few for {len(powers)} terms: give more rows, or a smaller `degree` or `window`"
        )
    library, derivative = np.concatenate(tables), np.concatenate(slopes)
    if not (np.isfinite(library).all() and np.isfinite(derivative).all()):
        raise DataError("the rows, or their products, are not finite: an equation is not found across missing values")
    solve = sparse_least_squares if window is None else significant_least_squares
    found = [solve(library, slope, threshold) for slope in derivative.T]
    coefficients, errors, misfit = (np.stack(each, axis=-1) for each in zip(*found, strict=True))
    names = tuple(_name(power, series.channels + drive) for power in powers)
    return Equation(series.channels, names, coefficients, errors, misfit)


def _sides(
    part: Series, powers: Sequence[tuple[int, ...]], dt: float, window: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """The terms and the derivatives, of rows or of windows."""
    values = part.values if part.inputs is None else np.hstack([part.values, part.inputs.values])
    if window is None:
        return _monomials(values[len(_CENTRAL) : -len(_CENTRAL)], powers), _derivative(part.values, dt)
    return weak_rows(_monomials(values, powers), part.values, dt, window // 2)


def _series(given: Any, steps: int, inputs: Any) -> Series:
    if isinstance(given, Series):
        return given
    if not hasattr(given, "forecast"):
        raise ConfigError(f"an equation is found for a Series or a fitted forecaster, not a {type(given).__name__}")
    if not hasattr(given, "network_"):
        raise NotFittedError(f"this {type(given).__name__} is not fitted yet: call `fit(data)` first")
    return given.forecast(steps, inputs=inputs)


def _derivative(values: np.ndarray, dt: float) -> np.ndarray:
    """Of all rows but the four at either end."""
    reach, rows = len(_CENTRAL), len(values)
    pairs = [values[reach + k : rows - reach + k] - values[reach - k : rows - reach - k] for k in range(1, reach + 1)]
    return np.tensordot(_CENTRAL, np.stack(pairs), 1) / dt


def _monomials(values: np.ndarray, powers: Sequence[tuple[int, ...]]) -> np.ndarray:
    return np.stack([np.prod(values[:, list(power)], axis=1) for power in powers], axis=1)


def _name(power: tuple[int, ...], names: tuple[str, ...]) -> str:
    counts = {names[k]: power.count(k) for k in power}
    return " ".join(name if count == 1 else f"{name}^{count}" for name, count in counts.items()) or "1"


def sparse_least_squares(
    library: np.ndarray, slope: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least squares with the removal of small terms in turns.

    Args:
        library: the terms (rows, terms).
        slope: the derivative (rows,).
        threshold: the least share of the root mean square derivative that a term contributes.

    Returns:
        Coefficients (terms,), their standard errors (terms,), and the relative misfit.
    """
    size = np.sqrt(np.mean(library**2, axis=0))
    target = np.sqrt(np.mean(slope**2))
    kept = size > 0
    coefficients, errors = np.zeros(len(size)), np.zeros(len(size))
    for _ in range(_ROUNDS):
        scaled = library[:, kept] / size[kept]
        share = np.linalg.lstsq(scaled, slope, rcond=None)[0]
        large = np.abs(share) >= threshold * target
        if large.all() or not kept.any():
            break
        kept[np.flatnonzero(kept)[~large]] = False
    scaled = library[:, kept] / size[kept]
    share = np.linalg.lstsq(scaled, slope, rcond=None)[0]
    left = slope - scaled @ share
    variance = left @ left / (len(slope) - kept.sum())
    coefficients[kept] = share / size[kept]
    errors[kept] = np.sqrt(np.diag(np.linalg.pinv(scaled.T @ scaled)) * variance) / size[kept]
    return coefficients, errors, np.sqrt(np.mean(left**2)) / (target if target > 0 else 1.0)
