"""How long two solvers agree."""

import jax.numpy as jnp
import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.series import Series
from recurra.systems import DampedOscillator, Lorenz63, NoisySine, agreement_time


def test_lorenz_truth_holds_for_about_thirty_lyapunov_times():
    series = Lorenz63().simulate(steps=6000, dt=0.01, seed=1)
    assert 26 < agreement_time(series) * 0.9056 < 40  # ln(1 / 1e-14) = 32: what float64 allows


def test_a_coarse_method_holds_for_less():
    times = {
        method: agreement_time(Lorenz63().simulate(3000, 0.01, method, [1.0, 1.0, 20.0]))
        for method in ("euler", "rk4", "adaptive")
    }
    assert times["euler"] < 3 < times["rk4"] < times["adaptive"] < 30


def test_a_stricter_threshold_is_crossed_earlier():
    series = Lorenz63().simulate(3000, 0.01, "rk4", [1.0, 1.0, 20.0])
    loose, strict = agreement_time(series), agreement_time(series, threshold=0.04)
    assert strict < loose
    assert agreement_time(series, scale=series.values.std(axis=0) * 0.1) == strict


def test_a_regular_system_agrees_throughout_also_from_the_middle():
    def ramp(t):
        return 0.1 * t + jnp.sin(t)

    system = DampedOscillator(force=ramp)
    series = system.simulate(steps=100, dt=0.1, initial=[0.0, 0.0])
    assert agreement_time(series, 1e-9, system=system) == pytest.approx(10.0)
    _, late = series.split(50)
    assert agreement_time(late, 1e-9, system=system) == pytest.approx(5.0)


def test_what_it_cannot_answer():
    with pytest.raises(ConfigError, match="pass `system=`"):
        agreement_time(Series(np.arange(10.0)))
    with pytest.raises(ConfigError, match="not integrated"):
        agreement_time(NoisySine().simulate(steps=9))
    with pytest.raises(ConfigError, match="at least 2 rows"):
        agreement_time(Lorenz63().simulate(steps=5)[:1])
