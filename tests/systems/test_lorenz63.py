"""The Lorenz system: fixed points, symmetry, contraction, and the statistics of its attractor."""

import logging

import jax
import numpy as np
import pytest

from recurra.systems import Lorenz63


@pytest.mark.parametrize("sign", [-1.0, 0.0, 1.0])
def test_fixed_points_are_fixed(sign):
    side = sign * np.sqrt(8 / 3 * 27)
    point = np.array([side, side, 27.0 * abs(sign)])
    values = Lorenz63().simulate(steps=200, dt=0.01, initial=point).values
    np.testing.assert_allclose(values, np.tile(point, (201, 1)), atol=1e-11)


def test_flow_contracts_volumes_at_the_exact_rate():
    system = Lorenz63(sigma=9.0, rho=30.0, beta=2.0)
    with jax.enable_x64(True):
        jacobian = np.array(jax.jacfwd(lambda y: system.field(0.0, y))(np.array([1.0, -2.0, 13.0])))
    assert np.trace(jacobian) == pytest.approx(-(9.0 + 1.0 + 2.0), abs=1e-14)


def test_symmetry():
    first = Lorenz63().simulate(steps=500, dt=0.01, initial=[1.0, 2.0, 20.0])
    mirrored = Lorenz63().simulate(steps=500, dt=0.01, initial=[-1.0, -2.0, 20.0])
    np.testing.assert_array_equal(first.values * [-1, -1, 1], mirrored.values)


def test_time_mean_of_z():
    values = Lorenz63().simulate(steps=60_000, dt=0.02, seed=3).values
    assert values[:, 2].mean() == pytest.approx(23.55, abs=0.1)
    assert np.mean(values[:, 0] ** 2) == pytest.approx(8 / 3 * values[:, 2].mean(), rel=0.01)  # <xy> = beta <z>


def test_nearby_trajectories_part_at_the_exponent():
    start = Lorenz63().simulate(steps=1, dt=0.01, seed=4).values[0]
    rates = []
    for _ in range(40):
        pair = [Lorenz63().simulate(500, 0.01, "rk4", start + shift) for shift in (0.0, 1e-8)]
        gap = np.linalg.norm(pair[1].values - pair[0].values, axis=1)
        rates.append(np.log(gap[500] / gap[100]) / 4.0)
        start = pair[0].values[-1]
    assert np.mean(rates) == pytest.approx(Lorenz63().lyapunov_exponent, abs=0.1)


def test_exponent_is_stated_only_where_it_is_known():
    assert Lorenz63().lyapunov_exponent == 0.9056
    assert Lorenz63(rho=14.0).lyapunov_exponent is None


@pytest.mark.parametrize("method", [None, "rk4"])
def test_the_transient_is_discarded_only_without_a_start(method):
    given = Lorenz63().simulate(steps=10, dt=0.01, method=method, initial=[1.0, 2.0, 20.0])
    assert given.values[0].tolist() == [1.0, 2.0, 20.0]
    drawn = Lorenz63(rho=0.5).simulate(steps=10, dt=0.01, method=method)  # everything falls to the origin
    start = Lorenz63().start(np.random.default_rng(0))
    assert drawn.times[0] == 0.0
    assert np.linalg.norm(start) > 1
    # the slow rate is the largest eigenvalue of [[-10, 10], [0.5, -1]]
    rate = np.linalg.eigvals([[-10.0, 10.0], [0.5, -1.0]]).real.max()
    assert 0 < np.linalg.norm(drawn.values[0]) < 100 * np.exp(rate * 20.0)


def test_another_length_compiles_nothing(caplog):
    start = [1.0, 1.0, 20.0]
    whole = Lorenz63().simulate(steps=2500, dt=0.01, initial=start)
    with jax.log_compiles(True), caplog.at_level(logging.WARNING):
        part = Lorenz63().simulate(steps=1300, dt=0.01, initial=start)
        longer = Lorenz63().simulate(steps=9000, dt=0.01, initial=start)
    assert [r.message for r in caplog.records if r.message.startswith("Compiling")] == []
    np.testing.assert_array_equal(part.values, whole.values[:1301])
    np.testing.assert_array_equal(longer.values[:2501], whole.values)
