"""`ESN(refine=h)`: held-out rows decide how far it goes, what it forecasts, and what it refuses."""

import numpy as np
import pytest

import recurra as rc
from recurra.errors import ConfigError, DataError
from recurra.systems import MackeyGlass

SMALL = {"units": 60, "leak": 0.5, "input_scaling": 0.3, "bias_scaling": 0.2, "washout": 100, "horizon": 40}


@pytest.fixture(scope="module")
def series():
    return MackeyGlass().simulate(steps=1999, dt=1.0, method="euler", seed=3)


def test_forecasts_of_rows_that_it_never_saw_are_better(series):
    """The error 40 steps ahead from 20 later starts; what was tried is told, and the best of it is kept."""
    plain = rc.ESN(**SMALL).fit(series[:1000])
    refined = rc.ESN(**SMALL, refine=40).fit(series[:1000])
    origins = (1000 + 45 * np.arange(20)).tolist()
    ends = [
        np.sqrt(np.mean((found.forecasts["esn"][:, -1] - found.truth[:, -1]) ** 2))
        for found in (model.backtest(series, 40, origins) for model in (plain, refined))
    ]
    assert ends[1] < 0.6 * ends[0]
    assert refined.history_[: len(plain.history_)] == plain.history_
    tried = refined.history_[len(plain.history_) :]
    assert [entry["passes"] for entry in tried] == list(range(1, 1 + len(tried)))
    assert min(entry["validation"] for entry in tried) < min(entry["validation"] for entry in plain.history_)


def test_drive_series_lags_and_a_given_ridge(tmp_path):
    """Two driven series; a file brings the same forecast, the same seed the same bits."""
    rng = np.random.default_rng(0)
    parts = []
    for n in (300, 200):
        drive, y = rng.standard_normal(n), np.zeros((n, 2))
        for t in range(1, n):
            y[t] = [0.5 * y[t - 1, 0] + np.tanh(drive[t] + y[t - 1, 1]), np.tanh(0.8 * y[t - 1, 0])]
        parts.append(rc.Series(y, dt=1.0, inputs=drive))
    options = {"units": 30, "lags": 2, "increment": True, "readout_features": "squares", "washout": 30, "ridge": 1e-8}
    model = rc.ESN(**options, refine=5, passes=2).fit(parts)
    assert not np.array_equal(model.network_.coefficients, rc.ESN(**options).fit(parts).network_.coefficients)
    drive = rng.standard_normal((20, 1))
    forecast = model.forecast(20, inputs=drive).values
    model.save(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(rc.load(tmp_path / "model.safetensors").forecast(20, inputs=drive).values, forecast)
    again = rc.ESN(**options, refine=5, passes=2).fit(parts)
    np.testing.assert_array_equal(again.network_.coefficients, model.network_.coefficients)


def test_the_best_of_several_draws_is_refined(series):
    """The draw is chosen before, by its ridge regression."""
    options = {**SMALL, "draws": 2}
    plain, refined = rc.ESN(**options).fit(series[:600]), rc.ESN(**options, refine=20, passes=1).fit(series[:600])
    np.testing.assert_array_equal(refined.network_.reservoir.W_in, plain.network_.reservoir.W_in)


def test_refusals(series):
    with pytest.raises(ConfigError, match="`refine` starts from a ridge regression"):
        rc.ESN(readout="rls", refine=5).fit(series)
    with pytest.raises(DataError, match=r"no free run of `refine=720` steps fits .* a smaller `refine`"):
        rc.ESN(**SMALL, refine=720).fit(series[:1000])
    rc.ESN(**SMALL, ridge=1e-8, refine=720, passes=1).fit(series[:1000])  # nothing is held out
    with pytest.raises(ConfigError, match="at most 2000 features, here 2001: set it to 0, or take fewer `units`"):
        rc.ESN(units=2000, refine=5).fit(series)
    with pytest.raises(ConfigError, match="rest of an equation"):
        rc.Hybrid(system="lorenz63", parameters={"rho": 29.4}, settings={"refine": 5}).fit(
            rc.systems.Lorenz63().simulate(steps=500, dt=0.02, seed=0)
        )
