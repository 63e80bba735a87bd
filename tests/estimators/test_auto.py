"""`Auto`: its members are the single learners that its history names, and its forecast is their median."""

import dataclasses

import numpy as np
import pytest

import recurra as rc
from recurra.errors import ConfigError, DataError, DivergenceError, Interrupted
from recurra.estimators import LEARNERS
from recurra.estimators.members import follow

FEW = {"budget": None, "trials": 12, "of": ["esn", "linear", "nearest"], "horizon": 40, "origins": 3}
FEW |= {"noise": "ignore"}


@pytest.fixture(scope="module")
def waves():
    t = 0.2 * np.arange(500)
    return rc.Series(np.sin(t) + 0.5 * np.sin(2.7 * t), dt=0.2, channels=["x"])


@pytest.fixture(scope="module")
def fitted(waves):
    return rc.Auto(**FEW).fit(waves[:400])


def _single(trial):
    return LEARNERS[trial.learner].build(**trial.final)


def test_its_forecast_is_that_of_its_best_trials_together(waves):
    noisy = rc.Series(waves.values + 0.1 * np.random.default_rng(0).standard_normal((500, 1)), dt=0.2)[:400]
    model = rc.Auto(**{**FEW, "of": ["esn"]}).fit(noisy)
    alone = [_single(trial).fit(noisy).forecast(50).values for trial in model.blend_.trials]
    assert len(alone) > 1
    scaler = model.frame_.scaler
    scaled = np.stack([(values - scaler.mean) / scaler.std for values in alone])[:, None]
    expected = follow(scaled, np.array(model.blend_.weights))[0][0] * scaler.std + scaler.mean
    np.testing.assert_allclose(model.forecast(50).values, expected, rtol=1e-12, atol=1e-12)


