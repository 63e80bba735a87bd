"""The Gauss-Newton matrix of an objective, as a product with a vector; in pieces where it would not fit the memory."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recurra.errors import ConfigError
from recurra.training.flat import Flat
from recurra.training.objectives import Objective
from recurra.training.penalties import penalty
from recurra.training.recomputed import Recomputed

METRICS = ("matched", "pre", "post")
Product = Callable[[Any, Any], Any]  # (v, gamma) -> G v


class Curved:
    r"""An objective over some of its windows as a function of the vector w of all weights.

    .. math::
        f(w) = L(z(w)) + P(w), \quad
        G v = J_z^T H_L J_z v + \frac{\gamma}{n} \sum_l J_{s_l}^T D_l J_{s_l} v + H_P v

    z are the outputs, H_L the second derivative of the loss in them, n the number of terms of the loss, and P the
    penalties. The second part is structural damping: s_l is what `recurra.cells.Damped` says of layer l. Windows are
    taken `chunk` at a time; with one chunk the linearisation is done once, with several again in every product. With a
    `segment` it keeps the states between segments of so many steps, and every product computes the rest again.

    Args:
        objective, data: what is minimised.
        flat: from a vector to the model.
        index: the windows.
        keys: of their dropout, or None.
        chunk: windows at a time; None for all.
        segment: steps at a time; None for all.
        penalties: which, and their strengths, as of `penalty`.
        metric: of structural damping, one of `METRICS`; None for none.

    Raises:
        ConfigError: structural damping of a model that does not know its layers, or of a cell without that metric.

    References: N. N. Schraudolph, Fast curvature matrix-vector products for second-order gradient descent, Neural
    Computation 14 (2002) 1723-1738; J. Martens, I. Sutskever, ICML 2011, section 3.2 (structural damping).
    """

    def __init__(
        self,
        objective: Objective,
        data: Any,
        flat: Flat,
        index: Any,
        keys: Any = None,
        *,
        chunk: int | None = None,
        segment: int | None = None,
        penalties: tuple[Any, Any] = ((), ()),
        metric: str | None = None,
    ) -> None:
        self._objective, self._data, self._flat, self._metric = objective, data, flat, metric
        self._matched, self._penalties, self._segment = objective.matched(), penalties, segment
        size = min(chunk or len(index), len(index))
        full = len(index) // size * size
        self._parts = jax.tree.map(lambda leaf: leaf[:full].reshape(-1, size, *leaf.shape[1:]), (index, keys))
        self._rest = jax.tree.map(lambda leaf: leaf[full:], (index, keys)) if full < len(index) else None
        self._windows = index, keys
        self._terms = jnp.maximum(objective.terms(data, index), 1)

    @property
    def linearised_once(self) -> bool:
        """Whether all windows are taken together."""
        return len(self._parts[0]) == 1 and self._rest is None

    def value(self, weights: Any) -> jax.Array:
        """f(w), summed in float64 where JAX has it."""
        return self._over_parts(lambda part: self._share(weights, part)) + self._penalty(weights)

    def value_and_gradient(self, weights: Any) -> tuple[jax.Array, Any]:
        """f(w) and its gradient."""
        loss, gradient = self._over_parts(lambda part: jax.value_and_grad(lambda w: self._share(w, part))(weights))
        if self._penalties[0]:
            more, slope = jax.value_and_grad(self._penalty)(weights)
            loss, gradient = loss + more, gradient + slope
        return loss, gradient.astype(weights.dtype)

    def product(self, weights: Any) -> Product:
        """(v, gamma) -> G v at these weights."""
        data_part = self._linearised(weights, self._windows) if self.linearised_once else self._in_parts(weights)
        if not self._penalties[0]:
            return data_part
        _, curved = jax.linearize(jax.grad(self._penalty), weights)
        return lambda v, strength: data_part(v, strength) + curved(v).astype(v.dtype)

    def _in_parts(self, weights: Any) -> Product:
        return lambda v, strength: self._over_parts(lambda part: self._linearised(weights, part)(v, strength))

    def case_squares(self, weights: Any) -> Any:
        """The mean over the windows of the squared gradient of each: the diagonal of the empirical Fisher matrix."""
        index, keys = jax.tree.map(lambda leaf: leaf[:, None], self._windows)

        def one(total: Any, part: Any) -> tuple[Any, None]:
            window, key = part
            loss = lambda w: self._objective.loss(self._flat.model(w), self._data, window, key)  # noqa: E731
            return total + jax.grad(loss)(weights) ** 2, None

        total, _ = jax.lax.scan(one, jnp.zeros_like(weights), (index, keys))
        return total / len(index)

    def _over_parts(self, function: Callable[[Any], Any]) -> Any:
        """The sum of a function over the chunks."""
        if self.linearised_once:
            return function(self._windows)
        shapes = jax.eval_shape(function, jax.tree.map(lambda leaf: leaf[0], self._parts))
        begin = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        if self._rest is not None:
            begin = function(self._rest)

        def body(total: Any, part: Any) -> tuple[Any, None]:
            return jax.tree.map(jnp.add, total, function(part)), None

        return jax.lax.scan(body, begin, self._parts)[0]

    def _model(self, weights: Any) -> Any:
        """The model as it runs over the windows."""
        model = self._flat.model(weights)
        return model if self._segment is None else Recomputed(model, self._segment)

    def _share(self, weights: Any, part: Any) -> jax.Array:
        """What a part of the windows adds to the mean loss."""
        outputs, _ = self._objective.outputs(self._model(weights), self._data, *part)
        return self._compared(self._objective, weights, outputs, part[0])

    def _compared(self, objective: Objective, weights: Any, outputs: Any, index: Any) -> jax.Array:
        model, windows = self._flat.model(weights), len(self._windows[0])
        return objective.share(_wide(outputs), model, self._data, index, self._terms, windows)

    def _penalty(self, weights: Any) -> jax.Array:
        which, strengths = self._penalties
        return penalty(self._flat.model(weights), which, strengths) if which else jnp.zeros((), weights.dtype)

    def _linearised(self, weights: Any, part: Any) -> Product:
        """(v, gamma) -> the product without the penalties, at these weights for these windows."""
        index = part[0]

        def outputs(w: Any) -> tuple[Any, Any]:
            z, layers = self._objective.outputs(self._model(w), self._data, *part)
            damped = [self._in_metric(layer) for layer in self._layers(layers)]
            return (z, [s for s, _ in damped]), [D for _, D in damped]

        (z, _), forward, metrics = jax.linearize(outputs, weights, has_aux=True)
        backward = jax.linear_transpose(forward, weights)
        slope = jax.grad(lambda out: self._compared(self._matched, weights, out, index))

        def product(v: Any, strength: Any) -> Any:
            z_dot, moved = forward(v)
            curved = jax.jvp(slope, (z,), (z_dot,))[1]
            held = [
                ((strength / self._terms) * jax.lax.stop_gradient(D) * s).astype(s.dtype)
                for D, s in zip(metrics, moved, strict=True)
            ]
            return backward((curved, held))[0]

        return product

    def _layers(self, layers: Any) -> Any:
        if self._metric is None:
            return ()
        if not layers:
            raise ConfigError(
                "structural damping knows the hidden layers of RNN, GRU and LSTM, and this model has none of them: set "
                "`structural_damping` to 0"
            )
        return layers

    def _in_metric(self, layer: Any) -> tuple[Any, Any]:
        found = getattr(layer, str(self._metric))
        if found is None:
            raise ConfigError(
                f"structural damping in the metric {self._metric!r} is not defined for this cell or its activation: "
                "take 'post'"
            )
        return found


def _wide(tree: Any) -> Any:
    wide = jax.dtypes.canonicalize_dtype(np.float64)
    return jax.tree.map(lambda leaf: leaf.astype(wide), tree)
