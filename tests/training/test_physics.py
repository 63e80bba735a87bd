"""The equation in the loss: against NumPy, zero on a true trajectory, and what it is good for."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recurra as rc
from recurra import metrics
from recurra.errors import ConfigError
from recurra.models import Stack
from recurra.systems import DampedOscillator, HenonMap, Lorenz63, Sampled
from recurra.training import NextSteps, Physics
from recurra.training.physics import Units, residual

OPTIONS = {"units": 12, "bptt_length": 16, "teacher_forced": 8, "epochs": 60, "learning_rate": 0.02, "validation": 0.0}


def _rk4(f, y, dt, F0=0.0, F1=0.0):
    a = f(y, F0)
    b = f(y + dt / 2 * a, (F0 + F1) / 2)
    c = f(y + dt / 2 * b, (F0 + F1) / 2)
    d = f(y + dt * c, F1)
    return y + dt / 6 * (a + 2 * b + 2 * c + d)


def _oscillator(y, F):
    return np.array([y[1], F - 0.4 * y[1] - y[0]])


def _lorenz(y, _):
    return np.array([10 * (y[1] - y[0]), y[0] * (28 - y[2]) - y[1], y[0] * y[1] - 8 / 3 * y[2]])


def _units(values, drive, dt, weight=1.0):
    parts = (weight, dt, values.mean(0), values.std(0), drive.mean(0), drive.std(0))
    return Units(*(np.asarray(part, np.float64) for part in parts))


def _x64(function, *arguments):
    with jax.enable_x64(True):
        return np.asarray(eqx.filter_jit(function)(*arguments))


def test_the_residual_is_that_of_a_loop_in_numpy():
    rng = np.random.default_rng(0)
    values, drive, dt = rng.normal(3, 2, (12, 2)), rng.normal(1, 3, (12, 1)), 0.2
    units = _units(values, drive, dt)
    scaled, pushed = (values - units.mean) / units.std, (drive - units.drive_mean) / units.drive_std
    found = _x64(residual, DampedOscillator(), scaled, pushed, units)
    expected = [
        (values[t + 1] - _rk4(_oscillator, values[t], dt, drive[t, 0], drive[t + 1, 0])) / values.std(0)
        for t in range(11)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_it_is_zero_on_a_trajectory_of_the_same_steps_and_of_fifth_order_on_the_true_one():
    force = np.random.default_rng(1).standard_normal(60)
    stepped = DampedOscillator(force=Sampled(force, dt=0.1)).simulate(59, dt=0.1, method="rk4", initial=[1.0, 0.0])
    units = _units(stepped.values, force[:, None], 0.1)
    pushed = (force[:, None] - units.drive_mean) / units.drive_std
    assert (
        np.abs(_x64(residual, DampedOscillator(), (stepped.values - units.mean) / units.std, pushed, units)).max()
        < 1e-13
    )
    fine, worst = [np.array([1.0, 1.0, 20.0])], []
    for _ in range(2000):
        fine.append(_rk4(_lorenz, fine[-1], 0.001))
    for dt, every in ((0.02, 20), (0.01, 10)):
        true = np.array(fine[::every])
        units = _units(true, np.zeros((len(true), 0)), dt)
        rows = (true - units.mean) / units.std
        worst.append(np.abs(_x64(residual, Lorenz63(), rows, np.zeros((len(true), 0)), units)).max())
    assert np.log2(worst[0] / worst[1]) == pytest.approx(5, abs=0.3)  # of one step
    assert worst[1] < 1e-5


def test_the_term_is_the_mean_square_along_the_forecasts_of_a_window():
    rng = np.random.default_rng(2)
    values, starts, dt = rng.standard_normal((20, 3)), np.array([0, 6]), 0.05
    data = (values, np.zeros((20, 0)), starts.astype(np.int32))
    units = Units(*(np.asarray(a, np.float64) for a in (0.7, dt, [1.0, 2, 3], [2.0, 1, 4], np.zeros(0), np.zeros(0))))
    model = Stack.draw("elman", 3, 3, units=4, precision="float64", seed=0)
    forecast = NextSteps(steps=6, teacher_forced=3)
    index = jnp.arange(2)
    both = _x64(Physics(forecast, Lorenz63()).loss, model, (data, units), index)
    alone = _x64(forecast.loss, model, data, index)
    outputs = _x64(lambda *given: forecast.outputs(*given)[0], model, data, index)
    physical = outputs * units.std + units.mean
    away = [(w[t + 1] - _rk4(_lorenz, w[t], dt)) / units.std for w in physical for t in range(5)]
    assert both == pytest.approx(alone + 0.7 * np.mean(np.square(away)), rel=1e-12)


@pytest.fixture(scope="module")
def few():
    """150 rows of a Lorenz trajectory with a tenth of noise, and the whole of it without."""
    truth = Lorenz63().simulate(steps=500, dt=0.02, seed=3)
    noise = 0.1 * truth.values[:150].std(axis=0) * np.random.default_rng(0).standard_normal((150, 3))
    return rc.Series(truth.values[:150] + noise, dt=0.02, channels=["x", "y", "z"]), truth


@pytest.fixture(scope="module")
def plain(few):
    return rc.GRU(**OPTIONS).fit(few[0])


@pytest.fixture(scope="module")
def informed(few):
    return rc.GRU(**OPTIONS, physics="lorenz63", physics_weight=10.0).fit(few[0])


def _closed_loop(model, truth):
    """NRMSE of 20 steps from many origins after the rows that were learnt."""
    pairs = [
        (truth.values[o + 1 : o + 21], model.forecast(20, truth[o - 16 : o + 1]).values) for o in range(170, 470, 15)
    ]
    ends = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return metrics.nrmse(*ends, truth.values.std(axis=0))


def test_on_few_noisy_data_it_lowers_the_error_of_the_closed_loop(few):
    rows, truth = few
    plain, informed = (
        np.array([_closed_loop(rc.GRU(**OPTIONS, **equation, seed=seed).fit(rows), truth) for seed in range(4)])
        for equation in ({}, {"physics": "lorenz63", "physics_weight": 10.0})
    )
    assert (informed < plain).all()
    assert informed.mean() < 0.9 * plain.mean()


def test_a_weight_of_zero_is_bitwise_the_training_without(few, plain):
    zero = rc.GRU(**OPTIONS, physics="lorenz63", physics_weight=0.0).fit(few[0])
    assert [entry["loss"] for entry in zero.history_] == [entry["loss"] for entry in plain.history_]
    assert zero.forecast(20).values.tobytes() == plain.forecast(20).values.tobytes()


def test_a_model_file_keeps_the_name_but_no_code(few, informed, tmp_path):
    handed = rc.GRU(**OPTIONS, physics=Lorenz63(), physics_weight=10.0).fit(few[0])
    ends = [model.forecast(20).values.tobytes() for model in (informed, handed)]
    assert ends[0] == ends[1]
    for model, kept in ((informed, "lorenz63"), (handed, None)):
        model.save(tmp_path / "m.safetensors", overwrite=True)
        again = rc.load(tmp_path / "m.safetensors")
        assert again.physics == kept
        assert again.forecast(20).values.tobytes() == ends[0]


@pytest.mark.parametrize(
    ("physics", "options", "message"),
    [
        (HenonMap(), {}, "vector field"),
        (3, {}, "name of a system"),
        ("lorenz64", {}, "unknown system"),
        ("rossler", {"channels": ["x", "z", "y"]}, "channels"),
        ("damped-oscillator", {"channels": ["x", "v"]}, "driven by one force"),
        ("lorenz63", {"inputs": np.sin(np.arange(40.0))}, "has no force"),
        ("lorenz63", {"stateful": True, "teacher_forced": None}, "stateful"),
        ("lorenz63", {"bptt_length": 1, "teacher_forced": 1}, "at least 2"),
        ("lorenz63", {"physics_weight": -1.0}, "physics_weight"),
    ],
)
def test_an_equation_that_does_not_fit_is_refused(physics, options, message):
    channels = options.pop("channels", ["x", "y", "z"])
    values = np.random.default_rng(0).standard_normal((40, len(channels)))
    series = rc.Series(values, channels=channels, inputs=options.pop("inputs", None))
    with pytest.raises(ConfigError, match=message):
        rc.GRU(**{**OPTIONS, "physics": physics, **options}).fit(series)
