"""What write, keep and read do, held by hand: identities that hold to the bit."""

import dataclasses
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurra as rc
from recurra.cells import LSTM, Gates
from recurra.diagnostics.gates import clamp, gates
from recurra.errors import ConfigError, DataError, NotFittedError
from recurra.estimators.frame import Frame
from recurra.forecasting.compiled import Compiled
from recurra.models import Graph, Stack, unroll
from recurra.training import LearnedStart, least_squares

INPUTS, UNITS, STEPS = 2, 3, 12


def logistic(a):
    return 1 / (1 + np.exp(-a))


@pytest.fixture(scope="module")
def cell():
    rng = np.random.default_rng(3)
    drawn = LSTM.draw(INPUTS, UNITS, rng, peepholes=True)
    return jax.tree.map(lambda leaf: rng.normal(0, 0.8, leaf.shape), drawn)


@pytest.fixture(scope="module")
def xs():
    return np.random.default_rng(4).normal(size=(STEPS, INPUTS))


START = (np.array([0.3, -0.8, 0.1]), np.array([0.7, -1.3, 2.1]))


def steps(cell, xs, start=START):
    """Gates, h and c along a sequence, step by step: nothing to compile."""
    seen, state = [], start
    with jax.enable_x64(True):
        for x in xs:
            seen.append(cell.opened(state, x))
            state = (seen[-1].h, seen[-1].c)
        return Gates(*(np.stack(part) for part in zip(*seen, strict=True)))


@eqx.filter_jit
def _memory_slope(cell, start, xs):
    """d c(T) / d c(0) on the direct path: what comes back through h and the gates is cut off."""

    def last(c):
        def step(state, x):
            h, c = jax.lax.stop_gradient(state[0]), state[1]
            return cell((h, c), x), None

        return unroll(step, (start[0], c), xs)[0][1]

    return jax.jacfwd(last)(start[1])


def memory_slope(cell, xs):
    with jax.enable_x64(True):
        return np.asarray(_memory_slope(cell, START, xs))


def test_with_write_at_zero_no_input_reaches_the_memory(cell, xs):
    held = cell.clamped(write=0.0, keep=0.7)
    one, other = steps(held, xs), steps(held, 100 * xs[::-1])
    np.testing.assert_array_equal(one.c, other.c)
    assert np.abs(one.h - other.h).max() > 0.1  # the inputs do change what is read


def test_with_keep_at_one_and_write_at_zero_the_memory_is_the_same_bits_after_a_million_steps(cell):
    held = cell.clamped(write=0.0, keep=1.0)
    block = np.random.default_rng(5).normal(size=(1000, INPUTS))

    @jax.jit
    def run(start):
        def thousand(_, state):
            return unroll(lambda s, x: (held(s, x), None), state, block)[0]

        return jax.lax.fori_loop(0, 1000, thousand, start)

    with jax.enable_x64(True):
        np.testing.assert_array_equal(np.asarray(run(START)[1]), START[1])


def test_with_keep_at_99_percent_the_memory_decays_as_its_powers(cell, xs):
    found = steps(cell.clamped(write=0.0, keep=0.99), np.tile(xs, (25, 1))).c
    wanted = START[1] * 0.99 ** np.arange(1, 301)[:, None]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_with_read_at_zero_nothing_comes_out_and_no_gradient_goes_in(cell, xs):
    closed = cell.clamped(read=0.0)
    assert not steps(closed, xs).h.any()

    def total(c, cell):
        def step(state, x):
            state = cell(state, x)
            return state, state[0]

        return jnp.sum(unroll(step, (START[0], c), xs)[1])

    with jax.enable_x64(True):
        slopes = jax.jit(lambda c: [jax.grad(total)(c, each) for each in (closed, cell)])(START[1])
    assert not np.asarray(slopes[0]).any()
    assert np.abs(slopes[1]).min() > 1e-3  # with the gate free there is one


def test_toggling_read_leaves_the_memory_to_the_bit(cell, xs):
    alone = dataclasses.replace(cell, W=np.zeros_like(cell.W))  # h goes out, and not back in
    memories = [steps(alone.clamped(read=read), xs).c for read in (0.0, 1.0, None)]
    np.testing.assert_array_equal(memories[0], memories[1])
    np.testing.assert_array_equal(memories[0], memories[2])
    kept = [steps(cell.clamped(write=0.0, keep=1.0, read=read), xs).c for read in (0.0, 1.0)]
    np.testing.assert_array_equal(kept[0], kept[1])  # with W, too


