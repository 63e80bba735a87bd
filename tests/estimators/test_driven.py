"""Driven series: what a model demands of the drive, and that the drive is read at the right rows."""

import numpy as np
import pytest

import recurra as rc
from recurra.errors import DataError


def test_forecast_runs_on_the_drive_of_the_forecast_rows(fitted_driven, driven):
    future = driven[500:540].inputs
    forecast = fitted_driven.forecast(40, inputs=future)
    assert (forecast.channels, forecast.units) == (("q", "p"), ("m", "m/s"))
    np.testing.assert_array_equal(forecast.times, driven.times[500:540])
    np.testing.assert_allclose(forecast.inputs.values, future.values, atol=1e-12)
    assert forecast.inputs.channels == ("F",)
    same = fitted_driven.forecast(40, inputs=future.values)
    np.testing.assert_array_equal(same.values, forecast.values)


def test_a_drive_may_be_given_by_name(fitted_driven, driven):
    future = driven[500:520].inputs.values
    one = fitted_driven.forecast(20, inputs={"F": future[:, 0]})
    np.testing.assert_array_equal(one.values, fitted_driven.forecast(20, inputs=future).values)
    still = fitted_driven.forecast(20, inputs={"F": 0.5})
    np.testing.assert_array_equal(still.values, fitted_driven.forecast(20, inputs=np.full((20, 1), 0.5)).values)
    for inputs, text in (
        ({}, r"`inputs` has no F"),
        ({"F": 0.5, "f": 1.0}, "unknown input 'f': did you mean 'F'"),
        ({"F": np.ones(19)}, r"`inputs\['F'\]` is a number, or 20 numbers"),
        ({"F": "strong"}, "is a number"),
        ({"F": np.nan}, "row 0.*'F'"),
    ):
        with pytest.raises(DataError, match=text):
            fitted_driven.forecast(20, inputs=inputs)


def test_extra_rows_of_drive_are_ignored(fitted_driven, driven):
    short, long = driven[500:510].inputs, driven[500:600].inputs
    np.testing.assert_array_equal(
        fitted_driven.forecast(10, inputs=short).values, fitted_driven.forecast(10, inputs=long).values
    )


def test_row_k_of_the_drive_acts_from_row_k_on(fitted_driven, driven):
    if fitted_driven.kind == "persistence":
        assert not np.ptp(fitted_driven.forecast(9, inputs=driven[500:509].inputs).values, axis=0).any()
        return
    quiet = driven[500:520].inputs.values.copy()
    kicked = quiet.copy()
    kicked[6] += 1.0
    one, other = (fitted_driven.forecast(20, inputs=u).values for u in (quiet, kicked))
    np.testing.assert_array_equal(one[:6], other[:6])
    assert np.abs(one[6] - other[6]).min() > 1e-3


@pytest.mark.parametrize("build", ["linear", "esn", "esn-chosen"], indirect=True)
def test_the_drive_helps(fitted_driven, driven):
    test = driven[500:]
    table = fitted_driven.score(test)["closed_loop"]
    assert table["nrmse"] < 0.3 * table["baselines"]["climatology"]["nrmse"]


def test_prediction_reads_the_drive_of_the_row_that_it_forecasts(fitted_driven, driven):
    test = driven[500:530]
    kicked = test.inputs.values.copy()
    kicked[12] += 1.0
    other = rc.Series(
        test.values,
        times=test.times,
        channels=test.channels,
        inputs=rc.Series(kicked, times=test.times, channels=["F"]),
    )
    one, two = fitted_driven.predict(test).values, fitted_driven.predict(other).values
    np.testing.assert_array_equal(one[:12], two[:12])
    assert (one[12] != two[12]).any() == (fitted_driven.kind != "persistence")


