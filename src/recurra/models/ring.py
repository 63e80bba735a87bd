"""A ring of sites with one cell and one readout for all of them: what is learnt at a site holds at every other."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from recurra.cells import Array, Cell
from recurra.cells.initial import glorot_uniform
from recurra.models.model import Model
from recurra.models.stack import CELLS


class Ring(Model):
    r"""The same cell at every site of a ring, which sees that site and its neighbours; for a field x (sites,).

    .. math:: h^{(j)}_t = \mathrm{cell}(h^{(j)}_{t-1}, [x^{(j-r)}_t, \ldots, x^{(j+r)}_t]), \qquad
        y^{(j)}_{t+1} = [x^{(j)}_t + s_j] \, (c + V h^{(j)}_t)

    A convolution over the ring, so that a shifted field gives shifted outputs; every row teaches as many times as there
    are sites.

    Args:
        cell: of a site, which sees 2 r + 1 numbers.
        V: readout (1, units).
        c: its constant (1,).
        scale: s, of a model that learns increments.
        halo: r, the sites that are seen to each side.
        sites: of the ring.

    Reference: X. Shi et al., Convolutional LSTM network, NeurIPS 2015, arXiv:1506.04214.
    """

    cell: Cell
    V: Array
    c: Array
    scale: Array | None  # pyright: ignore[reportIncompatibleMethodOverride]
    halo: int = eqx.field(static=True)
    sites: int = eqx.field(static=True)

    @staticmethod
    def draw(cell: str, sites: int, units: int, halo: int, *, seed: int) -> "Ring":
        """A cell of `recurra.models.CELLS` by its name, and a Glorot-uniform readout."""
        rng = np.random.default_rng(seed)
        drawn = CELLS[cell].draw(2 * halo + 1, units, rng)
        return Ring(drawn, glorot_uniform(1, units, rng), np.zeros(1), None, halo, sites)

    def initial_state(self) -> Any:
        return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (self.sites, *leaf.shape)), self.cell.initial_state())

    def step(self, state: Any, x: Array) -> tuple[Any, Array]:
        around = jnp.stack([jnp.roll(x, -k) for k in range(-self.halo, self.halo + 1)], axis=1)
        state = jax.vmap(self.cell)(state, around)
        h = jax.vmap(self.cell.output)(state)
        return state, self._from(x, (h @ self.V.T + self.c)[:, 0])
