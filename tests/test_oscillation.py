"""Periods and amplitudes, and a trained network that keeps them when it runs free."""

import numpy as np
import pytest

import recurra as rc
from recurra.errors import DataError
from recurra.metrics import oscillation

DT, CYCLES = 0.1, 100


def test_a_sine_has_its_period_and_amplitude_wherever_its_rows_fall():
    t = np.arange(3000)
    for period, phase in ((7.3, 0.2), (31.4159, 1.0), (200.0, 2.0)):
        found = oscillation(5 + 2 * np.sin(2 * np.pi * t / period + phase))
        assert abs(found.period / period - 1) < 1e-3
        assert abs(found.amplitude / 2 - 1) < 2e-2  # of 7 rows a cycle the parabola knows the top to a percent
    fine = oscillation(np.sin(2 * np.pi * t / 200.0))
    assert abs(fine.amplitude - 1) < 1e-6
    assert np.ptp(fine.periods) < 0.02


def test_a_series_brings_its_step_and_cycles_are_seen_one_by_one():
    t = 0.5 * np.arange(4000)
    found = oscillation(rc.Series(np.exp(-0.001 * t) * np.sin(2 * np.pi * t / 50), dt=0.5))
    assert abs(found.period - 50) < 1e-2  # the mean of a decaying sine is not quite zero
    decay = np.polyfit(50.0 * np.arange(len(found.amplitudes)), np.log(found.amplitudes), 1)[0]
    assert abs(decay + 0.001) < 1e-6


def test_what_does_not_oscillate_is_refused():
    with pytest.raises(DataError, match="no whole cycle in 50 rows"):
        oscillation(np.linspace(0, 1, 50))
    with pytest.raises(DataError, match="one channel, got 2"):
        oscillation(np.zeros((50, 2)))


def van_der_pol(start, steps, sub=5):
    """x'' = (1 - x^2) x' - x, by the Runge-Kutta method of order 4 with sub-steps of 0.02: (x, x')."""

    def field(y):
        return np.stack([y[1], (1 - y[0] ** 2) * y[1] - y[0]])

    y, h, rows = np.array(start, float).T, DT / sub, []
    for _ in range(steps + 1):
        rows.append(y)
        for _ in range(sub):
            a = field(y)
            b = field(y + h / 2 * a)
            c = field(y + h / 2 * b)
            y = y + h / 6 * (a + 2 * b + 2 * c + field(y + h * c))
    return np.moveaxis(np.array(rows), 2, 0)


@pytest.fixture(scope="module")
def trained():
    """A network trained on 12 short pieces from all over the plane, and the limit cycle itself."""
    pieces = van_der_pol(np.random.default_rng(0).uniform(-3, 3, (12, 2)), 200)
    model = rc.ESN(units=100, spectral_radius=0.5, input_scaling=0.5, washout=20, warmup=40, seed=0).fit(list(pieces))
    cycle = van_der_pol([(2.0, 0.0)], 1500)[0]
    return model, cycle, oscillation(cycle[300:, 0], DT)


def test_the_cycle_has_the_published_period(trained):
    assert abs(trained[2].period - 6.6633) < 1e-3  # mu = 1
    assert abs(trained[2].amplitude - 2.0086) < 1e-3


def test_a_trained_oscillator_keeps_frequency_and_amplitude_for_100_periods_of_its_own(trained):
    model, cycle, true = trained
    found = oscillation(model.forecast(int((CYCLES + 3) * true.period / DT), history=cycle[:300]).values[:, 0], DT)
    assert len(found.periods) >= CYCLES
    assert abs(found.period / true.period - 1) < 1e-3
    assert abs(found.amplitude / true.amplitude - 1) < 1e-2
    # and in each cycle, to the end
    assert np.abs(found.periods / true.period - 1).max() < 1e-3
    assert np.abs(found.amplitudes / true.amplitude - 1).max() < 1e-2


def test_a_disturbed_trained_oscillator_comes_back_to_its_cycle(trained):
    model, _, true = trained
    for start in ((0.1, 0.1), (3.0, 3.0)):
        away = van_der_pol([start], 60)[0]
        found = oscillation(model.forecast(1200, history=away).values[500:, 0], DT)
        assert abs(found.period / true.period - 1) < 1e-3
        assert abs(found.amplitude / true.amplitude - 1) < 1e-2
