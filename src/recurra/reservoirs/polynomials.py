"""Polynomials of several variables in a basis that keeps high degrees apart: products of Chebyshev polynomials."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement
from math import comb
from typing import ClassVar

import numpy as np
from jaxtyping import Float


def polynomial_count(variables: int, degree: int) -> int:
    """Monomials of degree 1 to D in d variables: (d + D choose D) - 1.

    >>> polynomial_count(3, 2)
    9
    """
    return comb(variables + degree, degree) - 1


def powers(variables: int, degree: int) -> np.ndarray:
    """Every multi-index a with 1 <= a_1 + ... + a_d <= D, the smaller sums first: (count, d).

    >>> powers(2, 2).tolist()
    [[1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]
    """
    chosen = [each for total in range(1, degree + 1) for each in combinations_with_replacement(range(variables), total)]
    table = np.zeros((len(chosen), variables), np.int64)
    for row, each in enumerate(chosen):
        np.add.at(table[row], list(each), 1)
    return table


@dataclass(frozen=True, eq=False)
class Polynomials:
    r"""All polynomials up to a degree, without the constant, as products of Chebyshev polynomials.

    .. math:: \phi_a(z) = \prod_{i=1}^{d} w^{a_i} T_{a_i}\!\left(\frac{z_i - m_i}{s_i}\right), \qquad
        1 \le a_1 + \ldots + a_d \le D

    They span what the monomials span. With the variables scaled into [-1, 1] the columns of high degree are far less
    alike than powers are: a ridge can be as small as the data allow. The weight w = 1/4 makes a ridge prefer low
    degrees.

    Args:
        middle, half: m and s, (variables,): the variables are in [m - s, m + s] in training.
        degree: D.

    References: D. J. Gauthier, E. Bollt, A. Griffith, W. A. S. Barbosa, Nature Communications 12 (2021) 5564;
    L. N. Trefethen, Approximation Theory and Approximation Practice, SIAM 2013, chapter 3.
    """

    middle: np.ndarray
    half: np.ndarray
    degree: int
    weight: ClassVar[float] = 0.25

    @staticmethod
    def over(table: Float[np.ndarray, "variables rows"], degree: int) -> "Polynomials":
        """Scaled to the range of these rows; a variable that does not move has a half-width of 1."""
        low, high = table.min(axis=1), table.max(axis=1)
        half = (high - low) / 2
        return Polynomials((high + low) / 2, np.where(half > 0, half, 1.0), degree)

    @property
    def size(self) -> int:
        """The number of polynomials."""
        return polynomial_count(len(self.middle), self.degree)

    def of_degree(self, degree: int) -> "Polynomials":
        """Those up to a lower degree: the first ones of these."""
        return Polynomials(self.middle, self.half, degree)

    def __call__(self, z: Float[np.ndarray, "variables rows"]) -> Float[np.ndarray, "size rows"]:
        """The polynomials of every column: degree by degree, each a product of an earlier one and a factor."""
        d, rows = z.shape
        factors = np.empty((self.degree + 1, d, rows))
        factors[0] = 1.0
        factors[1] = (z - self.middle[:, None]) / (self.half[:, None] / self.weight)
        for k in range(2, self.degree + 1):
            np.multiply(factors[1], factors[k - 1], out=factors[k])
            factors[k] *= 2.0
            factors[k] -= self.weight**2 * factors[k - 2]
        factors = factors.reshape(-1, rows)
        found = np.empty((1 + self.size, rows))
        found[0] = 1.0
        for first, stop, earlier, factor in self.products:
            block = found[first:stop]
            np.take(found, earlier, axis=0, out=block, mode="clip")
            block *= factors[factor]
        return found[1:]

    @cached_property
    def products(self) -> list[tuple[int, int, np.ndarray, np.ndarray]]:
        """For every degree: first and last row, counted with the constant as row 0, the row that each is a multiple of,
        and the factor T_k of its last variable, as a row of all factors."""
        d = len(self.middle)
        table = np.concatenate([np.zeros((1, d), np.int64), powers(d, self.degree)])
        at = {tuple(row): k for k, row in enumerate(table.tolist())}
        last = d - 1 - np.argmax(table[:, ::-1] > 0, axis=1)
        rows = np.arange(len(table))
        factor = table[rows, last] * d + last
        earlier = table.copy()
        earlier[rows, last] = 0
        parents = np.array([at[tuple(row)] for row in earlier.tolist()])
        edges = np.searchsorted(table.sum(axis=1), np.arange(1, self.degree + 2))
        return [(a, b, parents[a:b], factor[a:b]) for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]
