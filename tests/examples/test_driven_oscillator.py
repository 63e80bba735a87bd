"""The driven oscillator in small: the closed form, the trap of one step, and the baselines by independent loops."""

import numpy as np
import pytest

from recurra.examples import driven_oscillator as example


def exact(t):
    """x of x'' + 0.4 x' + x = cos(0.5 t), x(0) = 1, x'(0) = 0, from undetermined coefficients."""
    C, S = np.linalg.solve([[0.75, 0.2], [-0.2, 0.75]], [1.0, 0.0])
    s = np.sqrt(0.96)
    A = 1 - C
    B = (0.2 * A - 0.5 * S) / s
    return C * np.cos(0.5 * t) + S * np.sin(0.5 * t) + np.exp(-0.2 * t) * (A * np.cos(s * t) + B * np.sin(s * t))


@pytest.fixture(scope="module")
def outcome():
    return example.run(seeds=1, seed=0, epochs=10)


@pytest.fixture(scope="module")
def coarse():
    return exact(0.1 * np.arange(600))


def test_one_step_scores_on_the_fine_rows_say_nothing(outcome):
    x = exact(0.001 * np.arange(15_000, 20_000))  # the last quarter, on which the course tests
    last = 1 - np.sum((x[2:] - x[1:-1]) ** 2) / np.sum((x[2:] - x[2:].mean()) ** 2)
    found = outcome.results["fine"]
    assert found["persistence_r2"] == pytest.approx(last, abs=1e-9)
    assert round(found["persistence_r2"], 7) == 0.9999995
    assert found["line_mse"] == pytest.approx(5e-14, rel=0.2)
    assert found["line_mse"] == pytest.approx(np.mean((x[2:] - 2 * x[1:-1] + x[:-2]) ** 2), rel=1e-2)


def test_a_window_of_the_course_spans_a_sixtieth_of_a_natural_period(outcome):
    spans = outcome.results["protocol"]["window_periods"]
    assert spans["fine"] == pytest.approx(0.1 * np.sqrt(0.96) / (2 * np.pi))
    assert round(100 * spans["fine"], 1) == 1.6
    assert spans["coarse"] == pytest.approx(20 * spans["fine"])


def test_the_rows_are_the_closed_form_and_are_split_in_time(outcome, coarse):
    series = example.solution(600, 0.1, None)
    np.testing.assert_allclose(series.values[:, 0], coarse, atol=1e-9)
    np.testing.assert_allclose(series.inputs.values[:, 0], np.cos(0.05 * np.arange(600)), atol=1e-12)
    assert (outcome.results["protocol"]["train"], outcome.results["protocol"]["test"]) == (360, 240)


def test_the_autoregression_is_exact(outcome):
    baselines = outcome.results["baselines"]
    assert baselines["ARX, 2 lags"]["closed_loop"]["nrmse"] < 1e-9
    assert baselines["no drive, 2 lags"]["closed_loop"]["nrmse"] < 1e-5


def test_persistence_by_a_loop(outcome):
    y = example.solution(600, 0.1, None).values
    std = y[:360].std(axis=0)
    found = outcome.results["baselines"]["persistence"]
    one_step = np.sqrt(np.mean([((y[t] - y[t - 1]) / std) ** 2 for t in range(360, 600)]))
    closed = np.sqrt(np.mean([((y[t] - y[359]) / std) ** 2 for t in range(360, 600)]))
    assert found["one_step"]["nrmse"] == pytest.approx(one_step, rel=1e-9)
    assert found["closed_loop"]["nrmse"] == pytest.approx(closed, rel=1e-9)


def test_every_network_has_both_scores(outcome):
    for name in ("lstm", "gru", "rnn"):
        score = outcome.results["seeds"][0][name]
        assert set(score) == {"one_step", "closed_loop"}
        assert score["one_step"]["r2"] > 0.9  # after ten epochs: it says nothing
    assert len(outcome.table.rows) == 7
