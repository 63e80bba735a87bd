"""Least squares over the weights of anything: the method of Levenberg and Marquardt with the exact Jacobian."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra._types import whole_number
from recurra.errors import ConfigError
from recurra.threads import one_blas_thread


@dataclass(frozen=True, eq=False)
class Fitted:
    """What minimises a sum of squares.

    Args:
        weights: the tree that was fitted, float64.
        residuals: r at the minimum, (residuals,).
        jacobian: dr/dw there, (residuals, weights), the weights in the order of the tree's leaves.
        cost: r . r / 2.
        evaluations: how often r was computed.
        converged: whether the cost, the step or the gradient fell below the tolerance.
    """

    weights: Any
    residuals: np.ndarray
    jacobian: np.ndarray
    cost: float
    evaluations: int
    converged: bool

    def covariance(self, variance: float = 1.0) -> np.ndarray:
        r"""The covariance of the weights, :math:`\sigma^2 (J^T J)^{-1}`.

        Args:
            variance: sigma^2 of one residual; 1 where they are in units of their errors.

        Returns:
            (weights, weights); infinite where the residuals do not determine the weights.
        """
        sizes = np.linalg.norm(self.jacobian, axis=0)  # so that the units of the weights do not matter
        count = len(sizes)
        with one_blas_thread():
            _, s, Vt = np.linalg.svd(self.jacobian / np.where(sizes > 0, sizes, 1.0), full_matrices=False)
        if len(s) < count or s[-1] <= s[0] * np.finfo(float).eps * max(self.jacobian.shape):
            return np.full((count, count), np.inf)
        return variance * (Vt.T / s**2) @ Vt / np.outer(sizes, sizes)


def least_squares(
    residual: Callable[[Any, Any], jax.Array],
    start: Any,
    data: Any = (),
    *,
    evaluations: int = 200,
    tolerance: float = 1e-12,
    reverse: bool = False,
) -> Fitted:
    r"""Minimise half the sum of squares of residuals, in float64.

    .. math:: \min_w \tfrac12 \sum_i r_i(w)^2, \quad (J^T J + \lambda D) \, \delta w = -J^T r

    The Jacobian J is exact, by automatic differentiation, and compiled once for a `residual` and its shapes: other
    values of `start` and `data` compile nothing anew.

    Args:
        residual: r(tree, data), (residuals,), in `jax.numpy`; hashable, and the same object for the same program.
        start: a tree whose floating-point arrays are fitted, such as a model; it is not modified.
        data: what the residuals need beside it, a tree of arrays.
        evaluations: most computations of r.
        tolerance: relative, of cost, step and gradient.
        reverse: whether J is made row by row: where there are fewer residuals than weights.

    Raises:
        ConfigError: nothing to fit, or residuals that are not finite at the start.

    Example:
        >>> line = lambda w, data: w["slope"] * data[0] - data[1]
        >>> fitted = least_squares(line, {"slope": np.array(1.0)}, (np.arange(3.0), 2 * np.arange(3.0)))
        >>> round(float(fitted.weights["slope"]), 6)
        2.0

    Reference: D. W. Marquardt, SIAM Journal on Applied Mathematics 11 (1963) 431-441.
    """
    arrays, rest = eqx.partition(start, eqx.is_inexact_array)
    leaves, structure = jax.tree.flatten(_double(arrays))
    if not whole_number(evaluations) or evaluations < 1:
        raise ConfigError(f"`evaluations` must be a whole number of at least 1, got {evaluations!r}")
    if not leaves:
        raise ConfigError("there is nothing to fit: the tree has no floating-point arrays")
    from scipy import optimize  # half a second to load, and most trainings do without

    data, shapes = _double(data), tuple(leaf.shape for leaf in leaves)

    def tree(vector: np.ndarray) -> Any:
        return eqx.combine(jax.tree.unflatten(structure, _split(vector, shapes)), rest)

    with jax.enable_x64(True), one_blas_thread():
        first = np.concatenate([leaf.ravel() for leaf in leaves])
        if not np.isfinite(np.asarray(_residuals(residual, tree(first), data))).all():
            raise ConfigError("the residuals are not finite at the start: begin nearer to the solution")
        found = optimize.least_squares(
            lambda vector: np.asarray(_residuals(residual, tree(vector), data)),
            first,
            jac=lambda vector: _finite(_jacobian(residual, tree(vector), data, reverse)),  # pyright: ignore
            x_scale="jac",
            xtol=tolerance,
            ftol=tolerance,
            gtol=tolerance,
            max_nfev=evaluations,
        )
    return Fitted(
        tree(found.x),
        np.asarray(found.fun),
        np.asarray(found.jac),
        float(found.cost),
        int(found.nfev),
        bool(found.status > 0),
    )


def residuals_of(residual: Callable[[Any, Any], jax.Array], tree: Any, data: Any = ()) -> np.ndarray:
    """r(tree, data) in float64, by the program of `least_squares`."""
    with jax.enable_x64(True):
        return np.asarray(_residuals(residual, *(_double(part) for part in (tree, data))))


def _finite(jacobian: Any) -> np.ndarray:
    found = np.asarray(jacobian)
    if not np.isfinite(found).all():
        raise ConfigError(
            "the derivatives of the residuals are not finite: what is followed grows beyond all numbers. Follow it for "
            "a shorter time (`window`), or begin nearer to the solution"
        )
    return found


def _double(tree: Any) -> Any:
    """Numbers as arrays that are traced, floating-point ones in float64."""
    numbers = jax.tree.map(lambda leaf: np.asarray(leaf) if eqx.is_array_like(leaf) else leaf, tree)
    return jax.tree.map(lambda leaf: leaf.astype(np.float64) if eqx.is_inexact_array(leaf) else leaf, numbers)


def _split(vector: np.ndarray, shapes: tuple[tuple[int, ...], ...]) -> list[np.ndarray]:
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(vector, ends[:-1]), shapes, strict=True)]


@eqx.filter_jit
def _residuals(residual: Any, tree: Any, data: Any) -> jax.Array:
    return residual(tree, data)


@eqx.filter_jit
def _jacobian(residual: Any, tree: Any, data: Any, reverse: bool) -> jax.Array:
    arrays, rest = eqx.partition(tree, eqx.is_inexact_array)
    differentiate = jax.jacrev if reverse else jax.jacfwd
    parts = differentiate(lambda a: residual(eqx.combine(a, rest), data))(arrays)
    return jnp.concatenate([part.reshape(part.shape[0], -1) for part in jax.tree.leaves(parts)], axis=1)
