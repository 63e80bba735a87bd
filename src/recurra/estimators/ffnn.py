"""The feed-forward network on a window of rows as an estimator."""

import dataclasses
from typing import ClassVar

from recurra.estimators.finite_memory import FiniteMemory
from recurra.estimators.parameters import Checks


@dataclasses.dataclass(kw_only=True, eq=False)
class FFNN(FiniteMemory):
    r"""Feed-forward network on the last rows; with `order=1` it has no memory at all.

    .. math:: h^{(1)} = \sigma(U^{(1)} [x_t, x_{t-1}, \ldots, x_{t-k+1}] + b^{(1)}), \quad
        h^{(l)} = \sigma(U^{(l)} h^{(l-1)} + b^{(l)}), \quad y_t = V h^{(L)} + c

    What lies further back than k rows cannot reach the forecast. See `FiniteMemory` and `Recurrent` for the other
    parameters: `layers` layers of `units`.

    Args:
        order: k, the number of rows in the window.

    >>> FFNN(order=4).receptive_field
    4
    """

    kind: ClassVar[str] = "ffnn"

    order: int = 10

    def _taps(self) -> list[tuple[int, int]]:
        return [(self.order, 1), *[(1, 1)] * (self.layers - 1)]

    def _check_taps(self, checks: Checks) -> None:
        checks.whole("order", 1, 100_000)
