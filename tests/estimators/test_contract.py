"""What every estimator promises, checked on every learner that needs no JAX."""

import warnings

import numpy as np
import pytest

import recurra as rc
from recurra.errors import ConfigError, DataError, NotFittedError, RecurraWarning

# With increments and few rows the reservoir of one builder runs away: that it is said has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:the closed loop runs away")


def memory(model) -> int:
    """Rows of its own that a separate series gives as history, by the rule of the docstring."""
    own = getattr(model, "warmup", None) or getattr(model, "washout", 0)
    warmups = {"esn": own, "local-esn": own}
    others = [model.baselines_[name] for name in ("linear", "nearest") if name in model.baselines_]
    orders = [network.order for network in (model.network_, *others) if hasattr(network, "order")]
    return max(warmups.get(model.kind, 0), *(order - 1 for order in orders)) + 1


def test_fit_returns_self_and_keeps_the_parameters(build, chaos):
    model = build()
    before = model.get_params()
    assert model.fit(chaos[:300]) is model
    assert model.get_params() == before


def test_forecast_is_a_series_in_the_units_of_the_data(fitted, chaos):
    forecast = fitted.forecast(25)
    assert forecast.values.shape == (25, 3)
    assert (forecast.channels, forecast.units, forecast.dt) == (chaos.channels, chaos.units, chaos.dt)
    np.testing.assert_allclose(forecast.times, chaos.times[700:725], rtol=1e-14)
    assert forecast.provenance["training_std"] == pytest.approx(chaos.values[:700].std(axis=0), rel=1e-14)
    assert forecast.provenance["time_unit"] == "s"


def test_scaler_holds_the_statistics_of_the_training_rows(fitted, chaos):
    train = chaos.values[:700]
    np.testing.assert_allclose(fitted.frame_.scaler.mean, train.mean(axis=0), rtol=1e-15 * 8, atol=1e-15)
    np.testing.assert_allclose(fitted.frame_.scaler.std, train.std(axis=0), rtol=1e-15 * 8)


def test_forecast_continues_the_training_rows_by_default(fitted, chaos):
    np.testing.assert_array_equal(fitted.forecast(20).values, fitted.forecast(20, history=chaos[:700]).values)


def test_a_longer_forecast_begins_like_a_shorter_one(fitted):
    np.testing.assert_array_equal(fitted.forecast(30).values[:7], fitted.forecast(7).values)


def test_only_the_last_rows_of_history_matter(fitted, chaos):
    rows = memory(fitted)
    whole, last = fitted.forecast(10, history=chaos[:650]), fitted.forecast(10, history=chaos[650 - rows : 650])
    np.testing.assert_array_equal(whole.values, last.values)
    assert whole.times[0] == pytest.approx(chaos.times[650], rel=1e-14)


def test_predict_forecasts_every_row_that_follows_the_training_rows(fitted, chaos):
    test = chaos[700:760]
    predicted = fitted.predict(test)
    assert predicted.values.shape == (60, 3)
    np.testing.assert_allclose(predicted.times, test.times, rtol=1e-14)
    for k in (0, 1, 37):  # row k is the one-step forecast from the rows before it
        alone = fitted.predict(chaos[700 + k : 701 + k], history=chaos[: 700 + k]).values[0]
        closed = fitted.forecast(1, history=chaos[: 700 + k]).values[0]
        np.testing.assert_allclose(alone, closed, atol=1e-9)
        if k == 0 or fitted.kind != "esn":  # a reservoir that was warmed up for longer differs by what it forgets
            np.testing.assert_allclose(predicted.values[k], closed, atol=1e-9)


def test_predict_of_another_series_has_a_row_less(fitted, other_chaos):
    predicted = fitted.predict(other_chaos)
    assert len(predicted) == len(other_chaos) - 1
    np.testing.assert_allclose(predicted.times, other_chaos.times[1:], rtol=1e-12)
    cut = fitted.predict(other_chaos[300:], history=other_chaos[:300])
    assert len(cut) == 100
    assert np.abs(cut.values - predicted.values[299:]).max() < 1e-3


def test_predictions_carry_the_times_of_their_rows(fitted, chaos):
    slow = rc.Series(chaos.values, dt=chaos.dt * (1 + 5e-4), channels=chaos.channels)  # still the same sampling
    np.testing.assert_array_equal(fitted.predict(slow).times, slow.times[1:])


def test_a_very_short_series_among_others_spoils_nothing(build, chaos):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecurraWarning)  # it is too short for some learners
        one = build().fit([chaos[400:406], chaos[:300]])
    assert np.isfinite(one.forecast(3).values).all()
    predicted = one.predict(chaos[700:720], history=chaos[:700]).values
    assert np.abs(predicted - chaos.values[700:720]).max() < 5


