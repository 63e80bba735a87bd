"""The parts that look at units: what they follow, their modes, their memory, on runs of known networks."""

import numpy as np
import pytest

import recurra
from recurra.cli import diagnose, main
from recurra.cli.diagnosis.motion import _rates

FIT = ["fit", "wave.csv", "--learner", "esn", "--set", "units=30", "--set", "ridge=1e-6", "--set", "leak=0.5"]


@pytest.fixture(scope="module")
def fitted(tmp_path_factory, wave_runs):
    t, rng = np.arange(1500), np.random.default_rng(0)
    x, v = (np.convolve(rng.normal(size=1540), np.exp(-np.arange(41) / 5), "valid")[:1500] for _ in range(2))
    table = np.stack([0.1 * t, x, v], axis=1)
    return wave_runs(tmp_path_factory.mktemp("units"), table, FIT)


@pytest.fixture
def here(fitted, monkeypatch):
    monkeypatch.chdir(fitted)
    return fitted


def test_memory_is_that_of_noise_in_each_input(here, results):
    found = results("diagnose", "run", "memory")["memory"]
    model = recurra.load("run/model.safetensors")
    reservoir = model.network_.reservoir
    assert (found["states"], found["lags"]) == (30, 60)
    noise = np.random.default_rng(0).uniform(-(3**0.5), 3**0.5, 10_500)
    h, states = np.zeros(30), []
    for value in noise:
        h = 0.5 * h + 0.5 * np.tanh(reservoir.W @ h + reservoir.W_in[:, 1] * value + reservoir.b)
        states.append(h)
    known = np.array(states)[500:] @ np.linalg.lstsq(np.array(states)[500:], noise[498:-2])[0]
    two_back = np.corrcoef(known, noise[498:-2])[0, 1] ** 2
    assert found["inputs"]["v"]["by_lag"][2] == pytest.approx(two_back, abs=0.01)
    half = found["inputs"]["v"]["half"]
    by_lag = np.array(found["inputs"]["v"]["by_lag"])
    assert (by_lag[: half + 1] >= 0.5).all()
    assert by_lag[half + 1] < 0.5
    page = (here / "run" / "diagnose-memory.html").read_text("utf-8")
    assert f"of v {half} steps back ({0.1 * half:.3g} time units)" in page
    assert page.count("<svg") == 1


def test_modes_are_those_around_the_rest_under_the_mean_of_the_data(here, results):
    found = results("diagnose", "run", "modes")["modes"]
    reservoir = recurra.load("run/model.safetensors").network_.reservoir
    W, h = reservoir.W.toarray(), np.zeros(30)
    for _ in range(3000):
        h = 0.5 * h + 0.5 * np.tanh(W @ h + reservoir.b)
    J = 0.5 * np.eye(30) + 0.5 * (1 - np.tanh(W @ h + reservoir.b) ** 2)[:, None] * W
    slowest = np.abs(np.linalg.eigvals(J)).max()
    assert (found["settled"], found["modes"]) == (True, 30)
    assert found["slowest"][0]["time constant"] == pytest.approx(-0.1 / np.log(slowest), rel=1e-6)
    assert "of 30 modes lives for" in (here / "run" / "diagnose-modes.html").read_text("utf-8")


def test_followers_are_the_units_whose_states_go_with_a_channel(here, results):
    found = results("diagnose", "run", "followers")["followers"]
    assert found["data"] == "the test part"
    model, test = recurra.load("run/model.safetensors"), recurra.read_series("wave.csv").split(0.8)[1]
    first = found["pairs"][0]
    assert first["channel"] == "x"
    unit, lag = int(first["unit"][2:-1]), first["lag, steps"]
    states = recurra.diagnostics.states_of(model, test)
    h, x = states.values[29:, unit], test.values[29:-1, 0]  # one row in ten is left out at the beginning
    assert first["correlation"] == pytest.approx(np.corrcoef(h[lag:], x[: len(x) - lag])[0, 1], abs=1e-9)
    assert first["p"] < 0.05
    page = (here / "run" / "diagnose-followers.html").read_text("utf-8")
    assert f"The closest: x by {first['unit']}" in page


def test_the_page_of_a_run_has_them_and_says_each_reason_once(here, results, capsys, monkeypatch):
    slow = ("behaviour", "exponents", "fixed-points", "climate")
    monkeypatch.setattr(diagnose, "PARTS", {k: part for k, part in diagnose.PARTS.items() if k not in slow})
    found = results("diagnose", "run", "--steps", "600")
    assert {"memory", "modes", "followers"} <= set(found)
    assert [line.split(":")[0] for line in found["left_out"]] == ["gradients", "structure", "gates"]
    page = (here / "run" / "diagnose.html").read_text("utf-8")
    assert page.count("stay as they were drawn") == 1
    assert "gradients, structure, gates: the recurrent weights of this ESN" in page
    for part in ("memory", "modes", "followers"):
        assert main(["diagnose", "linear", part]) == 2
        assert "Linear is none" in capsys.readouterr().err


def test_a_pair_of_conjugate_rates_is_written_once():
    rates = np.array([0.25 + 10j, 0.25 - 10j, -14.0, -20 + 1j])
    assert _rates(rates) == "0.250 ± 10.0i, −14.0"  # three are listed
    assert _rates(rates[2:]) == "−14.0, −20.0 + 1.00i"
