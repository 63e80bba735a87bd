"""The arrays of a model by their place in it, as "cells/0/W" and "readout/0/V"; their names hold no code."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np

from recurra.errors import ModelFileError
from recurra.models.model import Model


def to_tensors(model: Model) -> dict[str, np.ndarray]:
    """Every array of a model: its weights and the scale of its increments."""
    return {name: np.asarray(leaf) for name, leaf in _arrays(model)}


def from_tensors(like: Any, tensors: Mapping[str, np.ndarray]) -> Any:
    """The model that has the structure of `like` and these arrays.

    Raises:
        ModelFileError: a name is missing, unknown, or of another shape.
    """
    expected, found = tensor_layout(like), {name: tensors[name].shape for name in sorted(tensors)}
    wrong = [name for name, (_, shape) in expected.items() if found.get(name) != shape]
    wrong += [name for name in found if name not in expected]
    if wrong:
        raise ModelFileError(f"these are not the arrays of the model: {', '.join(wrong)}")
    arrays, rest = eqx.partition(like, _is_array)
    paths, structure = jax.tree_util.tree_flatten_with_path(arrays)
    leaves = [tensors[_name(path)] for path, _ in paths]
    return eqx.combine(jax.tree.unflatten(structure, leaves), rest)


def tensor_layout(model: Model) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Dtype and shape of every array."""
    return {name: (str(leaf.dtype), tuple(leaf.shape)) for name, leaf in _arrays(model)}


def parameter_count(model: Model) -> int:
    """The number of trainable numbers in a model: all weights, not the scale of the increments."""
    trained = [(name, leaf) for name, leaf in _arrays(model) if np.issubdtype(leaf.dtype, np.inexact)]
    return sum(leaf.size for name, leaf in trained if name != "scale")


def in_precision(model: Any, precision: str) -> Any:
    """The model with every floating-point array in "float32" or "float64"."""
    return jax.tree.map(lambda leaf: _cast(leaf, np.dtype(precision)), model)


def _cast(leaf: Any, dtype: np.dtype) -> Any:
    if not _is_array(leaf) or not np.issubdtype(leaf.dtype, np.floating):
        return leaf
    array = np.asarray(leaf)
    if array.size > 1 and not any(array.strides):  # blank: it stays one number in memory
        return np.broadcast_to(array[(0,) * array.ndim].astype(dtype), array.shape)
    return array.astype(dtype)


def _arrays(model: Any) -> list[tuple[str, Any]]:
    paths = jax.tree_util.tree_flatten_with_path(eqx.filter(model, _is_array))[0]
    return [(_name(path), leaf) for path, leaf in paths]


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray)