def test_missing_short_and_foreign_drives_are_refused(fitted_driven, driven):
    future = driven[500:510].inputs
    holes = future.values.copy()
    holes[4] = np.nan
    for inputs, text in (
        (None, r"driven by \['F'\].*10 forecast rows"),
        (future[:9], "9 rows.*needs 10 rows"),
        (rc.Series(future.values, times=future.times, channels=["G"]), r"\['G'\].*\['F'\]"),
        (driven[500:510], r"\['q', 'p'\].*\['F'\]"),
        (rc.Series(holes, times=future.times, channels=["F"]), "row 4.*'F'"),
        (np.zeros((10, 2)), "channels"),
    ):
        with pytest.raises(DataError, match=text):
            fitted_driven.forecast(10, inputs=inputs)


def test_a_drive_of_another_step_is_refused(fitted_driven, driven):
    slow = rc.Series(driven[500:510].inputs.values, dt=120.0, channels=["F"])
    with pytest.raises(DataError, match=r"120.*60"):
        fitted_driven.forecast(10, inputs=slow)


def test_history_needs_its_drive(fitted_driven, driven):
    bare = rc.Series(driven.values[:100], times=driven.times[:100], channels=driven.channels)
    for use in (
        lambda: fitted_driven.forecast(3, history=bare, inputs=np.zeros(3)),
        lambda: fitted_driven.predict(bare),
        lambda: fitted_driven.score(bare),
        lambda: fitted_driven.backtest(bare, 3),
    ):
        with pytest.raises(DataError, match="inputs"):
            use()


def test_drive_statistics_are_those_of_the_training_rows(fitted_driven, driven):
    u = driven.inputs.values[:500]
    np.testing.assert_allclose(fitted_driven.frame_.drive_scaler.mean, u.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(fitted_driven.frame_.drive_scaler.std, u.std(axis=0), rtol=1e-13)


def test_dates_go_through_forecast_score_and_backtest(fitted_driven, driven):
    assert fitted_driven.predict(driven[500:520]).times.dtype == np.dtype("datetime64[ns]")
    assert fitted_driven.score(driven[500:520])["closed_loop"]["rows"] == 20
    backtest = fitted_driven.backtest(driven, 5, [499, 520])
    np.testing.assert_array_equal(backtest.origins, driven.times[[499, 520]])
    history = driven[:521]
    alone = fitted_driven.forecast(5, history=history, inputs=driven[521:526].inputs)
    np.testing.assert_allclose(backtest.forecasts[fitted_driven.kind][1], alone.values, atol=1e-11)


def test_a_drive_that_starts_at_another_time_is_refused(driven):
    """The whole drive, from the start of the series, instead of that of the forecast rows."""
    train = driven[:500]
    model = rc.ESN(units=40, washout=30, ridge=1e-8).fit(train)
    with pytest.raises(DataError, match=r"`inputs` starts at .* and the forecast at"):
        model.forecast(10, inputs=driven.inputs)
    right = model.forecast(10, inputs=driven[500:].inputs)
    np.testing.assert_array_equal(right.values, model.forecast(10, inputs=driven.inputs.values[500:510]).values)
    with pytest.raises(DataError, match=r"`inputs` has 20 rows"):
        model.forecast(10, inputs=driven.inputs.values[500:520])


def test_a_drive_in_another_unit_is_refused(driven):
    model = rc.ESN(units=40, washout=30, ridge=1e-8).fit(driven[:500])
    drive = driven[500:520].inputs
    other = rc.Series(1e3 * drive.values, times=drive.times, channels=drive.channels, units=["mN"])
    with pytest.raises(DataError, match=r"'F' in 'mN'; the model was fitted to 'N'"):
        model.forecast(10, inputs=other)


def test_history_that_does_not_end_before_the_data_is_refused(driven):
    model = rc.ESN(units=40, washout=30, ridge=1e-8).fit(driven[:400])
    with pytest.raises(DataError, match=r"`history` ends at"):
        model.score(driven[500:], history=driven[:400])
    with pytest.raises(DataError, match=r"`history` ends at"):
        model.predict(driven[500:], history=driven[:400])
    assert len(model.predict(driven[500:], history=driven[400:500])) == len(driven) - 500
