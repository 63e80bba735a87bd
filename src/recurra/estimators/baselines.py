"""The baselines as estimators: what any network has to beat."""

import dataclasses
from typing import Any, ClassVar

import numpy as np

from recurra.baselines import LinearAR
from recurra.estimators import baseline_set
from recurra.estimators.base import Estimator
from recurra.estimators.parameters import Checks
from recurra.estimators.training_set import TrainingSet
from recurra.storage import Layout


@dataclasses.dataclass(kw_only=True, eq=False)
class Persistence(Estimator):
    """Tomorrow is as today: y[t + k] = y[t]."""

    kind: ClassVar[str] = "persistence"

    def check(self) -> None:
        pass

    def _learn(self, training: TrainingSet) -> tuple[Any, list[dict[str, Any]]]:
        return baseline_set.BASELINES[self.kind](training), []

    def _warmup_rows(self) -> int:
        return 0

    def _facts(self) -> dict[str, Any]:
        return {}

    def _tensors(self) -> dict[str, np.ndarray]:
        return {}

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        return {}

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
        return baseline_set.restore_baseline(self.kind, channels, features, tensors)


@dataclasses.dataclass(kw_only=True, eq=False)
class Linear(Estimator):
    r"""(Vector) autoregression with a constant and the lags of the drive, by least squares.

    .. math:: y_{t+1} = a + \sum_{k=0}^{p-1} A_k [y_{t-k}, u_{t+1-k}]

    Args:
        order: number of lags p; None chooses among 1, 2, 3, 5, 8, 13, ... up to `max_order` by closed-loop validation
            on the last fifth of the training rows, and refits on all of them.
        max_order: largest candidate.
        horizon: steps of each validation forecast; None takes 100, or half of the held-out rows.
    """

    kind: ClassVar[str] = "linear"

    order: int | None = None
    max_order: int = 34
    horizon: int | None = None

    def check(self) -> None:
        checks = Checks(self).whole("order", 1, 10_000, optional=True).whole("max_order", 1, 10_000)
        checks.whole("horizon", 1, optional=True).raise_all()

    def _learn(self, training: TrainingSet) -> tuple[Any, list[dict[str, Any]]]:
        orders = fibonacci_orders(self.max_order) if self.order is None else (self.order,)
        return baseline_set.choose_linear(training, orders, self.horizon)

    def _warmup_rows(self) -> int:
        return baseline_set.warmup_rows(self.network_) if hasattr(self, "network_") else 0

    def _facts(self) -> dict[str, Any]:
        return {"order": self.network_.order}

    def _tensors(self) -> dict[str, np.ndarray]:
        return baseline_set.baseline_tensors(self.network_)

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        return baseline_set.baseline_layout(int(facts["order"]), channels, features)

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
        return LinearAR(tensors["coefficients"], features)


def fibonacci_orders(largest: int) -> tuple[int, ...]:
    """1, 2, 3, 5, 8, ... and `largest` itself."""
    orders = [1, 2]
    while orders[-1] < largest:
        orders.append(orders[-1] + orders[-2])
    return tuple(sorted({*(order for order in orders if order <= largest), largest}))
