"""The baselines as estimators: what any network has to beat."""

import dataclasses
from typing import Any, ClassVar

import numpy as np

from recurra.errors import DataError
from recurra.estimators import baseline_set
from recurra.estimators.base import Estimator
from recurra.estimators.baseline_harmonic import choose_harmonic
from recurra.estimators.parameters import Checks
from recurra.estimators.training_set import TrainingSet
from recurra.storage import Layout


@dataclasses.dataclass(kw_only=True, eq=False)
class Baseline(Estimator):
    """What the baselines share: their networks are those that stand beside every score."""

    def check(self) -> None:
        pass

    def _learn(self, training: TrainingSet) -> tuple[Any, list[dict[str, Any]]]:
        return baseline_set.BASELINES[self.kind](training), []

    def _warmup_rows(self) -> int:
        return baseline_set.warmup_rows(self.network_) if hasattr(self, "network_") else 0

    def _facts(self) -> dict[str, Any]:
        return baseline_set.baseline_facts(self.network_)

    def _tensors(self) -> dict[str, np.ndarray]:
        return baseline_set.baseline_tensors(self.network_)

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        return baseline_set.baseline_layout(self.kind, facts, channels, features)

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
        return baseline_set.restore_baseline(self.kind, {"order": 0, **facts}, channels, features, tensors)


@dataclasses.dataclass(kw_only=True, eq=False)
class Persistence(Baseline):
    """Tomorrow is as today: y[t + k] = y[t]."""

    kind: ClassVar[str] = "persistence"


@dataclasses.dataclass(kw_only=True, eq=False)
class Climatology(Baseline):
    """Every day is the mean of the training rows."""

    kind: ClassVar[str] = "climatology"


@dataclasses.dataclass(kw_only=True, eq=False)
class Seasonal(Baseline):
    r"""Today is as a period ago: y[t + k] = y[t + k - m].

    Args:
        period: m, in rows. None looks for one: of the five highest significant peaks of the autocorrelation, the one
            that forecasts the last fifth of the training rows best in closed loop.

    A drive is not looked at. A history shorter than m rows counts as preceded by the mean.
    """

    kind: ClassVar[str] = "seasonal"

    period: int | None = None

    def check(self) -> None:
        Checks(self).whole("period", 1, 1_000_000, optional=True).raise_all()

    def _learn(self, training: TrainingSet) -> tuple[Any, list[dict[str, Any]]]:
        network, history = baseline_set.choose_seasonal(training, self.period)
        if network is None:
            raise DataError("the autocorrelation of the training rows shows no period: give `period`, in rows")
        return network, history


