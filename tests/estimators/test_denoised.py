"""`Denoised`: it is the learner fitted to filtered rows, and forecasts noisy chaos for as long as its start allows."""

import numpy as np
import pytest

import recurra as rc
from recurra.diagnostics.step_maps import of_forecaster
from recurra.errors import ConfigError
from recurra.forecasting import Filtered, filtered_rows

SETTINGS = {"units": 200, "spectral_radius": 0.6, "washout": 100, "horizon": 200}


@pytest.fixture(scope="module")
def noisy():
    """Lorenz-63 and the same with 1 % of noise."""
    truth = rc.systems.Lorenz63().simulate(steps=9000, dt=0.02, seed=0)
    noise = 0.01 * truth.values.std(axis=0) * np.random.default_rng(0).standard_normal(truth.values.shape)
    return truth, rc.Series(truth.values + noise, dt=0.02, channels=truth.channels)


@pytest.fixture(scope="module")
def fitted(noisy):
    return rc.Denoised(settings=SETTINGS).fit(noisy[1][:3001])


def test_noise_costs_it_no_more_than_the_start_that_it_makes_unsure(noisy, fitted):
    truth, rows = noisy
    origins = list(range(3000, 8500, 55))
    alone = rc.ESN(**SETTINGS).fit(rows[:3001]).backtest(rows, 400, origins).forecasts["esn"]
    after = np.stack([truth.values[r + 1 : r + 401] for r in origins])
    scale = truth.values[:3001].std(axis=0)

    def valid(forecasts):
        beyond = np.sqrt(np.mean(((forecasts - after) / scale) ** 2, axis=2)) > 0.4
        return 0.9056 * 0.02 * np.median(np.where(beyond.any(axis=1), beyond.argmax(axis=1), 400))

    found = valid(fitted.backtest(rows, 400, origins).forecasts["denoised"])
    assert found > np.log(0.4 / 0.01)  # of a perfect model that starts from a row as it is measured
    assert found > valid(alone)


def test_it_knows_the_noise_and_its_gain(fitted):
    np.testing.assert_allclose(fitted.noise_.relative, 0.01, rtol=0.15)
    assert 0 < fitted.gain_ < 1
    assert [entry["pass"] for entry in fitted.history_] == [0, 1]
    assert min(fitted.history_, key=lambda entry: entry["validation"])["gain"] == fitted.gain_


def test_without_passes_it_is_the_learner_behind_a_filter(noisy):
    rows = noisy[1][:1200]
    settings = {**SETTINGS, "units": 60, "ridge": 1e-8}
    model = rc.Denoised(settings=settings, passes=0, gain=0.5).fit(rows)
    alone = rc.ESN(**settings).fit(rows)
    np.testing.assert_array_equal(model.network_.network.coefficients, alone.network_.coefficients)
    scaled, network = alone.frame_.scaler.scale(rows.values[-201:]), Filtered(alone.network_, 0.5, 100)
    state, _ = network.run(network.initial_state(1), scaled[None, :-1])
    path = network.free_run(state, scaled[-1:], np.zeros((1, 30, 0)))[1][0]
    np.testing.assert_allclose(model.forecast(30).values, alone.frame_.scaler.unscale(path), rtol=1e-12)


def test_a_file_brings_back_the_filter_and_what_was_chosen(noisy, fitted, tmp_path):
    rows = noisy[1]
    path = tmp_path / "model.safetensors"
    fitted.save(path)
    again = rc.load(path)
    np.testing.assert_array_equal(again.forecast(50).values, fitted.forecast(50).values)
    history = rows[4000:4400]
    np.testing.assert_array_equal(again.forecast(20, history).values, fitted.forecast(20, history).values)
    chosen = rc.Denoised(of="ng-rc", settings={"lags": 1, "degree": 2, "horizon": 30, "origins": 2}, origins=3).fit(
        rows[:400]
    )
    chosen.save(tmp_path / "chosen")
    np.testing.assert_array_equal(rc.load(tmp_path / "chosen").forecast(9).values, chosen.forecast(9).values)


def test_later_rows_change_no_forecast(noisy, fitted):
    rows = noisy[1]
    other = rc.Series(np.concatenate([rows.values[:4001], 1 + 2 * rows.values[4001:]]), dt=0.02, channels=rows.channels)
    one, two = (fitted.backtest(data, 10, [4000]).forecasts["denoised"] for data in (rows, other))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"of": "auto"}, "`of`"),
        ({"gain": 0.0}, "`gain`"),
        ({"settings": {"unit": 5}}, "`settings`.*units"),
        ({"settings": {"tune": 3.0}}, "`tune` it before"),
        ({"passes": -1}, "`passes`"),
    ],
)
def test_what_cannot_be_denoised_is_refused(given, match, noisy):
    with pytest.raises(ConfigError, match=match):
        rc.Denoised(**given).fit(noisy[1][:300])


def test_what_is_diagnosed_is_the_network_behind_the_filter(noisy, fitted):
    """Its closed loop is that of the forecast; along rows it sees what the filter makes of them."""
    history = noisy[1][3000 : 3001 + fitted.warmup_]
    found = rc.diagnostics.lyapunov_spectrum(of_forecaster(fitted, history), steps=5, transient=0, count=1)
    forecast = fitted.frame_.scaled(fitted.forecast(5, history))[0]
    np.testing.assert_allclose(found.last[1], forecast[-1], rtol=1e-8, atol=1e-8)
    rows = noisy[1][3000:3400]
    network = fitted.network_.network
    seen = filtered_rows(fitted.network_, fitted.frame_.scaler.scale(rows.values), np.zeros((400, 0)))
    h = np.zeros(200)
    for row in seen[:-1]:
        h = np.tanh(network.reservoir.W @ h + network.reservoir.W_in @ row + network.reservoir.b)
    np.testing.assert_allclose(rc.diagnostics.states_of(fitted, rows).values[-1], h, atol=1e-9)
