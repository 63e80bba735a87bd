"""How chaos begins in the equations of Lorenz: at 24.06 it attracts, and only at 24.74 the states of rest no longer do.

J. A. Yorke, E. D. Yorke, Journal of Statistical Physics 21 (1979) 263-277; C. Sparrow, The Lorenz Equations, 1982.
"""

import numpy as np
import pytest

from recurra.diagnostics import behaviour, fixed_points, limit_cycle
from recurra.diagnostics.attractor import return_map
from recurra.systems import Lorenz63

HOPF = 470 / 19  # sigma (sigma + b + 3) / (sigma - b - 1)


def out_of_the_origin(rho):
    """A start on the unstable direction of the state of rest at zero."""
    rate = (-11 + np.sqrt(81 + 40 * rho)) / 2
    return (1e-5 * np.array([10.0, rate + 10.0, 0.0])).tolist()


def maxima(rho):
    """Of z along the orbit that leaves the origin: the first is that of the swing out, the others are turns."""
    orbit = Lorenz63(rho=rho).simulate(1400, dt=0.005, initial=out_of_the_origin(rho), method="rk4")
    return return_map(orbit, "z").heights


def test_chaos_begins_where_what_leaves_the_origin_meets_the_unstable_cycle():
    """Below it spirals into a state of rest, above it leaves it: the turns shrink or grow, and repeat at the onset."""
    low, high = 23.0, 24.7
    assert maxima(low)[5] < maxima(low)[4]
    assert maxima(high)[5] > maxima(high)[4]
    while high - low > 1e-5:
        middle = (low + high) / 2
        turns = maxima(middle)[4:6]  # the third and fourth: by then the way to the cycle is forgotten
        low, high = (low, middle) if turns[1] > turns[0] else (middle, high)
    assert low == pytest.approx(24.06, abs=0.005)
    turns = maxima(low)[3:7]
    np.testing.assert_allclose(turns, turns[0], atol=1e-3)
    orbit = Lorenz63(rho=low).simulate(1400, dt=0.005, initial=out_of_the_origin(low), method="rk4")
    times = return_map(orbit, "z").times
    start = orbit.values[int(times[3] / 0.005)]
    cycle = limit_cycle(Lorenz63(rho=low), start, period=float(times[4] - times[3]))
    assert cycle.orbit[:, 2].max() == pytest.approx(turns[0], abs=0.01)
    assert cycle.period == pytest.approx(times[4] - times[3], abs=1e-3)
    assert not cycle.stable
    assert np.sum(np.abs(cycle.others) > 1) == 1  # it parts what falls into rest from what does not


def test_between_the_two_chaos_and_rest_attract_beside_each_other():
    between, beyond = Lorenz63(rho=24.4), Lorenz63(rho=25.0)
    assert 24.06 < 24.4 < HOPF < 25.0
    assert sorted(fixed_points(between).kinds) == ["saddle", "stable", "stable"]
    assert behaviour(between, out_of_the_origin(24.4), dt=0.02).kind == "chaotic"
    assert sorted(fixed_points(beyond).kinds) == ["saddle", "saddle", "saddle"]
