"""Multiple shooting: the windows of a series, and how far equations that run freely through them are from it."""

from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells.euler import EulerCell, follow, numbers, with_parameters
from recurra.errors import ConfigError, DataError, unknown
from recurra.series import Series
from recurra.times import seconds


class Equations(eqx.Module):
    """A system that is followed step by step, with some of its parameters handed over."""

    system: Any
    method: str = eqx.field(static=True)
    size: int = eqx.field(static=True)

    def advance(self, theta: Any, t: Any, x: Any, y: Any, dt: Any) -> jax.Array:
        """The state at t + dt; its own force acts."""
        del x
        return follow(self.method)(with_parameters(self.system, theta).field, t, y, dt)


class OfCell(eqx.Module):
    """A cell that is followed step by step, the arrays that it lacks handed over."""

    rest: Any
    size: int = eqx.field(static=True)

    def advance(self, theta: Any, t: Any, x: Any, y: Any, dt: Any) -> jax.Array:
        """The state one step later, x held."""
        del t, dt
        return eqx.combine(theta, self.rest)(y, x)


class Windows(eqx.Module):
    """The windows of a series, all of one length; rows that fill one up have no weight.

    Args:
        first: index of the first row of each, (windows,).
        times: of that row.
        dt: the step.
        inputs: (windows, rows, drive).
        targets: (windows, rows, seen), 0 where there is none.
        weights: 1 / sigma of each target, 0 where there is none.
        starts: a first guess of the state at the first row, (windows, state).
        seen: places of the targets in the state.
    """

    first: Any
    times: Any
    dt: Any
    inputs: Any
    targets: Any
    weights: Any
    starts: Any
    seen: Any

    @staticmethod
    def of(series: Series, ends: list[tuple[int, int]], sigma: np.ndarray, seen: np.ndarray, size: int) -> "Windows":
        """Cut the rows [a, b) of each window; one in which nothing was measured is left out."""
        ends = [(a, b) for a, b in ends if series.observed[a:b].any()]
        if not ends:
            raise DataError("no window has two rows in one piece with something measured in it: give a longer series")
        longest = max(b - a for a, b in ends)
        rows = np.array([np.minimum(np.arange(a, a + longest), b - 1) for a, b in ends])
        inside = np.array([np.arange(longest) < b - a for a, b in ends])
        there = series.observed[rows] & inside[..., None]
        targets = np.where(there, series.values[rows], 0.0)
        drive = np.zeros((len(series), 0)) if series.inputs is None else series.inputs.values
        means = np.nanmean(np.where(series.observed, series.values, np.nan), axis=0)
        known = np.take_along_axis(targets, there.argmax(axis=1)[:, None], axis=1)[:, 0]
        starts = np.zeros((len(ends), size))
        starts[:, seen] = np.where(there.any(axis=1), known, means)
        dates = series.times.dtype.kind == "M"
        clock = seconds(series.times - series.times[0]) if dates else series.times
        return Windows(
            rows[:, 0],
            clock[rows[:, 0]],
            np.float64(series.dt),
            drive[rows],
            targets,
            np.where(there, 1 / sigma[rows], 0.0),
            starts,
            seen,
        )

    def teacher_forced(self) -> "Windows":
        """Only the last row counts, where the first one is observed: windows of two rows that begin at the truth."""
        weights = np.where((self.weights[:, :1] > 0).all(axis=2, keepdims=True), self.weights, 0.0)
        weights[:, 0] = 0.0
        return eqx.tree_at(lambda w: w.weights, self, weights)


def window_ends(series: Series, rows: int | None) -> list[tuple[int, int]]:
    """First row of each window, and the row after its last: about `rows` in each, none over a break."""
    edges, ends = [0, *series.breaks, len(series)], []
    for a, b in pairwise(edges):
        count = 1 if rows is None else max(1, round((b - a) / rows))
        cuts = np.linspace(a, b, count + 1).round().astype(int).tolist()
        ends += [pair for pair in pairwise(cuts) if pair[1] - pair[0] > 1]
    return ends


def step_ends(series: Series) -> list[tuple[int, int]]:
    """Windows of two rows, one for every step."""
    breaks = set(series.breaks)
    return [(row, row + 2) for row in range(len(series) - 1) if row + 1 not in breaks]


def states(free: Any, flow: Any, windows: Windows) -> jax.Array:
    """The states (windows, rows, state); `free` is (theta, starts), where None means the starts of the windows."""
    theta, starts = free
    times = windows.times[:, None] + windows.dt * jnp.arange(windows.targets.shape[1] - 1)

    def run(start: Any, ts: Any, xs: Any) -> jax.Array:
        def step(y: Any, at: Any) -> tuple[Any, Any]:
            y = flow.advance(theta, at[0], at[1], y, windows.dt)
            return y, y

        rest = jax.lax.scan(step, start, (ts, xs[:-1]))[1]
        return jnp.concatenate([start[None], rest])

    return jax.vmap(run)(jnp.asarray(windows.starts if starts is None else starts), times, windows.inputs)


def misfits(free: Any, data: Any) -> jax.Array:
    """(state - target) / sigma of every target, flat; 0 where there is none. `data` is (flow, windows)."""
    flow, windows = data
    return ((states(free, flow, windows)[..., windows.seen] - windows.targets) * windows.weights).ravel()


def flow_of(model: Any, parameters: Any, method: str, dt: float) -> tuple[Any, Any]:
    """What is fitted, a tree of arrays, and what follows the equations with it.

    Raises:
        ConfigError: no vector field and no cell, a name that is none, another step.
    """
    if not isinstance(model, EulerCell):
        theta = numbers(model, parameters or ())
        if not theta:
            raise ConfigError(f"`parameters` must name at least one of {', '.join(model.parameters)}")
        return theta, Equations(model, method, model.state_size)
    if abs(model.dt - dt) > 1e-6 * dt:
        raise ConfigError(f"the cell makes steps of {model.dt:g}, and the rows are {dt:g} apart")
    wanted = jax.tree.map(lambda leaf: eqx.is_inexact_array(leaf) and parameters is None, model)
    if parameters is not None:
        known = model.theta if isinstance(model.theta, dict) else {}
        for name in parameters:
            if name not in known:
                raise ConfigError(unknown("parameter of the cell", name, known))
        wanted = eqx.tree_at(lambda cell: [cell.theta[name] for name in parameters], wanted, [True] * len(parameters))
    theta, rest = eqx.partition(model, wanted)
    if not jax.tree.leaves(theta):
        raise ConfigError("there is nothing to fit: the cell has no arrays, or `parameters` is empty")
    return theta, OfCell(rest, model.size)


def seen_by(model: Any, series: Series) -> np.ndarray:
    """The place of every channel in the state.

    Raises:
        DataError: a channel that is not the system's, or not one for each number in the state of a cell.
    """
    if isinstance(model, EulerCell):
        if len(series.channels) != model.size:
            raise DataError(
                f"the cell has {model.size} numbers in its state, the series {len(series.channels)} channels"
            )
        if getattr(model.field, "driven", False) and series.inputs is None:
            raise DataError(
                "the cell is driven by a force, and the series has no inputs: give it the force as `inputs`"
            )
        return np.arange(model.size)
    wrong = [name for name in series.channels if name not in model.channels]
    if wrong:
        raise DataError(
            f"{model.name} has the channels {list(model.channels)}, not {wrong}: name those of the series so"
        )
    return np.array([model.channels.index(name) for name in series.channels])
