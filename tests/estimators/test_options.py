"""Readouts, dropout, precision and the other options of the trained networks: what they do, and that files keep it."""

import equinox as eqx
import jax
import numpy as np
import pytest

import recurra as rc
from recurra.errors import ConfigError
from recurra.estimators.training_options import objective, settings, windows
from recurra.models import parameter_count, to_tensors
from recurra.training import Gaussian, LearnedStart

SMALL = {"units": 5, "bptt_length": 8, "epochs": 4, "batch_size": 16, "learning_rate": 0.02, "origins": 5}
WAVE = np.sin(0.3 * np.arange(90))


def _tensors(model):
    return to_tensors(model.network_.model)


def _same(a, b):
    return a.values.tobytes() == b.values.tobytes()


@pytest.mark.parametrize(
    "options",
    [
        {"readout": (6, 3), "readout_activation": "gelu", "layers": 2, "dropout": 0.3, "recurrent_dropout": 0.3},
        {"loss": "gaussian", "learned_start": True, "increment": True, "readout": [4], "precision": "float64"},
        {"reset_after": False, "l2": {"W": 1e-3}, "schedule": "step", "milestones": [2], "on_diverge": "backoff:2"},
        {"stateful": True, "washout": 2, "optimizer": "nesterov", "loss": "huber", "huber_delta": 0.3},
        {"feeding": "sampled", "data_share": 1.0, "final_data_share": 0.2, "input_noise": 0.1, "washout": 3},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_file_keeps_the_network_and_its_options(options, tmp_path):
    model = rc.GRU(**{**SMALL, **options}).fit(WAVE)
    path = tmp_path / "m.safetensors"
    model.save(path)
    again = rc.load(path)
    assert _same(again.forecast(9), model.forecast(9))
    assert {name: array.tobytes() for name, array in _tensors(again).items()} == {
        name: array.tobytes() for name, array in _tensors(model).items()
    }
    for name, value in model.get_params().items():
        kept = getattr(again, name)
        assert kept == (list(value) if isinstance(value, tuple) else value)
    assert _same(rc.GRU(**again.get_params()).fit(WAVE).forecast(9), model.forecast(9))  # lists are as good as tuples


def test_hidden_layers_of_the_readout(papers):
    model = rc.RNN(**SMALL, readout=(6, 3), readout_activation="softplus", precision="float64", validation=0).fit(WAVE)
    network = model.network_.model
    assert [layer.activation for layer in network.readout] == ["softplus", "softplus", "identity"]
    sizes = 5 * (1 + 5 + 1) + (5 + 1) * 6 + (6 + 1) * 3 + (3 + 1) * 1
    assert parameter_count(network) == sizes
    xs = ((WAVE[-8:-1] - WAVE.mean()) / WAVE.std())[:, None]
    state, _ = papers.unroll(network, xs)
    last = (WAVE[-1:] - WAVE.mean()) / WAVE.std()
    expected = papers.closed_loop(network, state, last, np.zeros((6, 0)))[:, 0] * WAVE.std() + WAVE.mean()
    np.testing.assert_allclose(model.forecast(6).values[:, 0], expected, rtol=0, atol=1e-12)


def test_dropout_is_for_training_alone():
    options = {**SMALL, "dropout": 0.5, "recurrent_dropout": 0.3, "validation": 0}
    model, again = (rc.RNN(**options).fit(WAVE) for _ in range(2))
    plain = rc.RNN(**{**options, "dropout": 0.0, "recurrent_dropout": 0.0}).fit(WAVE)
    assert _same(model.forecast(20), model.forecast(20))
    assert _same(model.forecast(20), again.forecast(20))
    assert not _same(model.forecast(20), plain.forecast(20))
    # the same weights without dropout forecast the same bits
    network = model.network_.model
    bare = plain.network_.model
    model.network_ = type(plain.network_)(type(bare)(network.cells, network.readout, network.scale))
    assert _same(model.forecast(20), again.forecast(20))


def test_nothing_drops_to_single_precision_on_the_way():
    series = rc.Series(np.column_stack([WAVE, np.cos(0.3 * np.arange(90))]), inputs=np.sin(np.arange(90)))
    model = rc.RNN(**SMALL, precision="float64", increment=True, dropout=0.2, validation=0).fit(series)
    network, tensors = model.network_, _tensors(model)
    assert {array.dtype.name for array in tensors.values()} == {"float64"}
    for name, array in tensors.items():
        assert (array != array.astype(np.float32)).any(), name
    state, outputs = network.run(network.initial_state(1), np.random.default_rng(0).normal(size=(1, 5, 3)))
    assert {leaf.dtype.name for leaf in jax.tree.leaves(state)} == {"float64"}
    assert (outputs != outputs.astype(np.float32)).any()
    loss = model.history_[-1]["loss"]
    assert loss != float(np.float32(loss))
    assert not jax.config.jax_enable_x64


def test_a_step_of_gradient_descent_in_double_precision_is_numpys():
    # One update on all windows at once: w - rate dL/dw, with dL/dw by central differences of the equations in NumPy.
    options = {"units": 3, "bptt_length": 6, "validation": 0, "batch_size": 1000, "warmup": 3}
    model = rc.RNN(**options, epochs=1, optimizer="sgd", learning_rate=0.1, clip_norm=None, precision="float64")
    model.fit(WAVE[:40])
    y = (WAVE[:40] - WAVE[:40].mean()) / WAVE[:40].std()
    start = to_tensors(model._model(1, 1, None, model.seed))

    def loss(w):
        errors = []
        for first in range(40 - 6):
            h = np.zeros(3)
            for t in range(first, first + 6):
                h = np.tanh(w["cells/0/U"] @ y[t : t + 1] + w["cells/0/W"] @ h + w["cells/0/b"])
                errors.append(w["readout/0/V"] @ h + w["readout/0/c"] - y[t + 1])
        return np.mean(np.square(errors))

    for name, array in start.items():
        slope = np.zeros(array.shape)
        for at in np.ndindex(array.shape):
            move = np.zeros(array.shape)
            move[at] = 1e-5
            slope[at] = (loss({**start, name: array + move}) - loss({**start, name: array - move})) / 2e-5
        np.testing.assert_allclose((array - _tensors(model)[name]) / 0.1, slope, rtol=0, atol=1e-8)


@pytest.mark.parametrize("learner", [rc.RNN, rc.GRU, rc.LSTM])
def test_gradients_in_double_precision_are_central_differences(learner):
    series = rc.Series(np.column_stack([WAVE, np.cos(WAVE)]), inputs=np.sin(np.arange(90)))
    model = learner(**SMALL, precision="float64", readout=(4,), readout_activation="tanh", layers=2)
    parts = [(series.values, series.inputs.values)]
    data, network, goal = windows(model, parts), model._model(2, 3, None, 1), objective(model)
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        data, index = jax.tree.map(jax.numpy.asarray, data), jax.numpy.arange(5)
        loss = eqx.filter_jit(lambda m: goal.loss(m, data, index))
        gradient = eqx.filter_jit(eqx.filter_grad(lambda m: goal.loss(m, data, index)))(network)
        for _ in range(3):
            way = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape) / 10, network)
            up, down = (jax.tree.map(lambda w, d, e=e: w + e * d, network, way) for e in (1e-5, -1e-5))
            parts = jax.tree.map(lambda g, d: float((np.asarray(g) * d).sum()), gradient, way)
            slope = (float(loss(up)) - float(loss(down))) / 2e-5
            assert sum(jax.tree.leaves(parts)) == pytest.approx(slope, abs=1e-8)