def test_predict_cannot_see_the_row_that_it_forecasts(fitted, chaos):
    test = chaos[700:740]
    values = test.values.copy()
    values[20:] = 1e3 * np.random.default_rng(0).standard_normal((20, 3))
    other = rc.Series(values, dt=test.dt, times=test.times, channels=test.channels)
    np.testing.assert_array_equal(fitted.predict(other).values[:21], fitted.predict(test).values[:21])


def test_closed_loop_cannot_see_the_test_rows(fitted, chaos):
    horizon, first = 15, 720
    garbage = chaos.values.copy()
    garbage[first + 1 :] = 1e3 * np.random.default_rng(1).standard_normal(garbage[first + 1 :].shape)
    other = rc.Series(garbage, dt=chaos.dt, times=chaos.times, channels=chaos.channels)
    one, two = (fitted.backtest(data, horizon, [first]) for data in (chaos, other))
    for learner in one.forecasts:
        np.testing.assert_array_equal(one.forecasts[learner], two.forecasts[learner])
    assert np.abs(one.truth - two.truth).min() > 0


def test_shift_in_time_shifts_the_forecast(build, fitted, chaos):
    later = rc.Series(
        chaos.values[:700], dt=chaos.dt, times=chaos.times[:700] + 100, channels=chaos.channels, units=chaos.units
    )
    forecast = build().fit(later).forecast(10)
    np.testing.assert_array_equal(forecast.values, fitted.forecast(10).values)
    np.testing.assert_allclose(forecast.times, fitted.forecast(10).times + 100, rtol=1e-14)


@pytest.mark.parametrize("factor", [8.0, 10.0])
def test_units_scale_the_forecast(build, fitted, chaos, factor):
    scaled = rc.Series(
        factor * chaos.values[:700], dt=chaos.dt, times=chaos.times[:700], channels=chaos.channels, units=chaos.units
    )
    forecast, expected = build().fit(scaled).forecast(10).values, factor * fitted.forecast(10).values
    if factor == 8.0:  # a power of two: only exponents change
        np.testing.assert_array_equal(forecast, expected)
    np.testing.assert_allclose(forecast, expected, rtol=1e-6, atol=1e-6 * factor)


def test_offsets_shift_the_forecast(build, fitted, chaos):
    offset = np.array([3.0, -70.0, 1000.0])
    shifted = rc.Series(
        chaos.values[:700] + offset, dt=chaos.dt, times=chaos.times[:700], channels=chaos.channels, units=chaos.units
    )
    forecast = build().fit(shifted).forecast(5).values
    np.testing.assert_allclose(forecast, fitted.forecast(5).values + offset, atol=1e-4)


def test_refit_gives_the_same_bits(build, fitted, chaos):
    again = build().fit(chaos[:700])
    assert again.forecast(40).values.tobytes() == fitted.forecast(40).values.tobytes()
    assert again.history_ == fitted.history_


def test_an_earlier_fit_leaves_no_trace(build, chaos, other_chaos):
    used = build().fit(chaos[:700]).fit(other_chaos[:200])
    fresh = build().fit(other_chaos[:200])
    assert used.forecast(20).values.tobytes() == fresh.forecast(20).values.tobytes()
    assert used.score(chaos[:200]) == fresh.score(chaos[:200])


def test_global_random_state_is_untouched_and_unused(build, fitted, chaos):
    np.random.seed(12)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    model = build().fit(chaos[:700])
    forecast = model.forecast(10)
    model.score(chaos[700:750])
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    np.testing.assert_array_equal(forecast.values, fitted.forecast(10).values)


def test_arrays_that_are_given_are_not_changed(build):
    rng = np.random.default_rng(0)
    train, test = (np.cumsum(rng.standard_normal((rows, 2)), axis=0) for rows in (250, 150))
    kept = train.copy(), test.copy()
    model = build().fit([train, train[100:]])
    model.forecast(5, history=test)
    model.predict(test)
    model.score(test)
    model.backtest(test, 5, 3)
    np.testing.assert_array_equal(train, kept[0])
    np.testing.assert_array_equal(test, kept[1])


def test_plain_arrays_and_lists_are_series(build):
    wave = np.sin(0.2 * np.arange(260))
    forecast = build().fit(wave).forecast(4)
    assert forecast.values.shape == (4, 1)
    assert forecast.times.tolist() == [260.0, 261.0, 262.0, 263.0]
    np.testing.assert_array_equal(build().fit(wave.tolist()).forecast(4).values, forecast.values)


