"""Step maps of networks that are driven: under a drive that does not change they are what the forecast is."""

import numpy as np
import pytest

import recurra as rc
from recurra.diagnostics import lyapunov_spectrum
from recurra.diagnostics.step_maps import of_driven, of_forecaster
from recurra.errors import ConfigError, DataError
from recurra.systems import DampedOscillator, LogisticMap


@pytest.fixture(scope="module")
def driven():
    return DampedOscillator(damping=0.3, frequency=0.7).simulate(600, dt=0.1, seed=0)


@pytest.mark.parametrize(
    "model",
    [rc.ESN(units=40, lags=2, seed=0), rc.GRU(units=4, epochs=2, precision="float64", seed=0)],
    ids=["esn", "gru"],
)
def test_a_held_drive_gives_the_loop_of_the_forecast(model, driven):
    model.fit(driven)
    found = lyapunov_spectrum(of_forecaster(model, inputs={"F": 0.3}), steps=20, transient=0, count=1)
    forecast = model.frame_.scaled(model.forecast(20, inputs={"F": 0.3}))[0]
    np.testing.assert_allclose(found.last[1], forecast[-1], rtol=1e-8, atol=1e-8)
    assert found.time == pytest.approx(20 * driven.dt)
    drive = model.frame_.drive_scaler.scale(np.array([[0.3]]))[0]
    same = lyapunov_spectrum(of_driven(model).held(drive), steps=20, transient=0, count=1)
    np.testing.assert_array_equal(same.exponents, found.exponents)
    after = of_forecaster(model, driven[:300], inputs=[[0.3]])
    last = lyapunov_spectrum(after, steps=5, transient=0, count=1).last[1]
    forecast = model.frame_.scaled(model.forecast(5, history=driven[:300], inputs={"F": 0.3}))[0]
    np.testing.assert_allclose(last, forecast[-1], rtol=1e-8, atol=1e-8)


def test_a_drive_is_where_there_is_one(driven):
    model = rc.ESN(units=20, seed=0).fit(driven)
    with pytest.raises(ConfigError, match=r"inputs=\{'F': 0.0\}"):
        of_forecaster(model)
    with pytest.raises(DataError, match="unknown input 'G'"):
        of_forecaster(model, inputs={"F": 0.0, "G": 1.0})
    alone = rc.ESN(units=20, washout=20, seed=0).fit(LogisticMap().simulate(200))
    with pytest.raises(DataError, match="without inputs"):
        of_forecaster(alone, inputs={"F": 0.0})
    with pytest.raises(ConfigError, match="nothing drives it"):
        of_driven(alone)
