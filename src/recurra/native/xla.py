"""The recurrent layers as functions of JAX: foreign functions of XLA, with their gradient.

They serve the reverse mode of differentiation and inference, on a CPU. In forward mode (`jax.jvp`, `jax.jacfwd`) JAX
refuses them: it wants the scan.
"""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recurra.native import sequences
from recurra.native.status import compiled, kernels, status, threads

Arrays = tuple[jax.Array, ...]


@dataclass(frozen=True)
class Layer:
    """What is known of a layer before it runs.

    Args:
        cell, activation: as of `recurra.native.sequences.Weights`.
    """

    cell: str
    activation: str = "tanh"

    @property
    def attributes(self) -> dict[str, np.int64]:
        """What the foreign functions take beside arrays."""
        kinds = sequences.CELLS[self.cell], sequences.ACTIVATIONS[self.activation], threads()
        return {name: np.int64(kind) for name, kind in zip(("cell", "squash", "threads"), kinds, strict=True)}


@jax.tree_util.register_static
@dataclass(frozen=True)
class _Wanted:
    """Of which inputs the gradient is asked for."""

    x: bool
    start: bool


@cache
def available() -> bool:
    """Whether JAX can run the kernels here; it is told of them when this is first asked."""
    module = compiled("_ffi") if status().active else None
    if module is None or jax.default_backend() != "cpu":
        return False
    module.use(status().isa)
    for name, handler in module.handlers().items():
        jax.ffi.register_ffi_target(f"recurra_{name}", handler, platform="cpu")
    return True


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def run(layer: Layer, x: Any, h: Any, c: Any, U: Any, W: Any, b: Any, d: Any, present: Any) -> Arrays:
    """Run a layer over a batch of sequences.

    Args:
        layer: its kind.
        x: (batch, steps, inputs).
        h, c: the state before (batch, units); c of no rows but for "lstm".
        U, W, b, d: weights; d of no rows but for "gru".
        present: (batch, steps), False at steps that leave the state as it is; no rows for all.

    Returns:
        h after every step (batch, steps, units), and h and c after the last.
    """
    return tuple(_forward(layer, False, x, h, c, U, W, b, d, present)[:3])


def _run_forward(layer: Layer, *given: Any) -> tuple[Arrays, Any]:
    x, h, c, U, W, b, d, present = (each.value for each in given)
    *outputs, tape = _forward(layer, True, x, h, c, U, W, b, d, present)
    wanted = _Wanted(given[0].perturbed, given[1].perturbed or given[2].perturbed)
    return tuple(outputs), (wanted, x, c, U, W, d, present, tape)


def _run_backward(layer: Layer, kept: Any, gradients: Any) -> tuple[Any, ...]:
    wanted, x, c, U, W, d, present, tape = kept
    (batch, steps, inputs), units = x.shape, W.shape[1]
    dhs, dh, dc = (None if isinstance(g, jax.custom_derivatives.SymbolicZero) else jnp.asarray(g) for g in gradients)
    if dhs is None:
        dhs = jnp.zeros((batch, steps, units), x.dtype)
    none = jnp.zeros(0, x.dtype)
    lstm = layer.cell == "lstm"
    shapes = [
        tape.shape,
        (batch, steps, inputs) if wanted.x else (0,),
        (batch, units) if wanted.start else (0,),
        (batch, units) if wanted.start and lstm else (0,),
        U.shape,
        W.shape,
        W.shape[:1],
        d.shape,
    ]
    call = jax.ffi.ffi_call(
        f"recurra_backward_{x.dtype}",
        [jax.ShapeDtypeStruct(shape, x.dtype) for shape in shapes],
        vmap_method="sequential",
        input_output_aliases={7: 0},
    )
    given = (x, U, W, present, dhs, none if dh is None else dh, none if dc is None or not lstm else dc, tape)
    _, dx, dh0, dc0, dU, dW, db, dd = call(*given, **layer.attributes)
    start = (dh0, dc0 if lstm else jnp.zeros_like(c)) if wanted.start else (None, None)
    return dx if wanted.x else None, *start, dU, dW, db, dd, None


run.defvjp(_run_forward, _run_backward, symbolic_zeros=True)


def _forward(layer: Layer, record: bool, x: Any, h: Any, c: Any, U: Any, W: Any, b: Any, d: Any, present: Any) -> Any:
    (batch, steps, _), units = x.shape, W.shape[1]
    size = kernels().tape_size(sequences.CELLS[layer.cell], batch, steps, units, x.dtype == np.float32)
    shapes = [(batch, steps, units), (batch, units), c.shape, (size if record else 0,)]
    call = jax.ffi.ffi_call(
        f"recurra_forward_{x.dtype}",
        [jax.ShapeDtypeStruct(shape, x.dtype) for shape in shapes],
        vmap_method="sequential",
    )
    return call(x, h, c, U, W, b, d, present, **layer.attributes)
