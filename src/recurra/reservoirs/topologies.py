"""How the units of a reservoir are connected: one function a topology, each with its weights before scaling."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse

Sparse = scipy.sparse.csr_array


@dataclass(frozen=True)
class Wiring:
    """What the topologies are drawn from; each uses what concerns it.

    Args:
        units: number of units N.
        in_degree: nonzero entries in each row (random, small-world, k-shift), units that are rotated together
            (orthogonal).
        jump: distance between the units that are joined across the ring (cycle-jumps).
        rewiring: probability that a link to a neighbour goes to a random unit instead (small-world).
    """

    units: int
    in_degree: int
    jump: int
    rewiring: float

    @property
    def degree(self) -> int:
        """The in-degree that this many units can have."""
        return min(self.in_degree, self.units)


def random(wiring: Wiring, rng: np.random.Generator) -> Sparse:
    """`in_degree` random entries in each row, uniform on (-1, 1)."""
    n, degree = wiring.units, wiring.degree
    columns = np.stack([rng.choice(n, degree, replace=False) for _ in range(n)])
    columns.sort(axis=1)
    return _rows(columns, rng.uniform(-1, 1, n * degree))


def small_world(wiring: Wiring, rng: np.random.Generator) -> Sparse:
    """Links from the nearest units on a ring, some of them rewired to random ones; entries uniform on (-1, 1).

    Reference: D. J. Watts, S. H. Strogatz, Nature 393 (1998) 440-442.
    """
    n, degree = wiring.units, wiring.degree
    near = sorted(range(n), key=lambda d: (min(d, n - d) or n, d))  # distances, nearest first; a unit itself comes last
    columns = (np.arange(n)[:, None] + np.array(near[:degree])) % n
    far = np.array(near[degree:-1], dtype=np.int64)
    for row in range(n):
        moved = np.flatnonzero(rng.random(degree) < wiring.rewiring)[: far.size]
        columns[row, moved] = (row + rng.choice(far, moved.size, replace=False)) % n
    columns.sort(axis=1)
    return _rows(columns, rng.uniform(-1, 1, n * degree))


def ring(wiring: Wiring, rng: np.random.Generator) -> Sparse:
    """The simple cycle: every unit sees the one before it, all weights alike; its eigenvalues lie on a circle.

    Reference: A. Rodan, P. Tino, IEEE Transactions on Neural Networks 22 (2011) 131-144.
    """
    del rng
    units = np.arange(wiring.units)
    return _rows(np.roll(units, 1)[:, None], np.ones(wiring.units))


def cycle_jumps(wiring: Wiring, rng: np.random.Generator) -> Sparse:
    """A ring with both-way links between its units 0, l, 2l, ..., all weights alike.

    Reference: A. Rodan, P. Tino, Neural Computation 24 (2012) 1822-1852.
    """
    del rng
    n, hubs = wiring.units, range(0, wiring.units, wiring.jump)
    links = {(i, (i - 1) % n) for i in range(n)}
    for a, b in pairwise(hubs):
        links |= {(a, b), (b, a)}
    if n % wiring.jump == 0 and len(hubs) > 2:  # the last jump ends where the first began
        links |= {(0, hubs[-1]), (hubs[-1], 0)}
    rows, columns = np.array(sorted(links)).T
    return _csr(np.ones(len(links)), columns, np.bincount(rows, minlength=n))


def orthogonal(wiring: Wiring, rng: np.random.Generator) -> Sparse:
    """Random rotations of `in_degree` units each (Haar measure), then a random permutation: it keeps every length."""
    n, degree = wiring.units, wiring.degree
    sizes = [degree] * (n // degree) + [n % degree] * (n % degree > 0)
    blocks = scipy.sparse.csr_array(scipy.sparse.block_diag([_rotation(size, rng) for size in sizes], format="csr"))
    W = scipy.sparse.csr_array(blocks[rng.permutation(n)])
    return _csr(W.data, W.indices, np.diff(W.indptr))


def permutation(wiring: Wiring, rng: np.random.Generator) -> Sparse:
    """Every unit sees one other and is seen by one other: random cycles, all weights alike."""
    return _rows(rng.permutation(wiring.units)[:, None], np.ones(wiring.units))


def delay_line(wiring: Wiring, rng: np.random.Generator) -> Sparse:
    """A ring that is cut: W^N = 0, whatever the weights.

    Reference: A. Rodan, P. Tino, IEEE Transactions on Neural Networks 22 (2011) 131-144.
    """
    del rng
    n = wiring.units
    return _csr(np.ones(n - 1), np.arange(n - 1), np.minimum(np.arange(n), 1))


def k_shift(wiring: Wiring, rng: np.random.Generator) -> Sparse:
    """W[i, (i + s_j) mod N] = v_ij with `in_degree` random shifts s_j: as many entries in each row and in each column.

    Where the entries lie is all that differs from a random reservoir, and a kernel needs no list of columns: it is
    several times faster. Entries uniform on (-1, 1).
    """
    n = wiring.units
    shifts = rng.choice(n, wiring.degree, replace=False)
    columns = np.sort((np.arange(n)[:, None] + shifts) % n, axis=1)
    return _rows(columns, rng.uniform(-1, 1, columns.size))


@dataclass(frozen=True)
class Topology:
    """A way to connect the units.

    Args:
        draw: W before scaling.
        nonzeros: how many entries it has.
        radius: the modulus that the scaling starts from (of the weights, for the delay line, whose eigenvalues are
            zero); None to find it from the eigenvalues.
    """

    draw: Callable[[Wiring, np.random.Generator], Sparse]
    nonzeros: Callable[[Wiring], int]
    radius: float | None = None


def _per_row(wiring: Wiring) -> int:
    return wiring.units * wiring.degree


def _one_each(wiring: Wiring) -> int:
    return wiring.units


def _squares(wiring: Wiring) -> int:
    full, rest = divmod(wiring.units, wiring.degree)
    return full * wiring.degree**2 + rest**2


TOPOLOGIES: dict[str, Topology] = {
    "random": Topology(random, _per_row),
    "ring": Topology(ring, _one_each, 1.0),
    "cycle-jumps": Topology(cycle_jumps, lambda wiring: cycle_jumps(wiring, np.random.default_rng(0)).nnz),
    "orthogonal": Topology(orthogonal, _squares, 1.0),
    "permutation": Topology(permutation, _one_each, 1.0),
    "delay-line": Topology(delay_line, lambda wiring: wiring.units - 1, 1.0),
    "small-world": Topology(small_world, _per_row),
    "k-shift": Topology(k_shift, _per_row),
}


def _rotation(size: int, rng: np.random.Generator) -> np.ndarray:
    Q, R = np.linalg.qr(rng.standard_normal((size, size)))
    return Q * np.where(np.diag(R) < 0, -1.0, 1.0)  # without the signs it would not be evenly distributed


def _rows(columns: np.ndarray, data: np.ndarray) -> Sparse:
    """As many entries in each row: columns (units, entries), sorted."""
    return _csr(data, columns.ravel(), np.full(len(columns), columns.shape[1]))


def _csr(data: np.ndarray, columns: np.ndarray, per_row: np.ndarray) -> Sparse:
    ends = np.concatenate([[0], np.cumsum(per_row)]).astype(np.int32)
    W = scipy.sparse.csr_array((data, columns.astype(np.int32), ends), shape=(len(per_row), len(per_row)))
    W.sort_indices()
    return W
