"""Next-generation reservoir computing: maps that are polynomials come back exactly, and what is chosen is the best."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recurra as rc
from recurra.errors import ConfigError, DataError, ModelFileError
from recurra.estimators import ngrc
from recurra.reservoirs.polynomials import Polynomials, polynomial_count


def logistic(rows, r=3.8, x=0.3):
    found = [x]
    for _ in range(rows - 1):
        found.append(r * found[-1] * (1 - found[-1]))
    return np.array(found)


def henon(rows, x=0.1, y=0.1):
    found = [(x, y)]
    for _ in range(rows - 1):
        x, y = 1 - 1.4 * x * x + y, 0.3 * x
        found.append((x, y))
    return np.array(found)


@pytest.mark.parametrize("increment", [True, False])
def test_the_logistic_map_comes_back_exactly(increment):
    x = logistic(230)
    model = rc.NGRC(degree=2, lags=1, ridge=0.0, increment=increment).fit(x[:200])
    np.testing.assert_allclose(model.forecast(12).values[:, 0], x[200:212], atol=1e-9)
    np.testing.assert_allclose(model.predict(rc.Series(x)[200:]).values[:, 0], x[200:], atol=1e-13)


def test_the_henon_map_comes_back_from_both_channels_and_from_one():
    values = henon(330)
    model = rc.NGRC(degree=2, lags=1, ridge=1e-34).fit(values[:300])
    np.testing.assert_allclose(model.forecast(20).values, values[300:320], atol=1e-9)
    alone = rc.NGRC(degree=2, lags=2, stride=1, ridge=1e-34).fit(values[:300, 0])
    np.testing.assert_allclose(alone.forecast(20).values[:, 0], values[300:320, 0], atol=1e-9)


def test_degree_lags_and_ridge_of_a_map_are_chosen():
    model = rc.NGRC(horizon=15).fit(henon(400)[:, 0])
    assert model.chosen_["lags"] >= 2
    assert model.chosen_["degree"] >= 2
    assert model.chosen_["ridge"] < 1e-12
    np.testing.assert_allclose(model.forecast(12).values[:, 0], henon(412)[400:, 0], atol=1e-7)


def test_a_driven_map_is_learnt_with_its_drive():
    rng = np.random.default_rng(0)
    u, y = rng.uniform(-1, 1, 260), np.zeros(260)
    for t in range(259):
        y[t + 1] = 0.5 * y[t] - 0.3 * y[t] * u[t + 1] + 0.2 * u[t + 1] ** 2
    series = rc.Series(y, inputs=u)
    model = rc.NGRC(degree=2, lags=1, ridge=0.0).fit(series[:200])
    np.testing.assert_allclose(model.forecast(60, inputs=u[200:]).values[:, 0], y[200:], atol=1e-12)


def test_steps_with_a_missing_value_are_not_learnt_from():
    x = logistic(300)
    holed = x.copy()
    holed[[20, 90, 91, 200]] = np.nan
    model = rc.NGRC(degree=2, lags=1, ridge=0.0).fit(rc.Series(holed).masked())
    np.testing.assert_allclose(model.forecast(10, history=x[:250]).values[:, 0], x[250:260], atol=1e-9)


def test_many_series_are_learnt_together():
    parts = [logistic(60, x=x) for x in (0.2, 0.31, 0.55, 0.9)]
    model = rc.NGRC(degree=2, lags=2, stride=3, ridge=1e-30).fit(parts)
    truth = logistic(70, x=0.77)
    np.testing.assert_allclose(model.forecast(8, history=truth[:40]).values[:, 0], truth[40:48], atol=1e-8)
    assert rc.NGRC(horizon=5).fit([logistic(200, x=x) for x in (0.2, 0.31)]).chosen_["degree"] >= 2


@given(lags=st.integers(1, 3), stride=st.integers(1, 3), degree=st.integers(1, 3), ridge=st.sampled_from([1e-2, 1e-6]))
@settings(max_examples=12)
def test_the_readout_is_the_ridge_regression_of_a_loop(lags, stride, degree, ridge):
    y = np.random.default_rng(lags).standard_normal((40, 2)).cumsum(axis=0)
    model = rc.NGRC(lags=lags, stride=stride, degree=degree, ridge=ridge).fit(y)
    z = (y - y.mean(axis=0)) / y.std(axis=0)
    reach = (lags - 1) * stride
    table = np.array([np.concatenate([z[t - k * stride] for k in range(lags)]) for t in range(reach, 39)])
    targets = z[reach + 1 :] - z[reach:-1]
    X = Polynomials.over(table.T, degree)(table.T).T
    X0, Y0 = X - X.mean(axis=0), targets - targets.mean(axis=0)
    penalty = ridge * np.linalg.norm(X0, 2) ** 2
    V = np.linalg.solve(X0.T @ X0 + penalty * np.eye(X.shape[1]), X0.T @ Y0).T
    expected = np.concatenate([(targets.mean(axis=0) - V @ X.mean(axis=0))[:, None], V], axis=1)
    assert X.shape[1] == polynomial_count(2 * lags, degree)
    np.testing.assert_allclose(model.network_.coefficients, expected, rtol=1e-6, atol=1e-8)


def test_what_is_chosen_is_the_best_of_what_was_tried(chaos, monkeypatch):
    monkeypatch.setattr(ngrc, "LAGS", (1, 2))
    monkeypatch.setattr(ngrc, "STRIDES", (1, 3))
    model = rc.NGRC(horizon=40, origins=4).fit(chaos[:700])
    best = min(model.history_, key=lambda entry: entry["validation"])
    assert model.chosen_ == {name: best[name] for name in ("degree", "lags", "stride", "ridge")}
    assert {(entry["lags"], entry["stride"]) for entry in model.history_} == {(1, 1), (2, 1), (2, 3)}
    assert best["validation"] < 0.01
    again = rc.NGRC(**model.chosen_).fit(chaos[:700])
    assert again.history_ == []
    assert again.forecast(30).values.tobytes() == model.forecast(30).values.tobytes()


def test_what_is_given_is_not_searched(chaos):
    model = rc.NGRC(lags=2, stride=2, degree=2, horizon=20, origins=3).fit(chaos[:300])
    assert {(entry["lags"], entry["stride"], entry["degree"]) for entry in model.history_} == {(2, 2, 2)}
    fixed = rc.NGRC(lags=1, ridge=1e-8, horizon=20, origins=3).fit(chaos[:300])
    assert {entry["ridge"] for entry in fixed.history_} == {1e-8}
    assert fixed.chosen_["ridge"] == 1e-8


@pytest.mark.parametrize(
    "bad",
    [
        *({"degree": 0}, {"degree": 2.5}, {"lags": 0}, {"lags": True}, {"stride": -1}, {"ridge": -1e-3}),
        *({"increment": 1}, {"validation": 0.0}, {"horizon": 0}, {"origins": 0}),
    ],
)
def test_wrong_parameters(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        rc.NGRC(**bad).fit(np.arange(100.0))


def test_too_few_rows_say_what_to_do(monkeypatch):
    with pytest.raises(DataError, match=r"too few to choose `lags` and `stride`.*Give more rows, or both"):
        rc.NGRC().fit(logistic(12))
    with pytest.raises(ConfigError, match=r"warms up on 30 rows"):
        rc.NGRC(lags=4, stride=10, degree=1, ridge=1e-3).fit(logistic(30))
    holed = logistic(40)
    holed[1::2] = np.nan
    with pytest.raises(DataError, match="fewer than 2 training rows have all of 2 rows"):
        rc.NGRC(lags=2, stride=1, degree=1, ridge=1e-3).fit(rc.Series(holed).masked())
    monkeypatch.setattr("recurra.estimators.memory.usable_memory", lambda: 2**30)
    with pytest.raises(ConfigError, match=r"a readout of 230229 polynomials needs about .* take fewer `lags`"):
        rc.NGRC(lags=20, degree=6, stride=1, ridge=1e-3).fit(logistic(300))


@pytest.mark.parametrize(
    ("facts", "message"),
    [({"degree": 3}, "`degree` is 3"), ({"lags": 0}, "`lags` is 0"), ({"stride": 1.5}, "`stride` is 1.5")],
)
def test_a_file_with_other_facts_is_refused(facts, message, tmp_path):
    model = rc.NGRC(degree=2, lags=1, stride=1, ridge=1e-9).fit(logistic(50))
    model.chosen_ = model.chosen_ | facts
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(ModelFileError, match=message):
        rc.load(tmp_path / "model.safetensors")


def test_a_file_brings_the_choice_back(tmp_path, chaos):
    model = rc.NGRC(lags=1, horizon=30, origins=3).fit(chaos[:300])
    model.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors")
    assert again.chosen_ == model.chosen_
    assert again.history_ == model.history_
    assert again.forecast(40).values.tobytes() == model.forecast(40).values.tobytes()
    model.network_.basis.half[0] = 0.0
    model.save(tmp_path / "other.safetensors")
    with pytest.raises(ModelFileError, match="range is not positive"):
        rc.load(tmp_path / "other.safetensors")
