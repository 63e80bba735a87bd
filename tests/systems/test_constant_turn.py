"""The turning vehicle: circles, straight lines and the statistics of its noise."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from recurra.errors import ConfigError
from recurra.systems import ConstantTurn

QUIET = ConstantTurn(speed_noise=0.0, turn_noise=0.0, measurement_noise=0.0)
START = [1.0, -2.0, 8.0, 0.3, 0.4]


def test_without_noise_it_drives_on_a_circle_with_the_radius_speed_over_turn_rate():
    track = QUIET.simulate(steps=100, initial=START)
    radius = 8.0 / 0.4
    centre = np.array([1.0, -2.0]) + radius * np.array([-np.sin(0.3), np.cos(0.3)])
    np.testing.assert_allclose(np.linalg.norm(track.values - centre, axis=1), radius, rtol=1e-12)


def test_every_row_solves_the_differential_equation():
    track = QUIET.simulate(steps=20, dt=0.7, initial=START)
    flow = lambda t, s: [8.0 * np.cos(s[2]), 8.0 * np.sin(s[2]), 0.4]  # noqa: E731
    solved = solve_ivp(flow, (0, 14), [1.0, -2.0, 0.3], t_eval=track.times.clip(0, 14), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(track.values, solved.y[:2].T, rtol=0, atol=1e-8)


def test_with_no_turn_it_drives_straight_on():
    track = QUIET.simulate(steps=10, dt=1.0, initial=[0.0, 0.0, 5.0, np.pi / 2, 0.0])
    np.testing.assert_allclose(track.values, np.stack([np.zeros(11), 5.0 * np.arange(11)], axis=1), atol=1e-12)


def test_speeds_headings_and_turn_rates_are_drawn_for_every_track():
    starts = np.array([ConstantTurn().simulate(steps=1, seed=seed).provenance["initial"] for seed in range(2000)])
    assert np.all(starts[:, :2] == 0)
    assert starts[:, 2].mean() == pytest.approx(12.0, abs=0.3)
    assert starts[:, 2].std() == pytest.approx(3.0, rel=0.06)
    assert starts[:, 4].std() == pytest.approx(0.25, rel=0.06)
    assert np.abs(np.exp(1j * starts[:, 3]).mean()) < 0.06


def test_measured_positions_scatter_about_the_true_ones():
    noisy = ConstantTurn(speed_noise=0.0, turn_noise=0.0, measurement_noise=0.5)
    errors = noisy.simulate(steps=5000, initial=START).values - QUIET.simulate(steps=5000, initial=START).values
    assert errors.std() == pytest.approx(0.5, rel=0.03)
    assert abs(np.corrcoef(errors.T)[0, 1]) < 0.05


def test_the_speed_diffuses():
    noisy = ConstantTurn(speed_noise=0.2, turn_noise=0.0, measurement_noise=0.0)
    tracks = [noisy.simulate(steps=101, dt=0.5, initial=[0, 0, 10, 0, 0], seed=k).values[:, 0] for k in range(1000)]
    last = [np.diff(x)[100] / 0.5 for x in tracks]
    assert np.std(last) == pytest.approx(0.2 * np.sqrt(100 * 0.5), rel=0.08)


def test_a_longer_track_starts_with_the_same_rows():
    short, long = (ConstantTurn().simulate(steps=n, seed=4).values for n in (20, 50))
    np.testing.assert_array_equal(long[:21], short)


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="`turn_noise`"):
        ConstantTurn(turn_noise=-0.1)
    with pytest.raises(ConfigError, match="the heading and the turn rate"):
        QUIET.simulate(steps=3, initial=[0.0, 1.0])
