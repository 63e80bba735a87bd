"""Feed-forward and convolutional networks: what they see, what they cannot, and that order is what they learn from."""

import numpy as np
import pytest

from recurra import Series
from recurra.errors import ConfigError
from recurra.estimators.cnn import CNN
from recurra.estimators.ffnn import FFNN
from recurra.forecasting.compiled import Compiled
from recurra.models import parameter_count
from recurra.training import LastStep, Settings, train

DELAY = 5
SETTINGS = {
    "bptt_length": 20,
    "stride": 10,
    "epochs": 60,
    "learning_rate": 0.02,
    "final_learning_rate": 1e-4,
    "validation": 0.0,
    "precision": "float64",
    "activation": "identity",
}


def _delayed(rows, seed):
    """y is the white noise u, five rows late: y itself is white noise."""
    u = np.random.default_rng(seed).standard_normal(rows + DELAY)
    drive = Series(u[DELAY:, None], channels=["u"])
    return Series(u[:rows, None], channels=["y"], inputs=drive)


TRAIN, TEST = _delayed(1500, 1), _delayed(600, 2)


@pytest.fixture(scope="module")
def learned():
    return {
        "memoryless": FFNN(order=1, units=8, **SETTINGS).fit(TRAIN),
        "ffnn": FFNN(order=8, units=8, **SETTINGS).fit(TRAIN),
        "cnn": CNN(units=8, layers=3, **SETTINGS).fit(TRAIN),
    }


def _relative_error(model):
    forecast = model.predict(TEST).values
    return np.mean((forecast[20:] - TEST.values[-len(forecast) :][20:]) ** 2) / TEST.values.var()


def test_without_memory_a_delayed_noise_is_as_good_as_unknown(learned):
    assert _relative_error(learned["memoryless"]) >= 0.95  # theory: 1


@pytest.mark.parametrize("name", ["ffnn", "cnn"])
def test_a_window_that_reaches_far_enough_back_holds_the_delayed_noise(learned, name):
    assert _relative_error(learned[name]) <= 0.05
    assert learned[name].receptive_field > DELAY


def test_a_feed_forward_network_is_its_formula(learned):
    model = learned["ffnn"]
    cell, readout = model.network_.model.cells[0], model.network_.model.readout[0]
    z, u = (s.values[:, 0] for s in (TEST, TEST.inputs))
    z = (z - model.frame_.scaler.mean) / model.frame_.scaler.std
    u = (u - model.frame_.drive_scaler.mean) / model.frame_.drive_scaler.std
    forecast = model.predict(TEST).values[:, 0]
    for row in (8, 100, 599):
        past = np.array([[z[row - 1 - j], u[row - j]] for j in range(8)]).reshape(-1)
        y = readout.V @ (cell.U @ past + cell.b) + readout.c
        expected = y[0] * model.frame_.scaler.std + model.frame_.scaler.mean
        assert forecast[row - 1] == pytest.approx(expected[0], rel=1e-12)


@pytest.mark.parametrize("name", ["ffnn", "cnn"])
def test_rows_before_the_window_do_not_reach_the_closed_loop(learned, name):
    model, steps, far = learned[name], 30, TEST.values.copy()
    far[: 400 - model.receptive_field] += 5.0
    later = TEST.inputs[400 : 400 + steps]
    forecasts = [
        model.forecast(steps, Series(values, channels=["y"], inputs=TEST.inputs)[:400], later).values
        for values in (TEST.values, far)
    ]
    assert forecasts[0].tobytes() == forecasts[1].tobytes()


@pytest.mark.parametrize("name", ["ffnn", "cnn"])
def test_a_stream_in_pieces_is_the_batch(learned, name):
    network = learned[name].network_
    xs = np.random.default_rng(4).standard_normal((1, 60, 2))
    state, whole = network.run(network.initial_state(1), xs)
    state, first = network.run(network.initial_state(1), xs[:, :30])
    _, rest = network.run(state, xs[:, 30:])
    np.testing.assert_allclose(np.concatenate([first, rest], axis=1), whole, rtol=0, atol=1e-14)


def test_parameters_are_those_of_dense_layers_and_taps(learned):
    assert parameter_count(learned["ffnn"].network_.model) == 8 * (8 * 2 + 1) + (8 + 1)
    assert parameter_count(learned["cnn"].network_.model) == 8 * (2 * 2 + 1) + 2 * 8 * (2 * 8 + 1) + (8 + 1)


def test_order_is_what_is_learnt():
    """The last step of a white noise, x[t] - x[t-1], is in the window; shuffled in time, the window says nothing of it.

    By symmetry the mean of the difference, given the values without their order, is zero: no forecast beats a constant.
    """
    rng = np.random.default_rng(6)
    model = FFNN(order=6, units=8, activation="identity")._network(1, 1, None, 0)
    xs = rng.standard_normal((1200, 6, 1)).astype(np.float32)
    targets = xs[:, -1] - xs[:, -2]
    shuffled = rng.permuted(xs, axis=1)
    settings = Settings(learning_rate=0.02, final_learning_rate=1e-4, epochs=30, batch_size=32, stretch=30)
    errors = {}
    for name, inputs in (("ordered", xs), ("shuffled", shuffled)):
        network = Compiled(train(model, LastStep(), (inputs[:800], targets[:800]), settings).best)
        outputs = network.run(network.initial_state(400), inputs[800:].astype(float))[1][:, -1]
        errors[name] = np.mean((outputs - targets[800:]) ** 2) / targets[800:].var()
    assert errors["ordered"] <= 0.01
    assert errors["shuffled"] >= 0.95


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: FFNN(order=60), r"`bptt_length`: an output depends on 60 rows, it must be at least 60, got 50"),
        (lambda: CNN(layers=3, warmup=5), r"`warmup`: an output depends on 8 rows, it must be at least 7, got 5"),
        (lambda: FFNN(teacher_forced=9), r"`teacher_forced`: an output depends on 10 rows"),
        (lambda: FFNN(recurrent_dropout=0.1), r"`recurrent_dropout`: nothing is fed back"),
        (lambda: CNN(learned_start=True), r"`learned_start`: nothing is fed back"),
        (lambda: CNN(stateful=True), r"`stateful`: nothing is fed back"),
        (lambda: CNN(kernel=0), r"`kernel` must be a whole number"),
    ],
)
def test_what_makes_no_sense_without_feedback_is_refused(build, message):
    with pytest.raises(ConfigError, match=message):
        build().check()


@pytest.mark.parametrize(("kernel", "dilation", "layers", "rows"), [(2, 2, 4, 16), (3, 2, 3, 15), (3, 1, 4, 9)])
def test_the_receptive_field_is_that_of_the_formula(kernel, dilation, layers, rows):
    assert CNN(kernel=kernel, dilation=dilation, layers=layers).receptive_field == rows


def test_a_penalty_on_what_is_fed_back_is_refused():
    with pytest.raises(ConfigError, match="W"):
        FFNN(order=2, l2={"W": 0.1}, bptt_length=5, epochs=1, validation=0.0).fit(np.sin(np.arange(30.0)))
