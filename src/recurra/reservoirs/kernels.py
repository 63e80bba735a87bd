"""Kernels: how alike two delay vectors are, as functions of one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float


def gaussian(halves: np.ndarray) -> np.ndarray:
    """exp(-r^2 / 2) of r^2 / -2, in place.

    >>> gaussian(np.array([0.0, -1.0])).round(12).tolist()
    [1.0, 0.367879441171]
    """
    np.minimum(halves, 0.0, out=halves)  # rounding
    return np.exp(halves, out=halves)


def matern(squares: np.ndarray) -> np.ndarray:
    """(1 + a + a^2 / 3) exp(-a) with a = sqrt(5) r, of a^2, in place: nu = 5/2, twice differentiable.

    Reference: C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press 2006, section 4.2.

    >>> matern(np.array([0.0, 5.0])).round(12).tolist()
    [1.0, 0.523994108832]
    """
    np.maximum(squares, 0.0, out=squares)  # rounding
    a = np.sqrt(squares)
    squares /= 3.0
    squares += a
    squares += 1.0
    np.negative(a, out=a)
    squares *= np.exp(a, out=a)
    return squares


KERNELS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], float]] = {  # and what r^2 is multiplied by for it
    "gaussian": (gaussian, -0.5),
    "matern-5/2": (matern, 5.0),
}


@dataclass(frozen=True, eq=False)
class Kernel:
    r"""How alike a delay vector is to each of some centres.

    .. math:: \phi_j(z) = k(\lVert z - c_j \rVert / \ell)

    Args:
        centres: c (variables, centres).
        length: l, in the units of the vectors.
        name: k, a key of `KERNELS`.
    """

    centres: np.ndarray
    length: float
    name: str = "gaussian"

    @property
    def size(self) -> int:
        """The number of centres."""
        return self.centres.shape[1]

    @cached_property
    def rows(self) -> np.ndarray:
        """[-2 f c, f |c|^2, 1] for each centre, f the factor of the kernel: times [z; 1; f |z|^2] it is f r^2."""
        c, factor = self.centres / self.length, KERNELS[self.name][1]
        rows = [-2 * factor * c, factor * np.sum(c**2, axis=0)[None], np.ones((1, self.size))]
        return np.ascontiguousarray(np.concatenate(rows).T)

    def __call__(self, z: Float[np.ndarray, "variables rows"]) -> Float[np.ndarray, "size rows"]:
        """The kernel of every column and every centre."""
        function, factor = KERNELS[self.name]
        seen = np.empty((len(z) + 2, z.shape[1]))
        scaled = np.divide(z, self.length, out=seen[:-2])
        seen[-2] = 1.0
        np.multiply(np.einsum("ij,ij->j", scaled, scaled), factor, out=seen[-1])
        return function(self.rows @ seen)
