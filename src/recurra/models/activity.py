"""What the units of a stack do along sequences, and the slopes that the backward pass meets there; in NumPy.

Nothing is compiled: a look at a few windows in the middle of a training takes milliseconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from recurra.cells import GRU, LSTM, Elman
from recurra.models import Stack
from recurra.models.slopes import SIGMAS, sigma

FLAT = 0.01  # a slope below this hands back less than a hundredth of a gradient: the unit is saturated
SQUASHING = ("tanh", "logistic", "hard-logistic", "softsign")  # bounded on both sides: they saturate


@dataclass(frozen=True, eq=False)
class Activity:
    """One layer along sequences.

    Args:
        name: its place in the model, such as "cells/0".
        activation: of its units; "tanh" for the candidates of gated cells.
        output: h (sequences, steps, units).
        slopes: d sigma / da at what the units summed up, the same shape, by what they belong to: "units", or the gates
            of a gated cell and its "candidate".
    """

    name: str
    activation: str
    output: np.ndarray
    slopes: dict[str, np.ndarray]

    @property
    def saturated(self) -> dict[str, float] | None:
        """The share of slopes below 0.01 in each part of the layer; None for an activation that does not squash."""
        if self.activation not in SQUASHING:
            return None
        return {part: float((slope < FLAT).mean()) for part, slope in self.slopes.items()}

    @property
    def dead(self) -> np.ndarray:
        """The units of a layer of ReLUs that are never active; none of any other."""
        if self.activation != "relu":
            return np.zeros(0, int)
        return np.flatnonzero((self.slopes["units"] == 0).all(axis=(0, 1)))


def activities(stack: Stack, xs: np.ndarray, state: Any = None) -> list[Activity]:
    """Run a stack over sequences, layer by layer, without dropout.

    Args:
        stack: its weights; layers above one that is not known (a cell of one's own, a clamped gate) are left out.
        xs: inputs (sequences, steps, features).
        state: of every cell before the first step, without an axis of sequences; None for zeros.

    Returns:
        The recurrent layers from below, then the hidden layers of the readout.
    """
    found, h = [], np.asarray(xs, np.float64)
    for k, cell in enumerate(stack.cells):
        run = _RUN.get(type(cell))
        layer = run and run(cell, h, None if state is None else state[k])
        if layer is None:
            return found
        activation, h, slopes = layer
        found.append(Activity(f"cells/{k}", activation, h, slopes))
    for k, dense in enumerate(stack.readout[:-1]):
        a = h @ np.asarray(dense.V, np.float64).T + dense.c
        h, slope = sigma(dense.activation).value(a), sigma(dense.activation).slope(a)
        found.append(Activity(f"readout/{k}", dense.activation, h, {"units": slope}))
    return found


_Layer = tuple[str, np.ndarray, dict[str, np.ndarray]]  # activation, h, slopes
_logistic = SIGMAS["logistic"].value


def _elman(cell: Elman, xs: np.ndarray, state: Any) -> _Layer:
    U, W, b = _weights(cell.U, cell.W, cell.b)
    h, shape = _start(state, xs, len(b)), SIGMAS[cell.activation]
    hs, summed = [], []
    for a in np.moveaxis(xs @ U.T + b, 1, 0):
        a = a + h @ W.T
        h = shape.value(a)
        hs.append(h)
        summed.append(a)
    return cell.activation, np.stack(hs, 1), {"units": shape.slope(np.stack(summed, 1))}


def _lstm(cell: LSTM, xs: np.ndarray, state: Any) -> _Layer | None:
    if any(gate is not None for gate in (cell.clamp.write, cell.clamp.keep, cell.clamp.read)):
        return None
    U, W, b = _weights(cell.U, cell.W, cell.b)
    n = W.shape[1]
    p = np.zeros(len(b) - n) if cell.p is None else np.asarray(cell.p, np.float64)
    h, c = (_start(part, xs, n) for part in ((None, None) if state is None else state))
    seen: list[dict[str, np.ndarray]] = []
    hs = []
    for a in np.moveaxis(xs @ U.T + b, 1, 0):
        a = a + h @ W.T
        gates = {"write": _logistic(a[:, :n] + p[:n] * c)}
        if cell.forget_gate:
            gates["keep"] = _logistic(a[:, n : 2 * n] + p[n : 2 * n] * c)
        candidate = np.tanh(a[:, -2 * n : -n])
        c = gates.get("keep", 1.0) * c + gates["write"] * candidate
        gates["read"] = _logistic(a[:, -n:] + p[-n:] * c)
        h = gates["read"] * np.tanh(c)
        hs.append(h)
        seen.append({**gates, "candidate": candidate})
    return "tanh", np.stack(hs, 1), _gated(seen)


def _gru(cell: GRU, xs: np.ndarray, state: Any) -> _Layer:
    U, W, b = _weights(cell.U, cell.W, cell.b)
    n = W.shape[1]
    d = np.zeros(3 * n) if cell.d is None else np.asarray(cell.d, np.float64)
    h = _start(state, xs, n)
    seen, hs = [], []
    for a in np.moveaxis(xs @ U.T + b, 1, 0):
        z, r = np.split(_logistic(a[:, : 2 * n] + h @ W[: 2 * n].T + d[: 2 * n]), 2, axis=1)
        past = (r * h) @ W[2 * n :].T if cell.d is None else r * (h @ W[2 * n :].T + d[2 * n :])
        candidate = np.tanh(a[:, 2 * n :] + past)
        h = z * h + (1 - z) * candidate
        hs.append(h)
        seen.append({"update": z, "reset": r, "candidate": candidate})
    return "tanh", np.stack(hs, 1), _gated(seen)


_RUN: dict[type, Callable[..., _Layer | None]] = {Elman: _elman, LSTM: _lstm, GRU: _gru}


def _gated(seen: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The slopes of gates and candidates from what they give: g (1 - g), and 1 - n^2."""
    given = {part: np.stack([step[part] for step in seen], 1) for part in seen[0]}
    return {part: 1 - y**2 if part == "candidate" else y * (1 - y) for part, y in given.items()}


def _weights(*arrays: Any) -> tuple[np.ndarray, ...]:
    return tuple(np.asarray(array, np.float64) for array in arrays)


def _start(state: Any, xs: np.ndarray, units: int) -> np.ndarray:
    """The hidden state before the first step, for every sequence."""
    start = np.zeros(units) if state is None else np.asarray(state, np.float64)
    return np.repeat(start[None], len(xs), axis=0)
