"""Channels that were not measured: Lorenz-63 from x alone, an oscillator in closed form, and what is refused."""

from typing import Any

import numpy as np
import pytest

import recurra as rc
from recurra.errors import ConfigError, DataError, NotFittedError
from recurra.systems import DampedOscillator, Lorenz63


@pytest.fixture(scope="module")
def lorenz():
    return Lorenz63().simulate(8000, dt=0.03, seed=0).split(6000)


def only_x(series, noise=0.0, seed=0):
    x = series.values[:, :1] + noise * np.random.default_rng(seed).standard_normal((len(series), 1))
    return rc.Series(x, times=series.times, channels=["x"])


def noisy_x(series, noise):
    values = np.concatenate([only_x(series, noise, seed=1).values, series.values[:, 1:]], axis=1)
    return rc.Series(values, times=series.times, channels=series.channels)


def errors(inferred, truth, std):
    kept = inferred.observed[:, 1]
    return np.sqrt(((inferred.values - truth.values)[kept] ** 2).mean(axis=0)) / std


def test_y_and_z_of_lorenz_are_inferred_from_x(lorenz):
    train, test = lorenz
    observer = rc.Observer(measured=["x"]).fit(train)
    inferred = observer.infer(only_x(test))
    found = errors(inferred, test, train.values.std(axis=0))
    assert found[0] == 0
    assert found[1:].max() < 1e-3  # seen: 1e-5
    assert inferred.channels == ("x", "y", "z")
    np.testing.assert_array_equal(inferred.times, test.times)
    np.testing.assert_array_equal(inferred.observed.sum(axis=0), [len(test), len(test) - 100, len(test) - 100])
    assert max(observer.errors_.values()) < 1e-3
    np.testing.assert_array_equal(observer.infer(test).values, inferred.values)  # y and z are not looked at


@pytest.mark.parametrize("ahead", [0, 6])
def test_with_a_hundredth_of_noise_the_error_is_smaller_than_the_noise(lorenz, ahead):
    train, test = lorenz
    std = train.values.std(axis=0)
    observer = rc.Observer(measured=["x"], ahead=ahead).fit(noisy_x(train, 0.01 * std[0]))
    inferred = observer.infer(only_x(test, 0.01 * std[0]))
    found = errors(inferred, test, std)[1:]
    assert found.max() < (0.01 if ahead == 0 else 0.007)  # seen: 0.0066, and 0.0053 with six rows more
    assert inferred.observed[-ahead - 1, 1]
    assert not inferred.observed[len(test) - ahead :, 1].any()


def test_a_driven_oscillator_gives_its_velocity_across_breaks(tmp_path):
    series = DampedOscillator(damping=0.2, frequency=0.8).simulate(1500, dt=0.1, seed=1)
    model = rc.ESN(units=30, seed=0).fit(series[:1000])
    observer = model.infer(measured=["x"], units=100, seed=3)
    assert series.inputs is not None
    rows = np.r_[1000:1200, 1250:1500]
    broken = rc.Series(
        series.values[rows, :1],
        times=series.times[rows],
        channels=["x"],
        inputs=rc.Series(series.inputs.values[rows], times=series.times[rows], channels=["F"], breaks=[200]),
        breaks=[200],
    )
    inferred = observer.infer(broken)
    assert inferred.breaks == (200,)
    assert inferred.observed[:, 1].sum() == len(rows) - 200
    kept = inferred.observed[:, 1]
    assert np.abs(inferred.values[kept, 1] - series.values[rows][kept, 1]).max() < 1e-4
    observer.save(tmp_path / "observer.safetensors")
    again: Any = rc.load(tmp_path / "observer.safetensors")
    np.testing.assert_array_equal(again.infer(broken).values, inferred.values)
    assert (again.ridge_, again.errors_) == (observer.ridge_, observer.errors_)
    model.save(tmp_path / "model.safetensors")
    loaded: Any = rc.load(tmp_path / "model.safetensors")
    with pytest.raises(ConfigError, match="loaded model has no training rows"):
        loaded.infer(measured=["x"])


def test_what_is_missing_is_held_and_not_learned_from():
    series = DampedOscillator(damping=0.0, force="none").simulate(900, dt=0.1, initial=[1.0, 0.0])
    mask = np.random.default_rng(0).uniform(size=(901, 2)) > [0.0, 0.3]
    holes = rc.Series(np.where(mask, series.values, np.nan), dt=0.1, channels=["x", "v"], mask=mask)
    observer = rc.Observer(measured=["x"], units=50).fit(holes[:600])
    inferred = observer.infer(series[500:])
    assert np.abs(inferred.values - series.values[500:])[100:].max() < 1e-4


def test_what_cannot_be_is_refused(lorenz):
    train = lorenz[0][:400]
    for measured in ("x", [], ["x", "x"]):
        with pytest.raises(ConfigError, match="list of different channels"):
            rc.Observer(measured=measured).fit(train)
    with pytest.raises(ConfigError, match="unknown channel 'w'"):
        rc.Observer(measured=["w"]).fit(train)
    with pytest.raises(ConfigError, match="nothing to infer"):
        rc.Observer(measured=["x", "y", "z"]).fit(train)
    with pytest.raises(NotFittedError):
        rc.Observer(measured=["x"]).infer(train)
    observer = rc.Observer(measured=["x"], units=20, ridge=1e-6).fit(train)
    assert observer.errors_ == {}
    for series, text in (
        (rc.Series(train.values[:, 1:], dt=train.dt, channels=["y", "z"]), "x was to be measured"),
        (rc.Series(train.values, dt=0.1, channels=train.channels), "step of 0.1"),
        (train[:90], "nothing can be inferred from 90 rows"),
        (rc.Series(train.values, dt=train.dt, channels=train.channels, inputs=np.ones(400)), "inputs"),
    ):
        with pytest.raises(DataError, match=text):
            observer.infer(series)
    observer.leak = 0.4
    with pytest.raises(ConfigError, match="changed after `fit`"):
        observer.infer(train)
