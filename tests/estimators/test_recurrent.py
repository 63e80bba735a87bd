"""RNN, GRU and LSTM as a user meets them: fit, forecast, predict, score, save, and what they refuse."""

import logging

import jax
import numpy as np
import pytest
from sklearn.base import clone

import recurra as rc
from recurra import metrics
from recurra.errors import ConfigError, DataError, DivergenceError, Interrupted, NotFittedError, RecurraWarning
from recurra.estimators.training_options import windows
from recurra.models import to_tensors

SMALL = {"units": 5, "bptt_length": 8, "epochs": 12, "batch_size": 16, "learning_rate": 0.02, "origins": 5}
LEARNERS = (rc.RNN, rc.GRU, rc.LSTM)


def _series(rows=120, seed=0, dt=0.5):
    """Two channels of very different sizes under a drive."""
    t, rng = np.arange(rows) * dt, np.random.default_rng(seed)
    drive = np.cos(0.7 * t + seed)
    x = np.sin(0.4 * t + seed) + 0.3 * drive
    v = 1e4 + 200 * np.cos(0.4 * t + seed) + rng.normal(0, 1, rows)
    return rc.Series(np.column_stack([x, v]), dt=dt, channels=["x", "v"], units=["m", "m/s"], inputs=drive)


def _weights(model):
    return {name: array.tobytes() for name, array in to_tensors(model.network_.model).items()}


def _same(a, b):
    return a.values.tobytes() == b.values.tobytes() and a.times.tobytes() == b.times.tobytes()


@pytest.fixture(scope="module", params=LEARNERS, ids=lambda learner: learner.__name__)
def fitted(request):
    """The learner, the training and test rows, and the fitted model."""
    train, test = _series().split(100)
    return request.param, train, test, request.param(**SMALL, seed=3).fit(train)


def test_forecasts_continue_the_training_rows_in_the_units_of_the_data(fitted):
    _, train, test, model = fitted
    forecast = model.forecast(len(test), inputs=test.inputs)
    assert (forecast.channels, forecast.units, forecast.dt) == (("x", "v"), ("m", "m/s"), 0.5)
    np.testing.assert_allclose(forecast.times, test.times)
    assert np.abs(forecast.values[:, 1] - 1e4).max() < 2e3
    np.testing.assert_allclose(forecast.inputs.values, test.inputs.values, rtol=1e-12)
    assert _same(forecast, model.forecast(len(test), history=train, inputs=test.inputs))
    assert _same(forecast, model.forecast(len(test), history=train[-30:], inputs=test.inputs))
    drive = 1 - test.inputs.values
    assert np.abs(model.forecast(len(test), inputs=drive).values - forecast.values)[0].min() > 0


def test_forecast_and_prediction_are_the_equations_on_scaled_rows(fitted, papers):
    _, train, test, model = fitted
    mean, std = train.values.mean(axis=0), train.values.std(axis=0)
    u_mean, u_std = train.inputs.values.mean(), train.inputs.values.std()
    y = (np.concatenate([train.values, test.values]) - mean) / std
    u = (np.concatenate([train.inputs.values, test.inputs.values]) - u_mean) / u_std
    xs = np.concatenate([y[:-1], u[1:]], axis=1)
    network, warm = model.network_.model, SMALL["bptt_length"] - 1
    first, last = 100 - 1 - warm, 100 - 1  # the rows that warm up, and the last known row

    one_step = papers.unroll(network, xs[first:])[1][warm:]
    np.testing.assert_allclose((model.predict(test).values - mean) / std, one_step, rtol=0, atol=1e-5)
    state, _ = papers.unroll(network, xs[first:last])
    forecast = papers.closed_loop(network, state, y[last], u[100:])
    free = (model.forecast(20, inputs=test.inputs).values - mean) / std
    np.testing.assert_allclose(free, forecast, rtol=0, atol=1e-4)
    assert np.abs(free - one_step).max() > 1e-2  # they are different questions


def test_scores_keep_the_closed_loop_and_one_step_apart(fitted):
    _, train, test, model = fitted
    score = model.score(test)
    forecast, one_step = model.forecast(20, inputs=test.inputs), model.predict(test)
    std = train.values.std(axis=0)
    assert score["closed_loop"]["nrmse"] == pytest.approx(metrics.nrmse(test, forecast, std), rel=1e-12)
    assert score["one_step"]["nrmse"] == pytest.approx(metrics.nrmse(test, one_step, std), rel=1e-12)
    assert {"persistence", "climatology", "linear"} <= set(score["one_step"]["baselines"])


