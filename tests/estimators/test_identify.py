"""Parameters of known equations from noisy trajectories: recovered, with errors that are what they say."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize

import recurra as rc
from recurra.cells import EulerCell
from recurra.errors import ConfigError, DataError
from recurra.estimators.identify import identify
from recurra.systems import DampedOscillator, HenonMap, Lorenz63, custom

BOTH = ["damping", "natural_frequency"]
GUESS = DampedOscillator(damping=0.48, natural_frequency=1.2)  # the truth is 0.4 and 1, the force cos(0.5 t)
EQUAL = {"x": 0.01, "v": 0.01}


def _noisy(series: rc.Series, seed: int, level: float = 0.01) -> rc.Series:
    noise = np.random.default_rng(seed).standard_normal(series.values.shape)
    values = series.values + level * series.values.std(axis=0) * noise
    return rc.Series(values, times=series.times, channels=series.channels)


def _oscillation(dt: float = 0.05) -> rc.Series:
    """x'' + 0.4 x' + x = cos(0.5 t) from x = 1, v = 0 for 20 time units: exact."""
    t = dt * np.arange(round(20 / dt) + 1)
    return rc.Series(DampedOscillator().solution(t, [1.0, 0.0]), dt=dt, channels=["x", "v"])


@pytest.fixture(scope="module")
def draws():
    """A hundred draws of 1 % noise on the oscillation."""
    truth = _oscillation()
    return [identify(GUESS, _noisy(truth, seed), BOTH) for seed in range(100)]


@pytest.fixture(scope="module")
def chaos():
    truth = Lorenz63().simulate(steps=999, dt=0.01, seed=0)
    found = [
        identify(Lorenz63(sigma=12, rho=22.4, beta=3.2), _noisy(truth, seed), ["sigma", "rho", "beta"], window=2.0)
        for seed in range(3)
    ]
    return truth, found


def _bound() -> np.ndarray:
    """Cramer and Rao's bound on (eta, w0) from differences of the closed form; the start is unknown too."""
    t, truth = 0.05 * np.arange(401), _oscillation().values
    centre, J = np.array([0.4, 1.0, 1.0, 0.0]), []
    for k in range(4):
        up, down = (centre + sign * 1e-6 * np.eye(4)[k] for sign in (1, -1))
        ends = [DampedOscillator(damping=q[0], natural_frequency=q[1]).solution(t, q[2:]) for q in (up, down)]
        J.append(((ends[0] - ends[1]) / 2e-6 / (0.01 * truth.std(axis=0))).ravel())
    return np.sqrt(np.diag(np.linalg.inv(np.array(J) @ np.array(J).T)))[:2]


def test_the_oscillator_is_identified_from_a_guess_that_is_a_fifth_off(draws):
    first = draws[0]
    assert first.converged
    assert first.estimates["damping"] == pytest.approx(0.4, rel=0.005)
    assert first.estimates["natural_frequency"] == pytest.approx(1.0, rel=0.0005)


def test_its_standard_errors_are_the_bound_of_cramer_and_rao(draws):
    bound = _bound()
    assert bound / [0.4, 1.0] == pytest.approx([0.0013, 0.00013], rel=0.05)
    for name, limit in zip(BOTH, bound, strict=True):
        assert draws[0].standard_errors[name] == pytest.approx(limit, rel=0.2)
        scatter = np.std([found.estimates[name] for found in draws], ddof=1)
        assert scatter == pytest.approx(limit, rel=0.25)  # of a hundred draws: 7 % by itself


@pytest.mark.parametrize(("name", "truth"), [("damping", 0.4), ("natural_frequency", 1.0)])
def test_ninety_five_of_a_hundred_intervals_hold_the_truth(draws, name, truth):
    covered = sum(found.intervals[name][0] <= truth <= found.intervals[name][1] for found in draws)
    assert 90 <= covered <= 99


def test_lorenz_is_identified_through_windows_of_two_time_units(chaos):
    truth, found = chaos
    published = {"sigma": 0.00065, "rho": 0.00009, "beta": 0.00021}
    for name, exact in (("sigma", 10.0), ("rho", 28.0), ("beta", 8 / 3)):
        for each in found:
            assert each.estimates[name] == pytest.approx(exact, rel=0.002)
        relative = found[0].standard_errors[name] / exact
        assert relative == pytest.approx(published[name], rel=0.2)
    assert len(found[0].first_rows) == 5
    assert np.abs(found[0].starts - truth.values[::200]).max() < 0.3
    noise = 0.01 * truth.values.std(axis=0)
    assert list(found[0].errors.values()) == pytest.approx(noise, rel=0.05)
    assert list(found[0].free_running.values()) == pytest.approx(noise, rel=0.05)
    assert list(found[0].one_step.values()) == pytest.approx(np.sqrt(2) * noise, rel=0.1)  # noise at both ends


