"""The noisy sine: the lecture's first series."""

import numpy as np
import pytest

from recurra.errors import ConfigError
from recurra.systems import NoisySine, System


def test_rows_and_moments():
    series = NoisySine().simulate(steps=99_999, seed=2)
    noise = series.values[:, 0] - np.sin(0.02 * np.arange(100_000))
    assert noise.mean() == pytest.approx(1.0, abs=0.01)
    assert noise.var() == pytest.approx(1 / 3, abs=0.005)
    assert noise.min() >= -1e-12
    assert noise.max() <= 2 + 1e-12
    assert np.abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.01


def test_the_lectures_length():
    series = NoisySine().simulate(steps=999)
    assert (len(series), series.dt, series.channels) == (1000, 1.0, ("x",))
    assert series.inputs is None
    assert isinstance(NoisySine(), System)


def test_seeds():
    first, again, other = (NoisySine().simulate(steps=99, seed=seed) for seed in (5, 5, 6))
    assert first.sha256 == again.sha256
    assert np.abs(first.values - other.values).max() > 0.1
    np.testing.assert_array_equal(NoisySine().simulate(steps=9, seed=5).values, first.values[:10])


def test_without_noise_a_sine():
    series = NoisySine(frequency=0.1, noise=0.0).simulate(steps=20, dt=0.5)
    np.testing.assert_allclose(series.values[:, 0], np.sin(0.1 * series.times), atol=1e-15)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "rk4"}, "unknown method of noisy-sine 'rk4': known: none"),
        ({"initial": [1.0]}, "no state to start from"),
    ],
)
def test_what_a_signal_does_not_have(options, message):
    with pytest.raises(ConfigError, match=message):
        NoisySine().simulate(steps=9, **options)
