"""Where a network of many units may rest: a search among its few channels instead of its many states."""

from typing import Any

import jax
import numpy as np

from recurra.diagnostics.orbits.flat import flat_step, in_float64, pack
from recurra.diagnostics.orbits.periodic import PeriodicPoints, by_modulus
from recurra.diagnostics.step_maps import step_map
from recurra.threads import one_blas_thread

_ROWS = 8  # from which the search starts
_APART = 0.5  # standard deviations between two of them
_HELD = 200  # steps for which a row is held
_STEPS = 12  # of Newton
_NUDGE = 1e-4  # standard deviations, for differences
_EXACT = 1e-9  # a correction below this is that of a root
_FAR = 1.0  # standard deviations, the longest step
_CLOSE = 1e-3  # standard deviations: a row is answered by itself; two rows are one
_MOST = 6  # places that are given


def slow_rows(rows: np.ndarray) -> np.ndarray:
    """Some scaled rows at which little moves, each far from the others, and the middle of all (places, channels)."""
    speed = np.linalg.norm(np.diff(rows, axis=0), axis=1)
    chosen = [rows.mean(axis=0)]
    for k in np.argsort(speed, kind="stable"):
        if len(chosen) == _ROWS:
            break
        if min(np.linalg.norm(rows[k] - other) for other in chosen) > _APART * np.sqrt(rows.shape[1]):
            chosen.append(rows[k])
    return np.stack(chosen)


def held_rows(network: Any, rows: np.ndarray) -> tuple[Any, np.ndarray]:
    r"""States in which a network answers the row that it hears with the same row: those of the closed loop at rest.

    .. math:: h^*(v) = \lim_t F(\dots F(h, v) \dots, v), \qquad G(v) = \mathrm{out}(h^*(v)) = v

    A row is held until the state has settled, and Newton's method with differences goes on from there. Where nothing
    comes close the nearest places are given.

    Args:
        network: of a fitted forecaster, with `initial_state` and `run` on a batch.
        rows: scaled, from which the search starts (places, channels).

    Returns:
        states with a leading axis of places, and the rows (places, channels).
    """
    size = rows.shape[1]
    nudges = np.concatenate([np.zeros((1, size)), _NUDGE * np.eye(size)])
    v = rows.copy()
    for _ in range(_STEPS):
        answers = _answers(network, (v[:, None] + nudges).reshape(-1, size))[1].reshape(len(v), 1 + size, size)
        slopes = (answers[:, 1:] - answers[:, :1]).transpose(0, 2, 1) / _NUDGE - np.eye(size)
        moves = np.stack([np.linalg.lstsq(A, r)[0] for A, r in zip(slopes, v - answers[:, 0], strict=True)])
        lengths = np.linalg.norm(moves, axis=1, keepdims=True)
        v = v + moves * np.minimum(1.0, _FAR / np.maximum(lengths, 1e-300))
    off = np.abs(_answers(network, v)[1] - v).max(axis=1)
    kept: list[int] = []
    for k in np.argsort(off, kind="stable"):
        new = all(np.abs(v[k] - v[j]).max() > _CLOSE for j in kept)
        if new and len(kept) < _MOST and (off[k] < _CLOSE or not kept):
            kept.append(int(k))
    return _answers(network, v[kept])[0], v[kept]


def polished(model: Any, states: Any) -> PeriodicPoints:
    """The fixed points of the closed loop that Newton's method in all of its numbers ends at, from these states.

    One factorisation a step and place; `recurra.diagnostics.fixed_points` searches from anywhere, and takes minutes for
    hundreds of units.
    """
    step, like, dt = step_map(model)
    like = in_float64(like)
    vectors = pack(states, lead=1)
    kept = []
    with jax.enable_x64(True), one_blas_thread():
        forward = flat_step(step, like)
        both = jax.jit(lambda x: (forward(x), jax.jacfwd(forward)(x)))
        for start in vectors:
            x, size, error = start, np.sqrt(np.mean(start**2)), np.inf
            for _ in range(_STEPS):
                y, J = map(np.asarray, both(x))
                move = np.linalg.solve(J - np.eye(len(x)), x - y)
                x, error = x + move, float(np.sqrt(np.mean(move**2)) / size)
                if error < _EXACT or not np.isfinite(error):
                    break
            y, J = map(np.asarray, both(x))
            if error < _EXACT and not any(np.abs(x - other[0]).max() < _CLOSE * size for other in kept):
                kept.append((x, np.linalg.eigvals(J), 0.5 * np.sum((y - x) ** 2), error))
    size = vectors.shape[1]
    points = np.array([each[0] for each in kept]).reshape(-1, 1, size)
    multipliers = by_modulus(np.array([each[1] for each in kept], complex).reshape(-1, size))
    q, errors = (np.array([each[k] for each in kept], np.float64) for k in (2, 3))
    order = np.argsort(np.abs(multipliers).max(axis=1, initial=0.0), kind="stable")
    return PeriodicPoints(points[order], multipliers[order], q[order], errors[order], dt, like)


def _answers(network: Any, rows: np.ndarray) -> tuple[Any, np.ndarray]:
    """What a network ends in, and what it gives in the end, where each row is held (places, channels)."""
    state, given = network.run(network.initial_state(len(rows)), np.repeat(rows[:, None], _HELD, axis=1))
    return state, np.asarray(given, np.float64)[:, -1]
