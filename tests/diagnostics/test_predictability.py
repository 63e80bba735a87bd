"""The limit that noise sets, against its formula, and noise that was added against its estimate."""

import numpy as np
import pytest

from recurra.diagnostics.predictability import noise_level, predictability
from recurra.errors import ConfigError, DataError


def test_the_limit_is_the_logarithm_over_the_exponent():
    found = predictability(0.01, 0.9056)
    assert found.lyapunov_times == pytest.approx(np.log(40), rel=1e-12)
    assert found.time == pytest.approx(np.log(40) / 0.9056, rel=1e-12)
    assert found.words == (
        "With noise of 1 % no forecast stays within 0.4 standard deviations for longer than about 3.7 Lyapunov times, "
        "4.07 time units."
    )
    assert 0.01 * np.exp(0.9056 * found.time) == pytest.approx(0.4, rel=1e-12)


def test_the_ends():
    assert predictability(0.5, 1.0).time == 0
    assert predictability(0.0, 1.0).time == np.inf
    assert "no such limit" in predictability(0.0, 1.0).words
    for exponent in (0.0, -2.0):
        assert predictability(0.1, exponent).time is None
        assert "not positive" in predictability(0.1, exponent).words


def test_errors_of_the_logistic_map_reach_the_tolerance_by_then():
    rng = np.random.default_rng(0)
    x = np.sin(np.pi / 2 * rng.random(4000)) ** 2  # its invariant density
    spread, limit = np.sqrt(1 / 8), predictability(1e-6, np.log(2))
    y, steps = np.clip(x + 1e-6 * spread * rng.normal(size=4000), 0, 1), np.full(4000, -1)
    for k in range(60):
        steps[(steps < 0) & (np.abs(x - y) > 0.4 * spread)] = k
        x, y = 4 * x * (1 - x), 4 * y * (1 - y)
    assert (steps >= 0).all()
    assert steps.mean() == pytest.approx(limit.time, abs=2)


@pytest.mark.parametrize("level", [0.001, 0.03, 0.3])
def test_added_noise_is_found(level):
    t = 0.02 * np.arange(6000)
    clean = np.stack([np.sin(t) * np.cos(1.7 * t), np.sin(5 * t) + 0.2 * t], axis=1)
    noisy = clean + level * clean.std(axis=0) * np.random.default_rng(1).normal(size=clean.shape)
    np.testing.assert_allclose(noise_level(noisy), level / np.sqrt(1 + level**2), rtol=0.05)
    assert noise_level(clean).max() < 1e-9


def test_white_noise_is_all_noise_and_what_stands_still_has_none():
    found = noise_level(np.stack([np.random.default_rng(2).normal(size=20_000), np.full(20_000, 3.0)], axis=1))
    assert found[0] == pytest.approx(1, abs=0.05)
    assert found[1] == 0


def test_what_cannot_be_is_refused():
    for arguments in ((-0.1, 1.0), (np.nan, 1.0), (0.1, np.inf), (0.1, 1.0, 0.0)):
        with pytest.raises(ConfigError):
            predictability(*arguments)
    with pytest.raises(DataError, match="50"):
        noise_level(np.arange(49.0))
