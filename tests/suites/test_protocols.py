"""Every protocol by an independent loop, with a learner whose forecasts are known without it."""

import numpy as np
import pytest

import recurra as rc
from recurra.data import datasets
from recurra.suites import (
    Case,
    Entry,
    earth_rotation,
    japanese_vowels,
    kuramoto_sivashinsky,
    lorenz96,
    mackey_glass,
    narma10,
    santa_fe_laser,
    sunspots,
)
from recurra.suites import lorenz as lorenz_suite
from recurra.systems import MackeyGlass


def case(learner, seed=0, **conditions):
    return Case(Entry(learner, learner, {}, conditions), seed)


def test_mackey_glass(monkeypatch):
    monkeypatch.setattr(mackey_glass, "STARTS", 2)
    found = mackey_glass.measure(case("persistence", seed=3, points=1100))
    train, test = (
        MackeyGlass().simulate(steps=n, dt=1.0, method="euler", seed=s).values[:, 0] for s, n in ((6, 1099), (7, 1200))
    )
    expected = [abs(test[999 + k] - test[999 + 84 + k]) / train.std() for k in (0, 84)]
    np.testing.assert_allclose(found["starts"], expected, rtol=1e-9)
    assert found["nrmse84"] == found["starts"][0]
    assert found["variance"] == pytest.approx(train.var(), rel=1e-12)
    assert found["squashed"] == pytest.approx(np.tanh(train - 1).var(), rel=1e-12)
    delayed = mackey_glass.measure(case("persistence", seed=3, points=1100, delays=5))
    np.testing.assert_allclose(delayed["starts"], expected, rtol=1e-9)


def test_what_a_network_with_delayed_inputs_sees():
    series = MackeyGlass().simulate(steps=30, dt=1.0, method="euler", seed=0)
    seen, y = mackey_glass.squashed(series, 4).values, series.values[:, 0]
    assert seen.shape == (28, 4)
    np.testing.assert_array_equal(seen[5], np.tanh(y[[8, 7, 6, 5]] - 1))
    np.testing.assert_allclose(mackey_glass.original(np.tanh(y - 1)), y, rtol=1e-12)


def test_narma_by_a_shift_register():
    found = narma10.measure(case("shift register", seed=1))["nmse"]
    series = narma10.series_of(1)
    u, y = series.inputs.values[:, 0], series.values[:, 0]
    assert len(y) == 2200
    for k in (200, 777, 2199):  # the recursion, row by row
        rhs = 0.3 * y[k - 1] + 0.05 * y[k - 1] * y[k - 10 : k].sum() + 1.5 * u[k - 9] * u[k] + 0.1
        assert y[k] == pytest.approx(rhs, rel=1e-12)
    table = np.array([[1.0, *u[k - 49 : k + 1]] for k in range(200, 2200)])
    weights = np.linalg.lstsq(table[:1000], y[200:1200], rcond=None)[0]
    expected = np.mean((table[1000:] @ weights - y[1200:]) ** 2) / y[1200:].var()
    assert found == pytest.approx(expected, rel=1e-9)


def test_narma_by_fifty_units_is_a_filter_of_the_drive_alone():
    chosen, plain = narma10.SUITE.entries[:2]
    model = Case(plain).build().fit(narma10.series_of(1)[:1200])
    assert (model.units, model.network_.coefficients.shape) == (50, (1, 51))
    assert narma10.measure(Case(chosen, 1))["nmse"] < 0.107  # what others give for fifty


def test_santa_fe_laser():
    found = santa_fe_laser.measure(case("persistence", washout=300, of="intensity"))
    y = datasets.load("santa-fe-laser").values[:, 0]
    for key, rows in (("r2", 100), ("r2_long", 5000)):
        truth, before = y[2300 : 2300 + rows], y[2299 : 2299 + rows]
        assert found[key] == pytest.approx(1 - np.mean((before - truth) ** 2) / truth.var(), rel=1e-9)
    alone = np.sqrt(np.mean((y[2299] - y[2300:2500]) ** 2)) / y[:2300].std()
    assert found["nrmse_alone"] == pytest.approx(alone, rel=1e-9)
    root = santa_fe_laser.measure(case("persistence", washout=300, of="amplitude"))
    assert root["r2"] == pytest.approx(found["r2"], rel=1e-9)


