"""Shapes and types are checked at run time, property tests repeat; a file of data, random models, papers as loops."""

import atexit
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import numpy as np
import pytest
from jaxtyping import install_import_hook
from scipy import special

# One cache of compiled programs for a session, its workers and their children.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["RECURRA_COMPILATION_CACHE"] = tempfile.mkdtemp(prefix="recurra-programs-")
    os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
    atexit.register(shutil.rmtree, os.environ["RECURRA_COMPILATION_CACHE"], ignore_errors=True)

# Most programs of the tests are compiled, run once on a few numbers and forgotten. Compiled with little optimisation,
# tests that do little else take half the time. An XLA that does not know one of these flags would end the process.
_FLAGS = (
    "--xla_cpu_use_fusion_emitters=false --xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1"
)
if "PYTEST_XDIST_WORKER" not in os.environ and "XLA_FLAGS" not in os.environ:
    _TRIAL = [sys.executable, "-c", "import jax; jax.devices()"]
    if not subprocess.run(_TRIAL, env={**os.environ, "XLA_FLAGS": _FLAGS}, capture_output=True, check=False).returncode:
        os.environ["XLA_FLAGS"] = _FLAGS

# Inside, shapes and types are what they say. The doors (series, data, estimators, command line) take anything and
# answer bad input with an error of their own, which their tests ask for.
INSIDE = [f"recurra.{name}" for name in ("cells", "models", "baselines", "forecasting", "reservoirs", "training")]
install_import_hook(INSIDE, "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")
hypothesis.settings.register_profile("recurra", deadline=None, derandomize=True)
hypothesis.settings.load_profile("recurra")


def pytest_collection_finish(session):
    """What was imported and collected stays: the collector of garbage need not look at it after every few tracings."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


# A compiled program is some thirty pieces of mapped memory, of which Linux gives a process 65,530: JAX dies without.
_MOST_PIECES = 20_000
_PIECES = Path("/proc/self/maps")


@pytest.fixture(scope="module", autouse=True)
def _programs_of_other_modules_are_let_go():
    yield
    if "jax" in sys.modules and _PIECES.exists() and _PIECES.read_bytes().count(b"\n") > _MOST_PIECES:
        sys.modules["jax"].clear_caches()


def _logistic(a):
    return 1 / (1 + np.exp(-a))


# From their definitions, with SciPy's special functions.
_ACTIVATIONS = {
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
    "identity": lambda a: a,
    "logistic": special.expit,
    "hard-logistic": lambda a: np.clip(a / 6 + 0.5, 0, 1),
    "leaky-relu": lambda a: np.maximum(a, a / 100),
    "elu": lambda a: np.where(a > 0, a, np.expm1(np.minimum(a, 0))),
    "softplus": lambda a: np.logaddexp(a, 0),
    "softsign": lambda a: a / (1 + np.abs(a)),
    "silu": lambda a: a * special.expit(a),
    "gelu": lambda a: a * special.ndtr(a),
    "softmax": lambda a: special.softmax(a, axis=-1),
}


def _times(A, v):
    return np.einsum("...ij,...j->...i", A, v)


def _elman(cell, h, c, x):
    a = _times(cell.U, x) + _times(cell.W, h) + cell.b
    return _ACTIVATIONS[cell.activation](a), c


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
    if cell.d is None:
        return _gru_reset_before(cell, h, x), c
    (uz, ur, un), (wz, wr, wn) = (
        [_times(A[..., k : k + n, :], v) + a[..., k : k + n] for k in (0, n, 2 * n)]
        for A, v, a in ((cell.U, x, cell.b), (cell.W, h, cell.d))
    )
    update, reset = _logistic(uz + wz), _logistic(ur + wr)
    return update * h + (1 - update) * np.tanh(un + reset * wn), c


def _gru_reset_before(cell, h, x):
    n = h.shape[-1]
    (Uz, Ur, Un), (Wz, Wr, Wn) = ([A[..., k : k + n, :] for k in (0, n, 2 * n)] for A in (cell.U, cell.W))
    bz, br, bn = (cell.b[..., k : k + n] for k in (0, n, 2 * n))
    update = _logistic(_times(Uz, x) + _times(Wz, h) + bz)
    reset = _logistic(_times(Ur, x) + _times(Wr, h) + br)
    return update * h + (1 - update) * np.tanh(_times(Un, x) + _times(Wn, reset * h) + bn)


_CELLS = {"Elman": _elman, "LSTM": _lstm, "GRU": _gru}


_KINDS = {
    "tanh": ("elman", {"activation": "tanh"}),
    "relu": ("elman", {"activation": "relu"}),
    "gru-before": ("gru", {"reset_after": False}),
}


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
        h = _ACTIVATIONS[layer.activation](h)
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


@pytest.fixture
def wave(tmp_path, monkeypatch):
    """A working directory with `wave.csv` in it."""
    t = 0.1 * np.arange(240)
    table = np.stack([t, np.sin(t), np.cos(t)], axis=1)
    np.savetxt(tmp_path / "wave.csv", table, delimiter=",", header="t,x,v", comments="", fmt="%.17g")
    monkeypatch.chdir(tmp_path)
    return tmp_path


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
        cell, options = _KINDS.get(kind, (kind, {}))
        sizes = {"units": units, "layers": layers, "hidden": hidden, "scale": scale}
        model = Stack.draw(cell, inputs, outputs, **sizes, seed=seed, **options)
        rng = np.random.default_rng([seed, 1])
        parts = jax.tree.map(lambda leaf: rng.normal(0, 0.7, leaf.shape), (model.cells, model.readout))
        if kind == "relu":  # keep its units alive
            parts = jax.tree.map(lambda leaf: leaf + 1 if leaf.ndim == 1 else leaf / 2, parts)
        return Stack(*parts, scale)

    return drawn
