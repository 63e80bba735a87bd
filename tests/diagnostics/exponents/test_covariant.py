"""Covariant vectors against eigenvectors, the direction of a flow, and the exponents."""

import jax.numpy as jnp
import numpy as np
import pytest

from recurra.diagnostics import covariant_vectors
from recurra.errors import ConfigError
from recurra.systems import HenonMap, Lorenz63


def test_of_a_linear_map_they_are_the_eigenvectors():
    rng = np.random.default_rng(0)
    V = rng.standard_normal((4, 4))
    values = np.array([0.9, -0.7, 0.5, 0.2])
    A = V @ np.diag(values) @ np.linalg.inv(V)
    found = covariant_vectors(lambda y: A @ y, np.ones(4), steps=20, transient=300)
    cosines = np.abs(np.einsum("tij,ij->tj", found.vectors, V / np.linalg.norm(V, axis=0)))
    np.testing.assert_allclose(cosines, 1.0, atol=1e-12)
    np.testing.assert_allclose(found.growth, np.tile(np.log(np.abs(values)), (20, 1)), atol=1e-10)
    np.testing.assert_allclose(found.exponents, np.log(np.abs(values)), atol=1e-10)
    apart = np.arccos(abs(V[:, 0] @ V[:, 1]) / np.linalg.norm(V[:, 0]) / np.linalg.norm(V[:, 1]))
    np.testing.assert_allclose(found.angles([0], [1]), apart, atol=1e-7)


def test_of_the_cat_map_they_are_at_right_angles():
    A = np.array([[2.0, 1.0], [1.0, 1.0]])
    found = covariant_vectors(lambda y: (A @ y) % 1.0, np.array([0.1, 0.3]), steps=50, transient=100)
    np.testing.assert_allclose(found.angles([0], [1]), np.pi / 2, atol=1e-7)
    golden = (1 + np.sqrt(5)) / 2
    np.testing.assert_allclose(np.abs(found.vectors[:, 0, 0] / found.vectors[:, 1, 0]), golden, rtol=1e-12)


def test_of_lorenz_63_the_second_follows_the_flow():
    system = Lorenz63()
    found = covariant_vectors(system, steps=4000, transient=1000, dt=0.01)
    field = np.stack([np.asarray(system.field(0.0, y)) for y in found.states[::200]])
    sizes = np.linalg.norm(field, axis=1)
    along = np.abs(np.einsum("ti,ti->t", field, found.vectors[::200, :, 1])) / sizes
    np.testing.assert_allclose(along, 1.0, atol=1e-5)
    grown = np.add.reduceat(found.growth[:, 1], np.arange(0, 4000, 200))[:-1] * 0.01
    np.testing.assert_allclose(grown, np.diff(np.log(sizes)), atol=1e-3)  # as the field itself
    assert found.exponents[0] == pytest.approx(0.9056, abs=4 * 0.226 / np.sqrt(40))  # the known spread of this system
    assert np.rad2deg(found.angles([0, 1], [2])).min() > 5  # what shrinks stays away from the rest


def test_every_step_takes_a_vector_to_the_next_of_its_kind():
    system = HenonMap()
    found = covariant_vectors(system, steps=200, transient=200)
    for k in range(0, 199, 20):
        x, _ = found.states[k]
        J = np.array([[-2 * 1.4 * x, 1.0], [0.3, 0.0]])
        pushed = J @ found.vectors[k]
        sizes = np.linalg.norm(pushed, axis=0)
        np.testing.assert_allclose(np.log(sizes), found.growth[k], atol=1e-9)
        cosines = np.abs(np.einsum("ij,ij->j", pushed / sizes, found.vectors[k + 1]))
        np.testing.assert_allclose(cosines, 1.0, atol=1e-9)
    assert found.angles([0], [1]).min() < 0.1  # it is not hyperbolic: growing and shrinking directions nearly touch


def test_what_is_forgotten_cannot_be_followed_back():
    with pytest.raises(ConfigError, match="`count` can be 1 at most"):
        covariant_vectors(lambda y: jnp.stack([0.5 * y[0], 0.0 * y[1]]), np.ones(2), steps=10, transient=5)
