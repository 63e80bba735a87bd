"""Optuna as the sampler of a search: it learns from our record, which alone decides what it says."""

import sys

import numpy as np
import pytest

import recurra as rc
from recurra.errors import ConfigError, Interrupted, MissingExtraError
from recurra.estimators.search.space import Choice, Real
from recurra.estimators.search.tpe import suggest
from recurra.estimators.search.trial import Trial

SPACE = {
    "a": Real(0.01, 100.0, log=True),
    "b": Real(-1.0, 1.0),
    "c": Choice((0.0, 0.0, 3.0)),
    "d": Choice((True, None)),
}
FEW = {"budget": None, "trials": 14, "of": ["esn"], "horizon": 30, "origins": 3, "sampler": "optuna"}
WAVES = np.sin(0.2 * np.arange(300)) + 0.5 * np.sin(0.54 * np.arange(300))


def trial(settings, score):
    return Trial("esn", settings, {}, 0, score, np.zeros((1, 1, 1)), 0.1)


def test_without_optuna_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'recurra\[optuna\]'"):
        rc.Auto(**FEW).fit(WAVES)
    assert rc.Auto(**{**FEW, "sampler": "halving", "trials": 1}).fit(WAVES).history_


def test_another_sampler_is_refused():
    with pytest.raises(ConfigError, match="`sampler`"):
        rc.Auto(sampler="grid").fit(WAVES)


def test_it_stays_in_the_space_and_comes_near_the_best():
    pytest.importorskip("optuna")
    rng, trials = np.random.default_rng(0), []
    for k in range(40):
        settings = suggest(SPACE, trials, seed=k)
        assert list(settings) == list(SPACE)
        assert 0.01 <= settings["a"] <= 100
        assert -1 <= settings["b"] <= 1
        assert settings["c"] in (0.0, 3.0)
        assert settings["d"] in (True, None)
        trials.append(trial(settings, (np.log10(settings["a"]) - 1) ** 2 + settings["b"] ** 2 + settings["c"]))
    random = [(rng.uniform(-2, 2) - 1) ** 2 + rng.uniform(-1, 1) ** 2 + rng.choice([0.0, 3.0]) for _ in range(40)]
    last = np.median([each.score for each in trials[20:]])
    assert last < 0.5 * np.median(random)


def test_the_same_record_gives_the_same_setting_and_what_is_not_of_the_space_is_left_out():
    pytest.importorskip("optuna")
    trials = [trial(suggest(SPACE, [], seed=k), float(k)) for k in range(12)]
    assert suggest(SPACE, trials, seed=3) == suggest(SPACE, list(trials), seed=3)
    assert suggest(SPACE, [*trials, trial({}, 0.1)], seed=3) == suggest(SPACE, trials, seed=3)
    assert suggest(SPACE, trials, seed=3) != suggest(SPACE, trials, seed=4)


def test_a_search_that_was_stopped_goes_on_to_the_same_bits(tmp_path):
    pytest.importorskip("optuna")
    path = tmp_path / "checkpoint.safetensors"

    def stop(event):
        if event.get("trial") == 9:
            raise Interrupted("stopped", signal_number=15)

    with pytest.raises(Interrupted):
        rc.Auto(**FEW).fit(WAVES, checkpoint=path, progress=stop)
    whole, again = rc.Auto(**FEW).fit(WAVES), rc.Auto(**FEW).fit(WAVES, checkpoint=path)
    assert again.history_ == whole.history_
    assert len(whole.history_) == 14
    np.testing.assert_array_equal(again.forecast(20).values, whole.forecast(20).values)
