"""A ring of cells by a plain loop over its sites."""

import equinox as eqx
import jax
import numpy as np
import pytest

import recurra as rc
from recurra.models import Ring

SITES, UNITS, HALO = 6, 3, 2


def logistic(a):
    return 1 / (1 + np.exp(-a))


def drawn(cell="gru"):
    ring = Ring.draw(cell, SITES, UNITS, HALO, seed=1)
    with jax.enable_x64(True):
        return jax.tree.map(lambda leaf: np.asarray(leaf, float), ring)


def test_every_site_is_a_gru_of_its_neighbours():
    ring, xs = drawn(), np.random.default_rng(0).standard_normal((4, SITES))
    U, W, b, d = (np.asarray(getattr(ring.cell, name)) for name in "UWbd")
    h, expected = np.zeros((SITES, UNITS)), np.empty_like(xs)
    for t, x in enumerate(xs):
        for j in range(SITES):
            seen = np.array([x[(j + k) % SITES] for k in range(-HALO, HALO + 1)])
            a, s = U @ seen + b, W @ h[j] + d
            z, r = logistic(a[:UNITS] + s[:UNITS]), logistic(a[UNITS : 2 * UNITS] + s[UNITS : 2 * UNITS])
            h[j] = z * h[j] + (1 - z) * np.tanh(a[2 * UNITS :] + r * s[2 * UNITS :])
            expected[t, j] = ring.V[0] @ h[j] + ring.c[0]
    with jax.enable_x64(True):
        np.testing.assert_allclose(ring(xs), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("cell", ["gru", "lstm", "elman"])
def test_a_shifted_field_gives_shifted_outputs(cell):
    ring, xs = drawn(cell), np.random.default_rng(0).standard_normal((5, SITES))
    with jax.enable_x64(True):
        one, other = ring(xs), ring(np.roll(xs, 2, axis=1))
    assert np.ptp(one) > 0.01
    np.testing.assert_allclose(np.roll(one, 2, axis=1), other, rtol=0, atol=1e-14)


def test_a_ring_is_trained_forecast_and_comes_back_from_a_file(tmp_path):
    """A wave that travels one site a step: its law is the same at all sites, and seen by each of them."""
    values = np.sin(2 * np.pi * (np.arange(SITES)[None] - np.arange(120)[:, None]) / SITES)
    ring = Ring.draw("gru", SITES, 8, 1, seed=0)
    options = {"bptt_length": 10, "validation": 0.0, "learning_rate": 0.02, "epochs": 60}
    model = rc.Network(cell=ring, **options).fit(values[:100])
    np.testing.assert_allclose(model.forecast(12).values, values[100:112], rtol=0, atol=0.2)
    model.save(tmp_path / "model.safetensors")
    again = rc.load(tmp_path / "model.safetensors", cell=Ring.draw("gru", SITES, 8, 1, seed=5))
    assert again.forecast(12).values.tobytes() == model.forecast(12).values.tobytes()
    assert eqx.tree_equal(again.network_.model, model.network_.model)
