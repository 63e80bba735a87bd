"""Scores recomputed from forecasts and metrics, for one series, separate series and lists."""

import warnings

import numpy as np
import pytest

import recurra as rc
from recurra import metrics
from recurra.errors import ConfigError, DataError, RecurraWarning

# With increments and few rows the reservoir of one builder runs away: that it is said has a test of its own.
pytestmark = pytest.mark.filterwarnings("ignore:the closed loop runs away")

NAMES = ("rmse", "nrmse", "mae", "smape", "r2")


def memory(model) -> int:
    """Rows of its own that a separate series gives as history: enough for the model and every baseline."""
    rows = [1]
    if model.kind in ("esn", "local-esn"):
        rows.append((model.washout if model.warmup is None else model.warmup) + 1)
    for name, network in {model.kind: model.network_, **model.baselines_}.items():
        rows.append(getattr(network, "order", 0) if name not in ("seasonal", "harmonic") else 0)
    return max(rows)


def expect(found: dict, truth: np.ndarray, forecast: np.ndarray, scale: np.ndarray) -> None:
    for name in NAMES:
        options = {"scale": scale} if name == "nrmse" else {}
        assert found[name] == pytest.approx(getattr(metrics, name)(truth, forecast, **options), rel=1e-12), name
    assert found["rows"] == len(truth)


def test_a_series_that_follows_is_scored_whole(fitted, chaos):
    test = chaos[700:760]
    scale = chaos.values[:700].std(axis=0)
    score = fitted.score(test, threshold=0.3)
    assert set(score) == {"closed_loop", "one_step"}
    free, forced = fitted.forecast(60), fitted.predict(test)
    expect(score["closed_loop"], test.values, free.values, scale)
    expect(score["one_step"], test.values, forced.values, scale)
    time = metrics.valid_prediction_time(test, free, threshold=0.3)
    assert score["closed_loop"]["valid_time"] == pytest.approx(time)
    assert "valid_time" not in score["one_step"]


def test_every_score_stands_beside_every_baseline(fitted, chaos):
    test = chaos[700:760]
    score = fitted.score(test)
    names = {"persistence", "climatology", "linear", "nearest"} - {fitted.kind}
    assert set(score["closed_loop"]["baselines"]) - {"seasonal", "harmonic"} == names
    assert set(score["one_step"]["baselines"]) == set(score["closed_loop"]["baselines"])
    scale, last = chaos.values[:700].std(axis=0), chaos.values[699]
    for name, forecast in fitted.baseline_forecasts(60).items():
        expect(score["closed_loop"]["baselines"][name], test.values, forecast.values, scale)
    mean = np.tile(chaos.values[:700].mean(axis=0), (60, 1))
    expect(score["one_step"]["baselines"]["climatology"], test.values, mean, scale)
    if "persistence" in names:
        expect(score["closed_loop"]["baselines"]["persistence"], test.values, np.tile(last, (60, 1)), scale)
        expect(score["one_step"]["baselines"]["persistence"], test.values, chaos.values[699:759], scale)


def test_a_separate_series_gives_its_own_first_rows(fitted, chaos, other_chaos):
    rows = memory(fitted)
    score = fitted.score(other_chaos)
    cut = fitted.score(other_chaos[rows:], history=other_chaos[:rows])
    assert score == cut
    scale = chaos.values[:700].std(axis=0)
    free = fitted.forecast(400 - rows, history=other_chaos[:rows])
    held = free.provenance.get("lost_after", 400 - rows)  # a forecast that runs away is scored up to there
    expect(score["closed_loop"], other_chaos.values[rows : rows + held], free.values[:held], scale)
    assert score["closed_loop"].get("lost_rows", 0) == 400 - rows - held
    assert score != fitted.score(other_chaos[rows:])


def test_a_gap_after_the_training_rows_is_no_continuation(fitted, chaos):
    rows = memory(fitted)
    assert fitted.score(chaos[710:800])["closed_loop"]["rows"] == 90 - rows
    assert fitted.score(chaos[700:800])["closed_loop"]["rows"] == 100


def test_a_list_pools_the_rows_and_takes_the_median_time(fitted, chaos, other_chaos):
    rows, scale = memory(fitted), chaos.values[:700].std(axis=0)
    parts = [chaos[700:760], other_chaos[:150], other_chaos[200:290]]
    score = fitted.score(parts)
    known = [chaos[:700], parts[1][:rows], parts[2][:rows]]
    truths = [parts[0], parts[1][rows:], parts[2][rows:]]
    free = [fitted.forecast(len(t), history=h) for h, t in zip(known, truths, strict=True)]
    truth, forecast = (np.concatenate([s.values for s in many]) for many in (truths, free))
    expect(score["closed_loop"], truth, forecast, scale)
    times = [metrics.valid_prediction_time(t, f) for t, f in zip(truths, free, strict=True)]
    assert score["closed_loop"]["valid_time"] == pytest.approx(np.median(times))


