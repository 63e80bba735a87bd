"""The example of one pulse or two in small: its protocol, and its baselines by independent means."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from recurra.examples import pulses


def test_a_threshold_has_the_fewest_errors_of_all():
    rng = np.random.default_rng(0)
    positive = rng.random(60) < 0.5
    values = rng.normal(size=60) + positive
    level = pulses.best_threshold(values, positive)
    errors = [np.sum((values > other) != positive) for other in np.linspace(-5, 5, 10_001)]
    assert np.sum((values > level) != positive) == min(errors)


def test_a_threshold_may_say_always_yes_or_never():
    assert pulses.best_threshold(np.array([1.0, 2.0]), np.array([True, True])) == -np.inf
    assert pulses.best_threshold(np.array([1.0, 2.0]), np.array([False, False])) == np.inf


def test_logistic_regression_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(80, 4))
    positive = x[:, 0] - x[:, 1] + rng.normal(size=80) > 0.3
    weights = pulses.logistic_regression(x, positive, ridge=0.01)
    peer = LogisticRegression(C=1 / (80 * 0.01), tol=1e-10, max_iter=1000).fit(x, positive)
    np.testing.assert_allclose(weights, [*peer.coef_[0], peer.intercept_[0]], atol=1e-5)


def test_traces_to_score_on_are_others():
    train, test = pulses.both(0, 20)
    assert not np.array_equal(train.inputs, test.inputs)
    np.testing.assert_array_equal(pulses.both(0, 20)[1].inputs, test.inputs)
    assert not np.array_equal(pulses.both(1, 20)[0].inputs, train.inputs)


def test_pulses_in_small(monkeypatch):
    monkeypatch.setattr(pulses, "CELLS", {"gru": "gru"})
    monkeypatch.setitem(pulses.SETTINGS, "epochs", 15)
    outcome = pulses.run(seeds=1, seed=0, traces=500)
    found, baselines = outcome.results["seeds"][0], outcome.results["baselines"]
    assert found["gru"]["accuracy"] == outcome.results["median"]["gru"] >= 0.97
    truth = np.array(pulses.both(0, 500)[1].targets)
    trained = np.array(pulses.both(0, 500)[0].targets)
    frequent = 1 if (trained == 1).sum() >= 250 else 2
    assert baselines["most frequent class"] == pytest.approx(np.mean(truth == frequent))
    assert max(baselines.values()) == baselines["threshold on the area"] < found["gru"]["accuracy"]
    assert baselines["threshold on the area"] == pytest.approx(15 / 16, abs=4 * np.sqrt(15 / 16**2 / 500))
    assert [row[0] for row in outcome.table.rows] == ["GRU", *baselines]
    assert [section.title for section in outcome.sections] == ["Training of the GRU"]
