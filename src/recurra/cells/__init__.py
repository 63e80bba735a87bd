"""Recurrent cells: `(state, x) -> state`, written for one datum; batches come from `jax.vmap` outside.

The lecture's letters: `U` input to hidden, `W` hidden to hidden, `b` the bias; `h` is the hidden state and `c` the
memory cell. Weights are drawn in NumPy from a `numpy.random.Generator`, with the defaults that Keras documents:
Glorot-uniform `U`, orthogonal `W`, zero `b`, and 1 for the bias of the LSTM's forget gate.
"""

from recurra.cells.activations import ACTIVATIONS, ELEMENTWISE, Activation, activation
from recurra.cells.cell import Array, Cell, Dropped, Matrix, with_dropout
from recurra.cells.convolution import Convolution, receptive_field
from recurra.cells.damped import Damped, damped
from recurra.cells.elman import Elman
from recurra.cells.euler import EulerCell
from recurra.cells.gru import GRU
from recurra.cells.initial import blank, glorot_uniform, orthogonal, zeros
from recurra.cells.lstm import LSTM, Clamp, Gates
from recurra.cells.own import Own, as_cell
from recurra.cells.sequence import run_cell
from recurra.compilation import keep_programs

__all__ = [
    "ACTIVATIONS",
    "ELEMENTWISE",
    "GRU",
    "LSTM",
    "Activation",
    "Array",
    "Cell",
    "Clamp",
    "Convolution",
    "Damped",
    "Dropped",
    "Elman",
    "EulerCell",
    "Gates",
    "Matrix",
    "Own",
    "activation",
    "as_cell",
    "blank",
    "damped",
    "glorot_uniform",
    "orthogonal",
    "receptive_field",
    "run_cell",
    "with_dropout",
    "zeros",
]

keep_programs()  # before anything is compiled: whatever loads JAX comes through here or `recurra.systems`
