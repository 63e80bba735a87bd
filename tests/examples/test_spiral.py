"""The spiral in small: its closed form, its eigenvalues, and the baselines by independent loops."""

import numpy as np
import pytest

from recurra.examples import spiral as example
from recurra.examples.unseen import closed_loops
from recurra.series import Series


@pytest.fixture(scope="module")
def data():
    return example.trajectories()


@pytest.fixture(scope="module")
def outcome():
    return example.run(seeds=1, seed=0, epochs=20)


def test_the_trajectories_are_the_closed_form_of_a_stable_spiral(data):
    train, test = data
    assert (len(train), len(test)) == (9, 10)
    for part in (*train, *test):
        t, (x, y) = part.times, part.values[0]
        turned = [x * np.cos(t) - y * np.sin(t), x * np.sin(t) + y * np.cos(t)]
        np.testing.assert_allclose(part.values, (np.exp(-0.2 * t) * turned).T, atol=1e-9)
        assert np.abs(part.values[0]).max() <= 2
        assert len(part) == 800


def test_no_test_trajectory_starts_where_a_training_one_does(data):
    train, test = data
    assert min(np.abs(a.values[0] - b.values[0]).max() for a in train for b in test) > 1e-3


def test_the_eigenvalues_say_which_sign_is_stable(outcome):
    found = outcome.results["eigenvalues"]
    assert found["stable"] == pytest.approx({"real": -0.2, "imaginary": 1.0})
    assert found["growing"] == pytest.approx({"real": 0.2, "imaginary": 1.0})
    signs = outcome.sections[0].tables[0].rows
    assert [row[3] for row in signs] == pytest.approx([np.exp(-0.2 * 15.98), np.exp(0.2 * 15.98)])


def test_rates_of_a_spiral_are_those_it_was_made_with():
    t = 0.05 * np.arange(100)
    wave = np.exp(-0.31 * t) * np.array([np.cos(2.3 * t), 0.7 * np.sin(2.3 * t + 0.2)])
    assert example.rates([Series(wave.T, dt=0.05)]) == pytest.approx((-0.31, 2.3), rel=1e-9)


def test_the_linear_map_is_exact_and_has_the_rates_of_the_equations(outcome):
    linear = outcome.results["baselines"]["linear, 1 lag"]
    assert linear["closed_loop"]["rmse"] < 1e-10
    assert (linear["decay"], linear["frequency"]) == pytest.approx((-0.2, 1.0), abs=1e-9)


def test_persistence_by_a_loop(outcome, data):
    test, known = data[1], example.KNOWN
    one_step = [(p.values[t - 1] - p.values[t]) ** 2 for p in test for t in range(known, 800)]
    closed = [(p.values[known - 1] - p.values[t]) ** 2 for p in test for t in range(known, 800)]
    found = outcome.results["baselines"]["persistence"]
    assert found["one_step"]["rmse"] == pytest.approx(np.sqrt(np.mean(one_step)), rel=1e-9)
    assert found["closed_loop"]["rmse"] == pytest.approx(np.sqrt(np.mean(closed)), rel=1e-9)


def test_even_a_short_training_turns_at_about_the_right_frequency(outcome):
    for name in ("lstm", "rnn"):
        score = outcome.results["median"][name]
        assert score["closed_loop"]["rmse"] < outcome.results["baselines"]["climatology"]["closed_loop"]["rmse"]
        assert score["frequency"] == pytest.approx(1.0, rel=0.2)


def test_closed_loops_start_after_the_known_rows(data):
    model = example.Persistence().fit(data[0])
    forecasts = closed_loops(model, data[1][:2], example.KNOWN)
    for forecast, part in zip(forecasts, data[1], strict=False):
        assert len(forecast) == 800 - example.KNOWN
        assert forecast.times[0] == pytest.approx(part.times[example.KNOWN])
        np.testing.assert_allclose(forecast.values[-1], part.values[example.KNOWN - 1], atol=1e-12)
