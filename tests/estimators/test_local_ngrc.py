"""Polynomials of neighbourhoods: lattices of coupled maps come back exactly, with one readout or one for each site."""

import numpy as np
import pytest

import recurra as rc
from recurra.errors import ConfigError, DataError, ModelFileError

EXACT = {"degree": 2, "lags": 1, "halo": 1, "ridge": 0.0}


@pytest.mark.parametrize("increment", [True, False])
def test_the_law_of_a_ring_comes_back_from_all_its_sites(ring, increment):
    values = ring(80, 12)
    model = rc.LocalNGRC(**EXACT, shared=True, increment=increment).fit(values[:60])
    assert model.network_.coefficients.shape == (1, 1, 1 + 9)
    np.testing.assert_allclose(model.forecast(8).values, values[60:68], rtol=0, atol=1e-9)


def test_a_rolled_history_rolls_the_forecast(ring):
    values = ring(60, 12)
    model = rc.LocalNGRC(**EXACT, group=2, shared=True).fit(values)
    one, other = model.forecast(6).values, model.forecast(6, history=np.roll(values, 4, axis=1)).values
    np.testing.assert_allclose(np.roll(one, 4, axis=1), other, rtol=0, atol=1e-8)


def test_a_plane_with_walls_and_land_comes_back_with_a_readout_for_each_site(plane, tmp_path):
    land = [3, 4, 10]
    values = plane(160, (3, 4), land)
    mask = [[4 * i + j in land for j in range(4)] for i in range(3)]
    model = rc.LocalNGRC(**EXACT, shape=[3, 4], boundary="walls", mask=mask).fit(values[:150])
    assert model.network_.coefficients.shape == (9, 1, 1 + 54)
    np.testing.assert_allclose(model.forecast(6).values, values[150:156], rtol=0, atol=1e-8)
    model.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors")
    assert again.forecast(6).values.tobytes() == model.forecast(6).values.tobytes()


def test_groups_of_sites_and_fields_side_by_side(ring):
    one, other = ring(90, 6), ring(90, 6, seed=1)
    values = np.stack([one, 2 - other], axis=2).reshape(90, 12)
    model = rc.LocalNGRC(**EXACT, fields=2, group=3, shared=True).fit(values[:80])
    np.testing.assert_allclose(model.forecast(6).values, values[80:86], rtol=0, atol=1e-8)


def test_rows_of_the_past_make_a_method_of_higher_order():
    """x'' = -x on every site by multistep formulas: each further row makes the error of a step smaller."""
    t = 0.05 * np.arange(400)[:, None]
    values = np.sin(t + np.arange(6)) * (1 + 0.1 * np.sin(3.1 * t))
    errors = []
    for lags in (1, 2, 4):
        model = rc.LocalNGRC(degree=1, lags=lags, halo=0, ridge=1e-30).fit(values[:300])
        errors.append(np.abs(model.predict(rc.Series(values)[300:]).values - values[300:]).max())
    assert errors[0] > 10 * errors[1] > 100 * errors[2]


def test_cross_has_the_products_of_different_rows():
    """y[t+1] = 0.8 y[t] y[t-1] + u[t+1] needs them."""
    u = np.random.default_rng(0).uniform(-0.5, 0.5, (300, 3))
    y = 0.1 * np.ones((300, 3)) * np.arange(3)
    for t in range(1, 299):
        y[t + 1] = 0.8 * y[t] * y[t - 1] + u[t + 1, :1]
        y[t + 1] += 0.1 * np.roll(y[t], 1)
    series, errors = rc.Series(y, inputs=u[:, 0]), []
    for cross in (True, False):
        model = rc.LocalNGRC(**{**EXACT, "lags": 2}, cross=cross).fit(series[:250])
        errors.append(np.abs(model.predict(series[250:]).values - y[250:]).max())
    assert errors[0] < 1e-11
    assert errors[1] > 1e-2


