"""Decisions on the next move of a series, judged walking forward against what needs no network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recurra._types import whole_number
from recurra.data import as_series, check_finite
from recurra.data.dependence import autocorrelation_time
from recurra.data.splits import rolling_origin
from recurra.errors import ConfigError, DataError
from recurra.reservoirs import BandPath, RidgePath, TriangularFactor, draw_reservoir
from recurra.series import Series
from recurra.threads import one_blas_thread

SELL, HOLD, BUY = -1, 0, 1
NAMES: Mapping[int, str] = {SELL: "sell", HOLD: "hold", BUY: "buy"}
_RIDGES = 10.0 ** np.arange(-8, 5)  # relative; the last ones leave nothing but the mean
_HELD = 0.25  # of the training rows, the last ones, choose the ridge


@dataclass(frozen=True, eq=False)
class Decisions:
    """What was decided about every test row before it came, and what came.

    Args:
        times: of the rows that were decided about (n,).
        decided, came: -1 (sell, a fall), 0 (hold, less than the threshold), 1 (buy, a rise), each (n,).
        before: the class of the move before (n,): the decision of persistence.
        forecast: of the value (n,), in the units of the data.
        last, truth: the value before, and the value itself (n,).
        fold: number of the fold (n,).
        classes: those that there are, (-1, 1) or (-1, 0, 1).
    """

    times: np.ndarray
    decided: np.ndarray
    came: np.ndarray
    before: np.ndarray
    forecast: np.ndarray
    last: np.ndarray
    truth: np.ndarray
    fold: np.ndarray
    classes: tuple[int, ...]

    @property
    def accuracy(self) -> float:
        """The share of right decisions."""
        return float(np.mean(self.decided == self.came))

    @property
    def effective_rows(self) -> float:
        """How many independent decisions there are: rows over the autocorrelation time of being right."""
        right = (self.decided == self.came).astype(np.float64)
        time = autocorrelation_time([right]) if 0 < right.mean() < 1 else 1.0
        return len(right) / max(1.0, time)

    @property
    def standard_error(self) -> float:
        """Of the accuracy p: sqrt(p (1 - p) / effective rows), with p kept half a row away from 0 and 1."""
        rows = self.effective_rows
        p = min(max(self.accuracy, 0.5 / rows), 1 - 0.5 / rows) if rows > 1 else 0.5
        return float(np.sqrt(p * (1 - p) / rows))

    @property
    def chance(self) -> float:
        """The accuracy of decisions as frequent as these that know nothing: sum over classes of P(decided) P(came)."""
        return float(sum(np.mean(self.decided == c) * np.mean(self.came == c) for c in self.classes))

    @property
    def baselines(self) -> dict[str, float]:
        """Accuracy of what needs no network.

        "always hold" never acts: it is right where nothing much happens or, with two classes, where the value rises, as
        one who keeps what he has hopes. "persistence" expects the next move to be like the last one.
        """
        constant = HOLD if HOLD in self.classes else BUY
        return {
            "always hold": float(np.mean(self.came == constant)),
            "persistence": float(np.mean(self.came == self.before)),
        }

    @property
    def confusion(self) -> np.ndarray:
        """How often each class was decided (columns) when each class came (rows), in the order of `classes`."""
        return np.array([[np.sum((self.came == a) & (self.decided == b)) for b in self.classes] for a in self.classes])

    @property
    def has_skill(self) -> bool:
        """Whether the accuracy is more than two standard errors above chance and above each of the baselines."""
        return self.accuracy - max(self.chance, *self.baselines.values()) > 2 * self.standard_error

    @property
    def verdict(self) -> str:
        """Plain words: "skill" or "no skill", and the numbers that say so."""
        name, best = max(self.baselines.items(), key=lambda pair: pair[1])
        numbers = (
            f"{100 * self.accuracy:.1f} % of {len(self.came)} decisions are right, standard error "
            f"{100 * self.standard_error:.1f} %; chance is {100 * self.chance:.1f} %, {name!r} {100 * best:.1f} %"
        )
        if self.has_skill:
            return f"skill: {numbers}"
        within = "not more than two standard errors above the better of these"
        return f"no skill: {numbers}, and that is {within}"

    @property
    def persistence_ratio(self) -> tuple[float, float]:
        """The mean squared error of persistence over that of the forecast of the value, and its standard error.

        The error is that of paired rows: both are measured on the same ones.
        """
        squares = [(self.truth - guess) ** 2 for guess in (self.last, self.forecast)]
        ratio = squares[0].mean() / squares[1].mean()
        spread = np.std(squares[0] - ratio * squares[1]) / (np.sqrt(len(self.truth)) * squares[1].mean())
        return float(ratio), float(spread)

    def as_dict(self) -> dict[str, Any]:
        """The numbers as plain data."""
        ratio, spread = self.persistence_ratio
        return {
            "rows": len(self.came),
            "effective_rows": self.effective_rows,
            "accuracy": self.accuracy,
            "standard_error": self.standard_error,
            "chance": self.chance,
            "baselines": self.baselines,
            "classes": [NAMES[c] for c in self.classes],
            "confusion": self.confusion.tolist(),
            "persistence_ratio": {"value": ratio, "standard_error": spread},
            "skill": self.has_skill,
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class _Settings:
    threshold: float
    units: int
    washout: int
    seed: int
    classes: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", (SELL, HOLD, BUY) if self.threshold > 0 else (SELL, BUY))

    def classify(self, moves: np.ndarray, std: float) -> np.ndarray:
        """The class of each move, std that of the training moves."""
        if self.threshold == 0:
            return np.where(moves > 0, BUY, SELL)
        return np.sign(moves).astype(int) * (np.abs(moves) > self.threshold * std)


def walk_forward(
    data: Any,
    *,
    folds: int = 5,
    horizon: int = 200,
    gap: int = 1,
    threshold: float = 0.0,
    units: int = 50,
    washout: int = 50,
    seed: int = 0,
) -> Decisions:
    """Decide about every row of the last part of a series from the rows before it: buy, hold or sell.

    A reservoir sees the value and the last move; a ridge readout of its states and inputs gives a score for each class,
    the highest decides, and the expected next move. In every fold the scaling, the classes, the ridge (by the last
    quarter of the training rows) and the readout are made anew from the rows before the test part.

    Args:
        data: one unbroken series of one channel.
        folds: how often the model is refitted, walking forward.
        horizon: rows that are decided about in each fold; all folds together are the last rows of the series.
        gap: rows left out between the training part and the test part of each fold; at least 1, the reach of a target.
        threshold: moves of less than this many standard deviations of the training moves are no reason to act, and
            "hold" is right; 0 leaves two classes.
        units: of the reservoir.
        washout: rows at the start of the series that are not learned from.
        seed: of the reservoir.

    Raises:
        ConfigError: an argument that cannot be.
        DataError: more than one channel, breaks, missing values, or too few rows.

    Reference: L. J. Tashman, International Journal of Forecasting 16 (2000) 437-450 (rolling origin).
    """
    for name, value, least in (("gap", gap, 1), ("units", units, 1), ("washout", washout, 1), ("seed", seed, 0)):
        if not whole_number(value) or value < least:
            raise ConfigError(f"`{name}` must be a whole number of at least {least}, got {value!r}")
    if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 <= threshold < np.inf:
        raise ConfigError(f"`threshold` must be a number of standard deviations of at least 0, got {threshold!r}")
    series = as_series(data)
    if len(series.channels) != 1 or series.mask is not None:
        raise DataError(
            f"decisions are made on one channel without missing values, this series has {len(series.channels)} "
            f"channels{' and missing values' if series.mask is not None else ''}: choose one, fill the gaps"
        )
    check_finite(series)
    settings = _Settings(float(threshold), units, washout, seed)
    cuts = rolling_origin(series, folds, horizon=horizon, gap=gap)
    if len(cuts[0][0]) < 2 * washout + 20:
        raise DataError(
            f"the first training part has {len(cuts[0][0])} rows and needs 2 x {washout} (`washout`) + 20: give a "
            "longer series, fewer `folds`, a shorter `horizon` or `washout`"
        )
    first = len(series) - folds * horizon
    with one_blas_thread():
        parts = [
            _fold(series, len(train), first + k * horizon, len(test), settings) for k, (train, test) in enumerate(cuts)
        ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    fold = np.repeat(np.arange(folds), horizon)
    return Decisions(**columns, fold=fold, classes=settings.classes)


def _fold(series: Series, trained: int, start: int, count: int, settings: _Settings) -> dict[str, np.ndarray]:
    """Learn from the first `trained` rows, decide about the `count` rows from `start` on."""
    x = series.values[: start + count, 0]
    moves = np.diff(x)
    std = float(moves[: trained - 1].std())
    if std == 0:
        raise DataError(f"all moves of the first {trained} rows are equal: there is nothing to decide")
    seen = _features(x, trained, std, settings)  # row k is what is known of x up to x[k + 1]
    scores = (settings.classify(moves, std)[1:, None] == np.array(settings.classes)).astype(np.float64)
    targets = np.column_stack([scores, moves[1:] / std])  # of the move from x[k + 1] to x[k + 2]
    learned = range(settings.washout, trained - 2)
    coefficients = _readout(seen[learned.start : learned.stop], targets[learned.start : learned.stop])
    tested = slice(start - 2, start - 2 + count)
    output = coefficients[:, 0] + seen[tested] @ coefficients[:, 1:].T
    classes = settings.classify(moves, std)
    last = x[start - 1 : start - 1 + count]
    return {
        "times": series.times[start : start + count],
        "decided": np.array(settings.classes)[output[:, :-1].argmax(axis=1)],
        "came": classes[start - 1 :],
        "before": classes[start - 2 : -1],
        "forecast": last + std * output[:, -1],
        "last": last,
        "truth": x[start:],
    }


def _features(x: np.ndarray, trained: int, std: float, settings: _Settings) -> np.ndarray:
    """The value and the last move, and the states of a reservoir that they drive: row k belongs to x[k + 1]."""
    level = (x - x[:trained].mean()) / x[:trained].std()
    inputs = np.column_stack([level[1:], np.diff(x) / std])[:-1]
    reservoir = draw_reservoir(
        settings.units,
        2,
        spectral_radius=0.9,
        in_degree=10,
        input_scaling=0.2,
        bias_scaling=0.2,
        leak=1.0,
        seed=settings.seed,
    )
    return np.concatenate([inputs, reservoir.harvest(np.zeros(settings.units), inputs)], axis=1)


def _readout(seen: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Coefficients for all targets; the ridge is the one that forecasts the last quarter of the rows best."""
    head = len(seen) - round(_HELD * len(seen))
    path, errors = _path(seen[:head], targets[:head]), []
    for ridge in _RIDGES:
        c = path.solve(ridge)[-1]
        errors.append(np.mean((c[0] + seen[head:] @ c[1:] - targets[head:, -1]) ** 2))
    return _path(seen, targets).solve(float(_RIDGES[int(np.argmin(errors))]))


def _path(seen: np.ndarray, targets: np.ndarray) -> RidgePath | BandPath:
    return TriangularFactor.empty(seen.shape[1], targets.shape[1]).add(seen, targets).path()
