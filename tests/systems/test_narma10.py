"""NARMA-10: the recursion, its drive, and that it diverges for some."""

import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.systems import NARMA10


def test_the_recursion_is_the_plain_loop():
    series = NARMA10().simulate(steps=500, seed=1)
    assert series.inputs is not None
    y, u = series.values[:, 0], series.inputs.values[:, 0]
    for k in range(10, 501):
        total = 0.0
        for i in range(10, 0, -1):
            total += y[k - i]
        assert y[k] == 0.3 * y[k - 1] + 0.05 * y[k - 1] * total + 1.5 * u[k - 9] * u[k] + 0.1


def test_the_whole_recursion_from_a_start():
    start = np.linspace(0.1, 0.4, 10)
    series = NARMA10().simulate(steps=40, initial=start, seed=7)
    u = 0.5 * np.random.default_rng(7).random(50)
    y = start.tolist()
    for k in range(10, 50):
        y.append(0.3 * y[-1] + 0.05 * y[-1] * sum(y[-10:]) + 1.5 * u[k - 9] * u[k] + 0.1)
    assert series.values[:, 0].tolist() == y[9:]
    assert series.inputs is not None
    assert series.inputs.values[:, 0].tolist() == u[9:].tolist()


def test_without_a_drive_it_settles_at_its_fixed_point():
    # y = 0.3 y + 0.5 y^2 + 0.1
    y = NARMA10(high=0.0).simulate(steps=5).values[-1, 0]
    assert y == pytest.approx(0.7 - np.sqrt(0.7**2 - 0.2), abs=1e-12)


def test_drive_and_seeds():
    series = NARMA10().simulate(steps=2000, seed=2)
    assert series.inputs is not None
    u = series.inputs.values[:, 0]
    assert (series.inputs.channels, series.dt) == (("u",), 1.0)
    assert 0 <= u.min() < 0.001 < 0.499 < u.max() < 0.5
    assert NARMA10().simulate(steps=2000, seed=2).sha256 == series.sha256
    np.testing.assert_array_equal(NARMA10().simulate(steps=9, seed=2).values, series.values[:10])


def test_a_drive_under_which_it_diverges_is_refused():
    refused = []
    for seed in range(80):
        try:
            NARMA10().simulate(steps=5000, seed=seed)
        except ConfigError as error:
            refused.append(str(error))
    assert len(refused) == 1  # about one drive of fifty, 5,000 steps long
    assert "grows without bound: y exceeds 1e+06 at step 1967, under the drive of seed 75" in refused[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dt": 2.0}, "is a map: its step is 1"),
        ({"initial": [0.1]}, r"must be 10 numbers.*the last ten values"),
        ({"method": "euler"}, "unknown method of narma10"),
    ],
)
def test_what_it_refuses(arguments, message):
    with pytest.raises(ConfigError, match=message):
        NARMA10().simulate(steps=5, **arguments)
