"""A user's own equations."""

import jax.numpy as jnp
import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.systems import DampedOscillator, Lorenz63, agreement_time, custom, second_order


def lorenz(t, y, p):
    a, b, c = y
    return jnp.stack([p["sigma"] * (b - a), a * (p["rho"] - c) - b, a * b - p["beta"] * c])


def oscillator(t, x, v, p):
    return p["F"] * jnp.cos(p["w"] * t) - p["eta"] * v - p["w0"] ** 2 * x


CLASSIC = {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}
OSCILLATOR = {"F": 1.0, "w": 0.5, "eta": 0.4, "w0": 1.0}


@pytest.mark.parametrize("method", DampedOscillator().methods)
def test_a_reduced_equation_is_the_hand_written_system_bit_for_bit(method):
    arguments = {"steps": 100, "dt": 0.1, "method": method, "initial": [1.0, 0.0]}
    by_hand = DampedOscillator(damping=0.4).simulate(**arguments)
    reduced = second_order(oscillator, parameters=OSCILLATOR).simulate(**arguments)
    np.testing.assert_array_equal(reduced.values, by_hand.values)
    assert reduced.channels == ("x", "v")


def test_a_field_is_the_hand_written_system():
    system = custom(lorenz, channels=["x", "y", "z"], parameters=CLASSIC)
    series = system.simulate(steps=100, dt=0.01, initial=[1.0, 1.0, 20.0])
    np.testing.assert_array_equal(series.values, Lorenz63().simulate(100, 0.01, None, [1.0, 1.0, 20.0]).values)
    assert series.provenance["system"] == "custom/lorenz"
    assert series.provenance["parameters"] == CLASSIC
    assert agreement_time(series, system=system) == pytest.approx(1.0)
    with pytest.raises(ConfigError, match="pass `system=`"):
        agreement_time(series)


def test_many_bodies():
    # two equal masses on three springs: normal modes 1 and sqrt 3
    def springs(t, x, v):
        return jnp.stack([x[1] - 2 * x[0], x[0] - 2 * x[1]])

    system = second_order(springs, channels=["x1", "x2", "v1", "v2"])
    series = system.simulate(steps=100, dt=0.1, initial=[1.0, 0.0, 0.0, 0.0])
    t = series.times
    slow, fast = np.cos(t), np.cos(np.sqrt(3) * t)
    np.testing.assert_allclose(series.values[:, :2], np.stack([slow + fast, slow - fast], 1) / 2, atol=1e-11)


def test_new_parameters_do_not_compile_again():
    traces = []

    def decay(t, y, p):
        traces.append(t)
        return -p["rate"] * y

    counts = []
    for rate in (1.0, 2.0, 3.0):
        system = custom(decay, channels=["y"], parameters={"rate": rate})
        series = system.simulate(steps=10, dt=0.1, method="rk4", initial=[1.0])
        np.testing.assert_allclose(series.values[:, 0], np.exp(-rate * series.times), atol=1e-4)
        counts.append(len(traces))
    assert np.diff(counts).tolist() == [1, 1]  # the check of the function, and nothing else


def test_the_transient_and_a_seeded_start():
    system = custom(lambda t, y: 1.0 - y, channels=["y"], dt=0.1, transient=50.0)
    np.testing.assert_allclose(system.simulate(steps=3).values, 1.0, atol=1e-12)
    assert custom(lambda t, y: -y, channels=["y"]).simulate(steps=3, seed=1).values[0, 0] != 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: custom(np.sin, channels=["y"]), "custom/sin must be written in `jax.numpy`"),
        (lambda: custom(lambda t, y: y[:1], channels=["a", "b"]), r"one number for each of the 2 channels, got \(1,\)"),
        (lambda: custom(lambda t, y, p: p["b"] * y, channels=["y"], parameters={"a": 1.0}), "KeyError: 'b'"),
        (lambda: custom(lambda t, y: y, channels=["y"], parameters={"a": np.nan}), "parameters must be finite"),
        (lambda: custom(lambda t, y: y, channels=[]), "a list of at least one name"),
        (lambda: custom(3, channels=["y"]), "must be a function"),
        (lambda: custom(lambda t, y: y, channels=["y"], dt=0.0), "`dt` must be positive"),
        (lambda: second_order(oscillator, channels=["x", "v", "w"]), "positions, then as many velocities"),
    ],
)
def test_what_it_refuses(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_methods_for_second_order_need_an_equation_of_second_order():
    with pytest.raises(ConfigError, match=r"'verlet' is a method for x'' = a\(t, x, v\), and custom/lorenz is no such"):
        custom(lorenz, channels=["x", "y", "z"], parameters=CLASSIC).simulate(steps=5, method="verlet")