def test_a_member_is_the_same_trial_fitted_alone(waves, fitted, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    loaded = rc.load(tmp_path / "model.safetensors")
    for k, trial in enumerate(fitted.blend_.trials):
        alone = _single(trial).fit(waves[:400])
        for model in (fitted, loaded):
            member = model.member(k)
            assert member.kind == trial.learner
            np.testing.assert_array_equal(member.forecast(30).values, alone.forecast(30).values)
            assert member.score(waves[400:])["closed_loop"]["rmse"] == pytest.approx(
                alone.score(waves[400:])["closed_loop"]["rmse"]
            )
    scores = [trial.score for trial in fitted.blend_.trials]
    assert scores == sorted(scores)
    for number in (-1, len(scores), 0.5):
        with pytest.raises(ConfigError, match="`number` of a member"):
            fitted.member(number)


def test_it_finds_a_network_for_two_sines(waves, fitted):
    error = fitted.forecast(100).values - waves.values[400:]
    assert np.abs(error).max() < 0.02
    assert fitted.blend_.trials[0].learner in ("esn", "linear")


def test_a_trial_is_scored_by_the_closed_loop_after_the_rows_that_it_was_fitted_to(waves):
    noisy = rc.Series(waves.values + 0.1 * np.random.default_rng(0).standard_normal((500, 1)), dt=0.2)[:400]
    model = rc.Auto(**{**FEW, "trials": 1, "of": ["linear"], "horizon": 30, "origins": 5}, validation=0.25).fit(noisy)
    # The last quarter is held out, with a tenth of the rows, 40, before it to warm up on.
    single = rc.Linear(horizon=30).fit(noisy[:300], validation=noisy[259:])
    errors = []
    for row in (299, 317, 334, 351, 369):  # the last known rows, evenly from the first to the last that 30 rows follow
        path = single.forecast(30, history=noisy[: row + 1]).values - noisy.values[row + 1 : row + 31]
        errors.append(np.abs(path[:, 0]) / noisy.values.std())
    assert model.history_[0]["validation"] == pytest.approx(np.exp(np.log(errors).mean()), rel=1e-6)


def test_its_history_names_every_trial(fitted):
    entries = fitted.history_
    assert [entry["trial"] for entry in entries] == list(range(12))
    assert {entry["learner"] for entry in entries} == {"esn", "linear", "nearest"}
    best = min(entries, key=lambda entry: entry["validation"])
    first = fitted.blend_.trials[0]
    assert (best["learner"], best["validation"]) == (first.learner, first.score)
    assert {name: best[name] for name in first.final} == first.final


def test_the_same_trials_give_the_same_bits_whatever_stopped_them(waves, fitted, tmp_path):
    path = tmp_path / "checkpoint.safetensors"

    def stop(event):
        if event["trial"] == 5:
            raise Interrupted("stopped", signal_number=15)

    with pytest.raises(Interrupted):
        rc.Auto(**FEW).fit(waves[:400], checkpoint=path, progress=stop)
    told = []
    again = rc.Auto(**FEW).fit(waves[:400], checkpoint=path, progress=told.append)
    assert [event["trial"] for event in told] == list(range(6, 13))
    assert again.history_ == fitted.history_
    np.testing.assert_array_equal(again.forecast(30).values, fitted.forecast(30).values)
    with pytest.raises(ConfigError, match="over other rows or settings"):
        rc.Auto(**FEW).fit(waves[:390], checkpoint=path)


def test_a_file_brings_its_members_back(waves, fitted, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.forecast(30).values, fitted.forecast(30).values)
    assert again.score(waves[400:]) == fitted.score(waves[400:])
    np.testing.assert_array_equal(again.errors_, fitted.errors_)
    assert len(again.errors_) == 50


def test_a_member_that_all_rows_make_worse_is_left_out(waves, monkeypatch):
    noisy = rc.Series(waves.values + 0.1 * np.random.default_rng(0).standard_normal((500, 1)), dt=0.2)[:400]
    whole = rc.Auto(**{**FEW, "of": ["esn"]}).fit(noisy)
    spoilt = whole.blend_.trials[1]
    learn = rc.ESN._learn

    def worse(self, training):
        network, history = learn(self, training)
        if training.held is None and self.get_params().items() >= spoilt.final.items():  # on all rows
            network = dataclasses.replace(network, coefficients=np.zeros_like(network.coefficients) + 3.0)
        return network, history

    monkeypatch.setattr(rc.ESN, "_learn", worse)
    model = rc.Auto(**{**FEW, "of": ["esn"]}).fit(noisy)
    left = [trial.final for trial in model.blend_.trials]
    assert left == [trial.final for trial in whole.blend_.trials if trial is not spoilt]
    assert len(model.network_.estimators) == len(left)
    weighed = [entry for entry in model.history_ if "weight" in entry]
    assert len(weighed) == len(left)
    assert sum(entry["weight"] for entry in weighed) == pytest.approx(1)


def test_rows_that_nothing_can_be_fitted_to_are_refused_with_the_reason():
    with pytest.raises(DataError, match="none of the 1 settings that were tried could be fitted; the first: 14 rows"):
        rc.Auto(budget=None, trials=1, of=["linear"]).fit(np.random.default_rng(0).standard_normal((20, 8)))


def test_its_bands_are_quantiles_of_the_errors_in_the_held_out_rows(waves):
    noisy = rc.Series(waves.values + 0.2 * np.random.default_rng(1).standard_normal((500, 1)), dt=0.2)[:400]
    model = rc.Auto(**{**FEW, "of": ["linear"], "trials": 1}).fit(noisy)
    single = rc.Linear(horizon=40).fit(noisy[:280], validation=noisy[239:])
    rows = np.unique(np.linspace(279, 359, 50).round()).astype(int)
    errors = [single.forecast(40, history=noisy[: r + 1]).values - noisy.values[r + 1 : r + 41] for r in rows]
    np.testing.assert_allclose(model.errors_, errors, rtol=1e-4, atol=1e-6)
    low, high = model.forecast_bands(40, level=0.8)
    rank = int(np.ceil(0.8 * (len(rows) + 1)))
    np.testing.assert_allclose((high.values - low.values) / 2, np.sort(np.abs(model.errors_), axis=0)[rank - 1])
    np.testing.assert_allclose((high.values + low.values) / 2, model.forecast(40).values)
    with pytest.raises(ConfigError, match="for the 40 steps"):
        model.forecast_bands(41)


def test_bands_of_a_series_with_holes_are_quantiles_of_what_is_known(waves):
    values = waves.values[:400] + 0.2 * np.random.default_rng(1).standard_normal((400, 1))
    values[np.random.default_rng(2).permutation(400)[:20]] = np.nan
    model = rc.Auto(**{**FEW, "of": ["linear"], "trials": 1}).fit(rc.Series(values, dt=0.2, mask=~np.isnan(values)))
    assert model.errors_.shape == (50, 40, 1)
    assert np.isfinite(model.errors_).all()
    low, high = model.forecast_bands(40)
    assert 0.1 < np.median(high.values - low.values) / 2 < 0.5  # 1.28 standard deviations of the noise, 0.2


def test_the_shortest_series_that_can_be_searched():
    model = rc.Auto(budget=None, trials=12).fit(np.sin(0.3 * np.arange(25)))
    assert not [entry for entry in model.history_ if "reaches back further" in entry.get("failure", "")]
    np.testing.assert_allclose(model.forecast(5).values[:, 0], np.sin(0.3 * np.arange(25, 30)), atol=1e-9)


def test_a_network_that_is_trained_is_fitted_again_for_as_many_epochs(waves):
    asked = {"budget": None, "trials": 1, "of": ["rnn"], "horizon": 20, "origins": 2, "validation": 0.2}
    model = rc.Auto(**asked).fit(waves[:150])
    (entry,) = model.history_
    assert entry["validation"] == model.blend_.trials[0].score > 0
    assert entry["epochs"] <= 10
    (member,) = model.network_.estimators
    assert (member.validation, member.epochs) == (0.0, entry["epochs"])


def test_a_trial_that_diverges_is_kept_with_its_reason(waves, monkeypatch):
    def diverge(self, training):
        raise DivergenceError("left the finite numbers")

    monkeypatch.setattr(rc.ESN, "_learn", diverge)
    model = rc.Auto(**FEW).fit(waves[:400])
    failed = [entry for entry in model.history_ if "failure" in entry]
    assert {entry["learner"] for entry in failed} == {"esn"}
    assert {entry["failure"] for entry in failed} == {"DivergenceError: left the finite numbers"}
    assert all(trial.learner != "esn" for trial in model.blend_.trials)


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        ({"of": ["esn", "oracle"]}, "`of` must be a list of some of esn"),
        ({"of": []}, "`of`"),
        ({"budget": None}, "both are None"),
        ({"budget": -1.0}, "`budget`"),
        ({"members": 0}, "`members`"),
    ],
)
def test_what_cannot_be_searched_is_refused(bad, match, waves):
    with pytest.raises(ConfigError, match=match):
        rc.Auto(**bad).fit(waves[:400])
