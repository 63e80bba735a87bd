"""`Model`: `step(state, x) -> (state, y)`; everything that trains, forecasts or diagnoses goes through it."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells import Array, Damped
from recurra.models.running import scan_batch, unroll

Layers = tuple[Damped, ...]


class Model(eqx.Module):
    """Interface of a network with a readout.

    Args:
        scale: what makes the outputs of a model that learns increments, y_t = x_t[:channels] + s (output), with the
            size s (channels,) of an increment; not trained. None for a model that learns values.
    """

    if not TYPE_CHECKING:  # which takes it for the first field
        scale: eqx.AbstractVar[Array | None]
    else:

        @property
        def scale(self) -> Array | None: ...

    @abstractmethod
    def initial_state(self) -> Any:
        """The state before any input."""

    @abstractmethod
    def step(self, state: Any, x: Array) -> tuple[Any, Array]:
        """One step for one datum: x (inputs,) -> y (outputs,)."""

    def __call__(self, xs: Array) -> jax.Array:
        """The outputs (time, outputs) for a sequence xs (time, inputs), from the initial state, step by step."""
        return unroll(self.step, self.initial_state(), xs)[1]

    def run(
        self, state: Any, xs: Array, present: Array | None = None, *, forward_mode: bool = False
    ) -> tuple[Any, jax.Array]:
        """Run over a batch of sequences, the fast way: with the native kernels where a model has layers for them.

        Args:
            state: a leading batch axis on every array, as of `initial_states`.
            xs: (batch, steps, inputs).
            present: (batch, steps), False at steps that leave the state as it is, whatever x is there; None for all.
            forward_mode: the scan, for second derivatives and many tangents at once; see `recurra.cells.run_cell`.

        Returns:
            The last state, and the outputs (batch, steps, outputs); those at steps that are not present mean nothing.
        """
        del forward_mode  # a scan serves both modes
        return scan_batch(self.step, state, xs, present)

    def run_layers(self, state: Any, xs: Array, present: Array | None = None) -> tuple[Any, jax.Array, Layers]:
        """`run`, and what structural damping looks at in every layer; no layers where a model does not know them."""
        return *self.run(state, xs, present), ()

    def initial_states(self, batch: int) -> Any:
        """The state before any input, for each sequence of a batch."""
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (batch, *leaf.shape)), self.initial_state())

    @property
    def dtype(self) -> np.dtype:
        """float32 or float64: the precision of the weights."""
        return next(np.dtype(leaf.dtype) for leaf in jax.tree.leaves(self) if eqx.is_inexact_array(leaf))

    @property
    def drops(self) -> bool:
        """Whether a training draws `with_dropout` for every sequence."""
        return False

    def with_dropout(self, key: jax.Array) -> "Model":
        """The model for one training sequence, its masks drawn; see `recurra.cells.Cell.with_dropout`."""
        del key
        return self

    def _from(self, x: Array, output: Array) -> Array:
        """The output itself, or the input that it is an increment to plus that."""
        if self.scale is None:
            return output
        return jnp.asarray(x[..., : output.shape[-1]] + jax.lax.stop_gradient(self.scale) * output)
