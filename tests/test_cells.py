"""Cells against the papers' equations, gate by gate; their weights against the distributions they come from."""

import equinox as eqx
import jax
import numpy as np
import pytest

from recurra.cells import GRU, LSTM, Elman, glorot_uniform, orthogonal
from recurra.errors import ConfigError
from recurra.models import Stack, unroll

KINDS = ("tanh", "relu", "gru", "gru-before", "lstm")
OPEN, SHUT = 1000.0, -1000.0  # the logistic function of these is exactly 1 and 0


@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_equations_at_every_step(kind, draw, papers):
    model = draw(kind, 3, 2, units=5)
    xs = np.random.default_rng(1).normal(size=(9, 3))
    with jax.enable_x64(True):
        (last,), hs = jax.jit(
            lambda xs: unroll(
                lambda s, x: (new := model.step(s, x)[0], model.cells[0].output(new[0])),
                model.initial_state(),
                xs,
            )
        )(xs)
    state, expected = papers.start(model), []
    for x in xs:
        state, _ = papers.step(model, state, x)
        expected.append(state[0][0])
    np.testing.assert_allclose(hs, expected, rtol=0, atol=1e-12)
    if kind == "lstm":
        np.testing.assert_allclose(last[1], state[0][1], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("kind", "gates"), [("lstm", 4), ("gru", 3)], ids=["i f g o of the LSTM", "z r n of the GRU"])
def test_no_two_gates_may_be_swapped(kind, gates, draw, papers):
    model = draw(kind, 2, 1, units=4)
    xs = np.random.default_rng(1).normal(size=(7, 2))
    right = papers.unroll(model, xs)[1]
    for a in range(gates):
        for b in range(a):
            order = np.arange(gates)
            order[[a, b]] = b, a
            rows = (4 * order[:, None] + np.arange(4)).ravel()
            swapped = jax.tree.map(lambda leaf, rows=rows: leaf[rows], model.cells)
            with jax.enable_x64(True):
                outputs = eqx.filter_jit(lambda m, xs: m(xs))(Stack(swapped, model.readout), xs)
            assert np.abs(np.asarray(outputs) - right).max() > 1e-2


def _lstm(**gates):
    """One unit without weights: the gates are what their biases say."""
    b = np.array([gates[name] for name in ("write", "keep", "candidate", "read")])
    return LSTM(np.zeros((4, 1)), np.zeros((4, 1)), b)


def _gru(b, d, W=(0.0, 0.0, 0.0)):
    return GRU(np.zeros((3, 1)), np.array(W)[:, None], np.array(b), np.array(d))


def _steps(cell, state, steps):
    """What `steps` steps without input make of a state."""
    with jax.enable_x64(True):
        state = jax.tree.map(lambda h: np.array([h]), state)
        end, _ = jax.jit(lambda s, xs: unroll(lambda s, x: (cell(s, x), 0.0), s, xs))(state, np.zeros((steps, 1)))
    return jax.tree.map(lambda leaf: float(leaf[0]), end)


def test_lstm_write_gate_lets_the_candidate_in():
    memory = (0.0, 0.0)
    assert _steps(_lstm(write=SHUT, keep=OPEN, candidate=2.0, read=OPEN), memory, 3) == (0.0, 0.0)
    _, c = _steps(_lstm(write=OPEN, keep=OPEN, candidate=2.0, read=OPEN), memory, 3)
    assert c == pytest.approx(3 * np.tanh(2.0), abs=1e-15)


def test_lstm_keep_gate_holds_the_memory():
    memory = (0.0, 0.7)
    held = _steps(_lstm(write=SHUT, keep=OPEN, candidate=2.0, read=OPEN), memory, 100_000)
    assert held[1] == 0.7
    keep = np.log(0.99 / 0.01)  # logistic 0.99
    faded = _steps(_lstm(write=SHUT, keep=keep, candidate=2.0, read=OPEN), memory, 500)
    assert faded[1] == pytest.approx(0.7 * 0.99**500, rel=1e-12)


def test_lstm_read_gate_shows_the_memory_and_does_not_touch_it():
    memory = (0.0, 0.7)
    assert _steps(_lstm(write=SHUT, keep=OPEN, candidate=2.0, read=SHUT), memory, 3) == (0.0, 0.7)
    shown = _steps(_lstm(write=SHUT, keep=OPEN, candidate=2.0, read=0.0), memory, 3)
    assert shown == (pytest.approx(0.5 * np.tanh(0.7), abs=1e-16), 0.7)