def test_a_saved_model_forecasts_the_same_bits(fitted, tmp_path):
    learner, _, test, model = fitted
    path = tmp_path / "model.safetensors"
    model.save(path)
    again = rc.load(path)
    assert type(again) is learner
    assert again.get_params() == model.get_params()
    assert again.history_ == model.history_
    assert _weights(again) == _weights(model)
    drive = test.inputs
    assert _same(again.forecast(20, inputs=drive), model.forecast(20, inputs=drive))
    assert _same(again.predict(test), model.predict(test))
    assert again.score(test) == model.score(test)


def test_history_has_an_entry_an_epoch(fitted):
    *_, model = fitted
    assert [entry["epoch"] for entry in model.history_] == list(range(1, 13))
    assert all(np.isfinite(entry["loss"]) for entry in model.history_)
    validated = [entry["epoch"] for entry in model.history_ if entry["validation"] is not None]
    assert validated == [10, 12]


def test_a_second_fit_gives_the_same_bits_and_another_seed_others(fitted):
    learner, train, _, model = fitted
    again = clone(model).fit(train)
    assert _weights(again) == _weights(model)
    assert again.history_ == model.history_
    assert _weights(again.fit(train)) == _weights(model)
    assert _weights(learner(**SMALL, seed=4).fit(train)) != _weights(model)


def test_another_fit_of_the_same_shapes_compiles_nothing(fitted, caplog):
    learner, train, *_ = fitted
    for changes in ({"learning_rate": 0.1}, {"epochs": 15}, {"clip_norm": 0.3}, {"seed": 9}, {"patience": 10}):
        with jax.log_compiles(True), caplog.at_level(logging.WARNING):
            learner(**{**SMALL, **changes}).fit(train)
        assert [r.message for r in caplog.records if r.message.startswith("Compiling")] == []
    with jax.log_compiles(True), caplog.at_level(logging.WARNING):
        learner(**{**SMALL, "units": 6, "epochs": 1}).fit(train)
    assert [r.message for r in caplog.records if r.message.startswith("Compiling")]  # they would be seen


def test_inputs_are_not_modified():
    values, drive = _series().values.copy(), _series().inputs.values.copy()
    kept = values.copy(), drive.copy()
    series = rc.Series(values, inputs=drive)
    model = rc.GRU(**SMALL).fit(series)
    model.forecast(5, history=series, inputs=drive[:5])
    model.predict(series)
    with pytest.raises(ConfigError, match=r"rows 0 to 111 .* were trained on"):
        model.score(series)
    assert (values == kept[0]).all()
    assert (drive == kept[1]).all()
    np.testing.assert_array_equal(series.values, kept[0])


def test_learns_from_many_series_of_different_lengths():
    parts = [_series(rows, seed) for seed, rows in enumerate((60, 90, 45))]
    model = rc.GRU(**SMALL, validation=0.25).fit(parts)
    assert _same(model.forecast(6, inputs=np.zeros(6)), model.forecast(6, history=parts[-1], inputs=np.zeros(6)))
    mean = np.concatenate([part.values for part in parts]).mean(axis=0)
    np.testing.assert_allclose(model.frame_.scaler.mean, mean)
    swapped = rc.GRU(**SMALL, validation=0.25).fit([parts[1], parts[0], parts[2]])
    assert _weights(swapped) != _weights(model)
    assert model.score([_series(50, 7), _series(70, 8)])["closed_loop"]["rows"] == 50 + 70 - 2 * 8


def test_windows_do_not_bridge_two_series():
    # Windows of 11 rows over series of 11 rows: one a series, whatever comes after it.
    parts = [_series(11, seed) for seed in range(4)]
    model = rc.RNN(units=2, bptt_length=10, epochs=1, validation=0)
    for count in (1, 3):
        training = [(part.values, part.inputs.values) for part in parts[:count]]
        assert windows(model, training)[2].tolist() == [11 * k for k in range(count)]


def test_a_forecast_warms_up_on_the_rows_that_it_is_told_to():
    train = np.sin(0.3 * np.arange(90))
    for options, rows in (({}, SMALL["bptt_length"]), ({"warmup": 3}, 4), ({"warmup": 0}, 1)):
        model = rc.GRU(**SMALL, **options).fit(train)
        forecast = model.forecast(9)
        assert _same(model.forecast(9, history=model.recent_[-rows:]), forecast)
        moved = train.copy()
        moved[-rows] += 0.5
        assert not _same(model.forecast(9, history=moved), forecast)
        moved = train.copy()
        moved[: 90 - rows] += 0.5
        assert model.forecast(9, history=moved).values.tobytes() == forecast.values.tobytes()


