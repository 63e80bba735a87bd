"""The weights of a model as one vector: an update is then a few operations, and not a few for every array."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.models import Model


class Flat:
    """How the weights of a model lie in a vector.

    Args:
        model: any of its kind.

    Example:
        >>> from recurra.models import Stack
        >>> flat = Flat(Stack.draw("elman", 1, 1, units=2, seed=0))
        >>> flat.size, flat.matrices.astype(int).tolist()  # U, W, b, V, c
        (11, [1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0])
    """

    def __init__(self, model: Model) -> None:
        weights, self._rest = eqx.partition(model, eqx.is_inexact_array)
        leaves, self._structure = jax.tree.flatten(weights)
        self._shapes = [np.shape(leaf) for leaf in leaves]
        self._ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes])
        self.size = int(self._ends[-1])

    def vector(self, tree: Any) -> jax.Array:
        """The weights of a model of this kind, or their gradient."""
        leaves = jax.tree.leaves(eqx.filter(tree, eqx.is_inexact_array))
        return jnp.concatenate([jnp.ravel(leaf) for leaf in leaves])

    def model(self, vector: Any) -> Model:
        """The model with these weights."""
        parts = [vector[end - int(np.prod(shape)) : end] for end, shape in zip(self._ends, self._shapes, strict=True)]
        leaves = [part.reshape(shape) for part, shape in zip(parts, self._shapes, strict=True)]
        return eqx.combine(jax.tree.unflatten(self._structure, leaves), self._rest)

    @property
    def matrices(self) -> np.ndarray:
        """True for what stands in an array of two or more dimensions: no bias, and no scale."""
        return np.concatenate([np.full(int(np.prod(shape)), len(shape) > 1) for shape in self._shapes])
