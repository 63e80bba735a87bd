"""What must not matter: the date, the order of the channels, the size of a batch or of a block."""

import dataclasses
from functools import partial

import equinox as eqx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recurra as rc
from recurra.forecasting import Origins, forecast_origins
from recurra.forecasting.compiled import Compiled
from recurra.models import Dense, Stack
from recurra.reservoirs import EchoState, Reservoir, draw_reservoir
from recurra.reservoirs import harvest as harvesting
from recurra.reservoirs.readout import TriangularFactor

STEPS, WARMUP = 25, 30
SMALL = {"units": 5, "epochs": 10, "bptt_length": 8, "seed": 1}
LEARNERS = {
    "persistence": rc.Persistence,
    "linear": partial(rc.Linear, order=3),
    "esn": partial(rc.ESN, units=40, washout=20, ridge=1e-6),
    "rnn": partial(rc.RNN, **SMALL),
    "gru": partial(rc.GRU, **SMALL),
    "lstm": partial(rc.LSTM, **SMALL, increment=True),
}
TOLERANCE = {"esn": 1e-10, "network": 2e-5}  # float64 and float32: BLAS adds in another order for another batch


def waves(rows=200):
    t = np.arange(rows)
    return np.stack([np.sin(0.3 * t), np.cos(0.3 * t) + 0.2 * np.sin(0.71 * t), np.sin(0.71 * t + 1)], axis=1)


def esn(order=(0, 1, 2)):
    """A reservoir with a random readout, and the same with its channels in another order."""
    order = np.array(order)
    drawn = draw_reservoir(
        30, 4, spectral_radius=0.8, in_degree=5, input_scaling=0.4, bias_scaling=0.5, leak=0.6, seed=2
    )
    features = np.append(order, 3)  # the drive stays last
    reservoir = Reservoir(drawn.W, drawn.W_in[:, features], drawn.b, drawn.leak)
    rng = np.random.default_rng(3)
    coefficients = rng.normal(0, 0.1, (3, 1 + 2 * 4 + 30))[order]
    columns = np.concatenate([[0], 1 + features, 5 + features, np.arange(9, 39)])
    return EchoState(reservoir, np.ascontiguousarray(coefficients[:, columns]), lags=2)


def network(cell, order=(0, 1, 2)):
    """A stack, and the same with its channels in another order."""
    order = np.array(order)
    model = Stack.draw(cell, 4, 3, units=6, layers=2, seed=4)
    first = model.cells[0]
    model = eqx.tree_at(lambda m: m.cells[0].U, model, np.asarray(first.U)[:, np.append(order, 3)])
    readout = Dense(np.asarray(model.readout[0].V)[order], np.asarray(model.readout[0].c)[order])
    return Compiled(dataclasses.replace(model, readout=(readout,)))


MODELS = {
    "esn": esn,
    **{cell: partial(network, cell) for cell in ("elman", "gru", "lstm")},
}


def tolerance(name):
    return TOLERANCE["esn" if name == "esn" else "network"]


def problems(values, count=6):
    drive = np.cos(0.23 * np.arange(len(values)))[:, None]
    rows = [WARMUP + 20 * k for k in range(count)]
    return Origins.cut(values, drive, rows, WARMUP, STEPS)


def alone(origins, k):
    fields = ("warm", "last", "drive", "truth")
    return Origins(*(getattr(origins, name)[k : k + 1] for name in fields))


@pytest.mark.parametrize("name", LEARNERS)
def test_a_later_start_shifts_the_times_and_nothing_else(name):
    values = waves()
    models = [LEARNERS[name]().fit(rc.Series(values, dt=0.5, times=0.5 * np.arange(200) + at)) for at in (0, 4096.0)]
    one, other = (model.forecast(STEPS) for model in models)
    assert one.values.tobytes() == other.values.tobytes()
    np.testing.assert_array_equal(other.times, one.times + 4096.0)
    np.testing.assert_array_equal(one.times, 100 + 0.5 * np.arange(STEPS))


@pytest.mark.parametrize(("name", "size"), [("persistence", 0.0), ("linear", 1e-9)])
def test_learners_without_weights_to_draw_do_not_see_the_order_of_channels(name, size):
    values, order = waves(), [2, 0, 1]
    one, other = (LEARNERS[name]().fit(rc.Series(v, dt=1.0)).forecast(STEPS) for v in (values, values[:, order]))
    np.testing.assert_allclose(other.values, one.values[:, order], rtol=0, atol=size)


@pytest.mark.parametrize("name", MODELS)
@given(order=st.permutations([0, 1, 2]))
@settings(max_examples=6)
def test_permuted_channels_and_weights_permute_the_forecast(name, order):
    values = waves()
    one = forecast_origins(MODELS[name](), problems(values))
    other = forecast_origins(MODELS[name](order), problems(values[:, order]))
    assert np.abs(one).max() > 0.05
    np.testing.assert_allclose(other, one[..., order], rtol=0, atol=tolerance(name))


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_of_one_is_the_single_run(name):
    model, origins = MODELS[name](), problems(waves())
    together = forecast_origins(model, origins)
    for k in range(len(origins)):
        single = forecast_origins(model, alone(origins, k))
        np.testing.assert_allclose(single[0], together[k], rtol=0, atol=tolerance(name))


@pytest.mark.parametrize("name", MODELS)
@given(at=st.integers(1, 59))
@settings(max_examples=8)
def test_a_sequence_in_two_pieces_is_the_whole(name, at):
    model, inputs = MODELS[name](), problems(waves()).warm
    inputs = np.concatenate([inputs, inputs[:, ::-1]], axis=1)
    _, whole = model.run(model.initial_state(len(inputs)), inputs)
    state, first = model.run(model.initial_state(len(inputs)), inputs[:, :at])
    _, second = model.run(state, inputs[:, at:])
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, rtol=0, atol=tolerance(name))


@given(block=st.integers(1, 260), cut=st.integers(0, 199), washout=st.integers(0, 150))
@settings(max_examples=25)
def test_a_harvest_in_blocks_of_any_size_is_one_harvest(block, cut, washout):
    """The same rows reach the sums, in order; the triangular factor then differs by rounding alone."""
    inputs = np.concatenate([waves(), np.cos(0.23 * np.arange(200))[:, None]], axis=1)
    targets = waves(201)[1:]
    reservoir = esn().reservoir
    states = reservoir.harvest(np.zeros(30), inputs)
    kept = np.arange(washout, 200)
    taps = [np.where((kept >= k)[:, None], inputs[kept - k], 0.0) for k in range(2)]
    rows = np.concatenate([np.ones((len(kept), 1)), *taps, states[kept], targets[kept]], axis=1)
    harvest = harvesting.Harvest(reservoir, 2, False, washout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harvesting, "BLOCK", block)
        total, state = harvest.add(TriangularFactor.empty(8 + 30, 3), inputs, targets, range(cut), None)
        total, state = harvest.add(total, inputs, targets, range(cut, 200), state)
    R = np.triu(total.R)
    assert total.rows == len(kept)
    np.testing.assert_allclose(state, states[-1], rtol=0, atol=1e-14)  # BLAS rounds by the height of a block
    np.testing.assert_allclose(R.T @ R, rows.T @ rows, rtol=0, atol=1e-10)
