"""`tune=`: a search over the parameters that were left alone, and everything after it as if they had been given."""

import numpy as np
import pytest

import recurra as rc
from recurra.errors import ConfigError, Interrupted


@pytest.fixture(scope="module")
def waves():
    t = 0.2 * np.arange(500)
    noise = 0.05 * np.random.default_rng(0).standard_normal(500)
    return rc.Series(np.sin(t) + 0.5 * np.sin(2.7 * t) + noise, dt=0.2, channels=["x"])


@pytest.fixture(scope="module")
def fitted(waves):
    return rc.ESN(units=40, washout=30, horizon=40, origins=3, tune=1.0).fit(waves[:400])


def test_it_is_the_network_of_the_best_trial(waves, fitted):
    trials = [entry for entry in fitted.history_ if "trial" in entry]
    best = min(trials, key=lambda entry: entry["validation"])
    assert len(trials) > 1
    chosen = fitted.acting.get_params()
    assert {name: best[name] for name in best if name in chosen} == {
        name: chosen[name] for name in best if name in chosen
    }
    single = rc.ESN(**chosen).fit(waves[:400])
    np.testing.assert_array_equal(single.forecast(50).values, fitted.forecast(50).values)


def test_what_was_given_is_kept_and_the_estimator_is_as_it_was(waves, fitted):
    assert (fitted.acting.units, fitted.acting.washout, fitted.acting.tune) == (40, 30, None)
    assert fitted.acting.spectral_radius != fitted.spectral_radius
    assert (fitted.tune, fitted.spectral_radius) == (1.0, 0.9)
    again = fitted.set_params(tune=None).fit(waves[:400])
    assert again.acting is again
    fitted.set_params(tune=1.0).fit(waves[:400])


def test_a_file_holds_what_the_search_chose(waves, fitted, tmp_path):
    fitted.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors")
    assert again.get_params() == fitted.acting.get_params()
    np.testing.assert_array_equal(again.forecast(30).values, fitted.forecast(30).values)


def test_a_trained_network_is_tuned_too(waves):
    model = rc.RNN(units=8, bptt_length=20, learning_rate=0.01, tune=1e-3, horizon=20, origins=2).fit(waves[:200])
    assert model.tuned_.epochs <= 10  # of the first rung; one trial is always made
    assert model.forecast(5).values.shape == (5, 1)


def test_a_tuned_training_that_was_stopped_goes_on_with_the_same_bits(waves, tmp_path):
    path, told = tmp_path / "checkpoint.safetensors", []

    def stop(event):
        told.append(event)
        if event.get("epoch"):
            raise Interrupted("stopped", signal_number=15)

    # A length that a search of one trial settles, and a training of 20 epochs after it.
    settings = {"units": 8, "bptt_length": 20, "epochs": 20, "tune": 1e-3, "horizon": 20, "origins": 2}
    whole = rc.RNN(**settings).fit(waves[:200])
    with pytest.raises(Interrupted):
        rc.RNN(**settings).fit(waves[:200], checkpoint=path, progress=stop)
    assert {file.name for file in tmp_path.iterdir()} == {"checkpoint.safetensors", "checkpoint-search.safetensors"}
    again = rc.RNN(**settings).fit(waves[:200], checkpoint=path)
    assert again.history_ == whole.history_
    np.testing.assert_array_equal(again.forecast(9).values, whole.forecast(9).values)


def test_what_cannot_be_tuned_is_refused(waves):
    with pytest.raises(ConfigError, match="`tune` must be a number above 0"):
        rc.ESN(tune=0.0).fit(waves)
    with pytest.raises(ConfigError, match="no settings of a network are searched"):
        rc.Network(cell="elman", tune=1.0).fit(waves)
    with pytest.raises(ConfigError, match="`tune` it before"):
        rc.Ensemble(settings={"tune": 1.0}).fit(waves)
