"""Weights before training, drawn in NumPy in float64; whoever asks for a model says its precision.

Each takes a `numpy.random.Generator`, or None for a matrix of zeros that has the shape and takes no memory.
"""

import numpy as np


def glorot_uniform(rows: int, columns: int, rng: np.random.Generator | None) -> np.ndarray:
    r"""Uniform on (-l, l) with l = sqrt(6 / (rows + columns)).

    Reference: X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward networks, AISTATS 2010.
    """
    if rng is None:
        return blank(rows, columns)
    limit = np.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns))


def orthogonal(rows: int, columns: int, rng: np.random.Generator | None) -> np.ndarray:
    """A matrix with orthonormal columns (rows >= columns), uniformly distributed.

    Reference: A. M. Saxe, J. L. McClelland, S. Ganguli, Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks, arXiv:1312.6120; the sign convention: F. Mezzadri, Notices AMS 54 (2007) 592-604.
    """
    if rng is None:
        return blank(rows, columns)
    Q, R = np.linalg.qr(rng.standard_normal((rows, columns)))
    return Q * np.sign(np.diag(R))


def zeros(size: int, rng: np.random.Generator | None) -> np.ndarray:
    """A bias before training."""
    return blank(size) if rng is None else np.zeros(size)


def blank(*shape: int) -> np.ndarray:
    """Zeros of this shape, read-only: one number in memory."""
    return np.broadcast_to(np.float64(0), shape)
