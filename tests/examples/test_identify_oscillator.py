"""Identification as an example: two draws, its baseline by another regression, what is covered."""

import numpy as np
import pytest

from recurra.examples import identify_oscillator
from recurra.series import Series


@pytest.fixture(scope="module")
def outcome():
    return identify_oscillator.run(seeds=2, seed=0, chaos=False)


def test_the_free_running_cell_of_runge_and_kutta_finds_the_truth(outcome):
    for entry in outcome.results["seeds"]:
        found = entry["oscillator"]["RK4 cell, free-running"]
        assert found["damping"] == pytest.approx(0.4, rel=0.005)
        assert found["natural_frequency"] == pytest.approx(1.0, rel=0.0005)
    errors = outcome.results["median"]["relative_error"]
    assert errors["RK4 cell, free-running"]["damping"] < errors["central differences"]["damping"]
    assert errors["RK4 cell, free-running"]["damping"] < 0.1 * errors["Euler cell, free-running"]["damping"]


def test_the_bias_of_euler_s_cell_is_about_the_step(outcome):
    for row, published in zip(outcome.results["euler_bias"], (0.099, 0.049, 0.019), strict=True):
        assert row["euler"] == pytest.approx(published, abs=0.001)
        assert abs(row["rk4"]) < 1e-4


def test_test_rows_follow_the_known_ones_and_the_equation_beats_what_knows_none(outcome):
    protocol, scores = outcome.results["protocol"], outcome.results["median"]["forecast"]
    assert (protocol["known_rows"], protocol["test_rows"]) == (401, 400)
    assert scores["identified"] < 0.01
    truth = identify_oscillator._truth()
    assert truth.values[401:].shape == (400, 2)
    known = identify_oscillator._noisy(truth[:401], 0)
    away = (truth.values[401:] - known.values[-1]) / known.values.std(axis=0)
    first = outcome.results["seeds"][0]["forecast"]["persistence"]
    assert first == pytest.approx(np.sqrt(np.mean(away**2)), rel=1e-9)
    assert scores["identified"] < scores["linear"] < scores["persistence"]


def test_central_differences_are_exact_on_a_parabola():
    """v = t^2, v' = 2 t and x = t^3 / 3 obey v' + 2 v + 9 x = F for that F."""
    t = 0.1 * np.arange(50)
    x, v = t**3 / 3, t**2
    series = Series(np.column_stack([x, v]), dt=0.1, inputs=2 * t + 2 * v + 9 * x)
    found = identify_oscillator.differences(series)
    assert (found["damping"], found["natural_frequency"]) == pytest.approx((2.0, 3.0), rel=1e-9)
