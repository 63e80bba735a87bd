"""What a network computes of its past inputs: capacities of all products of Legendre polynomials of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement, groupby
from math import comb
from typing import Any

import numpy as np
import scipy.special
import scipy.stats

from recurra._types import whole_number
from recurra.diagnostics.capacity import Readouts, checked, error_of_sum, past
from recurra.diagnostics.checks import check_whole
from recurra.diagnostics.states import driven
from recurra.errors import ConfigError, DataError

_TERMS = 3000  # of each degree at most, where no lags are asked for
_AT_ONCE = 256  # terms
_UNEVEN = 1e-6  # probability below which inputs are not uniform

Term = tuple[tuple[int, int], ...]  # (lag, degree) of every factor, the shortest lag first


@dataclass(frozen=True, eq=False)
class InformationCapacity:
    r"""The capacity of every term, a product of Legendre polynomials P_d of x(t - k).

    Args:
        terms: of each the lag k and degree d of its factors: ((0, 2), (3, 1)) is P_2(x(t)) P_1(x(t - 3)).
        by_term: capacities (terms,), corrected for chance; around zero where nothing is known, so that it may be below.
        units: n, the bound of the sum.
        threshold: what a capacity exceeds by chance with a probability of 0.0001, by the chi-squared distribution.
        error: standard error of the sum.
    """

    terms: tuple[Term, ...]
    by_term: np.ndarray
    units: int
    threshold: float
    error: float

    @property
    def total(self) -> float:
        """The sum over all terms, or n where chance has taken it beyond that bound."""
        return min(float(self.by_term.sum()), float(self.units))

    @cached_property
    def table(self) -> np.ndarray:
        """Sums of capacities by degree and longest lag (degrees, lags); row 0 is degree 1, column 0 lag 0."""
        degrees, lags = self.degrees, self.longest_lags
        found = np.zeros((degrees.max(), lags.max() + 1))
        np.add.at(found, (degrees - 1, lags), self.by_term)
        return found

    @property
    def by_degree(self) -> np.ndarray:
        """The sum over the terms of degree 1, 2, ...: the first is the linear memory capacity."""
        return self.table.sum(axis=1)

    @property
    def by_lag(self) -> np.ndarray:
        """The sum over the terms whose longest lag is 0, 1, ..."""
        return self.table.sum(axis=0)

    @property
    def degrees(self) -> np.ndarray:
        """The degree of each term (terms,)."""
        return np.array([sum(d for _, d in term) for term in self.terms])

    @property
    def longest_lags(self) -> np.ndarray:
        """The longest lag in each term (terms,)."""
        return np.array([term[-1][0] for term in self.terms])

    def largest(self, count: int = 10) -> list[tuple[Term, float]]:
        """The terms that are known best, of those above the threshold."""
        order = np.argsort(-self.by_term, kind="stable")[:count]
        return [(self.terms[i], float(self.by_term[i])) for i in order if self.by_term[i] > self.threshold]

    @property
    def words(self) -> str:
        """The total and what it is made of, in a sentence."""
        parts = ", ".join(f"{value:.2f} of degree {d}" for d, value in enumerate(self.by_degree, 1))
        return f"{self.total:.2f} of {self.units} units compute something of the past inputs: {parts}."


def information_capacity(
    states: np.ndarray,
    inputs: np.ndarray,
    *,
    degree: int = 3,
    lags: int | Sequence[int] | None = None,
    scale: float | None = None,
) -> InformationCapacity:
    r"""How well linear readouts of states give every polynomial of the past inputs, up to a degree.

    .. math:: z_t = \prod_k P_{d_k}(x_{t-k} / s), \quad \sum_k d_k = 1, 2, \ldots, \quad
        C[z] = 1 - \min_{a, b} \frac{\langle (z - a - b \cdot h)^2 \rangle}{\langle z^2 \rangle}

    The terms z are orthogonal for independent inputs that are uniform on (-s, s), so that their capacities add up to n
    at most, and to n where the n states are independent and forget their start, if degree and lags reach far enough. A
    linear network has terms of degree 1 alone.

    Chance is taken off every capacity in the mean, as of `memory_capacity`; Dambre et al. set to zero what is below a
    threshold, and so lose what is spread over many small terms.

    Args:
        states: h (time, n), after a transient.
        inputs: x (time,), row by row what the states of that row were driven with.
        degree: the largest degree.
        lags: number of lags 0, 1, ... that a term draws from: one for all degrees, or one for each; None for 2 n, or
            as many as make 3000 terms of a degree.
        scale: s; None for the largest of the inputs.

    Raises:
        DataError: arrays that do not fit together or are not finite, too few rows, inputs that are not uniform.
        ConfigError: `degree` or `lags` are no whole numbers of at least 1, or not one for each degree.

    Reference: J. Dambre, D. Verstraeten, B. Schrauwen, S. Massar, Information processing capacity of dynamical systems,
    Scientific Reports 2 (2012) 514.

    Example:
        >>> x = np.random.default_rng(0).uniform(-1, 1, 2000)
        >>> states = np.stack([x, x**2, x * np.roll(x, 1)], axis=1)
        >>> found = information_capacity(states[10:], x[10:], degree=2, lags=4)
        >>> sorted(term for term, _ in found.largest())
        [((0, 1),), ((0, 1), (1, 1)), ((0, 2),)]
    """
    check_whole(1, degree=degree)
    reach = _lags(lags, degree, np.atleast_1d(states).shape[-1])
    h, x = checked(states, inputs, max(reach))
    size = _scale(x, scale)
    terms = [term for d, count in enumerate(reach, 1) for term in _terms(d, count)]
    seen = np.ascontiguousarray(past(x / size, max(reach)).T)
    polynomials = [scipy.special.eval_legendre(d, seen) for d in range(1, degree + 1)]
    readouts = Readouts(h[max(reach) - 1 :])
    found, without = [], np.zeros(())
    for chunk in range(0, len(terms), _AT_ONCE):
        values, left = readouts.capacities(_targets(polynomials, terms[chunk : chunk + _AT_ONCE]))
        found.append(values)
        without = without + left.sum(axis=1)
    chance = scipy.stats.chi2.ppf(1 - 1e-4, readouts.rank) - readouts.rank if readouts.rank else 0.0
    error = error_of_sum(np.asarray(without)[:, None])
    return InformationCapacity(tuple(terms), np.concatenate(found), h.shape[1], float(chance / seen.shape[1]), error)


def measure_information_capacity(
    network: Any,
    *,
    degree: int = 3,
    lags: int | Sequence[int] | None = None,
    steps: int = 20_000,
    scale: float = 0.5,
    transient: int = 500,
    seed: int = 0,
) -> InformationCapacity:
    """Drive a network of one input with uniform white noise and measure what it computes of it.

    Args:
        network: as of `measure_memory_capacity`.
        degree, lags: as of `information_capacity`.
        steps: rows that are measured.
        scale: the input is uniform on (-scale, scale); the larger, the higher the degrees that a network computes.
        transient: rows before them.
        seed: of the input.

    Raises:
        ConfigError: the network has more inputs than one, or is none.
        DataError: as `information_capacity`.
    """
    x = np.random.default_rng(seed).uniform(-scale, scale, transient + steps)
    states = driven(network, x)[transient:]
    return information_capacity(states, x[transient:], degree=degree, lags=lags, scale=scale)


def _terms(degree: int, lags: int) -> Iterator[Term]:
    """All products of this degree of inputs of these lags."""
    for factors in combinations_with_replacement(range(lags), degree):
        yield tuple((lag, len(list(same))) for lag, same in groupby(factors))


def _targets(polynomials: list[np.ndarray], terms: Sequence[Term]) -> np.ndarray:
    """The products (rows, terms) of polynomials (lags, rows) of each degree."""
    found = np.ones((len(terms), polynomials[0].shape[1]))
    for row, term in zip(found, terms, strict=True):
        for lag, d in term:
            row *= polynomials[d - 1][lag]
    return found.T


def _lags(lags: int | Sequence[int] | None, degree: int, units: int) -> list[int]:
    if lags is None:
        return [_affordable(d, 2 * units) for d in range(1, degree + 1)]
    found: list[Any] = list(lags) if isinstance(lags, Sequence) else [lags] * degree
    if len(found) != degree or not all(whole_number(count) and count >= 1 for count in found):
        raise ConfigError(
            f"`lags` must be a whole number of at least 1, or one for each of the {degree} degrees, got {lags!r}"
        )
    return [int(count) for count in found]


def _affordable(degree: int, most: int) -> int:
    """The most lags whose terms of this degree are not too many."""
    count = 1
    while count < most and comb(count + degree, degree) <= _TERMS:
        count += 1
    return count


def _scale(x: np.ndarray, scale: float | None) -> float:
    size = float(np.abs(x).max()) if scale is None else float(scale)
    if not (np.isfinite(size) and size > 0):
        raise ConfigError(f"`scale` must be a positive, finite number, got {scale!r}, and inputs that are not all zero")
    if scipy.stats.kstest(x / size, scipy.stats.uniform(-1, 2).cdf).pvalue < _UNEVEN:
        raise DataError(
            f"the inputs are not uniform on (-{size:g}, {size:g}), where alone products of Legendre polynomials are "
            "orthogonal: drive the network with `rng.uniform(-s, s)`"
        )
    return size