@pytest.mark.parametrize(("dt", "published"), [(0.1, 9.9), (0.05, 4.9), (0.02, 1.9)])
def test_euler_s_cell_is_biased_by_about_the_step_and_that_of_runge_and_kutta_is_not(dt, published):
    truth = _noisy(_oscillation(dt), 0, 0.0)
    euler = identify(GUESS, truth, BOTH, method="euler", errors=EQUAL)
    bias = euler.estimates["damping"] / 0.4 - 1
    assert bias == pytest.approx(published / 100, abs=0.001)
    assert bias == pytest.approx(dt, rel=0.3)
    if dt == 0.05:
        assert identify(GUESS, truth, BOTH, errors=EQUAL).estimates["damping"] == pytest.approx(0.4, rel=1e-5)


def test_single_steps_are_the_regression_of_euler_s_update():
    truth, dt = _noisy(_oscillation(), 1), 0.05
    found = identify(GUESS, truth, ["damping"], method="euler", teacher_forced=True, errors=EQUAL)
    guess = 1.2**2  # its frequency stays
    (x, v), F = truth.values[:-1].T, np.cos(0.5 * truth.times[:-1])
    acceleration = (truth.values[1:, 1] - v) / dt
    assert found.estimates["damping"] == pytest.approx(v @ (F - guess * x - acceleration) / (v @ v), rel=1e-9)
    assert set(found.one_step) == set(found.free_running) == {"x", "v"}


def test_missing_values_count_for_nothing_and_chi_square_is_that_of_the_errors():
    t = 0.1 * np.arange(60)
    system = custom(lambda t, y, p: -p["rate"] * y, channels=["y"], parameters={"rate": 0.8})
    rng = np.random.default_rng(0)
    sigma = rng.uniform(0.01, 0.05, (60, 1))
    values = 2 * np.exp(-0.6 * t)[:, None] + sigma * rng.standard_normal((60, 1))
    there = rng.random((60, 1)) < 0.7
    found = []
    for filling in (0.0, 1e6):
        series = rc.Series(np.where(there, values, filling), dt=0.1, channels=["y"], mask=there)
        found.append(identify(system, series, ["rate"], errors=sigma))
    assert found[0].estimates == found[1].estimates
    kept = there[:, 0]

    def curve(t, y0, rate):
        return y0 * np.exp(-rate * t)

    best, covariance = optimize.curve_fit(
        curve, t[kept], values[kept, 0], [1, 1], sigma=sigma[kept, 0], absolute_sigma=True
    )
    assert found[0].estimates["rate"] == pytest.approx(best[1], rel=1e-4)
    assert found[0].standard_errors["rate"] == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-3)
    misfit = (curve(t[kept], *best) - values[kept, 0]) / sigma[kept, 0]
    assert found[0].chi_square == pytest.approx(misfit @ misfit, rel=1e-4)
    assert found[0].degrees_of_freedom == kept.sum() - 2
    assert (found[0].residuals.observed == there).all()


def test_position_alone_is_enough():
    truth = _noisy(_oscillation(), 3)
    seen = rc.Series(truth.values[:, :1], times=truth.times, channels=["x"])
    found = identify(GUESS, seen, BOTH)
    assert found.estimates["damping"] == pytest.approx(0.4, rel=0.01)
    assert found.starts[0, 1] == pytest.approx(0.0, abs=0.02)
    assert found.one_step == {}


def test_the_parameters_of_a_cell_are_identified_from_its_inputs():
    force = np.random.default_rng(0).standard_normal(200)
    y, rows = np.array([1.0, 0.0]), []
    for F in force:
        rows.append(y)
        y = y + 0.05 * np.array([y[1], F - 0.4 * y[1] - y[0]])
    series = rc.Series(np.array(rows), dt=0.05, inputs=force)
    cell = EulerCell.of(GUESS, BOTH, dt=0.05)
    assert identify(cell, series).estimates["theta/damping"] == pytest.approx(0.4, abs=1e-9)
    assert identify(cell, series, ["natural_frequency"]).estimates["theta/natural_frequency"] != 1.2


@pytest.mark.parametrize(
    ("model", "options", "error", "message"),
    [
        (GUESS, {"parameters": ["eta"]}, ConfigError, "'eta'"),
        (GUESS, {"parameters": []}, ConfigError, "at least one"),
        (GUESS, {"parameters": BOTH, "method": "verlet"}, ConfigError, "'verlet'"),
        (GUESS, {"parameters": BOTH, "window": 0.05}, ConfigError, "window"),
        (GUESS, {"parameters": BOTH, "errors": {"x": 1.0}}, ConfigError, "channels"),
        (GUESS, {"parameters": BOTH, "errors": [1.0, 0.0]}, ConfigError, "positive"),
        (HenonMap(), {"parameters": ["a"]}, ConfigError, "no vector field"),
        (Lorenz63(), {"parameters": ["rho"]}, DataError, "channels"),
        (EulerCell(jnp.add, np.ones(2), size=2, dt=0.1), {}, ConfigError, "apart"),
        (EulerCell(jnp.add, np.ones(3), size=3, dt=0.05), {}, DataError, "3 numbers"),
        (GUESS, {"parameters": BOTH, "window": 0.1}, DataError, "cannot determine"),
    ],
)
def test_what_cannot_be_identified_is_refused(model, options, error, message):
    series = _oscillation()[:3] if message == "cannot determine" else _oscillation()
    with pytest.raises(error, match=message):
        identify(model, series, **options)
