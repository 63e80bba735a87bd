"""`Auto` on noisy rows: the noise is noticed, the rows are filtered, and the file brings the filter back."""

import numpy as np
import pytest

import recurra as rc
from recurra.errors import ConfigError
from recurra.estimators.frame import Frame
from recurra.estimators.search.ground import Ground
from recurra.estimators.search.quiet import quieted
from recurra.estimators.training_set import TrainingSet

FEW = {"budget": None, "trials": 5, "of": ["esn", "linear"], "horizon": 100, "origins": 5}


@pytest.fixture(scope="module")
def series():
    """Lorenz-63 and the same with 1 % of noise."""
    truth = rc.systems.Lorenz63().simulate(steps=2300, dt=0.02, seed=0)
    noise = 0.01 * truth.values.std(axis=0) * np.random.default_rng(0).standard_normal(truth.values.shape)
    return truth, rc.Series(truth.values + noise, dt=0.02, channels=truth.channels)


@pytest.fixture(scope="module")
def met(series):
    return rc.Auto(**FEW).fit(series[1][:1500])


def _error(model, series):
    """Geometric mean of the error against the truth over 100 steps from 12 origins."""
    truth, rows = series
    origins = list(range(1520, 2180, 55))
    found = model.backtest(rows, 100, origins).forecasts["auto"]
    after = np.stack([truth.values[r + 1 : r + 101] for r in origins])
    return np.exp(np.log(np.sqrt(np.mean(((found - after) / truth.values.std(axis=0)) ** 2, axis=2))).mean())


def test_noise_is_noticed_and_met(series, met):
    np.testing.assert_allclose(met.noise_.relative, 0.01, rtol=0.15)
    assert 0 < met.gain_ < 1
    assert met.network_.network is met.members_
    ignored = rc.Auto(**FEW, noise="ignore").fit(series[1][:1500])
    assert (ignored.gain_, ignored.network_) == (1.0, ignored.members_)
    assert _error(met, series) < 0.9 * _error(ignored, series)


def test_without_noise_nothing_changes(series):
    one, other = (rc.Auto(**{**FEW, "trials": 3}, noise=noise).fit(series[0][:600]) for noise in ("meet", "ignore"))
    assert one.noise_.relative.max() < 1e-6
    assert one.history_ == other.history_
    np.testing.assert_array_equal(one.forecast(30).values, other.forecast(30).values)


def test_what_is_filtered_has_less_noise(series):
    truth, rows = series
    frame = Frame.of([rows[:1500]])
    quiet = quieted(TrainingSet.of(frame, [rows[:1500]], None, None, None), 0.3, 100).parts[0][0]
    away = np.sqrt(np.mean((quiet - frame.scaler.scale(truth.values[:1500]))[300:] ** 2))
    assert away < 0.008  # of the noise of 0.01


def test_trials_are_scored_against_the_rows_as_they_were_measured(series):
    frame = Frame.of([series[1][:400]])
    raw = TrainingSet.of(frame, [series[1][:400]], None, None, None)
    zero = TrainingSet(frame, [(np.zeros((400, 3)), np.zeros((400, 0)))], None, None, None)
    options = {"validation": 0.25, "washout": 20, "horizon": 30, "origins": 4, "seconds": 1.0}
    ground, plain = Ground.of(zero, **options, measured=raw, noise=0.01), Ground.of(raw, **options)
    np.testing.assert_array_equal(ground.origins.truth, plain.origins.truth)
    assert not ground.origins.warm.any()
    assert not ground.origins.last.any()
    np.testing.assert_array_equal(ground.more(7).warm, plain.more(7).warm)


def test_a_file_brings_the_filter_back(series, met, tmp_path):
    met.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors")
    assert again.gain_ == met.gain_
    history = series[1][1600:2000]
    for given in (None, history):
        np.testing.assert_array_equal(again.forecast(30, given).values, met.forecast(30, given).values)
    low, high = again.forecast_bands(20)
    assert (low.values < high.values).all()


def test_what_to_do_with_noise_is_one_of_two_words(series):
    with pytest.raises(ConfigError, match="`noise`"):
        rc.Auto(**FEW, noise="smooth").fit(series[1][:600])
