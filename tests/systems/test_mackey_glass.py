"""The Mackey-Glass equation: closed form, order, and the published statistics."""

import jax
import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline

from recurra.errors import ConfigError
from recurra.systems import MackeyGlass, agreement_time


def slope(steps, errors):
    return np.polyfit(np.log(steps), np.log(errors), 1)[0]


@pytest.mark.parametrize("dt", [1.0, 0.37])
def test_the_first_delay_is_a_linear_equation(dt):
    # a constant history x0 drives x' = c gamma - gamma x with c = beta x0 / (1 + x0^n) / gamma
    series = MackeyGlass().simulate(steps=int(17 / dt), dt=dt, initial=0.7)
    c = 0.2 * 0.7 / (1 + 0.7**10) / 0.1
    exact = c + (0.7 - c) * np.exp(-0.1 * series.times)
    np.testing.assert_allclose(series.values[:, 0], exact, atol=1e-9)


def test_the_second_delay_is_an_integral_of_the_first():
    system = MackeyGlass()
    x0, c = 0.7, 0.2 * 0.7 / (1 + 0.7**10) / 0.1
    nodes, weights = np.polynomial.legendre.leggauss(40)
    s = 17 * (nodes + 1) / 2
    past = c + (x0 - c) * np.exp(-0.1 * s)
    push = 0.2 * past / (1 + past**10)
    at_tau = c + (x0 - c) * np.exp(-1.7)
    exact = at_tau * np.exp(-1.7) + 17 / 2 * weights @ (np.exp(-0.1 * (17 - s)) * push)
    assert system.simulate(steps=34, initial=x0).values[-1, 0] == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("initial", [1.2, 0.9 + 0.2 * np.sin(np.linspace(0, 3, 40))], ids=["constant", "array"])
def test_order_four(initial):
    exact = MackeyGlass(substep=17 / 2720).simulate(steps=200, initial=initial).values
    steps = 17 / np.array([34, 68, 136])
    errors = [np.abs(MackeyGlass(substep=h).simulate(steps=200, initial=initial).values - exact).max() for h in steps]
    assert slope(steps, errors) == pytest.approx(4.0, abs=0.1)


def test_euler_is_the_plain_loop_and_of_order_one():
    series = MackeyGlass().simulate(steps=60, method="euler", initial=1.2)
    x = [1.2] * 171
    for _ in range(600):
        x.append(x[-1] + 0.1 * (0.2 * x[-171] / (1 + x[-171] ** 10) - 0.1 * x[-1]))
    np.testing.assert_allclose(series.values[:, 0], x[170::10], rtol=1e-12)
    exact = MackeyGlass().simulate(steps=60, initial=1.2).values
    steps = (0.1, 0.05, 0.025)
    errors = [np.abs(MackeyGlass(substep=h).simulate(60, 1.0, "euler", 1.2).values - exact).max() for h in steps]
    assert slope(steps, errors) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("method", ["rk4", "euler"])
def test_the_variance_of_the_benchmark(method):
    x = MackeyGlass().simulate(steps=10_000, method=method).values
    assert 0.050 < x.var() < 0.053  # data of Jaeger's recipe: 0.051
    assert 0.046 < np.tanh(x - 1).var() < 0.048  # and 0.047 after the squashing


def test_histories():
    given = 1 + 0.1 * np.cos(np.linspace(-3, 0, 30))
    series = MackeyGlass().simulate(steps=5, initial=given)
    assert series.values[0, 0] == given[-1]
    drawn = MackeyGlass().simulate(steps=50, seed=2)
    again = MackeyGlass().simulate(steps=50, initial=drawn.provenance["initial"])
    np.testing.assert_allclose(again.values, drawn.values, atol=1e-8)
    np.testing.assert_array_equal(MackeyGlass().simulate(steps=9, seed=2).values, drawn.values[:10])
    fixed = MackeyGlass(tau=30.0).simulate(steps=5, dt=0.3, initial=1.0)
    np.testing.assert_allclose(fixed.values, 1.0, atol=1e-15)


def test_rows_between_steps_lie_on_the_same_curve():
    rows = MackeyGlass().simulate(steps=40, dt=1.0, initial=1.2)
    between = MackeyGlass().simulate(steps=400, dt=0.1, initial=1.2)
    np.testing.assert_allclose(between.values[::10], rows.values, atol=1e-12)
    x = rows.values[:, 0]
    delayed = between.values[np.maximum(10 * np.arange(41) - 170, 0), 0]
    curve = CubicHermiteSpline(rows.times, x, 0.2 * delayed / (1 + delayed**10) - 0.1 * x)
    np.testing.assert_allclose(curve(between.times), between.values[:, 0], atol=2e-3)


def test_how_long_it_can_be_trusted():
    accurate = MackeyGlass().simulate(steps=300, seed=1)
    assert agreement_time(accurate, 1e-6) == pytest.approx(300.0)
    assert agreement_time(accurate[101::2], 1e-6) == pytest.approx(198.0)
    assert 50 < agreement_time(MackeyGlass().simulate(steps=300, method="euler", seed=1), 0.05) < 300


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        ({"tau": 0.0}, {}, "`tau` of mackey-glass must be positive"),
        ({"substep": -1.0}, {}, "`substep` of mackey-glass must be positive"),
        ({}, {"initial": []}, "one finite number, a constant history"),
        ({}, {"initial": [[1.0]]}, r"got shape \(1, 1\)"),
        ({}, {"initial": [1.0, np.nan]}, "1 numbers not finite"),
        ({}, {"initial": "high"}, "must be numbers, got 'high'"),
        ({}, {"dt": 0.25, "method": "euler"}, "dt = 0.25 is no multiple of 0.1, a delay by 170"),
        ({}, {"method": "verlet"}, "is a method for x''"),
        ({"gamma": -9.0}, {"initial": 1.0, "steps": 200}, "leaves the finite numbers at step"),
    ],
)
def test_what_it_refuses(options, arguments, message):
    with pytest.raises(ConfigError, match=message):
        MackeyGlass(**options).simulate(**{"steps": 5, **arguments})


def test_its_step_map_goes_over_one_delay():
    system = MackeyGlass()
    step, history, dt = system.step_map(None, np.random.default_rng(3))
    rows = system.simulate(34, initial=system.start(np.random.default_rng(3)))
    with jax.enable_x64(True):
        history = step(step(history))
    np.testing.assert_allclose(np.asarray(history[0])[::10], rows.values[17:, 0], rtol=1e-12)
    assert dt == 17.0
    with pytest.raises(ConfigError, match="its step is 17"):
        system.step_map(1.0, np.random.default_rng(0))