def test_validation_keeps_the_weights_of_the_best_closed_loop():
    train = np.sin(0.3 * np.arange(90))
    options = {**SMALL, "learning_rate": 0.1, "seed": 0}
    model = rc.GRU(**{**options, "epochs": 80}).fit(train)
    scores = {e["epoch"]: e["validation"] for e in model.history_ if e["validation"] is not None}
    assert list(scores) == list(range(10, 81, 10))
    best = min(scores, key=scores.__getitem__)
    assert best < 80  # otherwise this would test nothing
    shorter = rc.GRU(**{**options, "epochs": best}).fit(train)
    assert shorter.history_ == model.history_[:best]
    assert _weights(shorter) == _weights(model)
    patient = rc.GRU(**{**options, "epochs": 80, "patience": 5}).fit(train)
    stops = [epoch for epoch in scores if epoch - min(scores, key=lambda e: (e > epoch, scores[e])) >= 5]
    assert len(patient.history_) == (stops[0] if stops else 80)


def test_validation_of_its_own_leaves_all_rows_to_train_on(monkeypatch):
    train, held = np.sin(0.3 * np.arange(90)), np.sin(0.3 * np.arange(40) + 1)
    seen = []
    monkeypatch.setattr(
        "recurra.estimators.recurrent.windows",
        lambda owner, parts: seen.append(sum(len(v) for v, _ in parts)) or windows(owner, parts),
    )
    model = rc.GRU(**SMALL).fit(train, validation=held)
    rc.GRU(**SMALL).fit(train)
    rc.GRU(**SMALL, validation=0).fit(train)
    assert seen == [90, 81, 90]
    assert model.history_[-1]["validation"] is not None


def test_stacked_layers_increments_and_partial_teacher_forcing(tmp_path):
    series = np.cumsum(np.sin(0.3 * np.arange(100))) + 50
    model = rc.LSTM(**SMALL, layers=2, increment=True, teacher_forced=5).fit(series)
    network = model.network_.model
    assert len(network.cells) == 2
    scaled = (series - series.mean()) / series.std()
    np.testing.assert_allclose(network.scale, np.diff(scaled).std(), rtol=1e-6)
    model.save(tmp_path / "m.safetensors")
    assert _same(rc.load(tmp_path / "m.safetensors").forecast(9), model.forecast(9))


def test_an_interrupted_fit_resumes_to_the_same_bits(tmp_path):
    train = np.sin(0.3 * np.arange(90))
    options = {**SMALL, "epochs": 40}
    whole = rc.GRU(**options).fit(train)

    def stop(entry):
        if entry["epoch"] == 20:
            raise Interrupted("stopped", signal_number=15)

    path, model = tmp_path / "checkpoint.safetensors", rc.GRU(**options)
    with pytest.raises(Interrupted):
        model.fit(train, checkpoint=path, progress=stop)
    with pytest.raises(NotFittedError):
        model.forecast(1)
    told = []
    model.fit(train, checkpoint=path, progress=told.append)
    assert [entry["epoch"] for entry in told] == [30, 40]
    assert _weights(model) == _weights(whole)
    assert model.history_ == whole.history_
    assert _same(model.forecast(30), whole.forecast(30))
    with pytest.raises(ConfigError, match="other data or settings"):
        rc.GRU(**options, seed=1).fit(train, checkpoint=path)


def test_learns_a_sine_well_enough_to_run_free_over_four_periods():
    wave = np.sin(2 * np.pi * np.arange(400) / 25)
    model = rc.GRU(units=8, bptt_length=25, epochs=60, batch_size=16, learning_rate=0.02, final_learning_rate=1e-3).fit(
        wave[:300]
    )
    score = model.score(rc.Series(wave[300:], times=np.arange(300.0, 400.0)))
    assert score["closed_loop"]["nrmse"] < 0.2
    assert score["closed_loop"]["baselines"]["persistence"]["nrmse"] > 1


def test_follows_scikit_learn():
    model = rc.LSTM(units=7, seed=3)
    assert model.get_params()["units"] == 7
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(layers=2, seed=1) is model
    assert (model.layers, model.seed) == (2, 1)
    with pytest.raises(ConfigError, match=r"'unit'.*did you mean 'units'"):
        model.set_params(unit=3)
    unchecked = rc.RNN(units=-1)  # a constructor only stores
    with pytest.raises(NotFittedError):
        unchecked.forecast(1)