def test_of_many_training_series_none_is_taken_for_the_history(build, chaos, other_chaos):
    """Two experiments that end at the same time: the times alone do not tell which of them a test series follows."""
    one = rc.Series(chaos.values[:400], dt=0.02, channels=chaos.channels)
    two = rc.Series(other_chaos.values[:400], dt=0.02, channels=chaos.channels)
    model = build().fit([one[:300], two[:300]])
    test = one[300:]
    rows = memory(model)
    assert model.score(test) == model.score(test[rows:], history=test[:rows])
    assert len(model.predict(test)) == 99
    right = model.score(test, history=one[:300])
    assert right["closed_loop"]["rows"] == 100
    first = model.forecast(5, history=one[:300]).values[0]
    np.testing.assert_allclose(model.predict(test, history=one[:300]).values[0], first, rtol=1e-9)


def test_history_belongs_to_one_series(fitted, chaos):
    with pytest.raises(DataError, match="one series"):
        fitted.score([chaos[700:750], chaos[800:850]], history=chaos[:700])


def test_training_rows_alone_set_the_scale(fitted, chaos):
    test = chaos[700:760]
    loud = rc.Series(50 * test.values, dt=test.dt, times=test.times, channels=test.channels)
    before = fitted.frame_.scaler.std.copy()
    score = fitted.score(loud)["closed_loop"]["baselines"]["climatology"]
    np.testing.assert_array_equal(fitted.frame_.scaler.std, before)
    train = chaos.values[:700]
    rms = np.sqrt(np.mean((50 * test.values - train.mean(axis=0)) ** 2, axis=0)) / train.std(axis=0)
    assert score["nrmse"] == pytest.approx(np.sqrt(np.mean(rms**2)), rel=1e-12)


@pytest.mark.bad_input(26)
def test_scoring_rows_that_were_trained_on_is_refused(chaos):
    model = rc.Linear(order=2).fit(chaos[:700])
    ranges = r"from 5\.\d+ to 22\.98, the training rows from 5\.0 to 18\.98"
    with pytest.raises(ConfigError, match=rf"rows 0 to \d+ of .* were trained on \(.*{ranges}") as caught:
        model.score(chaos)
    assert caught.value.exit_code == 2
    for overlapping in (chaos[300:400], chaos[650:800], [chaos[720:800], chaos[100:300]]):
        with pytest.raises(ConfigError, match="were trained on"):
            model.score(overlapping)
    with pytest.raises(ConfigError, match="were trained on"):
        model.backtest(chaos, 5, [300, 800])
    assert len(model.predict(chaos[:300])) == 299  # how training errors are computed
    assert min(model.backtest(chaos, 5, 7).origins) == chaos.times[699]


def test_scores_by_channel_and_of_a_forecast_that_never_leaves(chaos):
    model = rc.Linear(order=2).fit(chaos[:700])
    test = chaos[700:703]
    score = model.score(test)["closed_loop"]
    forecast = model.forecast(3)
    for c, name in enumerate("xyz"):
        error = forecast.values[:, c] - test.values[:, c]
        expected = {"rmse": np.sqrt(np.mean(error**2)), "mae": np.abs(error).mean()}
        assert score["by_channel"][name] == pytest.approx(expected, rel=1e-12)
    assert (score["valid_time"], score["valid_to_end"]) == (pytest.approx(3 * chaos.dt), 1)


def test_a_long_series_held_out_of_many_short_ones(chaos):
    """Of six series the last one validates; only lags that the five short ones have are tried."""
    parts = [chaos[k * 8 : k * 8 + 8] for k in range(5)] + [chaos[100:500]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecurraWarning)
        model = rc.Persistence().fit(parts)
    assert 1 <= model.baselines_["linear"].order <= 5


@pytest.mark.bad_input(45)
def test_a_forecast_that_runs_away_says_how_far_it_is_good_and_is_scored_to_there():
    """y[t+1] = 1.5 y[t] leaves a million standard deviations of the training rows where the closed form does."""
    growth = 1.5 ** np.arange(120.0)
    train, test = rc.Series(growth).split(40)
    scaled = (test.values[:, 0] - train.values.mean()) / train.values.std()
    good = int(np.argmax(scaled >= 1e6))
    model = rc.Linear(order=1).fit(train)
    with pytest.warns(RecurraWarning, match=rf"the closed loop runs away: from row {good} \(time {40 + good}\.0\) on"):
        forecast = model.forecast(80)
    assert forecast.provenance["lost_after"] == good
    np.testing.assert_allclose(forecast.values[:good], test.values[:good], rtol=1e-6)
    assert np.isfinite(forecast.values).all()
    with pytest.warns(RecurraWarning, match=f"runs away in {80 - good} of the rows"):
        score = model.score(test)["closed_loop"]
    assert (score["lost_rows"], score["rows"]) == (80 - good, good)
    assert score["rmse"] == pytest.approx(metrics.rmse(test.values[:good], forecast.values[:good]), rel=1e-9)