def test_precisions_agree_as_far_as_the_lesser_goes():
    single, double = (
        rc.RNN(**SMALL, precision=precision, validation=0).fit(WAVE) for precision in ("float32", "float64")
    )
    np.testing.assert_allclose(single.forecast(5).values, double.forecast(5).values, atol=1e-4)
    assert not _same(single.forecast(5), double.forecast(5))


def test_what_the_training_gets():
    model = rc.GRU(
        **{**SMALL, "stateful": True, "washout": 3, "loss": "huber", "huber_delta": 0.5, "l1": {"V": 0.1}},
        schedule="step",
        milestones=(2, 3),
    )
    found, goal = settings(model, 100), objective(model)
    assert (found.schedule, found.milestones, found.l1.V, found.l2.V) == ("step", (2, 3), 0.1, 0)
    assert (goal.steps, goal.washout, goal.error.name, goal.error.delta) == (8, 3, "huber", 0.5)
    wrapped = rc.GRU(**SMALL, loss="gaussian", learned_start=True)._model(2, 3, np.ones(2), 0)
    assert isinstance(wrapped, Gaussian)
    assert isinstance(wrapped.model, LearnedStart)


def test_missing_values_are_held_as_inputs_and_left_out_as_targets():
    values = WAVE[:30, None].copy()
    values[[4, 5, 20]] = np.nan
    drive = np.zeros((30, 0))
    held, _, starts, observed = windows(rc.GRU(**SMALL), [(values, drive)])
    np.testing.assert_array_equal(held[[4, 5, 20], 0], np.float32(WAVE[[3, 3, 19]]))
    np.testing.assert_array_equal(observed, ~np.isnan(values))
    assert len(windows(rc.GRU(**SMALL), [(WAVE[:30, None], drive)])) == 3
    assert len(starts) == 22


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stateful": True, "teacher_forced": 4}, "true rows at every step"),
        ({"stateful": True, "stride": 2}, "without overlap"),
        ({"data_share": 1.5}, "`data_share` must be a number of at least 0 and at most 1"),
        ({"final_data_share": None}, "`final_data_share` must be a number"),
        ({"share_epochs": 0}, "`share_epochs` must be a whole number"),
        ({"stateful": True, "feeding": "mixed"}, "`feeding`: a stateful training"),
        ({"stateful": True, "input_noise": 0.1}, "`input_noise`: a stateful training"),
        ({"feeding": "mixd"}, "`feeding`: unknown choice 'mixd'"),
        ({"washout": 8}, "`washout` must be a whole number .* at most 7"),
        ({"weight_decay": 0.1}, "for the optimizer 'adamw'"),
        ({"schedule": "step"}, "'step' alone has them"),
        ({"on_diverge": "retry"}, "'stop' or 'backoff:n'"),
        ({"l2": 0.1}, "`l2` must be a table"),
    ],
)
def test_options_that_do_not_go_together(options, message):
    with pytest.raises(ConfigError, match=message):
        rc.GRU(**{**SMALL, **options}).fit(WAVE)