def test_earth_rotation():
    found = earth_rotation.measure(case("persistence", since=earth_rotation.SINCE))
    x = datasets.load("earth-rotation", until=earth_rotation.UNTIL).values[:, 0]
    last = len(x) - 1 - 90 - 17 * np.arange(102)
    for days in (10, 30, 90):
        error = x[last] - x[last + days]
        assert found[f"rmse_{days}"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-9)
        assert found[f"mae_{days}"] == pytest.approx(np.mean(np.abs(error)), rel=1e-9)


def test_sinusoids_are_forecast_together(monkeypatch):
    series = datasets.load("earth-rotation", until=55000)[-3000:]
    waves = [{"periods": [365.25], "window": rows, "order": 2, "half_life": 100} for rows in (400, 800)]
    monkeypatch.setattr(earth_rotation, "WAVES", waves)
    found = earth_rotation.sinusoids(series, [2000, 2900])
    assert found.shape == (2, 90, 2)
    known = [rc.Harmonic(**each).fit(series[:2001]).forecast(90, history=series[:2901]).values for each in waves]
    np.testing.assert_allclose(found[1], (known[0] + known[1]) / 2, rtol=0, atol=1e-9)


def test_in_hindsight_a_linear_series_has_no_error():
    k = np.arange(900)
    waves = np.stack([np.sin(0.1 * k) + 0.5 * np.cos(0.037 * k), np.cos(0.1 * k)], axis=1)
    found = earth_rotation.in_hindsight(waves, [200, 500, 700])
    np.testing.assert_allclose(found, [waves[row + 1 : row + 91] for row in (200, 500, 700)], atol=1e-9)
    white = np.random.default_rng(0).standard_normal((20_000, 2))
    rows = list(range(200, 19_000, 40))
    left = earth_rotation.in_hindsight(white, rows) - np.stack([white[row + 1 : row + 91] for row in rows])
    # of white noise nothing can be known; 121 coefficients take 121 / 18,801 of it away, where they are fitted
    assert np.mean(left**2) == pytest.approx(1 - 121 / 18_801, rel=0.02)


def test_sunspots():
    found = sunspots.measure(case("persistence", of="number"))
    y = datasets.load("sunspots").values[:, 0]
    errors = np.array([y[r] - y[r + 1 : r + 133] for r in range(2172, len(y) - 132, 6)])
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-9)
    assert found["mae"] == pytest.approx(np.mean(np.abs(errors)), rel=1e-9)
    assert found["rmse_last"] == pytest.approx(np.sqrt(np.mean(errors[:, 120:].mean(axis=1) ** 2)), rel=1e-9)
    root = sunspots.measure(case("persistence", of="root", members=2))
    assert root["rmse"] == pytest.approx(found["rmse"], rel=1e-9)


def test_japanese_vowels():
    found = japanese_vowels.measure(Case(japanese_vowels.SUITE.entries[0]))
    assert found["accuracy"] >= 98.0
    assert found["errors"] == round(370 * (1 - found["accuracy"] / 100))


def test_votes_are_those_of_ridge_regression():
    rng = np.random.default_rng(0)
    train, test, speakers = rng.standard_normal((30, 8)), rng.standard_normal((4, 8)), rng.integers(1, 10, 30)
    seen = np.column_stack([train, np.ones(30)])
    weights = np.linalg.solve(seen.T @ seen + 10.0 * np.eye(9), seen.T @ (speakers[:, None] == np.arange(1, 10)))
    expected = np.column_stack([test, np.ones(4)]) @ weights
    np.testing.assert_allclose(japanese_vowels.linear_votes(train, test, speakers), expected, rtol=1e-9, atol=1e-12)


def test_lorenz(monkeypatch):
    for name, value in (("STARTS", 2), ("HORIZON", 3.0), ("SPACING", 2.0)):
        monkeypatch.setattr(lorenz_suite, name, value)
    found = lorenz_suite.measure(case("persistence", dt=0.02, steps=500))
    horizon, spacing = round(3.0 / 0.9051 / 0.02), round(2.0 / 0.9051 / 0.02)
    from recurra.systems import Lorenz63

    y = Lorenz63().simulate(steps=500 + 2 * spacing + horizon, dt=0.02, seed=0).values
    times = []
    for start in (500, 500 + spacing):
        error = (y[start] - y[start + 1 : start + 1 + horizon]) / y[:501].std(axis=0)
        beyond = np.flatnonzero(np.sqrt(np.mean(error**2, axis=1)) > 0.4)
        times.append(0.9051 * 0.02 * beyond[0])
    np.testing.assert_allclose(found["valid_times"], np.round(times, 2), atol=1e-9)
    assert len(found["truth"]) == 2


