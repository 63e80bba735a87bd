"""The noisy sine in small: its protocol, and its baselines and errors by closed forms and independent loops."""

import numpy as np
import pytest

from recurra.examples import noisy_sine
from recurra.examples.small_network import drawn

T = np.linspace(0, 10 * np.pi, 1000)
WHOLE = {
    "units": 2,
    "windows": 2,
    "steps": 60,
    "unscored": 20,
    "starts": 2,
    "evaluations": 3,
    "kept": 1,
    "final_evaluations": 3,
}


@pytest.fixture(scope="module")
def outcome():
    return noisy_sine.run(seeds=1, seed=3, whole=WHOLE, windowed=0)


@pytest.fixture(scope="module")
def y():
    return noisy_sine.noisy_sine(3).values[:, 0]


def test_the_data_are_a_sine_and_normal_noise(y):
    noise = y - np.sin(T)
    assert noise.std() == pytest.approx(0.05, rel=0.1)  # 1,000 draws: its standard error is 2 %
    assert abs(noise.mean()) < 4 * 0.05 / np.sqrt(1000)


def test_persistence_misses_by_twice_the_noise_and_the_step_of_the_sine(outcome, y):
    found = outcome.results["seeds"][0]["scores"]["persistence"]
    assert found["one_step"]["mse"] == pytest.approx(np.mean((y[750:] - y[749:-1]) ** 2), rel=1e-12)
    drift = 2 * np.sin(T[1] / 2) ** 2  # mean of (sin(t + dt) - sin t)^2 over a period
    expected = noisy_sine.FLOOR + np.mean((y[749:-1] - np.sin(T[749:-1])) ** 2) + drift
    assert found["one_step"]["mse"] == pytest.approx(expected, rel=0.2)


def test_the_mean_and_the_floor_are_what_loops_give(outcome, y):
    entry = outcome.results["seeds"][0]
    assert entry["realised_floor"] == pytest.approx(np.mean((y[750:] - np.sin(T[750:])) ** 2), rel=1e-12)
    found = entry["scores"]["climatology"]["one_step"]
    error = y[750:] - y[:750].mean()
    assert found["mse"] == pytest.approx(np.mean(error**2), rel=1e-12)
    assert found["mae"] == pytest.approx(np.mean(np.abs(error)), rel=1e-12)
    assert found["r2"] == pytest.approx(1 - np.mean(error**2) / y[750:].var(), rel=1e-9)


@pytest.mark.parametrize(("w", "a", "phase"), [(1.0, 1.0, 0.0), (1.0123, 0.8, 0.3), (0.97, 1.1, -0.2)])
def test_the_errors_of_a_wave_are_found(w, a, phase):
    t = T[750:]
    found = noisy_sine._wave_errors(t, 0.1 + a * np.sin(t.mean() + phase + w * (t - t.mean())))
    assert found["frequency"] == pytest.approx(w - 1, abs=1e-4)
    assert found["amplitude"] == pytest.approx(a - 1, abs=1e-4)
    assert found["phase"] == pytest.approx(phase, abs=1e-4)


def test_only_late_errors_of_each_window_count():
    model, data = drawn(3, 1), np.random.default_rng(0).normal(size=(2, 11, 1)).astype(np.float32)
    found = np.asarray(noisy_sine.LateErrors(4)(model, data)).reshape(2, 6)
    for window, errors in zip(data[:, :, 0], found, strict=True):
        h, expected = np.zeros(3), []
        for t in range(10):
            h = np.tanh(model.cells[0].U[:, 0] * window[t] + model.cells[0].W @ h + model.cells[0].b)
            expected.append(model.readout[0].V[0] @ h + model.readout[0].c[0] - window[t + 1])
        np.testing.assert_allclose(errors, expected[4:], atol=1e-5)


def test_noisy_sine_in_small(outcome):
    found = outcome.results
    assert set(found["seeds"][0]["scores"]) == {"whole", "linear", "persistence", "climatology"}
    assert found["protocol"]["train"] == 750
    assert found["mean"]["whole"]["one_step"]["mse"] == found["seeds"][0]["scores"]["whole"]["one_step"]["mse"]
    assert outcome.table.rows[-1][2] == pytest.approx(0.0025)
    wave = found["seeds"][0]["scores"]["whole"]["closed_loop"]["frequency"]
    assert outcome.sections[1].tables[0].rows[0][2] == abs(wave)
    assert len(outcome.sections[0].figures) == 3
    assert all(figure.startswith("<svg") for figure in outcome.sections[0].figures)
