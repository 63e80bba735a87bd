"""Kernels: how alike two delay vectors are, as functions of one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float


def gaussian(squares: np.ndarray) -> np.ndarray:
    """exp(-r^2 / 2) of squared distances r^2, in place.

    >>> gaussian(np.array([0.0, 2.0])).round(12).tolist()
    [1.0, 0.367879441171]
    """
    squares *= -0.5
    return np.exp(squares, out=squares)


def matern(squares: np.ndarray) -> np.ndarray:
    """(1 + a + a^2 / 3) exp(-a) with a = sqrt(5) r, of squared distances r^2: nu = 5/2, twice differentiable.

    Reference: C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning, MIT Press 2006, section 4.2.

    >>> matern(np.array([0.0, 1.0])).round(12).tolist()
    [1.0, 0.523994108832]
    """
    squares *= 5.0
    a = np.sqrt(squares)
    squares /= 3.0
    squares += a
    squares += 1.0
    np.negative(a, out=a)
    squares *= np.exp(a, out=a)
    return squares


KERNELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"gaussian": gaussian, "matern-5/2": matern}


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
    def _scaled(self) -> tuple[np.ndarray, np.ndarray]:
        """-2 c / l as rows, and |c / l|^2."""
        c = self.centres / self.length
        return np.ascontiguousarray(-2.0 * c.T), np.sum(c**2, axis=0)[:, None]

    def __call__(self, z: Float[np.ndarray, "variables rows"]) -> Float[np.ndarray, "size rows"]:
        """The kernel of every column and every centre."""
        c, lengths = self._scaled
        z = z / self.length
        squares = c @ z
        squares += lengths
        squares += np.sum(z**2, axis=0)
        np.maximum(squares, 0.0, out=squares)  # rounding
        return KERNELS[self.name](squares)