def test_read_acts_after_the_memory_of_its_step(cell, xs):
    first = [steps(cell.clamped(read=read), xs[:1]).c for read in (0.0, 1.0)]
    np.testing.assert_array_equal(first[0], first[1])


def test_the_memory_hands_back_the_product_of_its_keep_gates(cell, xs):
    blind = dataclasses.replace(cell, p=None)  # peepholes are a second path
    keep = steps(blind, xs).keep
    np.testing.assert_allclose(memory_slope(blind, xs), np.diag(keep.prod(axis=0)), rtol=1e-13, atol=0)
    assert keep.max() < 1


def test_the_full_derivative_is_that_product_where_nothing_is_read(cell, xs):
    closed = dataclasses.replace(cell, p=None).clamped(read=0.0)
    with jax.enable_x64(True):
        full = jax.jit(jax.jacfwd(lambda c: unroll(lambda s, x: (closed(s, x), None), (0 * c, c), xs)[0][1]))(START[1])
    keep = steps(closed, xs, (np.zeros(UNITS), START[1])).keep
    np.testing.assert_allclose(full, np.diag(keep.prod(axis=0)), rtol=1e-13, atol=0)


@pytest.mark.parametrize("form", ["keep held at 1", "1997"])
def test_with_keep_at_one_the_derivative_is_exactly_one_at_any_distance(form, xs):
    rng = np.random.default_rng(6)
    cell = LSTM.draw(INPUTS, UNITS, rng, forget_gate=form != "1997")
    cell = cell if form == "1997" else cell.clamped(keep=1.0)
    for times in (1, 300):
        np.testing.assert_array_equal(memory_slope(cell, np.tile(xs, (times, 1))), np.eye(UNITS))


def test_a_gate_that_is_free_in_some_units_is_theirs_alone(cell, xs):
    some = steps(cell.clamped(write=[None, 0.25, None]), xs[:1])
    np.testing.assert_array_equal(some.write[:, 1], 0.25)
    free = steps(cell, xs[:1])
    np.testing.assert_array_equal(some.write[:, [0, 2]], free.write[:, [0, 2]])
    np.testing.assert_array_equal(some.keep, free.keep)


@pytest.fixture(scope="module")
def two_layers():
    rng = np.random.default_rng(7)
    stack = Stack.draw("lstm", INPUTS, 1, units=UNITS, layers=2, precision="float64", seed=7)
    return jax.tree.map(lambda leaf: rng.normal(0, 0.7, leaf.shape), stack)


def test_the_inspector_shows_the_gates_of_every_layer_over_time(two_layers, xs):
    found = gates(two_layers, xs)
    assert list(found) == ["cells/0", "cells/1"]
    inputs = xs
    for name, cell in zip(found, two_layers.cells, strict=True):
        seen = found[name]
        before_h, before_c = (np.concatenate([np.zeros((1, UNITS)), part[:-1]]) for part in (seen.h, seen.c))
        i, f, g, o = np.split(inputs @ cell.U.T + before_h @ cell.W.T + cell.b, 4, axis=1)
        for gate, a in ((seen.write, i), (seen.keep, f), (seen.read, o)):
            np.testing.assert_allclose(gate, logistic(a), rtol=0, atol=1e-14)
        np.testing.assert_allclose(seen.c, logistic(f) * before_c + logistic(i) * np.tanh(g), rtol=0, atol=1e-14)
        inputs = seen.h
    output = inputs @ two_layers.readout[0].V.T + two_layers.readout[0].c
    with jax.enable_x64(True):
        np.testing.assert_allclose(two_layers(xs), output, rtol=0, atol=1e-14)


def test_clamped_layers_of_any_model_show_their_clamps(two_layers, xs):
    found = gates(clamp(two_layers, 1, keep=0.5), xs)
    np.testing.assert_array_equal(found["cells/1"].keep, 0.5)
    plan = [{"layer": "gru", "units": 2}, {"layer": "lstm", "units": 2}, {"layer": "dense", "from": ["node1", "input"]}]
    graph = LearnedStart.of(Graph.draw(plan, INPUTS, 1, seed=0))
    graph = eqx.tree_at(lambda m: m.start[1][1], graph, np.float32([2, 3]))
    seen = gates(clamp(graph, write=0.0, keep=1.0, read=[0.0, None]), xs)
    assert list(seen) == ["model/nodes/1"]
    np.testing.assert_array_equal(seen["model/nodes/1"].c, np.tile(np.float32([2, 3]), (STEPS, 1)))


