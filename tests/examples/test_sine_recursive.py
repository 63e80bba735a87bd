"""The recursive sine in small: its protocol, its baselines in closed form, and the recursion by an independent loop."""

import numpy as np
import pytest

from recurra.examples import sine_recursive
from recurra.examples.small_network import drawn, forecasts

T = np.linspace(0, 4 * np.pi, 1000)
SMALL = {"units": 2, "steps": 40, "stride": 60, "epochs": 5, "evaluations": 5}


@pytest.fixture(scope="module")
def outcome():
    return sine_recursive.run(seeds=1, seed=0, course={"units": 4, "epochs": 2}, small=SMALL)


def test_the_data_are_a_sine_without_noise():
    series = sine_recursive.sine()
    np.testing.assert_array_equal(series.values[:, 0], np.sin(T))


def test_persistence_holds_the_last_training_row(outcome):
    found = outcome.results["baselines"]["persistence"]
    assert found["closed_loop"] == pytest.approx(np.sqrt(np.mean((np.sin(T[800:]) - np.sin(T[799])) ** 2)), rel=1e-9)
    assert found["one_step"] == pytest.approx(np.sqrt(np.mean((np.sin(T[800:]) - np.sin(T[799:-1])) ** 2)), rel=1e-9)


def test_the_linear_autoregression_is_exact_for_a_sine(outcome):
    found = outcome.results["baselines"]["linear"]
    assert found["closed_loop"] < 1e-9
    assert found["one_step"] < 1e-12
    y = np.sin(T)
    np.testing.assert_allclose(2 * np.cos(T[1]) * y[1:-1] - y[:-2], y[2:], atol=1e-12)


def test_the_network_recurs_from_the_last_twenty_training_rows_on_its_own_output():
    series = sine_recursive.sine()
    scaler = sine_recursive.Scaler.fit([series.values[:800]])
    model = drawn(3, 1)
    found = forecasts(model, scaler, series, 800, first=780)
    z, h, out = scaler.scale(series.values)[:, 0], np.zeros(3), []
    for t in range(780, 999):
        x = z[t] if t < 800 else out[-1]
        h = np.tanh(model.cells[0].U[:, 0] * x + model.cells[0].W @ h + model.cells[0].b)
        if t >= 799:
            out.append(model.readout[0].V[0] @ h + model.readout[0].c[0])
    expected = np.array(out) * scaler.std + scaler.mean
    np.testing.assert_allclose(found["closed_loop"].values[:, 0], expected, rtol=1e-10, atol=1e-12)


def test_the_first_errors_count_once_twenty_rows_are_known():
    model = drawn(3, 1)
    z = sine_recursive.sine().values[None, :41]
    errors = np.asarray(sine_recursive.one_step_errors(model, z.astype(np.float32)))
    h, expected = np.zeros(3), []
    for t in range(40):
        h = np.tanh(model.cells[0].U[:, 0] * z[0, t, 0] + model.cells[0].W @ h + model.cells[0].b)
        expected.append(model.readout[0].V[0] @ h + model.readout[0].c[0] - z[0, t + 1, 0])
    np.testing.assert_allclose(errors, expected[19:], atol=1e-6)


def test_sine_recursive_in_small(outcome):
    found = outcome.results
    assert set(found["seeds"][0]) == {"seed", "course", "adam", "least_squares"}
    below = sum(entry["least_squares"]["closed_loop"] <= 0.01 for entry in found["seeds"])
    assert found["below_bar"]["least_squares"] == below
    assert found["median"]["course"]["one_step"] == found["seeds"][0]["course"]["one_step"]
    assert found["protocol"]["train"] + found["protocol"]["test"] == len(sine_recursive.sine())
    assert all(figure.startswith("<svg") for figure in outcome.sections[0].figures)
