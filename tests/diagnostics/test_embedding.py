"""Delay vectors, mutual information against closed forms, dimensions of known attractors."""

import numpy as np
import pytest
from scipy.signal import lfilter

from recurra.diagnostics.embedding import (
    cao,
    choose_delay,
    choose_dimension,
    embed,
    false_nearest_neighbors,
    mutual_information,
)
from recurra.diagnostics.neighbors import nearest_neighbors
from recurra.errors import ConfigError, DataError
from recurra.series import Series


def noise(seed, rows):
    return np.random.default_rng(seed).normal(size=rows)


def henon(rows):
    x = np.zeros(rows + 100)
    for k in range(1, len(x) - 1):
        x[k + 1] = 1 - 1.4 * x[k] ** 2 + 0.3 * x[k - 1]
    return x[100:]


def test_delay_vectors_are_rows_of_the_series():
    x = noise(0, 50)
    X = embed(Series(np.stack([x, 2 * x], 1), channels=["a", "b"]), 3, 4, "b")
    assert X.shape == (42, 3)
    for t in (0, 17, 41):
        assert X[t].tolist() == [2 * x[t], 2 * x[t + 4], 2 * x[t + 8]]


@pytest.mark.parametrize("a", [0.5, 0.9])
def test_mutual_information_of_an_autoregression_is_its_closed_form(a):
    x = lfilter([1.0], [1.0, -a], noise(1, 200_000))[1000:]
    found = mutual_information(x, 3, bins=40)
    wanted = [-0.5 * np.log(1 - a ** (2 * k)) for k in (1, 2, 3)]
    np.testing.assert_allclose(found[1:], wanted, rtol=0.05, atol=3e-3)
    np.testing.assert_allclose(mutual_information(np.exp(x), 3, bins=40), found, atol=1e-9)
    assert found[0] == pytest.approx(np.log(40), abs=0.01)


def test_chance_alone_has_no_mutual_information():
    found = [mutual_information(noise(seed, 1000), 1)[1] for seed in range(40)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(40) + 2e-3


def test_the_delay_of_a_noisy_wave_is_a_quarter_period_and_of_a_map_one():
    x = np.sin(2 * np.pi * np.arange(5000) / 80) + 0.1 * noise(2, 5000)
    assert choose_delay(x) == pytest.approx(20, abs=2)
    assert choose_delay(henon(2000)) == 1
    assert choose_delay(noise(3, 2000)) == 1


def test_neighbours_are_those_of_a_loop_over_all_pairs():
    X = noise(4, 600).reshape(200, 3)
    X[50] = X[120]
    rows = np.arange(0, 200, 7)
    for norm in (2.0, np.inf):
        distances, found = nearest_neighbors(X, rows, 3, theiler=10, norm=norm)
        for i, d, j in zip(rows, distances, found, strict=True):
            every = np.linalg.norm(X - X[i], ord=norm, axis=1)
            every[(np.abs(np.arange(200) - i) <= 10) | (every == 0)] = np.inf
            np.testing.assert_allclose(d, np.sort(every)[:3])
            np.testing.assert_allclose(d, every[j])
            assert len(set(j.tolist())) == 3
    distances, found = nearest_neighbors(X, rows, 3, theiler=199)
    assert (found == -1).all()
    assert np.isinf(distances).all()


def test_dimensions_of_known_attractors():
    assert choose_dimension(henon(3000), 1) == 2
    wave = np.sin(0.1 * np.arange(4000))
    assert choose_dimension(wave, 16) == 2
    torus = wave + 0.7 * np.sin(0.1 * np.sqrt(2) * np.arange(4000))
    assert choose_dimension(torus, 14) in (3, 4)
    assert choose_dimension(noise(5, 4000), 1) is None
    false = false_nearest_neighbors(henon(3000), 1, largest=3)
    assert false[0] > 0.5
    assert false[1] == 0


def test_cao_tells_noise_from_a_map():
    _, E2 = cao(noise(6, 5000), 1, largest=5)
    np.testing.assert_allclose(E2, 1, atol=0.1)
    E1, E2 = cao(henon(5000), 1, largest=5)
    np.testing.assert_allclose(E1[1:], 1, atol=0.1)
    assert E1[0] < 0.5
    assert E2.max() > 1.2


def test_what_cannot_be_is_refused():
    for call in (
        lambda: embed(noise(0, 9), 0),
        lambda: embed(noise(0, 9), 2, 0),
        lambda: mutual_information(noise(0, 90), 0),
        lambda: mutual_information(noise(0, 90), 3, bins=1),
        lambda: embed(Series(noise(0, 9)), 2, 1, "z"),
        lambda: nearest_neighbors(np.ones((9, 1)), np.arange(3), theiler=-1),
    ):
        with pytest.raises(ConfigError):
            call()
    with pytest.raises(DataError, match="at least"):
        embed(noise(0, 9), 4, 5)
    with pytest.raises(DataError, match="does not vary"):
        choose_delay(np.ones(100))
    with pytest.raises(DataError, match="repeats itself"):
        false_nearest_neighbors(np.ones(100), 1)