@pytest.mark.bad_input(40)
def test_all_bad_parameters_are_named_at_once():
    bad = {
        "units": 0,
        "layers": 1.5,
        "optimizer": "adamm",
        "learning_rate": 0.0,
        "momentum": 1.1,
        "epochs": True,
        "batch_size": -1,
        "bptt_length": 0,
        "clip_norm": float("nan"),
        "increment": 1,
        "validation": 0.95,
        "patience": 0,
        "seed": -1,
        "activation": "sine",
        "readout": [8, 0],
        "readout_activation": "sofmax",
        "dropout": 1.0,
        "recurrent_dropout": -0.1,
        "precision": "float16",
        "loss": "categorical",
        "huber_delta": 0,
        "l2": {"X": 1.0},
        "l1": {"W": -1.0},
        "schedule": "cosin",
        "milestones": 3,
        "decay": 0.0,
        "warmup_updates": -1,
        "weight_decay": -1.0,
        "stateful": "yes",
        "learned_start": 1,
        "on_diverge": 5,
    }
    with pytest.raises(ConfigError) as caught:
        rc.RNN(**bad).fit(np.sin(np.arange(50.0)))
    message = str(caught.value)
    assert [name for name in bad if f"`{name}`" not in message] == []
    assert "did you mean 'adam'?" in message
    with pytest.raises(ConfigError, match=r"`teacher_forced`.*at most 8"):
        rc.GRU(**SMALL, teacher_forced=9).fit(np.sin(np.arange(50.0)))


@pytest.mark.bad_input(7)
def test_a_series_too_short_for_a_window_is_refused_with_the_arithmetic():
    with pytest.raises(ConfigError, match=r"warms up on 49 rows .* 49 \+ 3 = 52 rows in one piece.* has 30\."):
        rc.GRU().fit(np.sin(np.arange(30.0)))
    with pytest.raises(ConfigError, match=r"no window of 50 steps fits the 47 .* `bptt_length` to at most 46"):
        rc.GRU(warmup=5).fit(np.sin(np.arange(52.0)))


@pytest.mark.bad_input(8)
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_values_beyond_float32_are_scaled_before_they_are_rounded(precision):
    """Times 2^130, which is exact in float64 and more than float32 can hold, everything is the same but the unit."""
    values, size = np.sin(0.3 * np.arange(80.0)), 2.0**130
    near, far = (rc.GRU(**SMALL, precision=precision).fit(factor * values).forecast(20) for factor in (1.0, size))
    assert np.abs(far.values).max() > np.finfo(np.float32).max
    np.testing.assert_array_equal(far.values, size * near.values)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    values = np.sin(np.arange(60.0))
    values[17] = bad
    with pytest.raises(DataError, match="row 17"):
        rc.RNN(**SMALL).fit(values)


def test_a_diverging_fit_says_so_and_leaves_no_model():
    model = rc.RNN(**{**SMALL, "learning_rate": 1e6}, activation="relu", optimizer="sgd", clip_norm=None)
    with pytest.raises(DivergenceError, match=r"update \d+ .*learning rate of 0.001, or set `clip_norm") as caught:
        model.fit(np.sin(np.arange(60.0)))
    assert caught.value.exit_code == 4
    assert caught.value.cause["update"] >= 1
    with pytest.raises(NotFittedError):
        model.forecast(3)


def test_windows_of_one_step_are_warned_of():
    with pytest.warns(RecurraWarning, match="sequence length 1"):
        rc.RNN(**{**SMALL, "bptt_length": 1, "epochs": 1}).fit(np.sin(np.arange(60.0)))


def test_windows_start_a_stride_apart():
    values, drive = np.zeros((60, 2)), np.zeros((60, 0))
    model = rc.LSTM(bptt_length=10, stride=7)
    np.testing.assert_array_equal(windows(model, [(values, drive)])[2], np.arange(0, 50, 7))


def test_numpy_integers_are_whole_numbers(tmp_path):
    model = rc.GRU(**{**SMALL, "epochs": np.int64(10), "bptt_length": np.int64(10), "teacher_forced": 5})
    model.fit(_series(), checkpoint=tmp_path / "c.safetensors")
    model.save(tmp_path / "m.safetensors")
    assert rc.load(tmp_path / "m.safetensors").epochs == 10


def test_patience_needs_a_validation():
    with pytest.raises(ConfigError, match="set `validation` above 0"):
        rc.GRU(**{**SMALL, "patience": 10, "validation": 0.0}).fit(_series())


def test_a_checkpoint_with_other_validation_rows_is_refused(tmp_path):
    series, path = _series(), tmp_path / "c.safetensors"

    def stop(event):
        raise Interrupted("stop", signal_number=15)

    model = rc.GRU(**{**SMALL, "epochs": 30})
    with pytest.raises(Interrupted):
        model.fit(series[:80], validation=series[80:], checkpoint=path, progress=stop)
    with pytest.raises(ConfigError, match="other validation rows"):
        model.fit(series[:80], validation=series[70:110], checkpoint=path)
