"""Shapes and types are checked at run time, property tests repeat; models with random weights, equations as loops."""

from types import SimpleNamespace

import hypothesis
import numpy as np
import pytest
from jaxtyping import install_import_hook

# Inside, shapes and types are what they say. The doors (series, data, estimators, command line) take anything and
# answer bad input with an error of their own, which their tests ask for.
INSIDE = [f"recurra.{name}" for name in ("cells", "models", "baselines", "forecasting", "reservoirs", "training")]
install_import_hook(INSIDE, "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")
hypothesis.settings.register_profile("recurra", deadline=None, derandomize=True)
hypothesis.settings.load_profile("recurra")


def _logistic(a):
    return 1 / (1 + np.exp(-a))


def _times(A, v):
    return np.einsum("...ij,...j->...i", A, v)


def _elman(cell, h, c, x):
    a = _times(cell.U, x) + _times(cell.W, h) + cell.b
    return (np.maximum(a, 0) if cell.activation == "relu" else np.tanh(a)), c


def _lstm(cell, h, c, x):
    n = h.shape[-1]
    write, keep, candidate, read = (
        _times(cell.U[..., k : k + n, :], x) + _times(cell.W[..., k : k + n, :], h) + cell.b[..., k : k + n]
        for k in (0, n, 2 * n, 3 * n)
    )
    c = _logistic(keep) * c + _logistic(write) * np.tanh(candidate)
    return _logistic(read) * np.tanh(c), c


def _gru(cell, h, c, x):
    n = h.shape[-1]
    (uz, ur, un), (wz, wr, wn) = (
        [_times(A[..., k : k + n, :], v) + a[..., k : k + n] for k in (0, n, 2 * n)]
        for A, v, a in ((cell.U, x, cell.b), (cell.W, h, cell.d))
    )
    update, reset = _logistic(uz + wz), _logistic(ur + wr)
    return update * h + (1 - update) * np.tanh(un + reset * wn), c


_CELLS = {"Elman": _elman, "LSTM": _lstm, "GRU": _gru}


def _start(model):
    zeros = [np.zeros((*cell.W.shape[:-2], cell.W.shape[-1])) for cell in model.cells]
    return [(zero, zero) for zero in zeros]


def _step(model, state, x):
    h, states = x, []
    for cell, (old, memory) in zip(model.cells, state, strict=True):
        states.append(_CELLS[type(cell).__name__](cell, old, memory, h))
        h = states[-1][0]
    for layer in model.readout:
        h = _times(layer.V, h) + layer.c
        h = np.maximum(h, 0) if layer.relu else h
    return states, (h if model.scale is None else x[..., : h.shape[-1]] + model.scale * h)


def _unroll(model, xs):
    state, ys = _start(model), []
    for x in xs:
        state, y = _step(model, state, x)
        ys.append(y)
    return state, np.array(ys)


def _beside(y, u):
    return np.concatenate([y, np.broadcast_to(u, (*y.shape[:-1], len(u)))], axis=-1)


def _closed_loop(model, state, last, drive):
    ys = [last]
    for u in drive:
        state, y = _step(model, state, _beside(ys[-1], u))
        ys.append(y)
    return np.array(ys[1:])


@pytest.fixture(scope="session")
def papers():
    """The equations of the papers, layer by layer and step by step in NumPy; weights may have leading batch axes."""
    return SimpleNamespace(beside=_beside, step=_step, unroll=_unroll, closed_loop=_closed_loop, start=_start)


@pytest.fixture(scope="session")
def draw():
    """`draw(kind, inputs, outputs, ...)`: a stack whose weights and biases are all random, in float64."""
    import jax

    from recurra.models import Stack

    def drawn(kind, inputs, outputs, *, units=3, layers=1, hidden=(), scale=None, seed=0):
        cell, options = ("elman", {"activation": kind}) if kind in ("tanh", "relu") else (kind, {})
        sizes = {"units": units, "layers": layers, "hidden": hidden, "scale": scale}
        model = Stack.draw(cell, inputs, outputs, **sizes, seed=seed, **options)
        rng = np.random.default_rng([seed, 1])
        parts = jax.tree.map(lambda leaf: rng.normal(0, 0.7, leaf.shape), (model.cells, model.readout))
        if kind == "relu":  # keep its units alive
            parts = jax.tree.map(lambda leaf: leaf + 1 if leaf.ndim == 1 else leaf / 2, parts)
        return Stack(*parts, scale)

    return drawn
