"""The fixed random weights of a reservoir, and the exact spectral radius."""

from collections.abc import Sequence

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg

from recurra.reservoirs.reservoir import Reservoir
from recurra.reservoirs.topologies import TOPOLOGIES, Wiring

_DENSE = 200  # below this size all eigenvalues are found directly
_BASIS = 60  # vectors of the Krylov basis: with 20 the largest of 2,000 eigenvalues was missed, by 0.4 %
_RESTARTS = 300  # of ARPACK: random matrices of 5,000 units take less than 100


def draw_reservoir(
    units: int,
    features: int,
    *,
    spectral_radius: float,
    in_degree: int,
    input_scaling: float,
    bias_scaling: float,
    leak: float,
    topology: str = "random",
    jump: int = 10,
    rewiring: float = 0.1,
    channels: int = 0,
    feedback_scaling: float | None = None,
    seed: int | Sequence[int],
) -> Reservoir:
    """A sparse reservoir: connections of the topology, scaled to the radius; random input weights and biases.

    Args:
        units: number of units N.
        features: number of input features.
        spectral_radius: largest modulus of the eigenvalues of W, met to rounding; of a delay line, whose eigenvalues
            are all zero, every weight.
        in_degree: nonzero entries in each row of W (random, small-world, k-shift); units that are rotated together
            (orthogonal); capped at N.
        input_scaling: entries of the input weights are uniform on (-s, s).
        bias_scaling: entries of the bias are uniform on (-s, s).
        leak: leaking rate a in (0, 1].
        topology: a key of `TOPOLOGIES`.
        jump: distance between the units that are joined across the ring (cycle-jumps).
        rewiring: probability that a link to a neighbour goes to a random unit instead (small-world).
        channels: how many of the features, the first ones, are the network's own output fed back.
        feedback_scaling: of the input weights of those; None for `input_scaling`.
        seed: of the weights; the same seed gives the same bits.
    """
    rng = np.random.default_rng(seed)
    kind = TOPOLOGIES[topology]
    W = kind.draw(Wiring(units, in_degree, jump, rewiring), rng)
    W = W * (spectral_radius / (_radius(W) if kind.radius is None else kind.radius))
    scale = np.full(features, float(input_scaling))
    if feedback_scaling is not None:
        scale[:channels] = feedback_scaling
    W_in = rng.uniform(-scale, scale, (units, features))
    return Reservoir(W, W_in, rng.uniform(-bias_scaling, bias_scaling, units), leak)


def spectral_radius(W: "scipy.sparse.csr_array | np.ndarray") -> float:
    """The largest modulus of the eigenvalues of a square matrix: ARPACK with a fixed start, dense as the fallback."""
    return _radius(scipy.sparse.csr_array(W))


def _radius(W: scipy.sparse.csr_array) -> float:
    size = W.indptr.size - 1
    if size > _DENSE:
        start = np.random.default_rng(0).standard_normal(size)
        try:
            found = scipy.sparse.linalg.eigs(
                W, k=6, ncv=_BASIS, v0=start, tol=0, return_eigenvectors=False, maxiter=_RESTARTS
            )
            return float(np.abs(found).max())
        except scipy.sparse.linalg.ArpackNoConvergence:
            pass  # eigenvalues of almost equal modulus: the dense way always ends
    return float(np.abs(scipy.linalg.eigvals(W.toarray())).max())