def latch_data(sequences, steps, rng):
    """A value among others, written on command and read on commands after it: inputs, targets, where they count."""
    xs = np.zeros((sequences, steps, 3))
    xs[:, :, 0] = rng.uniform(-1, 1, (sequences, steps))
    written = rng.integers(0, steps // 3, sequences)
    xs[np.arange(sequences), written, 1] = 1
    xs[:, :, 2] = (np.arange(steps) > written[:, None]) & (rng.random((sequences, steps)) < 0.2)
    return xs, xs[np.arange(sequences), written, :1], xs[:, :, 2]


def latch_residual(model, data):
    xs, values, counts = data
    outputs = jax.vmap(lambda rows: unroll(model.step, model.initial_state(), rows)[1][:, 0])(xs)
    return (counts * (outputs - values)).ravel()


@pytest.fixture(scope="module")
def trained_latch():
    """One LSTM unit with keep held at 1 and write nearly shut at first, trained on sequences of 50 steps."""
    start = clamp(Stack.draw("lstm", 3, 1, units=1, precision="float64", seed=2), keep=1.0)
    start = eqx.tree_at(lambda m: m.cells[0].b, start, np.array([-6.0, 1.0, 0.0, 0.0]))
    return start, least_squares(latch_residual, start, latch_data(48, 50, np.random.default_rng(2)), evaluations=150)


def test_a_latch_trained_on_50_steps_keeps_a_value_for_500(trained_latch):
    inputs = np.zeros((200, 504, 3))
    inputs[:, :, 0] = np.random.default_rng(99).uniform(-1, 1, (200, 504))
    inputs[:, 3, 1] = inputs[:, 503, 2] = 1
    network = Compiled(trained_latch[1].weights)
    read = network.run(network.initial_state(200), inputs)[1][:, 503, 0]
    assert np.abs(read - inputs[:, 3, 0]).max() < 1e-2


def test_a_training_has_no_slope_in_the_weights_of_a_clamped_gate_and_keeps_the_clamp(trained_latch):
    start, fitted = trained_latch
    assert fitted.weights.cells[0].clamp == start.cells[0].clamp
    U, W, b, _ = np.split(fitted.jacobian, [12, 16, 20], axis=1)  # rows of write, keep, candidate and read each
    for part in (U.reshape(len(U), 4, 3), W[:, :, None], b[:, :, None]):
        slopes = np.abs(part).max(axis=(0, 2))
        assert slopes[1] == 0
        assert (slopes[[0, 2, 3]] > 0).all()


def test_a_fitted_estimator_is_looked_at_along_a_series(two_layers):
    # The scaling, the rows and the names as `fit` leaves them; the weights are those of the stack above.
    wave = np.stack([np.sin(0.3 * np.arange(60)), 5 + np.cos(0.3 * np.arange(60))], axis=1)
    model = rc.LSTM(units=UNITS, precision="float64", epochs=0, validation=0.0)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        gates(model, wave)
    fitted = SimpleNamespace(network_=Compiled(two_layers), frame_=Frame.of([rc.Series(wave)]))
    seen = gates(fitted, wave[:13])["cells/0"]
    scaled = (wave[:12] - wave.mean(axis=0)) / wave.std(axis=0)
    np.testing.assert_allclose(seen.keep, gates(two_layers, scaled)["cells/0"].keep, rtol=0, atol=1e-13)


def test_what_cannot_be_looked_at_is_refused(two_layers, xs):
    with pytest.raises(ConfigError, match="this model has none"):
        gates(Stack.draw("gru", INPUTS, 1, units=2, seed=0), xs)
    with pytest.raises(ConfigError, match="no LSTM layer 2 in this model: it has 2"):
        clamp(two_layers, 2, keep=1.0)
    with pytest.raises(DataError, match="finite numbers"):
        gates(two_layers, xs[0])
    with pytest.raises(ConfigError, match="not a int"):
        gates(3, xs)
