"""Decisions: none are claimed to be skilled on a random walk, and what theory allows is reached where there is some."""

import numpy as np
import pytest

from recurra.errors import ConfigError, DataError
from recurra.estimators.decisions import BUY, HOLD, SELL, Decisions, walk_forward
from recurra.systems import Autoregressive

SEEDS = range(5)


def _decide(coefficient, seed, **options):
    series = Autoregressive(coefficient=coefficient).simulate(steps=3999, seed=seed)
    return walk_forward(series, folds=5, horizon=400, units=30, seed=seed, **options)


@pytest.fixture(scope="module")
def walks():
    return [_decide(1.0, seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def autoregressions():
    return [_decide(0.9, seed) for seed in SEEDS]


def test_a_random_walk_is_said_to_hold_no_skill(walks):
    for found in walks:
        assert found.verdict.startswith("no skill: ")
        assert abs(found.accuracy - found.chance) <= 2 * found.standard_error
        assert found.standard_error == pytest.approx(0.5 / np.sqrt(2000), rel=0.2)


def test_an_autoregression_holds_the_skill_that_theory_gives(autoregressions):
    """The best decision is the sign of -x; correlation with the next move sqrt((1 - a) / 2), right by arcsine."""
    best = 0.5 + np.arcsin(np.sqrt(0.05)) / np.pi  # 0.572
    for found in autoregressions:
        assert found.verdict.startswith("skill: ")
        assert abs(found.accuracy - best) < 3 * found.standard_error
    mean = np.mean([found.accuracy for found in autoregressions])
    assert mean == pytest.approx(best, abs=2 * 0.011 / np.sqrt(len(SEEDS)))


def test_the_forecast_beats_persistence_by_the_ratio_of_theory(autoregressions):
    """MSE of persistence over that of the best forecast: 2 / (1 + a) = 1.0526."""
    ratios = np.array([found.persistence_ratio for found in autoregressions])
    assert np.all(np.abs(ratios[:, 0] - 2 / 1.9) < 3 * ratios[:, 1])
    assert np.all(ratios[:, 0] > 1 + 2 * ratios[:, 1])


def test_on_a_random_walk_no_forecast_beats_persistence(walks):
    for found in walks:
        ratio, error = found.persistence_ratio
        assert ratio < 1 + 2.5 * error


def test_what_came_and_persistence_are_those_of_the_series(walks):
    x = Autoregressive(coefficient=1.0).simulate(steps=3999, seed=0).values[:, 0]
    moves = np.diff(x)
    found = walks[0]
    np.testing.assert_array_equal(found.came, np.where(moves[-2000:] > 0, BUY, SELL))
    np.testing.assert_array_equal(found.before, np.where(moves[-2001:-1] > 0, BUY, SELL))
    np.testing.assert_array_equal(found.truth, x[-2000:])
    np.testing.assert_array_equal(found.last, x[-2001:-1])
    np.testing.assert_array_equal(found.times, np.arange(2000, 4000))
    assert found.baselines["persistence"] == np.mean(np.sign(moves[-2000:]) == np.sign(moves[-2001:-1]))
    assert found.baselines["always hold"] == np.mean(moves[-2000:] > 0)


def test_no_decision_depends_on_what_comes_after_it():
    x = Autoregressive().simulate(steps=599, seed=1).values[:, 0]
    other = x.copy()
    other[560:] += 30.0
    first, second = (walk_forward(each, folds=2, horizon=100, units=10) for each in (x, other))
    np.testing.assert_array_equal(first.decided[:160], second.decided[:160])  # up to row 560, decided on row 559
    np.testing.assert_array_equal(first.forecast[:160], second.forecast[:160])
    assert np.any(first.forecast[161:] != second.forecast[161:])


def test_three_classes_make_a_table_whose_margins_are_the_counts():
    found = _decide(0.9, 3, threshold=0.43)
    assert found.classes == (SELL, HOLD, BUY)
    assert found.confusion.sum() == 2000
    np.testing.assert_array_equal(found.confusion.sum(axis=1), [np.sum(found.came == c) for c in found.classes])
    assert np.trace(found.confusion) / 2000 == found.accuracy
    shares = found.confusion.sum(axis=1) @ found.confusion.sum(axis=0) / 2000**2
    assert found.chance == pytest.approx(shares, rel=1e-12)
    assert found.baselines["always hold"] == pytest.approx(1 / 3, abs=0.04)  # P(|z| < 0.43) = 0.333
    assert found.has_skill


def _made(decided, came):
    zeros = np.zeros(len(came))
    return Decisions(zeros, decided, came, came, zeros, zeros, zeros + 1, zeros, (SELL, BUY))


def test_decisions_that_hang_together_count_for_fewer():
    """Right and wrong in blocks of 10: about a tenth of the rows are independent."""
    rng = np.random.default_rng(0)
    came = rng.choice([SELL, BUY], 50_000)
    right = rng.integers(0, 2, 5000).repeat(10).astype(bool)
    assert _made(np.where(right, came, -came), came).effective_rows == pytest.approx(5000, rel=0.3)


def test_a_drift_alone_is_no_skill():
    """Nine rises in ten: always buying is right nine times in ten, and so is chance with those decisions."""
    came = np.where(np.random.default_rng(0).random(1000) < 0.9, BUY, SELL)
    found = _made(np.full(1000, BUY), came)
    assert found.accuracy == found.chance == found.baselines["always hold"]
    assert found.verdict.startswith("no skill")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"gap": 0}, ConfigError, "`gap`"),
        ({"threshold": -1.0}, ConfigError, "`threshold`"),
        ({"horizon": 75}, DataError, "needs 2 x 50"),
        ({"folds": 9, "horizon": 90}, DataError, "take fewer folds"),
    ],
)
def test_what_cannot_be_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        walk_forward(np.random.default_rng(0).standard_normal(400), **{"folds": 4, "horizon": 50, **options})
