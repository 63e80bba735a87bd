"""Random reservoir weights: the radius against dense eigenvalues, the structure row by row, the seed."""

import numpy as np
import pytest

from recurra.reservoirs import draw_reservoir, spectral_radius


def draw(units=300, features=4, seed=0, **changes):
    options = {
        "spectral_radius": 0.9,
        "in_degree": 10,
        "input_scaling": 0.5,
        "bias_scaling": 2.0,
        "leak": 1.0,
    }
    return draw_reservoir(units, features, seed=seed, **{**options, **changes})


@pytest.mark.parametrize("units", [1, 7, 60, 150, 260, 400])  # ARPACK begins between 150 and 260
@pytest.mark.parametrize("radius", [0.3, 1.25])
def test_spectral_radius_is_met(units, radius):
    W = draw(units, spectral_radius=radius).W.toarray()
    assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(radius, abs=1e-10)


@pytest.mark.parametrize("in_degree", [1, 2, 3])
def test_spectral_radius_of_very_sparse_reservoirs(in_degree):
    W = draw(250, in_degree=in_degree).W.toarray()
    assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(0.9, abs=1e-10)


def test_radius_of_a_ring_whose_eigenvalues_all_have_one_modulus():
    ring = 0.7 * np.roll(np.eye(230), 1, axis=0)
    assert spectral_radius(ring) == pytest.approx(0.7, abs=1e-10)


def test_radius_zero_leaves_no_recurrence():
    assert not draw(40, spectral_radius=0.0).W.toarray().any()


@pytest.mark.parametrize(("units", "in_degree", "found"), [(50, 6, 6), (4, 10, 4), (1, 1, 1)])
def test_every_row_has_the_in_degree(units, in_degree, found):
    W = draw(units, in_degree=in_degree).W
    assert ((W.toarray() != 0).sum(axis=1) == found).all()
    assert W.has_canonical_format
    assert W.nnz == units * found


def test_columns_are_drawn_evenly():
    W = draw(400).W.toarray()
    out_degree = (W != 0).sum(axis=0)
    assert out_degree.mean() == 10
    assert out_degree.var() == pytest.approx(10 * (1 - 10 / 400), rel=0.3)  # binomial


def test_weights_are_uniform_and_scaled():
    reservoir = draw(400, features=50)
    for weights, scale in (
        (reservoir.W_in.ravel(), 0.5),
        (reservoir.b, 2.0),
        (reservoir.W.data / np.abs(reservoir.W.data).max(), 1.0),
    ):
        assert np.abs(weights).max() <= scale
        assert np.abs(weights).max() > 0.98 * scale
        standard_error = scale / np.sqrt(3 * weights.size)
        assert abs(weights.mean()) < 4 * standard_error
        assert weights.var() == pytest.approx(scale**2 / 3, rel=5 / np.sqrt(weights.size))


def test_same_seed_same_bits_another_seed_another_reservoir():
    one, again, other = draw(260, seed=5), draw(260, seed=5), draw(260, seed=6)
    for name in ("data", "indices", "indptr"):
        assert getattr(one.W, name).tobytes() == getattr(again.W, name).tobytes()
    assert one.W_in.tobytes() == again.W_in.tobytes()
    assert one.b.tobytes() == again.b.tobytes()
    assert (one.W.data != other.W.data).mean() > 0.99
    assert (one.W_in != other.W_in).mean() > 0.99
    assert (one.b != other.b).mean() > 0.99


def test_radius_only_rescales():
    small, large = draw(spectral_radius=0.1), draw(spectral_radius=0.8)
    np.testing.assert_allclose(large.W.data, 8 * small.W.data, rtol=1e-12)
    np.testing.assert_array_equal(large.W_in, small.W_in)


@pytest.mark.parametrize("seed", range(8))
def test_the_smallest_reservoirs_have_a_cycle_too(seed):
    W = draw(2, in_degree=1, seed=seed).W.toarray()
    assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(0.9, abs=1e-10)


def test_global_random_state_is_untouched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    draw(250)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