def rows_within(errors, limit):
    return next(k for k, each in enumerate(errors) if each > limit)


def test_lorenz96(monkeypatch):
    sizes = (("DROPPED", 300), ("LEARNT", 500), ("FIRST", 50), ("LAST", 90), ("STARTS", 3), ("HORIZON", 100))
    for name, value in sizes:
        monkeypatch.setattr(lorenz96, name, value)
    lorenz96.starts.cache_clear()
    found = lorenz96.measure(case("persistence", F=8, rows=200))
    origins = lorenz96.starts(8).origins
    lorenz96.starts.cache_clear()

    def slope(x):
        return (np.roll(x, -1) - np.roll(x, 2)) * np.roll(x, 1) - x + 8.0

    x = 8 + 0.01 * np.random.RandomState(100).standard_normal(40)
    rows = [x]
    for _ in range(1000):
        a = slope(x)
        b = slope(x + 0.005 * a)
        c = slope(x + 0.005 * b)
        x = x + 0.01 / 6 * (a + 2 * b + 2 * c + slope(x + 0.01 * c))
        rows.append(x)
    y = np.array(rows)[300:]
    assert len(origins) == 3
    assert all(550 <= r < 590 for r in origins)
    for r, hours in zip(origins, found["valid_times"], strict=True):
        errors = np.sqrt(np.mean(((y[r] - y[r + 1 : r + 101]) / y[:500].std(axis=0)) ** 2, axis=1))
        assert hours == pytest.approx(1.68 * 0.01 * rows_within(errors, 0.5), abs=0.005)
    assert np.all(found["truth"] == round(1.68 * 0.01 * 100, 2))  # Runge-Kutta holds for longer than one time unit


def test_the_ring_of_lorenz96_is_one_cell_for_all_sites():
    (entry,) = lorenz96.SUITE.chosen(["F=8, gru, one cell for all sites"])
    model = lorenz96._ring(Case(entry, seed=2))
    assert (model.cell.sites, model.cell.V.shape, model.cell.cell.U.shape) == (40, (1, 32), (96, 5))
    assert (model.bptt_length, model.teacher_forced, model.seed) == (48, 4, 2)
    assert not np.array_equal(model.cell.V, lorenz96._ring(Case(entry, seed=3)).cell.V)


def test_kuramoto_sivashinsky_at_half_the_points(monkeypatch):
    for name, value in (("LEARNT", 400), ("FIRST", 50), ("LAST", 90), ("STARTS", 2), ("AHEAD", 1.0)):
        monkeypatch.setattr(kuramoto_sivashinsky, name, value)
    kuramoto_sivashinsky.starts.cache_clear()
    found = kuramoto_sivashinsky.measure(case("persistence", L=22, points=16, rows=300))
    starts = kuramoto_sivashinsky.starts(22)
    kuramoto_sivashinsky.starts.cache_clear()
    y = starts.truth.values
    x = np.arange(64) / 64
    waves = np.exp(2j * np.pi * np.outer(np.arange(8), x))  # the eighth wave of 16 points has no phase
    for r, hours in zip(starts.origins, found["valid_times"], strict=True):
        kept = 2 * np.real((y[r] @ waves.conj().T / 64) @ waves) - y[r].mean()
        eighth = 2 * np.real(np.mean(y[r] * np.exp(-16j * np.pi * x))) * np.cos(16 * np.pi * x)
        errors = np.sqrt(np.mean(((kept + eighth - y[r + 1 : r + 85]) / y[:400].std(axis=0)) ** 2, axis=1))
        assert hours == pytest.approx(0.0477 * 0.25 * rows_within(errors, 0.5), abs=0.006)
    assert starts.horizon == round(1 / 0.0477 / 0.25)
    assert found["truth"] == pytest.approx(np.full(2, 0.0477 * 0.25 * 84), abs=0.005)
