"""The sines in small: the fit of a sine against waves that are known, and the baselines by closed form and loops."""

import numpy as np
import pytest

from recurra.examples import sines_generator as example


@pytest.fixture(scope="module")
def outcome():
    return example.run(seeds=1, seed=0, epochs=5, long=5)


@pytest.mark.parametrize(("A", "w", "phi", "first"), [(0.7, 0.157, 1.2, 0), (1.3, 0.16, -3.0, 10), (0.5, 0.2, 0.0, 10)])
def test_the_fit_finds_amplitude_frequency_and_phase(A, w, phi, first):
    t = np.arange(first, 200)
    found = example.fit_sine(A * np.sin(w * t + phi) + 0.3, first)
    assert found == pytest.approx((A, w, phi), abs=1e-5)


def test_errors_of_known_waves_are_those_they_were_made_with():
    _, clean, drawn = example.sines("clean")
    t = np.arange(10, 200)
    waves = [1.1 * A * np.sin(example.FREQUENCY * t + phi + 0.2) for A, phi in drawn]
    found = example.judged(waves, clean, drawn, 10)
    assert found["amplitude"] == pytest.approx(0.1, abs=1e-6)
    assert found["frequency"] < 1e-6
    assert found["phase"] == pytest.approx(0.2, abs=1e-5)
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((np.array(waves) - clean[:, 10:]) ** 2)), rel=1e-12)


def test_the_sines_are_what_they_are_said_to_be():
    seen, clean, drawn = example.sines("noisy")
    assert (len(seen), clean.shape) == (20, (20, 200))
    A, phi = drawn[3]
    np.testing.assert_allclose(clean[3], [A * np.sin(2 * np.pi * t / 40 + phi) for t in range(200)], atol=1e-12)
    noise = np.stack([part.values[:, 0] for part in seen]) - clean
    assert noise.std() == pytest.approx(0.1, rel=0.05)
    assert len(np.unique(drawn[:, 0])) == 20


def test_two_lags_are_exact_without_noise_and_lost_with_it(outcome):
    baselines = outcome.results["baselines"]
    assert baselines["clean"]["linear, 2 lags"]["rmse"] < 1e-9
    assert baselines["clean"]["linear, 2 lags"]["frequency"] < 1e-7
    assert baselines["noisy"]["linear, 2 lags"]["rmse"] > 0.5


def test_persistence_by_a_loop(outcome):
    seen, clean, _ = example.sines("noisy")
    errors = [seen[k].values[9, 0] - clean[k, t] for k in range(10, 20) for t in range(10, 200)]
    found = outcome.results["baselines"]["noisy"]["persistence"]
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean(np.square(errors))), rel=1e-9)
    assert set(found) == {"rmse", "one_step"}


def test_every_learner_is_judged_by_numbers(outcome):
    for kind, names in (("clean", 3), ("noisy", 2)):
        scores = outcome.results["seeds"][0][kind]
        assert len(scores) == names
        assert all(np.isfinite(score[error]) for score in scores.values() for error in example.ERRORS)
    assert len(outcome.table.rows) == 13
