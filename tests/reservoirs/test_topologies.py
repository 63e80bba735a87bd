"""Reservoir topologies by their closed-form spectra, and how their entries lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra.reservoirs import TOPOLOGIES, draw_reservoir
from recurra.reservoirs.topologies import Wiring

RADIUS = 0.8


def draw(topology, units=60, in_degree=6, seed=0, **changes):
    options = {"spectral_radius": RADIUS, "input_scaling": 0.5, "bias_scaling": 0.3, "leak": 1.0, **changes}
    return draw_reservoir(units, 2, topology=topology, in_degree=in_degree, seed=seed, **options).W


def spectrum(W):
    return np.linalg.eigvals(W.toarray())


def assert_same_spectrum(found, expected, atol=1e-8):
    """As sets: each is near one of the others."""
    apart = np.abs(np.asarray(found)[:, None] - np.asarray(expected)[None])
    assert apart.min(axis=1).max() < atol
    assert apart.min(axis=0).max() < atol


@pytest.mark.parametrize("units", [1, 2, 7, 60, 230])
def test_ring_eigenvalues_are_the_roots_of_unity_on_the_circle_of_the_radius(units):
    roots = RADIUS * np.exp(2j * np.pi * np.arange(units) / units)
    assert_same_spectrum(spectrum(draw("ring", units)), roots, atol=1e-10)


def test_ring_hands_every_state_on():
    h = np.arange(5.0)
    np.testing.assert_allclose(draw("ring", 5) @ h, RADIUS * np.roll(h, 1))


@pytest.mark.parametrize("units", [1, 2, 40])
def test_delay_line_is_nilpotent_and_forgets_after_as_many_steps_as_units(units):
    W = draw("delay-line", units).toarray()
    assert not np.linalg.matrix_power(W, units).any()
    if units > 1:
        first = np.linalg.matrix_power(W, units - 1)
        assert first[-1, 0] == pytest.approx(RADIUS ** (units - 1), rel=1e-12)
        assert np.count_nonzero(first) == 1


@pytest.mark.parametrize(("units", "in_degree"), [(60, 6), (60, 7), (23, 10), (9, 30), (5, 1)])
def test_orthogonal_reservoirs_keep_every_length(units, in_degree):
    W = draw("orthogonal", units, in_degree).toarray()
    np.testing.assert_allclose(W.T @ W, RADIUS**2 * np.eye(units), atol=1e-14)
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(W)), RADIUS, atol=1e-12)
    assert (W != 0).sum(axis=1).max() == min(in_degree, units)


def test_rotations_of_one_unit_have_random_signs():
    signs = np.sign(draw("orthogonal", 400, 1).data)
    assert 140 < (signs > 0).sum() < 260  # six standard deviations


@pytest.mark.parametrize("seed", range(4))
def test_permutation_eigenvalues_are_the_roots_of_unity_of_its_cycles(seed):
    W = draw("permutation", 50, seed=seed)
    follows = W.indices  # unit i sees follows[i]
    roots, unseen = [], set(range(50))
    while unseen:
        at, length = unseen.pop(), 1
        while (at := int(follows[at])) in unseen:
            unseen.remove(at)
            length += 1
        roots += list(RADIUS * np.exp(2j * np.pi * np.arange(length) / length))
    assert_same_spectrum(spectrum(W), roots, atol=1e-10)
    np.testing.assert_allclose(W.toarray().T @ W.toarray(), RADIUS**2 * np.eye(50), atol=1e-14)


@pytest.mark.parametrize(("jump", "turns"), [(2, 5), (3, 8), (10, 6), (4, 3)])
def test_cycle_jumps_have_the_eigenvalues_of_a_chain_of_cells(jump, turns):
    """Bloch's theorem with a cell of l units: x^l - 2 cos(theta) x^(l-1) - exp(i theta) = 0, theta = 2 pi k / turns."""
    W = draw("cycle-jumps", jump * turns, jump=jump)
    roots = []
    for theta in 2 * np.pi * np.arange(turns) / turns:
        roots += list(np.roots([1, -2 * np.cos(theta), *[0] * (jump - 2), -np.exp(1j * theta)]))
    assert_same_spectrum(spectrum(W), RADIUS * np.array(roots) / np.abs(roots).max())


def test_cycle_jumps_join_every_lth_unit_both_ways():
    W = draw("cycle-jumps", 11, jump=3).toarray() != 0
    expected = np.roll(np.eye(11, dtype=bool), 1, axis=0)
    for a, b in ((0, 3), (3, 6), (6, 9)):  # the ring of 11 is no whole number of jumps: it stays open there
        expected[a, b] = expected[b, a] = True
    np.testing.assert_array_equal(W, expected)


def test_a_jump_beyond_the_ring_leaves_the_ring():
    np.testing.assert_array_equal(draw("cycle-jumps", 8, jump=8).toarray() != 0, draw("ring", 8).toarray() != 0)


def test_a_small_world_that_is_not_rewired_sees_its_nearest_neighbours():
    W = draw("small-world", 30, 4, rewiring=0.0).toarray() != 0
    for row in range(30):
        assert set(np.flatnonzero(W[row])) == {(row + d) % 30 for d in (-2, -1, 1, 2)}


@pytest.mark.parametrize("rewiring", [0.1, 0.5, 1.0])
def test_the_share_of_links_that_are_rewired(rewiring):
    W = draw("small-world", 500, 6, rewiring=rewiring).tocoo()
    distance = np.abs(W.row - W.col)
    far = np.minimum(distance, 500 - distance) > 3
    assert far.mean() == pytest.approx(rewiring, abs=4 * np.sqrt(0.25 / 3000))
    assert (distance > 0).all()


@settings(max_examples=60, deadline=None)
@given(
    topology=st.sampled_from(sorted(TOPOLOGIES)),
    units=st.integers(1, 40),
    in_degree=st.integers(1, 50),
    jump=st.integers(2, 12),
    seed=st.integers(0, 9),
)
def test_every_topology_meets_the_radius_and_has_the_entries_that_are_announced(topology, units, in_degree, jump, seed):
    W = draw(topology, units, in_degree, jump=jump, seed=seed)
    assert W.nnz == TOPOLOGIES[topology].nonzeros(Wiring(units, in_degree, jump, 0.1))
    assert W.has_canonical_format
    assert (W.indices.dtype, W.indptr.dtype) == (np.int32, np.int32)
    largest = np.abs(spectrum(W)).max()
    assert largest == pytest.approx(0.0 if topology == "delay-line" else RADIUS, abs=1e-9)
    again = draw(topology, units, in_degree, jump=jump, seed=seed)
    assert W.data.tobytes() == again.data.tobytes()
    assert W.indices.tobytes() == again.indices.tobytes()


@pytest.mark.parametrize("topology", sorted(TOPOLOGIES))
def test_a_radius_of_zero_leaves_no_recurrence(topology):
    assert not draw(topology, spectral_radius=0.0).toarray().any()
