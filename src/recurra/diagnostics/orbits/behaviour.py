"""The word for a motion: point attractor, limit cycle, quasi-periodic, chaotic or divergent, and the numbers behind."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from recurra.diagnostics.exponents import lyapunov_spectrum
from recurra.diagnostics.orbits.flat import in_float64, pack, trajectory, unpack
from recurra.diagnostics.orbits.periodicity import closure, fundamental, grows, zero_one
from recurra.diagnostics.step_maps import step_map
from recurra.errors import ConfigError, DataError
from recurra.series import Series

KINDS = ("point attractor", "limit cycle", "quasi-periodic", "chaotic", "divergent")
_ROWS = 4096  # of a trajectory that are looked at
_LEADING = 3  # exponents
_LOOKS = 4  # at a motion that is not the same all along the steps
_SURE = 4.0  # standard errors from zero
_TURNS = 10.0  # an exponent is not zero where it has multiplied distances by more than exp of this
_SMALL = 1e-6  # of the size of the motion: at rest, or closed
_PERIODIC = 0.01  # share of the variance that no harmonic explains
_FEWEST = 200  # rows of a series
_FITTED = 2048  # rows to which harmonics are fitted


@dataclass(frozen=True, eq=False)
class Behaviour:
    """What a motion is.

    Attributes:
        kind: "point attractor", "limit cycle", "quasi-periodic", "chaotic" or "divergent".
        numbers: what that rests on, as plain data: of a step map "exponents" with their "errors" (per time unit),
            "amplitude" (half of the widest range), and where they were asked for "period" (time units), "left_out"
            (share of the variance that no harmonic of that period explains), "K" (0-1 test).
        why: one sentence.
    """

    kind: str
    numbers: dict[str, Any]
    why: str


def behaviour(
    of: Any,
    start: Any = None,
    *,
    dt: float | None = None,
    steps: int = 20_000,
    transient: int = 5000,
    sampled: bool | None = None,
    seed: int = 0,
) -> Behaviour:
    """What a forecaster, a system, a step map or a series does in the long run.

    Of what can be stepped, the leading exponents decide: positive is chaos; negative is a point, or a cycle of a map
    where the state comes back after several steps; zero is a closed curve. On a limit cycle of a flow one exponent is
    zero, on a torus two. An exponent counts as zero within four of its standard errors, or where it would change
    distances by less than exp(10) in all of the steps: weaker chaos needs more `steps`. Where growth is not the
    same all along, as where chaos was a transient, it is looked at again from where the steps end, four times at most.
    A transient that goes on for longer passes for what it looks like.

    Of a series only what is recorded is known, and the answer is an estimate: harmonics of one period that explain 99 %
    of the variance make a limit cycle; else the 0-1 test of chaos decides. More than about 10 % of noise, fewer than
    some tens of turns, or a transient that is still going on mislead it. Noise without dynamics passes as chaos.

    Args:
        of: a fitted forecaster, on its own output; a system; a map, state -> state, in `jax.numpy`; or a `Series`, or
            an array (time,) or (time, channels).
        start: as of `lyapunov_spectrum`.
        dt: time units of one step or row; None for that of the rows, and for 1.
        steps: over which exponents are averaged.
        transient: steps before them.
        sampled: whether a step stands for continuous time, so that a closed curve is a limit cycle and not the
            invariant circle of a map. None: so it is for vector fields and forecasters.
        seed: of directions and starts.

    Raises:
        ConfigError: what has no step map.
        DataError: fewer than 200 rows, or rows that are not finite.

    Example:
        >>> behaviour(np.sin(0.1 * np.arange(1000))).kind
        'limit cycle'
    """
    if isinstance(of, Series | np.ndarray):
        return _of_rows(of, dt)
    known = hasattr(of, "fit") or hasattr(of, "field")
    sampled = known if sampled is None else sampled
    step, first, dt, _ = step_map(of, start, dt=dt, seed=seed)
    first = in_float64(first)
    seen = _seen(of, first)
    state, skip, looks = first, transient, 0
    while True:
        rows, looks = trajectory(step, state, _ROWS, skip=skip), looks + 1
        if grows(rows[:, seen]):
            return _divergent(rows[:, seen])
        last, count = unpack(rows[-1], first), min(_LEADING, rows.shape[1])
        found = lyapunov_spectrum(step, last, steps=steps, transient=200, dt=dt, count=count, seed=seed)
        if found.converged or looks == _LOOKS:
            break
        state, skip = found.last, 0  # the motion has changed on the way: look at what it has become
    size = max(np.abs(pack(first)[seen]).max(), np.abs(rows[:, seen]).max())
    rows = rows[:, seen]
    numbers: dict[str, Any] = {
        "exponents": found.exponents.tolist(),
        "errors": found.errors.tolist(),
        "amplitude": float(np.ptp(rows, axis=0).max() / 2),
    }
    zero = np.maximum(_SURE * np.nan_to_num(found.errors), _TURNS / found.time)
    return _decided(numbers, found.exponents, zero, rows, size, dt, sampled)


def _seen(of: Any, state: Any) -> np.ndarray:
    """The numbers of a state that make up the motion: all but the time that a driven system carries."""
    driven = hasattr(of, "field") and getattr(of, "drive", None) is not None
    leaves = jax.tree.leaves(state)
    return np.concatenate([np.full(np.size(leaf), not (driven and k == 0)) for k, leaf in enumerate(leaves)])


def _divergent(rows: np.ndarray) -> Behaviour:
    finite = bool(np.isfinite(rows).all())
    reach = float(np.abs(rows).max()) if finite else None
    why = f"the distance from its start goes on growing, to {reach:.3g}" if finite else "it leaves the finite numbers"
    return Behaviour("divergent", {"reach": reach}, why)


def _decided(
    numbers: dict[str, Any],
    exponents: np.ndarray,
    zero: np.ndarray,
    rows: np.ndarray,
    size: float,
    dt: float,
    sampled: bool,
) -> Behaviour:
    first = exponents[0]
    said = f"the largest exponent is {first:.3g} per time unit (up to {zero[0]:.2g} it would count as zero)"
    if numbers["amplitude"] <= _SMALL * size:
        return Behaviour("point attractor", numbers, f"the state comes to rest; {said}")
    if first > zero[0]:
        return Behaviour("chaotic", numbers, f"near states part: {said}, and the motion stays bounded")
    back = closure(rows, _SMALL * numbers["amplitude"])  # a motion that dies out comes back to less and less
    if back is not None:
        numbers |= {"period": back * dt}
        return Behaviour("limit cycle", numbers, f"the state comes back after {back} steps; {said}")
    if first < -zero[0]:
        return Behaviour("point attractor", numbers, f"near states meet, and the motion dies out: {said}")
    zeros = int((np.abs(exponents) <= zero).sum())
    period, left = fundamental(_mixed(rows)[:_FITTED], _PERIODIC)
    numbers |= {"period": period * dt, "left_out": left}
    if sampled and (zeros == 1 or left <= _PERIODIC):
        return Behaviour("limit cycle", numbers, f"one closed curve, with the period {period * dt:.6g}: {said}")
    what = f"{zeros} exponents are zero" if sampled else "the states fill a closed curve and never come back"
    return Behaviour("quasi-periodic", numbers, f"{what}: {said}")


def _of_rows(of: Any, dt: float | None) -> Behaviour:
    """From recorded rows alone."""
    if isinstance(of, Series):
        dt, of = of.dt if dt is None else dt, max(of.segments, key=len).values
    dt = 1.0 if dt is None else dt
    values = np.asarray(of, np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) < _FEWEST:
        raise DataError(f"a motion is told from {_FEWEST} rows (time, channels) or more, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise DataError(f"{int((~np.isfinite(values)).sum())} values are missing or not finite: fill or cut them out")
    if not dt > 0:
        raise ConfigError(f"`dt` must be a positive number of time units, got {dt!r}")
    if grows(values):
        return _divergent(values)
    ranges = np.array([np.ptp(block, axis=0).max() for block in np.array_split(values, 8)])
    numbers: dict[str, Any] = {"amplitude": float(np.ptp(values, axis=0).max() / 2), "ranges": ranges.tolist()}
    dies = ranges[-1] <= 1e-3 * ranges[0] or (ranges[-1] <= 0.4 * ranges[0] and (np.diff(ranges) <= 0).all())
    if dies or ranges.max() <= 1e-9 * np.abs(values).max():
        why = f"its range falls from {ranges[0]:.3g} to {ranges[-1]:.3g} from the first to the last eighth of the rows"
        return Behaviour("point attractor", numbers, why)
    x = _mixed(values)
    period, left = fundamental(x[-_FITTED:], _PERIODIC)
    numbers |= {"period": period * dt, "left_out": left}
    if left <= _PERIODIC:
        why = f"harmonics of the period {period * dt:.6g} leave out {100 * left:.2g} % of the variance"
        return Behaviour("limit cycle", numbers, why)
    power = np.abs(np.fft.rfft((x - x.mean()) * np.hanning(len(x))))
    turn = 1 / max(1e-9, (power**2 @ np.fft.rfftfreq(len(x))) / (power**2).sum())  # of the mean frequency
    K = zero_one(x[:: max(1, min(round(turn / 4), len(x) // _FEWEST))][-2000:])
    numbers |= {"K": K}
    why = f"no single period explains it, and the 0-1 test gives K = {K:.2f}"
    return Behaviour("chaotic" if K > 0.5 else "quasi-periodic", numbers, why)


def _mixed(rows: np.ndarray) -> np.ndarray:
    """One signal (rows,) in which every column that moves is heard."""
    size = rows.std(axis=0)
    there = size > 1e-3 * size.max()
    return (rows[:, there] / size[there]) @ np.linspace(1.0, 2.0, int(there.sum()))