@pytest.mark.parametrize("increment", [True, False])
def test_noise_as_large_as_the_data_halves_what_is_made_of_them(increment):
    """y[t+1] = 0.8 y[t] + u[t+1]: with noise s in a regressor of variance 1 the slope is 0.8 / (1 + s^2)."""
    u = np.random.default_rng(1).standard_normal((20_000, 1))
    y = np.zeros((20_000, 1))
    for t in range(1, len(y)):
        y[t] = 0.8 * y[t - 1] + u[t]
    series = rc.Series(y, inputs=rc.Series(u, channels=["u"]))
    options = {"degree": 1, "lags": 1, "halo": 0, "ridge": 0.0, "increment": increment}
    for noise, slope in ((0.0, 0.8), (1.0, 0.4), (3.0, 0.08)):
        model = rc.LocalNGRC(**options, teacher_noise=noise, seed=3).fit(series)
        last = [rc.Series([[value]], inputs=rc.Series([[0.0]], channels=["u"])) for value in (0.0, 2.0)]
        after = np.zeros((1, 1))
        low, high = (model.forecast(1, history=each, inputs=after).values[0, 0] for each in last)
        assert (high - low) / 2 == pytest.approx(slope, abs=0.02)


def test_a_drive_is_seen_by_all_groups():
    rng = np.random.default_rng(0)
    u, y = rng.uniform(-1, 1, 150), np.zeros((150, 4))
    for t in range(149):
        y[t + 1] = 0.5 * y[t] - 0.2 * np.roll(y[t], 1) * u[t + 1] + 0.3 * u[t + 1] ** 2 * np.arange(1, 5)
    model = rc.LocalNGRC(degree=2, lags=1, halo=1, ridge=0.0).fit(rc.Series(y, inputs=u)[:120])
    np.testing.assert_allclose(model.forecast(30, inputs=u[120:]).values, y[120:], rtol=0, atol=1e-11)


def test_what_is_missing_is_left_out_where_it_is_seen(ring):
    values = ring(120, 8)
    holed = values.copy()
    holed[[20, 60], [1, 5]] = np.nan
    model = rc.LocalNGRC(**EXACT).fit(rc.Series(holed).masked())
    np.testing.assert_allclose(model.forecast(5, history=values[:100]).values, values[100:105], rtol=0, atol=1e-8)


def test_what_is_chosen_is_the_best_of_what_was_tried(ring):
    values = ring(160, 6)
    model = rc.LocalNGRC(halo=1, shared=True, horizon=8, origins=4).fit(values)
    best = min(model.history_, key=lambda entry: entry["validation"])
    assert model.chosen_ == {"stride": 1} | {name: best[name] for name in ("degree", "lags", "ridge")}
    assert {(entry["degree"], entry["lags"]) for entry in model.history_} >= {(d, k) for d in (1, 2) for k in (1, 2, 4)}
    assert (model.chosen_["degree"], model.chosen_["lags"]) != (1, 1)
    again = rc.LocalNGRC(halo=1, shared=True, **model.chosen_).fit(values)
    assert again.forecast(5).values.tobytes() == model.forecast(5).values.tobytes()


@pytest.mark.parametrize(
    "bad",
    [{"stride": None}, {"cross": 1}, {"degree": 0}, {"group": 0}, {"halo": -1}, {"lags": 0}, {"teacher_noise": -1.0}],
)
def test_wrong_parameters(ring, bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        rc.LocalNGRC(**bad).fit(ring(50, 4))


def test_too_few_rows_and_a_range_that_is_none(ring, tmp_path):
    holed = ring(40, 4)
    holed[1::2] = np.nan
    with pytest.raises(DataError, match="fewer than 2 training rows have all of 2 rows"):
        rc.LocalNGRC(degree=1, lags=2, ridge=1e-3).fit(rc.Series(holed).masked())
    model = rc.LocalNGRC(**EXACT).fit(ring(60, 4))
    model.network_.basis.each.half[0] = 0.0
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(ModelFileError, match="range is not positive"):
        rc.load(tmp_path / "model.safetensors")
