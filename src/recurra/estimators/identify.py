"""Identification: the parameters of known equations from a measured trajectory, with their errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import numpy as np
from scipy import special

from recurra.cells.euler import STEPS
from recurra.data import as_series
from recurra.data.check import check_finite
from recurra.errors import ConfigError, DataError, unknown
from recurra.estimators.shooting import Windows, flow_of, misfits, seen_by, step_ends, window_ends
from recurra.series import Series
from recurra.training.least_squares import Fitted, least_squares, residuals_of


@dataclass(frozen=True, eq=False)
class Identified:
    """What `identify` found.

    Args:
        estimates: values by name; arrays where a cell has arrays.
        standard_errors: of each, the square root of the diagonal of sigma^2 (J^T J)^-1.
        intervals: (low, high) of each: 95 of 100 such intervals hold the true value, by Student's distribution.
        residuals: Series of fit minus measurement, masked where nothing was measured.
        starts: the state at the beginning of every window (windows, state).
        first_rows: the row at which every window begins.
        free_running: root mean square of the residuals of the fit run through its windows, per channel.
        one_step: the same of one step from every observed row, the next one also observed (teacher-forced).
        errors: sigma of each channel: as given (of one value each, the smallest), or estimated.
        chi_square: sum of squared residuals in units of the given errors; None where none were given.
        degrees_of_freedom: measured values less what was fitted.
        converged: whether the least squares did.
    """

    estimates: dict[str, Any]
    standard_errors: dict[str, Any]
    intervals: dict[str, tuple[Any, Any]]
    residuals: Series
    starts: np.ndarray
    first_rows: np.ndarray
    free_running: dict[str, float]
    one_step: dict[str, float]
    errors: dict[str, float]
    chi_square: float | None
    degrees_of_freedom: int
    converged: bool


def identify(
    model: Any,
    series: Any,
    parameters: Sequence[str] | None = None,
    *,
    method: str = "rk4",
    window: float | None = None,
    teacher_forced: bool = False,
    errors: Any = None,
    evaluations: int = 100,
) -> Identified:
    r"""Fit the parameters of a differential equation to a trajectory, by multiple shooting.

    .. math:: \min_{\theta, y_1 \ldots y_m} \sum_{k, t, c}
        \left(\frac{\hat y_{t, c}(\theta, y_k) - y_{t, c}}{\sigma_c}\right)^2

    The rows are cut into windows. In each the equations run freely from a start y_k of its own, which is fitted too:
    with windows of about two Lyapunov times the minimum can be found where the trajectory is chaotic.

    Args:
        model: a system that is a vector field, its parameters the starting values; a force acts as the system has it
            (for a measured one, `recurra.systems.Sampled`). Or an `EulerCell`, whose state is the channels and whose
            x is the row of the series' inputs at the beginning of each step.
        series: the trajectory; its channels are some of those of the system, or all the state of a cell.
        parameters: names of those to fit; of a cell None for all its arrays.
        method: "euler", "heun" or "rk4", one step a row; a cell has its own.
        window: length of a window in time units; None for as long as the data have no break.
        teacher_forced: begin each step at the observed row instead: one step ahead, no starts to fit. Noise is then in
            the input too and shared by successive residuals: estimates are biased, their errors not to be trusted.
        errors: sigma of the measurement of each channel, by name or in their order, or of each value (time, channels).
            None: in proportion to the channels' standard deviations, the common factor estimated from the residuals.
        evaluations: most runs through the windows.

    Returns:
        Estimates, errors and residuals.

    Raises:
        ConfigError: no vector field, an unknown parameter or method, a window shorter than two rows.
        DataError: channels that are not the system's, or fewer values than there are numbers to fit.

    Example:
        >>> from recurra.systems import DampedOscillator
        >>> series = DampedOscillator(damping=0.4).simulate(steps=200, dt=0.1, initial=[1.0, 0.0])
        >>> found = identify(DampedOscillator(damping=0.5), series, ["damping"])
        >>> round(found.estimates["damping"], 4)
        0.4

    Reference: H. G. Bock, Recent advances in parameter identification techniques for ODE (1983); K. Schittkowski,
    Numerical data fitting in dynamical systems (2002).
    """
    series = as_series(series)
    check_finite(series)
    if method not in STEPS:
        raise ConfigError(unknown("method", method, STEPS))
    if window is not None and not window >= 2 * series.dt:
        raise ConfigError(f"`window` is {window:g}: it spans at least two steps, {2 * series.dt:g} time units")
    theta, flow = flow_of(model, parameters, method, series.dt)
    seen, sigma = seen_by(model, series), _sigma(series, errors)
    ends = window_ends(series, None if window is None else round(window / series.dt))
    windows = Windows.of(series, ends, sigma, seen, flow.size)
    steps = Windows.of(series, step_ends(series), sigma, seen, flow.size).teacher_forced()
    used = steps if teacher_forced else windows
    if teacher_forced and len(seen) < flow.size:
        raise DataError("teacher-forced steps begin at the observed state, and some of it was not observed")
    free = (theta, None if teacher_forced else windows.starts)
    count = sum(leaf.size for leaf in jax.tree.leaves(eqx.filter(free, eqx.is_array)))
    degrees = int((used.weights > 0).sum()) - count
    if degrees < 1:
        raise DataError(
            f"{degrees + count} measured values cannot determine {count} numbers: longer windows, or more rows"
        )
    if not teacher_forced and len(seen) == flow.size and steps.weights.any():
        free = _nearer(free, flow, windows, steps, evaluations)
    fitted = least_squares(misfits, free, (flow, used), evaluations=evaluations)
    return _identified(series, fitted, flow, (windows, steps), errors is not None, degrees)


def _nearer(free: tuple[Any, Any], flow: Any, windows: Windows, steps: Windows, evaluations: int) -> tuple[Any, Any]:
    """Where single steps, which know no chaos, lead from a guess; the guess itself where it fits the windows better."""
    stepped = least_squares(misfits, (free[0], None), (flow, steps), evaluations=evaluations).weights[0], free[1]
    costs = [np.sum(residuals_of(misfits, start, (flow, windows)) ** 2) for start in (free, stepped)]
    return stepped if costs[1] < costs[0] else free


def _identified(
    series: Series, fitted: Fitted, flow: Any, cuts: tuple[Windows, Windows], given: bool, degrees: int
) -> Identified:
    """Estimates with their errors, and the residuals of the windows and of single steps."""
    windows, steps = cuts
    theta, starts = fitted.weights
    variance = 1.0 if given else 2 * fitted.cost / degrees
    leaves, structure = jax.tree.flatten(theta)
    spread = np.sqrt(np.diag(fitted.covariance(variance)))[: sum(leaf.size for leaf in leaves)]
    parts = np.split(spread, np.cumsum([leaf.size for leaf in leaves])[:-1])
    spreads = jax.tree.unflatten(structure, [p.reshape(leaf.shape) for p, leaf in zip(parts, leaves, strict=True)])
    estimates, deviations = _named(theta), _named(spreads)
    t = float(special.stdtrit(degrees, 0.975))
    starts = windows.starts if starts is None else starts
    residuals = _residuals((theta, starts), flow, windows)
    rows, channels = np.full(series.values.shape, np.nan), series.channels
    for first, part, weights in zip(windows.first, residuals, windows.weights, strict=True):
        inside = rows[first : first + len(part)]
        there = weights[: len(inside)] > 0
        inside[there] = part[: len(inside)][there]
    scale = np.sqrt(variance) / np.max(windows.weights, axis=(0, 1))
    whole = len(windows.seen) == flow.size and steps.weights.any()
    one_step = _residuals((theta, None), flow, steps) if whole else None
    return Identified(
        estimates,
        deviations,
        {name: (at - t * deviations[name], at + t * deviations[name]) for name, at in estimates.items()},
        Series(rows, dt=series.dt, times=series.times, channels=channels, units=series.units, mask=~np.isnan(rows)),
        starts,
        windows.first,
        dict(zip(channels, _rms(residuals, windows.weights), strict=True)),
        {} if one_step is None else dict(zip(channels, _rms(one_step, steps.weights), strict=True)),
        dict(zip(channels, scale.tolist(), strict=True)),
        2 * fitted.cost if given else None,
        degrees,
        fitted.converged,
    )


def _sigma(series: Series, errors: Any) -> np.ndarray:
    """Sigma of every value (time, channels), or what it is in proportion to."""
    if len(series) < 2 or not series.observed.any(axis=0).all():
        raise DataError("an identification needs two rows or more, and a measured value in every channel")
    if errors is None:
        sigma: Any = np.nanstd(np.where(series.observed, series.values, np.nan), axis=0)
    elif isinstance(errors, Mapping):
        if set(errors) != set(series.channels):
            raise ConfigError(f"`errors` is for {sorted(errors)}, and the channels are {list(series.channels)}")
        sigma = [errors[name] for name in series.channels]
    else:
        sigma = errors
    try:
        table = np.broadcast_to(np.asarray(sigma, np.float64), series.values.shape)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"`errors` must be one for each channel, or for each value: {error}") from error
    if not (np.isfinite(table) & (table > 0)).all():
        raise ConfigError("errors must be positive and finite; without `errors`, no channel may be constant")
    return table


def _residuals(free: Any, flow: Any, windows: Windows) -> np.ndarray:
    """State minus target (windows, rows, seen), in the units of the data; 0 where there is no target."""
    weights = windows.weights
    found = residuals_of(misfits, free, (flow, windows)).reshape(weights.shape)
    return np.divide(found, weights, out=np.zeros_like(found), where=weights > 0)


def _rms(residuals: np.ndarray, weights: np.ndarray) -> list[float]:
    counted = weights > 0
    return np.sqrt(np.sum(np.where(counted, residuals, 0.0) ** 2, axis=(0, 1)) / counted.sum(axis=(0, 1))).tolist()


def _named(tree: Any) -> dict[str, Any]:
    """Arrays by their place in the tree; single numbers as such."""
    paths = jax.tree_util.tree_flatten_with_path(tree)[0]
    named = {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in paths}
    return {name: float(leaf) if np.ndim(leaf) == 0 else leaf for name, leaf in named.items()}
