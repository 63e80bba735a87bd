"""The search for settings: spaces, successive halving, blends; trials are scored by what the tests choose."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.errors import ConfigError, DataError, DivergenceError
from recurra.estimators.members import weighted_median
from recurra.estimators.search import Hunt, Trial, choose_blend, hunt
from recurra.estimators.search.space import Choice, Real, draw, near
from recurra.estimators.search.spaces import Rows, Searched, candidates
from recurra.forecasting import Origins

NOTHING: Any = SimpleNamespace(head=None, origins=None)  # for trials whose scores are given
FEW = Rows(rows=700, washout=100, seconds=30.0, horizon=100, origins=4)


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_what_is_drawn_or_near_lies_in_the_range(low, width, log, seed):
    kind = Real(abs(low) + 1e-3, abs(low) + 1e-3 + width, log)
    rng = np.random.default_rng(seed)
    value = kind.draw(rng)
    for _ in range(5):
        assert kind.low * (1 - 1e-12) <= value <= kind.high * (1 + 1e-12)
        value = kind.near(value, rng)


def test_a_logarithmic_range_is_uniform_in_the_logarithm():
    rng = np.random.default_rng(0)
    found = np.log10([Real(1e-4, 1e2, log=True).draw(rng) for _ in range(4000)])
    assert np.histogram(found, 6, (-4, 2))[0] / 4000 == pytest.approx(1 / 6, abs=0.02)


def test_a_neighbour_is_a_gaussian_step_away_in_widths_of_the_range():
    rng = np.random.default_rng(0)
    steps = np.array([Real(-2.0, 8.0).near(3.0, rng) - 3.0 for _ in range(4000)])
    assert steps.mean() == pytest.approx(0, abs=0.1)
    assert steps.std() == pytest.approx(1.5, rel=0.05)
    same = [Choice(("a", "b")).near("a", rng) == "a" for _ in range(4000)]
    assert np.mean(same) == pytest.approx(0.9, abs=0.02)  # of a fifth that are drawn anew half are the same


def test_a_setting_has_every_parameter_of_the_space():
    space = {"size": Choice((1, 2)), "scale": Real(0.1, 1.0)}
    rng = np.random.default_rng(3)
    assert draw(space, rng).keys() == near(space, {"size": 2, "scale": 0.3}, rng).keys() == space.keys()


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=8), st.data())
@settings(max_examples=60)
def test_a_weighted_median_is_the_median_of_repeated_values(values, data):
    counts = data.draw(st.lists(st.integers(1, 4), min_size=len(values), max_size=len(values)))
    found = weighted_median(np.array(values, float)[:, None], np.array(counts, float))
    assert found == pytest.approx([np.median(np.repeat(values, counts))])


def _trial(learner="esn", score=1.0, rung=0, **settings):
    return Trial(learner, settings, {}, rung, score, np.zeros((2, 3, 1)), 1.0)


def _hunt(scores, monkeypatch, searched=None, seed=0):
    """A search whose trials get these scores in turn."""
    pending = iter(scores)

    def scored(learner, asked, rung, head, origins):
        return Trial(learner, asked, {}, rung, next(pending), np.zeros((1, 1, 1)), 1.0)

    monkeypatch.setattr(hunt, "try_out", scored)
    given = searched or {"esn": Searched({"leak": Real(0.1, 1.0)}, {"washout": 5}, "units", (50, 150, 450))}
    return Hunt(given, NOTHING, seed)


def test_the_best_third_of_a_rung_is_tried_with_three_times_the_size(monkeypatch):
    scores = [0.5, 0.1, 0.9, 0.2, 0.8, 0.7, 0.6, 0.05, 0.4, 0.3, 0.01]
    search = _hunt(scores, monkeypatch)
    search.run(None, 11, 1, lambda: None)
    # Of three small ones the second is the best, of six the first is the next; the ninth then overtakes it, and the
    # third of three larger ones, the eighth trial, has three times its size again.
    assert [trial.settings["units"] for trial in search.trials] == [50, 50, 50, 150, 50, 50, 50, 150, 50, 150, 450]
    assert [trial.rung for trial in search.trials] == [0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 2]
    leaks = [trial.settings["leak"] for trial in search.trials]
    assert (leaks[3], leaks[7], leaks[9], leaks[10]) == (leaks[1], leaks[0], leaks[8], leaks[7])
    assert all(trial.settings["washout"] == 5 for trial in search.trials)


def test_every_learner_is_tried_once_and_then_by_its_share(monkeypatch):
    kinds = {
        "linear": Searched(share=0.0),
        "esn": Searched({"leak": Real(0.1, 1.0)}, share=3.0),
        "lstm": Searched({"units": Choice((8, 16))}, share=1.0),
    }
    search = _hunt([1.0] * 41, monkeypatch, kinds)
    search.run(None, 41, 1, lambda: None)
    names = [trial.learner for trial in search.trials]
    assert names[:3] == ["linear", "esn", "lstm"]
    assert (names.count("linear"), names.count("esn"), names.count("lstm")) == (1, 30, 10)


def test_the_first_trial_may_leave_the_settings_to_the_learner(monkeypatch):
    kind = Searched({"lags": Choice((1, 2))}, {"origins": 4}, "centres", (100, 300), itself=True)
    search = _hunt([1.0] * 4, monkeypatch, {"kernel-ridge": kind})
    search.run(None, 4, 1, lambda: None)
    assert search.trials[0].settings == {"origins": 4, "centres": 300}  # with its whole size
    assert all(trial.settings.keys() == {"origins", "lags", "centres"} for trial in search.trials[1:])
    assert [trial.settings["centres"] for trial in search.trials[1:]] == [100, 100, 100]


def test_what_is_next_follows_from_the_trials_alone(monkeypatch):
    scores = np.random.default_rng(5).uniform(size=30).tolist()
    whole = _hunt(scores, monkeypatch)
    whole.run(None, 30, 1, lambda: None)
    halves = _hunt(scores, monkeypatch)
    halves.run(None, 14, 1, lambda: None)
    later = dataclasses.replace(halves, trials=list(halves.trials))
    later.run(None, 30, 1, lambda: None)
    assert [trial.settings for trial in later.trials] == [trial.settings for trial in whole.trials]
    other = _hunt(scores, monkeypatch, seed=1)
    other.run(None, 30, 1, lambda: None)
    assert other.trials[0].settings != whole.trials[0].settings


def test_it_ends_when_the_time_is_over_with_what_the_best_will_take_again(monkeypatch):
    search = _hunt([1.0] * 100, monkeypatch)
    search.run(20.0, None, 5, lambda: None)
    assert len(search.trials) + 5 == 20  # a second each


@pytest.mark.parametrize(("seconds", "begun"), [(6.9, 3), (7.1, 4)])
def test_a_trial_that_would_take_longer_than_what_is_left_is_not_begun(seconds, begun, monkeypatch):
    def timed(learner, asked, rung, head, origins):
        return Trial(learner, asked, {}, rung, 1.0, np.zeros((1, 1, 1)), asked["units"] / 50)

    search = _hunt([], monkeypatch)
    monkeypatch.setattr(hunt, "try_out", timed)
    search.run(seconds, None, 1, lambda: None)
    # Three small ones and the best of them again take four seconds; the fourth, three times as large, takes three more.
    assert len(search.trials) == begun


def test_draws_near_the_best_are_closer_to_it_than_others(monkeypatch):
    # The score is the distance from 0.8: with draws near the best ones, later trials are closer.
    def scored(learner, asked, rung, head, origins):
        return Trial(learner, asked, {}, rung, abs(asked["leak"] - 0.8), np.zeros((1, 1, 1)), 1.0)

    monkeypatch.setattr(hunt, "try_out", scored)
    search = Hunt({"esn": Searched({"leak": Real(0.0, 10.0)})}, NOTHING, 0)
    search.run(None, 200, 1, lambda: None)
    away = np.array([trial.score for trial in search.trials])
    assert np.median(away[100:][1::2]) < 0.4 * np.median(away[100:][::2])


def test_sizes_grow_by_three_up_to_what_the_rows_and_the_time_allow():
    found = candidates(("esn", "lstm", "linear"), FEW)
    assert found["esn"].sizes == (117, 350)  # half of the rows
    assert found["lstm"].sizes == (10, 30, 90)
    assert (found["linear"].space, found["linear"].rungs) == ({}, 1)
    delayed = candidates(("kernel-ridge", "ng-rc"), FEW)
    assert (delayed["kernel-ridge"].resource, delayed["kernel-ridge"].sizes) == ("centres", (223, 669))
    assert max(delayed["ng-rc"].space["lags"].values) == 20  # 19 rows before the last one at a stride of 4, of 100
    short = candidates(("ng-rc",), dataclasses.replace(FEW, rows=60, washout=6))["ng-rc"].space
    assert (short["lags"].values, short["stride"].values) == ((1, 2, 3, 4, 6), (1,))
    hurried = candidates(("esn",), dataclasses.replace(FEW, rows=100_000, seconds=1.0))
    assert hurried["esn"].sizes == (60,)


def test_what_is_given_is_neither_drawn_nor_grown():
    kind = candidates(("esn",), FEW)["esn"].keeping({"units": 77, "leak": 0.5, "ridge": 1e-6})
    assert "leak" not in kind.space
    assert kind.rungs == 1
    assert (
        kind.at(0, {"lags": 2}).items() >= {"units": 77, "leak": 0.5, "ridge": 1e-6, "lags": 2, "washout": 100}.items()
    )


def _origins(truth):
    batch = len(truth)
    return Origins(np.zeros((batch, 0, 1)), np.zeros((batch, 1)), np.zeros((batch, truth.shape[1], 0)), truth)


def _forecasting(truth, *errors):
    """Trials whose forecasts are off by so much, and are scored so."""
    return [
        dataclasses.replace(_trial(score=abs(error), leak=k), forecasts=truth + error) for k, error in enumerate(errors)
    ]


def test_a_blend_is_the_median_of_the_best():
    truth = np.zeros((2, 50, 1))
    found = choose_blend(_forecasting(truth, 0.3, -0.2, 0.05, 3.0), _origins(truth))
    # Alone the best is off by 0.05; so is the median of the three within eight times that.
    assert [trial.score for trial in found.trials] == [0.05, 0.2, 0.3]
    assert found.score == pytest.approx(0.05)


def test_weights_leave_the_median_to_the_best_where_the_others_make_it_worse():
    truth = np.zeros((2, 50, 1))
    trials = _forecasting(truth, 0.1, 0.3, 0.5)  # all on one side: the median of three is 0.3
    # Weights 1 / score^2 leave more than half to the first.
    found = choose_blend(trials, _origins(truth))
    assert (len(found.trials), found.score) == (3, pytest.approx(0.1))
    assert found.weights == pytest.approx((100, 1 / 0.09, 4))


def test_no_more_than_asked_for_forecast_together():
    truth = np.zeros((2, 50, 1))
    trials = _forecasting(truth, *[0.1, -0.1] * 6)
    assert [len(choose_blend(trials, _origins(truth), most).trials) for most in (1, 2, 3, 9, 10, 12)] == [
        1,
        1,
        3,
        5,
        10,
        10,
    ]


@pytest.mark.parametrize("kind", [ConfigError, DataError, DivergenceError])
def test_where_every_trial_failed_the_error_is_that_of_the_first(kind):
    failed = dataclasses.replace(_trial(), failure=f"{kind.__name__}: too few rows: give more")
    with pytest.raises(kind, match=r"none of the 2 settings .* the first: too few rows: give more"):
        choose_blend([failed, failed], _origins(np.zeros((1, 10, 1))))


def test_what_is_far_worse_is_in_no_blend():
    truth = np.zeros((2, 50, 1))
    trials = _forecasting(truth, 0.1, -0.1, 0.9, -0.9, 0.9)
    assert [trial.score for trial in choose_blend(trials, _origins(truth)).trials] == [0.1, 0.1]


def test_a_failed_trial_is_in_no_blend():
    truth = np.zeros((1, 10, 1))
    bad = dataclasses.replace(_trial(score=0.0), failure="diverged", forecasts=np.full((1, 10, 1), np.nan))
    good = dataclasses.replace(_trial(score=1.0), forecasts=truth + 1)
    assert choose_blend([bad, good], _origins(truth)).trials == (good,)
