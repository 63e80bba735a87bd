"""The state of an update rule before the first update."""

import jax
import numpy as np
import pytest

from recurra.training import OPTIMIZERS
from recurra.training.optimizers import Now, first_state


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_it_is_what_optax_starts_from_in_numpy(optimizer, precision):
    weights = {"W": np.ones((2, 3), precision), "none": None, "b": np.ones(2, precision)}
    with jax.enable_x64(precision == "float64"):
        expected = OPTIMIZERS[optimizer](Now(0.0, 0.0, 0.0, 0.0)).init(weights)
        found = first_state(optimizer, weights)
        assert jax.tree.structure(found) == jax.tree.structure(expected)
        for leaf, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            assert isinstance(leaf, np.ndarray)
            assert (leaf.shape, leaf.dtype) == (other.shape, other.dtype)
            np.testing.assert_array_equal(leaf, np.asarray(other))
