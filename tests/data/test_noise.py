"""Noise of a known size is found in motions that are sampled finely; without noise next to nothing is."""

import numpy as np
import pytest

import recurra as rc
from recurra.data import noise_level


@pytest.fixture(scope="module")
def motions():
    return {
        "lorenz63": rc.systems.Lorenz63().simulate(steps=4000, dt=0.02, seed=0).values,
        "mackey-glass": rc.systems.MackeyGlass().simulate(steps=4000, seed=0).values,
        "sine": np.sin(0.1 * np.arange(4000))[:, None],
    }


@pytest.mark.parametrize("name", ["lorenz63", "mackey-glass", "sine"])
@pytest.mark.parametrize("relative", [0.001, 0.01, 0.1])
def test_noise_of_a_known_size_is_found(name, relative, motions):
    values = motions[name]
    scale = values.std(axis=0)
    rng = np.random.default_rng(1)
    level = noise_level(values + relative * scale * rng.standard_normal(values.shape))
    assert level.found.all()
    np.testing.assert_allclose(level.std, relative * scale, rtol=0.12)
    np.testing.assert_allclose(level.relative, relative / np.sqrt(1 + relative**2), rtol=0.12)


@pytest.mark.parametrize("name", ["lorenz63", "mackey-glass", "sine"])
def test_without_noise_there_is_next_to_none(name, motions):
    assert noise_level(motions[name]).relative.max() < 1e-6


def test_channels_have_noise_of_their_own(motions):
    values, rng = motions["lorenz63"], np.random.default_rng(2)
    added = values.std(axis=0) * np.array([0.0, 0.01, 0.1])
    level = noise_level(values + added * rng.standard_normal(values.shape))
    assert level.std[0] < 1e-6
    np.testing.assert_allclose(level.std[1:], added[1:], rtol=0.1)


def test_noise_of_another_distribution_is_measured_by_its_standard_deviation():
    rng, wave = np.random.default_rng(3), np.sin(0.05 * np.arange(8000))
    level = noise_level(wave + rng.uniform(-0.1, 0.1, 8000))
    assert level.std[0] == pytest.approx(0.1 / np.sqrt(3), rel=0.1)


def test_it_does_not_reach_over_breaks_and_missing_values():
    rng, wave = np.random.default_rng(4), np.sin(0.1 * np.arange(2000))
    rows = wave + 0.01 * rng.standard_normal(2000)
    rows[1000:] += 50.0  # where a break is
    mask = np.ones((2000, 1), bool)
    mask[::40] = False
    masked = rc.Series(np.where(mask, rows[:, None], np.nan), mask=mask, breaks=[1000])
    assert noise_level(masked).std[0] == pytest.approx(0.01, rel=0.15)
    assert noise_level([rows[:1000], rows[1000:]]).std[0] == pytest.approx(0.01, rel=0.1)


def test_jumps_are_not_noise():
    rows = np.sin(0.02 * np.arange(3000)) + np.repeat([0.0, 2.0, -1.0], 1000)
    assert noise_level(rows).relative[0] < 1e-6


@pytest.mark.parametrize("system", [rc.systems.HenonMap(), rc.systems.LogisticMap()])
def test_of_a_chaotic_map_nothing_is_said(system):
    assert not noise_level(system.simulate(steps=2000, seed=0)).found.any()


@pytest.mark.parametrize("rows", [1, 2, 9, 20])
def test_of_a_few_rows_nothing_is_said(rows):
    level = noise_level(np.random.default_rng(5).standard_normal(rows)) if rows > 1 else noise_level(np.array([1.0]))
    assert not level.found.any()
    assert np.isfinite(level.std).all()


def test_units_and_order_of_channels_do_not_matter(motions):
    values = motions["lorenz63"] + 0.1 * np.random.default_rng(6).standard_normal((4001, 3))
    level, other = noise_level(values), noise_level(7.0 - 1e3 * values[:, ::-1])
    np.testing.assert_allclose(other.std, 1e3 * level.std[::-1], rtol=1e-9)
    np.testing.assert_allclose(other.relative, level.relative[::-1], rtol=1e-9)