@dataclasses.dataclass(kw_only=True, eq=False)
class Harmonic(Baseline):
    r"""Sinusoids and a line, fitted to the last w rows, and a vector autoregression of what they leave.

    .. math:: y_{t+k} = c + d k + \sum_j \Big(a_j \cos\frac{2 \pi k}{P_j} + b_j \sin\frac{2 \pi k}{P_j}\Big) + r_{t+k}

    What geodesy calls LS+AR. Periods, w and the order of the autoregression are fixed by `fit`; the coefficients of the
    sinusoids are those of the last w rows before every forecast, and so is, with `half_life`, the autoregression. A
    history of fewer rows has no sinusoids. A drive is not looked at.

    Args:
        periods: P_j, in rows. None looks for the four strongest and takes as many of them as forecast the last fifth
            of the training rows best in closed loop.
        window: w, in rows; None chooses in the same way among 3, 6 and 10 of the longest period.
        order: number of lags of the autoregression; None chooses among 1, 2, 3, 5, 8, 13, ... up to `max_order`.
        max_order: largest candidate.
        half_life: rows after which a row counts half, where the autoregression is fitted anew to the residuals of the
            last w rows before every forecast: it follows a series whose noise or memory changes. None fits it once, to
            the residuals of all training rows.
        horizon: steps of each validation forecast; None takes 100, or half of the held-out rows.

    Reference: W. Kosek, D. D. McCarthy, B. J. Luzum, Journal of Geodesy 72 (1998) 189-199.
    """

    kind: ClassVar[str] = "harmonic"

    periods: list[float] | None = None
    window: int | None = None
    order: int | None = None
    max_order: int = 34
    half_life: float | None = None
    horizon: int | None = None

    def check(self) -> None:
        checks = Checks(self).whole("window", 4, optional=True).whole("order", 1, 10_000, optional=True)
        checks.number("half_life", 0, open_low=True, optional=True)
        checks.whole("max_order", 1, 10_000).whole("horizon", 1, optional=True)
        if self.periods is not None and not _are_periods(self.periods):
            checks.problems.append(f"`periods` must be a list of numbers above 2 or None, got {self.periods!r}")
        checks.raise_all()

    def _learn(self, training: TrainingSet) -> tuple[Any, list[dict[str, Any]]]:
        orders = fibonacci_orders(self.max_order) if self.order is None else (self.order,)
        given = None if self.periods is None else tuple(map(float, self.periods))
        network, history = choose_harmonic(training, given, self.window, orders, self.horizon, self.half_life)
        if network is None:
            longest = max(len(values) for values, _ in training.parts)
            raise DataError(
                f"the training rows (the longest series has {longest}) show no period of which they hold three, or are "
                "too few for the window and the order: give `periods`, a smaller `window` or `order`, or more rows"
            )
        return network, history

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
        waves = super()._restore(channels, features, facts, tensors)
        return dataclasses.replace(waves, half_life=self.half_life)


@dataclasses.dataclass(kw_only=True, eq=False)
class Nearest(Baseline):
    r"""The nearest past segment: find the w past rows most like the last w known ones, and copy what followed them.

    .. math:: \hat y_{t+k} = y_{s+k}, \qquad s = \arg\min_s \sum_{j<w} \lVert y_{t-j} - y_{s-j} \rVert^2

    in standard deviations; where the copy reaches the end of the past, the search starts again from the rows copied
    last. A drive is not looked at.

    Args:
        width: w, in rows; None chooses among 1, 2, 4, 8, 16 by closed-loop validation on the last fifth of the training
            rows.
        horizon: steps of each validation forecast; None takes 100, or half of the held-out rows.

    Reference: E. N. Lorenz, Journal of the Atmospheric Sciences 26 (1969) 636-646.
    """

    kind: ClassVar[str] = "nearest"

    width: int | None = None
    horizon: int | None = None

    def check(self) -> None:
        Checks(self).whole("width", 1, 10_000, optional=True).whole("horizon", 1, optional=True).raise_all()

    def _learn(self, training: TrainingSet) -> tuple[Any, list[dict[str, Any]]]:
        widths = baseline_set.WIDTHS if self.width is None else (self.width,)
        network, history = baseline_set.choose_nearest(training, widths, self.horizon)
        if network is None:
            longest = max(len(values) for values, _ in training.parts)
            raise DataError(
                f"no segment of {min(widths)} rows is followed by enough others in {longest} rows: give longer series, "
                "or a smaller `width`"
            )
        return network, history


@dataclasses.dataclass(kw_only=True, eq=False)
class Linear(Baseline):
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


def _are_periods(value: Any) -> bool:
    """One or more numbers of rows, each more than two."""
    return (
        isinstance(value, list | tuple)
        and len(value) > 0
        and all(isinstance(each, int | float | np.number) and 2 < each < np.inf for each in value)
    )


def fibonacci_orders(largest: int) -> tuple[int, ...]:
    """1, 2, 3, 5, 8, ... and `largest` itself."""
    orders = [1, 2]
    while orders[-1] < largest:
        orders.append(orders[-1] + orders[-2])
    return tuple(sorted({*(order for order in orders if order <= largest), largest}))
