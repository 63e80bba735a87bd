"""What Lyapunov exponents say of an attractor: its dimension, and how much is forgotten in a unit of time."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def kaplan_yorke_dimension(exponents: Sequence[float] | np.ndarray, size: int | None = None) -> float | None:
    r"""The Lyapunov dimension of an attractor.

    .. math:: D = j + \frac{\lambda_1 + \dots + \lambda_j}{|\lambda_{j+1}|}

    with the largest j whose sum is not negative: 0 where all exponents are negative, the size of the state where the
    sum never becomes negative.

    Args:
        exponents: in any order; those that are missing are smaller than all of these.
        size: numbers in the state, as many as there are exponents in all; None where these are all.

    Returns:
        D, or None where the sum is still not negative and exponents are missing.

    Reference: J. L. Kaplan, J. A. Yorke, in Functional Differential Equations and Approximation of Fixed Points,
    Springer 1979, 204-227.

    Example:
        >>> kaplan_yorke_dimension([0.9056, 0.0, -14.5723])
        2.0621...
    """
    values = _sorted(exponents)
    sums = np.cumsum(values)
    below = np.flatnonzero(sums < 0)
    if not below.size:
        return float(len(values)) if size is None or size <= len(values) else None
    j = int(below[0])
    return 0.0 if j == 0 else j + float(sums[j - 1] / abs(values[j]))


def entropy_bound(exponents: Sequence[float] | np.ndarray) -> float:
    r"""The sum of the positive exponents, which the metric entropy does not exceed.

    .. math:: h \le \sum_{\lambda_i > 0} \lambda_i

    With the equality of Pesin for what has a smooth measure. Nats per time unit.

    Reference: D. Ruelle, Boletim da Sociedade Brasileira de Matematica 9 (1978) 83-87.

    Example:
        >>> entropy_bound([0.9, 0.1, -14.0])
        1.0
    """
    values = _sorted(exponents)
    return float(values[values > 0].sum())


def _sorted(exponents: Any) -> np.ndarray:
    return -np.sort(-np.asarray(exponents, np.float64))