def test_lstm_candidate_is_squashed_by_tanh_and_replaces_a_memory_that_is_not_kept():
    _, c = _steps(_lstm(write=OPEN, keep=SHUT, candidate=-0.3, read=OPEN), (0.0, 5.0), 2)
    assert c == pytest.approx(np.tanh(-0.3), abs=1e-16)


def test_gru_update_gate_keeps_the_old_state():
    assert _steps(_gru(b=[OPEN, 0, 1.0], d=[0, 0, 0.0]), 0.7, 100_000) == 0.7
    assert _steps(_gru(b=[SHUT, 0, 1.0], d=[0, 0, 0.0]), 0.7, 1) == pytest.approx(np.tanh(1.0), abs=1e-16)
    half = _steps(_gru(b=[0, 0, 1.0], d=[0, 0, 0.0]), 0.7, 1)
    assert half == pytest.approx(0.35 + 0.5 * np.tanh(1.0), abs=1e-16)


def test_gru_reset_gate_multiplies_the_recurrent_product_and_its_bias():
    W = (0.0, 0.0, 2.0)
    for gate, share in ((SHUT, 0.0), (OPEN, 1.0), (0.0, 0.5)):
        h = _steps(_gru(b=[SHUT, gate, 0.3], d=[0, 0, 0.4], W=W), 0.7, 1)
        assert h == pytest.approx(np.tanh(0.3 + share * (2 * 0.7 + 0.4)), abs=1e-15)


def test_gru_biases_of_both_parts_reach_the_gates():
    early = _steps(_gru(b=[1.0, 0, 1.0], d=[0.5, 0, 0]), 0.0, 1)
    assert early == pytest.approx((1 - 1 / (1 + np.exp(-1.5))) * np.tanh(1.0), abs=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_starts_from_zeros_and_shows_the_hidden_activity(kind, draw):
    cell = draw(kind, 2, 1, units=4).cells[0]
    with jax.enable_x64(True):
        state = cell.initial_state()
        leaves = jax.tree.leaves(state)
        assert all(leaf.shape == (4,) and leaf.dtype == np.float64 and not leaf.any() for leaf in leaves)
        assert cell.output(state).shape == (4,)


@pytest.mark.parametrize(("rows", "columns"), [(20, 20), (80, 20), (1, 1)])
def test_recurrent_weights_have_orthonormal_columns(rows, columns):
    W = orthogonal(rows, columns, np.random.default_rng(0))
    np.testing.assert_allclose(W.T.astype(float) @ W, np.eye(columns), atol=1e-6)


def test_orthogonal_weights_are_uniformly_distributed():
    # Over the orthogonal group the mean of every entry is 0, of its square 1/n, and of the determinant 0;
    # a QR decomposition without the correction of signs fails the first on the diagonal.
    rng = np.random.default_rng(0)
    drawn = np.array([orthogonal(3, 3, rng) for _ in range(4000)], float)
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=0.04)  # 4 standard errors, sqrt(1/3/4000)
    np.testing.assert_allclose((drawn**2).mean(axis=0), 1 / 3, atol=0.02)
    assert abs(np.linalg.det(drawn).mean()) < 4 / np.sqrt(4000)


def test_input_weights_are_glorot_uniform():
    U = glorot_uniform(300, 100, np.random.default_rng(0))
    limit = np.sqrt(6 / 400)
    assert 0.999 * limit < np.abs(U).max() <= np.float32(limit)
    assert U.astype(float).var() == pytest.approx(limit**2 / 3, rel=0.02)
    assert abs(U.mean()) < 4 * limit / np.sqrt(3 * U.size)


@pytest.mark.parametrize(("cell", "gates"), [(Elman, 1), (LSTM, 4), (GRU, 3)])
def test_weights_are_drawn_as_keras_draws_them(cell, gates):
    drawn = cell.draw(7, 5, np.random.default_rng(3))
    assert drawn.U.shape == (gates * 5, 7)
    assert np.abs(drawn.U).max() <= np.float32(np.sqrt(6 / (gates * 5 + 7)))
    np.testing.assert_allclose(drawn.W.T @ drawn.W, np.eye(5), atol=1e-6)
    bias = np.zeros(gates * 5)
    if cell is LSTM:
        bias[5:10] = 1  # the forget gate, by the order i f g o that the equations fix
    np.testing.assert_array_equal(drawn.b, bias)
    if cell is GRU:
        np.testing.assert_array_equal(drawn.d, bias)
    assert {np.asarray(leaf).dtype for leaf in jax.tree.leaves(drawn)} == {np.dtype(np.float64)}


def test_an_unknown_activation_is_refused():
    with pytest.raises(ConfigError, match=r"activation 'sinh': known: elu, gelu"):
        Elman.draw(1, 1, np.random.default_rng(0), activation="sinh")
