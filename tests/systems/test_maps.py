"""The logistic and the Hénon map: closed form, contraction, fixed points; what every map shares."""

import math

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.errors import ConfigError
from recurra.systems import HenonMap, LogisticMap


def test_the_logistic_map_in_closed_form():
    x0 = 0.3
    x = LogisticMap().simulate(steps=30, initial=[x0]).values[:, 0]
    exact = np.sin(2.0 ** np.arange(31) * np.arcsin(np.sqrt(x0))) ** 2
    # rounding doubles at every step: 2^30 * 2^-53 = 1e-7
    assert (np.abs(x - exact) < 2.0 ** np.arange(31) * 1e-15).all()


@given(st.floats(1.1, 2.9))
@settings(max_examples=10, deadline=None)
def test_the_logistic_map_settles_at_its_fixed_point(r):
    x = LogisticMap(r=r).simulate(steps=3, seed=1).values[-1, 0]
    assert x == pytest.approx(1 - 1 / r, abs=1e-12)


def test_the_exponent_of_the_logistic_map_is_ln_2():
    x = LogisticMap().simulate(steps=20_000, seed=3).values[:, 0]
    assert np.log(np.abs(4 * (1 - 2 * x))).mean() == pytest.approx(LogisticMap().lyapunov_exponent, abs=0.01)
    assert LogisticMap().lyapunov_exponent == math.log(2)
    assert LogisticMap(r=3.9).lyapunov_exponent is None


def test_the_henon_map_shrinks_areas_by_b():
    with jax.enable_x64(True):
        jacobian = np.array(jax.jacfwd(HenonMap().map)(np.array([0.7, -0.2])))
    assert abs(np.linalg.det(jacobian)) == pytest.approx(0.3, abs=1e-15)


def test_the_henon_map_has_its_fixed_point():
    x = (-0.7 + np.sqrt(0.7**2 + 4 * 1.4)) / (2 * 1.4)  # 1.4 x^2 + 0.7 x - 1 = 0
    assert x == pytest.approx(0.631354477, abs=1e-9)  # Hénon 1976
    values = HenonMap().simulate(steps=3, initial=[x, 0.3 * x]).values
    np.testing.assert_allclose(values, np.tile([x, 0.3 * x], (4, 1)), atol=1e-14)


def test_the_henon_map_is_the_plain_loop_and_its_exponent_the_cited_one():
    values = HenonMap().simulate(steps=20_000, seed=5).values
    np.testing.assert_allclose(values[1:, 0], 1 - 1.4 * values[:-1, 0] ** 2 + values[:-1, 1], atol=1e-15)
    np.testing.assert_array_equal(values[1:, 1], 0.3 * values[:-1, 0])
    tangent, grown = np.array([1.0, 0.0]), 0.0
    for x in values[:, 0]:
        tangent = np.array([-2.8 * x * tangent[0] + tangent[1], 0.3 * tangent[0]])
        size = np.hypot(*tangent)
        tangent, grown = tangent / size, grown + np.log(size)
    assert grown / len(values) == pytest.approx(HenonMap().lyapunov_exponent, abs=0.01)


@pytest.mark.parametrize("kind", [LogisticMap, HenonMap])
def test_what_maps_share(kind):
    series = kind().simulate(steps=50, seed=4)
    assert series.provenance["method"] is None
    assert series.dt == 1.0
    np.testing.assert_array_equal(kind().simulate(steps=9, seed=4).values, series.values[:10])
    np.testing.assert_array_equal(kind().simulate(steps=50, initial=series.values[0]).values, series.values)
    with pytest.raises(ConfigError, match=r"is a map: its step is 1, got dt = 0.5"):
        kind().simulate(steps=5, dt=0.5)
    with pytest.raises(ConfigError, match="known: none"):
        kind().simulate(steps=5, method="rk4")


def test_a_start_outside_the_basin_is_refused():
    with pytest.raises(ConfigError, match=r"logistic-map leaves the finite numbers at step \d+ of 50"):
        LogisticMap().simulate(steps=50, initial=[1.5])
    with pytest.raises(ConfigError, match="henon-map leaves the finite numbers"):
        HenonMap().simulate(steps=50, initial=[3.0, 3.0])
