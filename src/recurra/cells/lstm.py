"""Long short-term memory."""

import dataclasses
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells.cell import Array, Cell, Matrix
from recurra.cells.initial import glorot_uniform, orthogonal, zeros
from recurra.errors import ConfigError


class Gates(NamedTuple):
    """One step of a layer, or many: hidden activity, memory cell, and how far each gate is open, (..., units)."""

    h: Any
    c: Any
    write: Any
    keep: Any
    read: Any


@dataclasses.dataclass(frozen=True)
class Clamp:
    """Gates that are held by hand: one value a unit, None where the unit's gate stays free; None for a free gate."""

    write: tuple[float | None, ...] | None = None
    keep: tuple[float | None, ...] | None = None
    read: tuple[float | None, ...] | None = None


class LSTM(Cell):
    r"""Long short-term memory with a forget gate. The lecture's write, keep and read are i, f and o.

    .. math::
        (i, f, g, o) &= U x_t + W h_{t-1} + b \\
        c_t &= \sigma(f) \odot c_{t-1} + \sigma(i) \odot \tanh(g) \\
        h_t &= \sigma(o) \odot \tanh(c_t)

    With peepholes p the gates see the memory cell too: write and keep before the step, read after it,

    .. math:: \sigma(i + p_i \odot c_{t-1}), \quad \sigma(f + p_f \odot c_{t-1}), \quad \sigma(o + p_o \odot c_t)

    Without a forget gate, the form of 1997, the memory is linked to itself with weight 1 (the constant error
    carousel), and there are no rows of f:

    .. math:: c_t = c_{t-1} + \sigma(i) \odot \tanh(g)

    Args:
        U: input-hidden weights (4 units, inputs): the rows of i, f, g, o in this order; (3 units, inputs) without a
            forget gate.
        W: hidden-hidden weights (4 units, units), the same rows.
        b: bias (4 units,).
        p: peepholes (3 units,): of i, f, o, or (2 units,) of i, o; None for none.
        clamp: gates held by hand; see `clamped`.

    References: S. Hochreiter, J. Schmidhuber, Neural Computation 9 (1997) 1735-1780 (there the squashing functions
    are logistic ones, stretched to (-2, 2) and (-1, 1)); the forget gate: F. A. Gers, J. Schmidhuber, F. Cummins,
    Neural Computation 12 (2000) 2451-2471; peepholes: F. A. Gers, N. N. Schraudolph, J. Schmidhuber, Journal of
    Machine Learning Research 3 (2002) 115-143.
    """

    gates: ClassVar[int] = 4

    U: Matrix
    W: Matrix
    b: Array
    p: Array | None = None
    clamp: Clamp = eqx.field(static=True, default=Clamp())

    @staticmethod
    def draw(
        inputs: int, units: int, rng: np.random.Generator | None, peepholes: bool = False, forget_gate: bool = True
    ) -> "LSTM":
        """Keras' LSTM: 4 units (inputs + units + 1) parameters, forget bias 1.

        With peepholes 3 units more, zero at the start. Without the forget gate 3 units (inputs + units + 1), and
        2 units more with peepholes.
        """
        rows = 4 * units if forget_gate else 3 * units
        b = zeros(rows, rng)
        if rng is not None and forget_gate:
            b[units : 2 * units] = 1
        p = zeros(rows - units, rng) if peepholes else None
        return LSTM(glorot_uniform(rows, inputs, rng), orthogonal(rows, units, rng), b, p)

    @property
    def forget_gate(self) -> bool:
        """Whether the memory can be forgotten; False for the form of 1997."""
        return self.W.shape[0] == 4 * self.W.shape[1]

    def clamped(self, *, write: Any = None, keep: Any = None, read: Any = None) -> "LSTM":
        """The cell with gates held by hand, in forward runs and in training, whatever their weights say.

        Args:
            write, keep, read: one number between 0 and 1 for all units; or one a unit, with None where the gate of
                the unit stays free; None for a free gate.

        Raises:
            ConfigError: a value outside 0 ... 1, not one a unit, or the keep gate of a cell that has none.

        Example:
            >>> cell = LSTM.draw(2, 3, np.random.default_rng(0)).clamped(write=0.0, keep=[1.0, 1.0, None])
            >>> cell.clamp.keep
            (1.0, 1.0, None)
        """
        if keep is not None and not self.forget_gate:
            raise ConfigError("an LSTM without a forget gate keeps all, with weight 1: there is no `keep` to clamp")
        units, given = self.W.shape[1], {"write": write, "keep": keep, "read": read}
        held = Clamp(**{name: _held(name, value, units) for name, value in given.items()})
        return dataclasses.replace(self, clamp=held)

    def initial_state(self) -> tuple[Array, Array]:
        start = np.zeros(self.W.shape[1], self.W.dtype)
        return start, start

    def __call__(self, state: tuple[Array, Array], x: Array) -> tuple[jax.Array, jax.Array]:
        new = self.opened(state, x)
        return new.h, new.c

    def opened(self, state: tuple[Array, Array], x: Array) -> Gates:
        """The step, with the gates that it went through."""
        h, c = state
        a = self.U @ x + self.W @ h + self.b
        if self.forget_gate:
            i, f, g, o = jnp.split(a, 4)
            keep = self._gate("keep", f, c)
        else:
            i, g, o = jnp.split(a, 3)
            keep = jnp.ones_like(i)
        write = self._gate("write", i, c)
        c = keep * c + write * jnp.tanh(g)
        read = self._gate("read", o, c)
        return Gates(read * jnp.tanh(c), c, write, keep, read)

    def _gate(self, name: str, a: jax.Array, c: Array) -> jax.Array:
        """A gate of all units, from what it has summed up and the memory that its peephole sees."""
        if self.p is not None:
            names = ("write", "keep", "read") if self.forget_gate else ("write", "read")
            a = a + jnp.split(jnp.asarray(self.p), len(names))[names.index(name)] * c
        held, gate = getattr(self.clamp, name), jax.nn.sigmoid(a)
        if held is None:
            return gate
        free = np.array([value is None for value in held])
        return jnp.where(free, gate, np.array([value or 0.0 for value in held], gate.dtype))


def _held(name: str, given: Any, units: int) -> tuple[float | None, ...] | None:
    """One value a unit, checked."""
    if given is None:
        return None
    values = [given] * units if np.ndim(given) == 0 else list(given)
    bad = [value for value in values if value is not None and not 0 <= value <= 1]
    if bad or len(values) != units:
        what = f"{bad[0]!r}" if bad else f"{len(values)} values"
        raise ConfigError(
            f"`{name}` of an LSTM with {units} units is held at {what}: give one number from 0 to 1, or one for each "
            "unit with None where its gate stays free"
        )
    return tuple(None if value is None else float(value) for value in values)