def test_series_of_unequal_lengths(build, chaos, other_chaos):
    model = build().fit([chaos[:300], other_chaos[:120], chaos[400:560]])
    tables = np.concatenate([chaos.values[:300], other_chaos.values[:120], chaos.values[400:560]])
    np.testing.assert_allclose(model.frame_.scaler.mean, tables.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(model.frame_.scaler.std, tables.std(axis=0), rtol=1e-13)
    np.testing.assert_array_equal(model.forecast(9).values, model.forecast(9, history=chaos[400:560]).values)


@pytest.mark.parametrize("build", ["persistence", "linear", "esn", "esn-increment"], indirect=True)
def test_the_order_of_series_does_not_matter(build, chaos, other_chaos):
    parts = [chaos[:300], other_chaos[:200], chaos[400:560]]
    one, other = build().fit(parts), build().fit(parts[::-1])
    history = chaos[600:700]
    np.testing.assert_allclose(
        one.forecast(5, history=history).values, other.forecast(5, history=history).values, rtol=1e-5
    )


@pytest.mark.parametrize("method", ["forecast", "predict", "score", "backtest", "save", "baseline_forecasts"])
def test_before_fit_it_says_so(build, chaos, method):
    arguments = {"forecast": (3,), "backtest": (chaos, 3), "save": ("never.safetensors",), "baseline_forecasts": (3,)}
    with pytest.raises(NotFittedError, match="fit"):
        getattr(build(), method)(*arguments.get(method, (chaos,)))


def test_a_failed_refit_leaves_no_old_model(build, chaos):
    model = build().fit(chaos[:300])
    broken = chaos.values[:300].copy()
    broken[7, 1] = np.nan
    with pytest.raises(DataError, match=r"row 7.*'c1'"):
        model.fit(broken)
    with pytest.raises(NotFittedError):
        model.forecast(2)


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "3", None])
def test_numbers_of_steps_that_are_none(fitted, n):
    with pytest.raises(ConfigError, match="whole number"):
        fitted.forecast(n)


def test_foreign_series_are_refused(fitted, chaos):
    wrong_order = rc.Series(chaos.values[:100], dt=chaos.dt, channels=["y", "x", "z"])
    wrong_step = rc.Series(chaos.values[:100], dt=0.05, channels=chaos.channels)
    with_drive = rc.Series(chaos.values[:100], dt=chaos.dt, channels=chaos.channels, inputs=np.zeros(100))
    holes = chaos.values[:100].copy()
    holes[3, 2] = np.inf
    infinite = rc.Series(holes, dt=chaos.dt, channels=chaos.channels)
    for data, text in (
        (wrong_order, r"\['y', 'x', 'z'\].*\['x', 'y', 'z'\]"),
        (wrong_step, r"0\.05.*0\.02"),
        (with_drive, "inputs"),
        (infinite, r"row 3.*'z'"),
        (chaos[:0], "no rows"),
    ):
        for use in (
            lambda data: fitted.forecast(3, history=data),
            fitted.predict,
            fitted.score,
            lambda data: fitted.backtest(data, 3),
        ):
            with pytest.raises(DataError, match=text):
                use(data)


def test_one_row_predicts_nothing_without_history(fitted, other_chaos):
    with pytest.raises(DataError, match="row before"):
        fitted.predict(other_chaos[:1])


def test_too_short_for_a_score_says_how_many_rows(fitted, other_chaos):
    rows = memory(fitted)
    with pytest.raises(DataError, match=rf"{rows} rows.*got {rows}"):
        fitted.score(other_chaos[:rows])
    assert fitted.score(other_chaos[: rows + 1])["closed_loop"]["rows"] == 1


def test_inputs_for_a_model_without_a_drive_are_refused(fitted):
    with pytest.raises(DataError, match="without inputs"):
        fitted.forecast(3, inputs=np.zeros(3))


def test_baseline_forecasts_are_those_of_the_baselines(fitted, chaos):
    history = chaos[:650]
    found = fitted.baseline_forecasts(6, history=history)
    assert set(found) - {"seasonal", "harmonic"} == {"persistence", "climatology", "linear", "nearest"} - {fitted.kind}
    np.testing.assert_allclose(found["climatology"].values, np.tile(chaos.values[:700].mean(axis=0), (6, 1)))
    if "persistence" in found:
        np.testing.assert_allclose(found["persistence"].values, np.tile(history.values[-1], (6, 1)))
    for series in found.values():
        np.testing.assert_allclose(series.times, chaos.times[650:656])


def test_a_history_shorter_than_the_warm_up_is_said():
    """One row of history leaves a reservoir at its zero state: the forecast is made, and what it lacks is said."""
    series = rc.Series(np.random.default_rng(0).standard_normal(300).cumsum())
    model = rc.ESN(units=30, washout=20, ridge=1e-8).fit(series)
    with pytest.warns(RecurraWarning, match=r"history has 5 rows and the warm-up wants 21"):
        forecast = model.forecast(3, history=series[295:300])
    assert len(forecast) == 3


def test_a_series_in_another_unit_is_refused():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((200, 1)).cumsum(axis=0)
    model = rc.ESN(units=30, washout=20, ridge=1e-8).fit(rc.Series(values, channels=["x"], units=["m"]))
    with pytest.raises(DataError, match=r"'x' in 'mm'; the model was fitted to 'm'"):
        model.forecast(3, history=rc.Series(1000 * values, channels=["x"], units=["mm"]))
