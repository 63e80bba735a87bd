"""Kernel ridge regression as an estimator: smooth maps, dense systems, and what is chosen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recurra as rc
from recurra.errors import ConfigError, DataError, ModelFileError
from recurra.estimators import kernel_ridge


def logistic(rows, r=3.8, x=0.3):
    found = [x]
    for _ in range(rows - 1):
        found.append(r * found[-1] * (1 - found[-1]))
    return np.array(found)


def gaussian(a, b):
    return np.array([[np.exp(-np.sum((p - q) ** 2) / 2) for q in b] for p in a])


@pytest.mark.parametrize("kernel", ["gaussian", "matern-5/2"])
def test_a_smooth_map_is_learnt(kernel):
    x = logistic(330)
    model = rc.KernelRidge(kernel=kernel, lags=1, stride=1, length_scale=2.0, ridge=1e-13).fit(x[:300])
    np.testing.assert_allclose(model.predict(rc.Series(x)[300:]).values[:, 0], x[300:], atol=1e-3)
    if kernel == "gaussian":
        np.testing.assert_allclose(model.forecast(8).values[:, 0], x[300:308], atol=1e-4)


@given(lags=st.integers(1, 3), stride=st.integers(1, 2), increment=st.booleans(), ridge=st.sampled_from([1e-1, 1e-3]))
@settings(max_examples=10)
def test_the_closed_loop_is_that_of_the_dense_system(lags, stride, increment, ridge):
    """[[K + s I, 1], [1^T, 0]] [a; c] = [y; 0], built row by row, and run by hand."""
    y = np.random.default_rng(lags).standard_normal((30, 2)).cumsum(axis=0)
    settings = {"lags": lags, "stride": stride, "increment": increment, "ridge": ridge, "length_scale": 0.8}
    found = rc.KernelRidge(**settings).fit(y).forecast(6).values
    mean, std, reach = y.mean(axis=0), y.std(axis=0), (lags - 1) * stride
    z = (y - mean) / std

    def window(rows):
        return np.concatenate([rows[len(rows) - 1 - k * stride] for k in range(lags)])

    table = np.array([window(z[: t + 1]) for t in range(reach, 29)])
    length = 0.8 * np.sqrt(2 * table.var(axis=0).sum())
    K, n = gaussian(table / length, table / length), len(table)
    H = np.eye(n) - 1 / n
    A = np.ones((n + 1, n + 1))
    A[:n, :n], A[n, n] = K + ridge * np.linalg.eigvalsh(H @ K @ H)[-1] * np.eye(n), 0.0
    targets = z[reach + 1 :] - (z[reach:-1] if increment else 0.0)
    solution = np.linalg.solve(A, np.concatenate([targets, np.zeros((1, 2))]))
    rows = list(z)
    for _ in range(6):
        step = solution[-1] + gaussian(window(rows)[None] / length, table / length)[0] @ solution[:-1]
        rows.append(step + rows[-1] if increment else step)
    np.testing.assert_allclose(found, np.array(rows[30:]) * std + mean, rtol=1e-6, atol=1e-6)


def test_a_wave_is_continued_with_what_is_chosen(monkeypatch):
    monkeypatch.setattr(kernel_ridge, "LAGS", (2, 4))
    wave = np.sin(0.1 * np.arange(500)) + 0.3 * np.sin(0.23 * np.arange(500))
    model = rc.KernelRidge(horizon=60, origins=4).fit(wave[:400])
    np.testing.assert_allclose(model.forecast(100).values[:, 0], wave[400:], atol=0.01)
    best = model.history_[-1]
    assert all(model.chosen_[name] == best[name] for name in ("lags", "stride", "length_scale", "ridge"))
    fine = [entry for entry in model.history_ if entry["length_scale"] not in kernel_ridge.LENGTHS]
    assert best["validation"] <= min(entry["validation"] for entry in fine)
    assert {entry["lags"] for entry in model.history_} == {2, 4}
    given = {name: best[name] for name in ("lags", "stride", "length_scale", "ridge")}
    again = rc.KernelRidge(**given).fit(wave[:400])
    assert again.history_ == []
    assert again.forecast(30).values.tobytes() == model.forecast(30).values.tobytes()


def test_what_is_to_be_chosen_roughly_is_more_than_what_goes_on():
    wave = np.sin(0.1 * np.arange(500)) + 0.3 * np.sin(0.23 * np.arange(500))
    one = rc.KernelRidge(lags=4, stride=8, length_scale=1.0, horizon=60).fit(wave).history_
    assert len(one) == 2  # all ridges, and those beside the best
    assert one[1]["validation"] <= one[0]["validation"]
    two = rc.KernelRidge(lags=4, stride=8, horizon=60).fit(wave).history_
    assert [entry["length_scale"] for entry in two[:-1]] == [0.5, 1.0, 2.0, 4.0, 8.0]  # 2 is in reach of both
    assert two[-1]["validation"] <= min(entry["validation"] for entry in two)


def test_fewer_centres_than_rows_learn_from_all_rows():
    x = logistic(700)
    settings = {"lags": 1, "stride": 1, "length_scale": 1.0, "ridge": 1e-12}
    few = rc.KernelRidge(**settings, centres=40).fit(x[:600])
    assert few.network_.basis.size == few.chosen_["centres"] == 40
    np.testing.assert_allclose(few.predict(rc.Series(x)[600:]).values[:, 0], x[600:], atol=1e-5)


def test_a_drive_and_missing_values():
    rng = np.random.default_rng(0)
    u, y = rng.uniform(-1, 1, 460), np.zeros(460)
    for t in range(459):
        y[t + 1] = 0.5 * np.sin(2 * y[t]) + 0.3 * u[t + 1]
    holed = y.copy()
    holed[[30, 31, 200]] = np.nan
    series = rc.Series(holed, inputs=rc.Series(u, channels=["F"])).masked()
    model = rc.KernelRidge(lags=1, stride=1, length_scale=1.0, ridge=1e-12).fit(series[:400])
    assert model.chosen_["centres"] == 399 - 5  # three steps touch rows 30 and 31, two row 200
    np.testing.assert_allclose(model.forecast(60, inputs=u[400:]).values[:, 0], y[400:], atol=1e-4)


def test_what_is_given_is_not_searched(chaos):
    given = {"lags": 1, "length_scale": 2.0, "ridge": 1e-8}
    model = rc.KernelRidge(**given, horizon=20, origins=3, centres=50).fit(chaos[:200])
    assert model.history_ == []  # one lag has no stride
    searched = rc.KernelRidge(lags=2, ridge=1e-6, length_scale=3.0, horizon=20, origins=3, centres=50).fit(chaos[:200])
    assert {entry["ridge"] for entry in searched.history_} == {1e-6}
    assert {entry["length_scale"] for entry in searched.history_} == {3.0}
    assert {entry["stride"] for entry in searched.history_} == {1, 4, 8}


@pytest.mark.parametrize(
    "bad",
    [
        *({"kernel": "linear"}, {"length_scale": 0.0}, {"lags": 0}, {"stride": 1.5}, {"ridge": -1.0}),
        *({"centres": 1}, {"increment": "yes"}, {"validation": 1.0}, {"horizon": 0}, {"origins": 0}),
    ],
)
def test_wrong_parameters(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        rc.KernelRidge(**bad).fit(np.arange(100.0))


def test_what_cannot_be_says_what_to_do(monkeypatch):
    with pytest.raises(DataError, match="too few to choose `lags` and `stride`"):
        rc.KernelRidge().fit(logistic(12))
    monkeypatch.setattr("recurra.estimators.memory.usable_memory", lambda: 2**20)
    with pytest.raises(ConfigError, match=r"a kernel matrix of 300 rows needs about .* take fewer `centres`"):
        rc.KernelRidge(lags=1, length_scale=1.0, ridge=1e-3).fit(logistic(300))


def test_a_file_brings_the_choice_back_and_a_changed_one_is_refused(tmp_path, chaos):
    model = rc.KernelRidge(lags=1, horizon=30, origins=3, centres=60).fit(chaos[:300])
    model.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors")
    assert again.chosen_ == model.chosen_
    assert again.history_ == model.history_
    assert again.forecast(40).values.tobytes() == model.forecast(40).values.tobytes()
    for number, (facts, message) in enumerate(
        [
            ({"length": -1.0}, "length -1"),
            ({"lags": 2}, "`lags` is 2.*does not go with"),
            ({"centres": 0}, "`centres` is 0"),
        ]
    ):
        model.chosen_ = again.chosen_ | facts
        model.save(tmp_path / f"{number}.safetensors")
        with pytest.raises(ModelFileError, match=message):
            rc.load(tmp_path / f"{number}.safetensors")
