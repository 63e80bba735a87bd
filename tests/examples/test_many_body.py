"""The many-body example: its figures, its protocol and its baselines by independent loops."""

import json
from pathlib import Path

import numpy as np
import pytest

from recurra.examples import many_body
from recurra.examples.small_network import forecasts
from recurra.report.forecasts import time_label

TUNED = Path(__file__).resolve().parents[2] / "benchmarks" / "many-body" / "results.jsonl"


@pytest.fixture(scope="module")
def y():
    return many_body.energies().values[:, 0]


@pytest.fixture(scope="module")
def outcome():
    return many_body.run(
        seeds=2,
        seed=0,
        rnn={**many_body.RNN, "evaluations": 30},
        course={"units": 8, "window": 2, "epochs": 5},
    )


def by_hand(y, rows, order, steps):
    """Least squares on the lags and a constant, then the recursion, in a loop."""
    table = np.array([[1.0, *y[t - order : t][::-1]] for t in range(order, rows)])
    weights = np.linalg.lstsq(table, y[order:rows], rcond=None)[0]
    past = list(y[:rows])
    for _ in range(steps):
        past.append(weights[0] + sum(w * past[-k - 1] for k, w in enumerate(weights[1:])))
    return np.array(past[rows:])


def test_the_index_is_the_number_of_particles():
    series = many_body.energies()
    assert series.times.tolist() == list(range(2, 41, 2))
    assert series.values[[0, -1], 0].tolist() == [-0.03077640549, -1.70653767]
    assert time_label(series) == "particles"  # no figure calls it a time


def test_the_recursion_of_the_autoregression_is_that_of_a_loop(y):
    network = many_body.autoregression(y[:12, None], 3)
    found = many_body.recursion(network, y[:12, None], 8)[:, 0]
    np.testing.assert_allclose(found, by_hand(y, 12, 3, 8), rtol=1e-6)


def test_the_order_is_chosen_on_the_twelve_energies_alone(y):
    judged = many_body.judge_orders(y[:12, None])
    for order, error in judged.items():
        assert error == pytest.approx(np.mean((by_hand(y, 8, order, 4) - y[8:12]) ** 2), rel=1e-4)
    assert many_body.choose_order(y[:12, None]) == min(judged, key=judged.get) == 3


def test_the_autoregression_of_the_chosen_order_extrapolates_within_the_bar(y, outcome):
    found = outcome.results["baselines"]["linear"]["closed_loop"]
    assert found == pytest.approx(np.mean((by_hand(y, 12, 3, 8) - y[12:]) ** 2), rel=1e-4)
    assert found <= many_body.BARS["linear"]


def test_the_parabola_is_the_recursion_of_a_constant_second_difference(y, outcome):
    past = list(y[:12])
    for _ in range(8):
        past.append(3 * past[-1] - 3 * past[-2] + past[-3])
    expected = np.mean((np.array(past[12:]) - y[12:]) ** 2)
    found = outcome.results["baselines"]["parabola through the last three"]
    assert found["closed_loop"] == pytest.approx(expected, rel=1e-6)
    steps = 3 * y[11:19] - 3 * y[10:18] + y[9:17]
    assert found["one_step"] == pytest.approx(np.mean((steps - y[12:]) ** 2), rel=1e-6)


def test_persistence_repeats_the_last_energy(y, outcome):
    found = outcome.results["baselines"]["persistence"]
    assert found["closed_loop"] == pytest.approx(np.mean((y[12:] - y[11]) ** 2), rel=1e-12)
    assert found["one_step"] == pytest.approx(np.mean((y[12:] - y[11:-1]) ** 2), rel=1e-12)


def test_the_small_network_sees_the_twelve_energies_alone_and_recurs_on_its_own_output(y):
    rnn = {**many_body.RNN, "evaluations": 30}
    model, scaler = many_body.fit_rnn(y[:12, None], 0, rnn)
    found = forecasts(model, scaler, many_body.energies(), 12)["closed_loop"].values[:, 0]
    (cell,), (readout,) = model.cells, model.readout
    h, z, out = np.zeros(2), (y[:12] - y[:12].mean()) / (10 * y[:12].std()), []
    scale = np.diff(z).std()
    for t in range(19):
        x = z[t] if t < 12 else out[-1]
        h = np.tanh(cell.U[:, 0] * x + cell.W @ h + cell.b)
        if t >= 11:
            out.append(x + scale * (readout.V[0] @ h + readout.c[0]))
    np.testing.assert_allclose(found, np.array(out) * 10 * y[:12].std() + y[:12].mean(), rtol=1e-9)


def test_many_body_in_small(outcome):
    found = outcome.results
    assert [entry["seed"] for entry in found["seeds"]] == [0, 1]
    assert found["worst"]["rnn"] == max(entry["rnn"]["closed_loop"] for entry in found["seeds"])
    direct = found["seeds"][0]["direct"]
    assert direct["closed_loop"] == direct["one_step"] > 100 * found["baselines"]["linear"]["closed_loop"]
    assert len(outcome.sections) == 1
    assert all(figure.startswith("<svg") for figure in outcome.sections[0].figures)


@pytest.mark.skipif(not TUNED.exists(), reason="needs the repository")
def test_the_settings_are_those_that_the_twelve_energies_chose():
    lines = [json.loads(line) for line in TUNED.read_text().splitlines()]
    best = min(lines, key=lambda line: line["median"])
    assert {name: best[name] for name in many_body.RNN} == many_body.RNN
