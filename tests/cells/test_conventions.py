"""Weights of other packages: their documented equations as loops, and an exact round trip."""

import jax
import numpy as np
import pytest
from scipy.special import expit

from recurra.cells import GRU, LSTM, Elman
from recurra.cells.conventions import from_keras, from_torch, to_keras, to_torch
from recurra.errors import DataError

INPUTS, UNITS, STEPS = 3, 4, 6


def arrays(shapes, precision, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape).astype(precision) for shape in shapes]


def run(cell, xs):
    """The hidden activity at every step, as the cell gives it."""
    with jax.enable_x64(xs.dtype == np.float64):
        state, found = cell.initial_state(), []
        for x in xs:
            state = cell(state, x)
            found.append(np.asarray(cell.output(state)))
    return np.array(found)


def keras_loop(kind, K, R, b, xs):
    """The equations in the documentation of Keras, with rows on the left."""
    h, c, found, u = np.zeros(UNITS), np.zeros(UNITS), [], UNITS
    for x in xs:
        if kind == "elman":
            h = np.tanh(x @ K + h @ R + b)
        elif kind == "lstm":
            z = x @ K + h @ R + b
            c = expit(z[u : 2 * u]) * c + expit(z[:u]) * np.tanh(z[2 * u : 3 * u])
            h = expit(z[3 * u :]) * np.tanh(c)
        elif b.ndim == 2:  # reset_after
            a, r_part = x @ K + b[0], h @ R + b[1]
            z, r = expit(a[:u] + r_part[:u]), expit(a[u : 2 * u] + r_part[u : 2 * u])
            h = z * h + (1 - z) * np.tanh(a[2 * u :] + r * r_part[2 * u :])
        else:
            a = x @ K + b
            z, r = expit(a[:u] + h @ R[:, :u]), expit(a[u : 2 * u] + h @ R[:, u : 2 * u])
            h = z * h + (1 - z) * np.tanh(a[2 * u :] + (r * h) @ R[:, 2 * u :])
        found.append(h)
    return np.array(found)


def torch_loop(kind, w, xs):
    """The equations in the documentation of PyTorch."""
    wi, wh, bi, bh = (w[f"{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    h, c, found = np.zeros(UNITS), np.zeros(UNITS), []
    for x in xs:
        a, r_part = wi @ x + bi, wh @ h + bh
        if kind == "elman":
            h = np.tanh(a + r_part)
        elif kind == "lstm":
            i, f, g, o = np.split(a + r_part, 4)
            c = expit(f) * c + expit(i) * np.tanh(g)
            h = expit(o) * np.tanh(c)
        else:
            (ar, az, an), (hr, hz, hn) = np.split(a, 3), np.split(r_part, 3)
            r, z = expit(ar + hr), expit(az + hz)
            h = (1 - z) * np.tanh(an + r * hn) + z * h
        found.append(h)
    return np.array(found)


KERAS = {
    "elman": ("elman", (UNITS,)),
    "lstm": ("lstm", (4 * UNITS,)),
    "gru": ("gru", (2, 3 * UNITS)),
    "gru-before": ("gru", (3 * UNITS,)),
}


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-12), ("float32", 1e-6)])
@pytest.mark.parametrize("name", KERAS)
def test_a_layer_of_keras_gives_what_its_equations_give(name, precision, tolerance):
    kind, bias = KERAS[name]
    gates = {"elman": 1, "lstm": 4, "gru": 3}[kind]
    K, R, b = arrays([(INPUTS, gates * UNITS), (UNITS, gates * UNITS), bias], precision)
    xs = np.random.default_rng(1).normal(size=(STEPS, INPUTS)).astype(precision)
    cell = from_keras(kind, [K, R, b])
    np.testing.assert_allclose(run(cell, xs), keras_loop(kind, K, R, b, xs), rtol=0, atol=tolerance)
    for again, given in zip(to_keras(cell), (K, R, b), strict=True):
        assert again.tobytes() == given.tobytes()


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-12), ("float32", 1e-6)])
@pytest.mark.parametrize("kind", ["elman", "lstm", "gru"])
def test_a_layer_of_pytorch_gives_what_its_equations_give(kind, precision, tolerance):
    rows = {"elman": 1, "lstm": 4, "gru": 3}[kind] * UNITS
    parts = arrays([(rows, INPUTS), (rows, UNITS), (rows,), (rows,)], precision)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    weights = dict(zip(names, parts, strict=True))
    xs = np.random.default_rng(1).normal(size=(STEPS, INPUTS)).astype(precision)
    np.testing.assert_allclose(
        run(from_torch(kind, weights), xs), torch_loop(kind, weights, xs), rtol=0, atol=tolerance
    )


@pytest.mark.parametrize("draw", [Elman.draw, LSTM.draw, GRU.draw])
def test_there_and_back_is_the_cell_to_the_bit(draw):
    cell = draw(INPUTS, UNITS, np.random.default_rng(0))
    kind = type(cell).__name__.lower()
    for again in (from_torch(kind, to_torch(cell)), from_keras(kind, to_keras(cell))):
        for a, b in zip(jax.tree.leaves(again), jax.tree.leaves(cell), strict=True):
            assert a.tobytes() == b.tobytes()


def test_a_second_layer_has_its_own_names():
    cell = Elman.draw(UNITS, UNITS, np.random.default_rng(0))
    weights = to_torch(cell, layer=1)
    assert sorted(weights) == ["bias_hh_l1", "bias_ih_l1", "weight_hh_l1", "weight_ih_l1"]
    assert from_torch("elman", weights, layer=1).W.tobytes() == cell.W.tobytes()


def test_a_layer_without_a_bias_has_zeros():
    K, R = arrays([(INPUTS, UNITS), (UNITS, UNITS)], "float64")
    assert not from_keras("elman", [K, R]).b.any()


def test_what_does_not_fit_is_refused():
    K, R, b = arrays([(INPUTS, UNITS), (UNITS, UNITS), (UNITS,)], "float64")
    with pytest.raises(DataError, match=r"found U \(4, 3\), W \(4, 4\)"):
        from_keras("lstm", [K, R, b])
    with pytest.raises(DataError, match="unknown cell 'rnn'"):
        from_keras("rnn", [K, R, b])
    with pytest.raises(DataError, match="no weight_hh_l0"):
        from_torch("elman", {"weight_ih_l0": K.T})
    with pytest.raises(DataError, match="reset gate after"):
        to_torch(GRU.draw(INPUTS, UNITS, np.random.default_rng(0), reset_after=False))
    with pytest.raises(DataError, match="peepholes or without a forget gate"):
        to_keras(LSTM.draw(INPUTS, UNITS, np.random.default_rng(0), forget_gate=False))
    with pytest.raises(DataError, match="held by hand"):
        to_torch(LSTM.draw(INPUTS, UNITS, np.random.default_rng(0)).clamped(keep=1.0))
    with pytest.raises(DataError, match="got 1 arrays"):
        from_keras("elman", [K])
    short = {**to_torch(LSTM.draw(INPUTS, UNITS, np.random.default_rng(0))), "bias_hh_l0": np.zeros(1)}
    with pytest.raises(DataError, match=r"biases \(1,\)"):
        from_torch("lstm", short)
