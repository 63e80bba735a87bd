"""What the learners on delayed rows share: their windows and training rows, and the choice among candidates."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from recurra._types import Forecaster, Known, whole_number
from recurra.errors import DataError, ModelFileError
from recurra.estimators.parameters import Checks
from recurra.estimators.training_set import Scaled, TrainingSet, unknown_part, validation_origins
from recurra.forecasting import Origins, stack_scores
from recurra.reservoirs.delay_map import delay_vectors

LARGEST = 10_000  # lags, and rows between them
REACH = 80  # rows before the last one on which a window looks back that is not given
SHARE = 4  # and at most one in so many of the rows of the longest series
LEAST = 20  # steps to learn from
HORIZON = 200  # steps of a validation forecast where none is given


@dataclass(frozen=True, order=True)
class Window:
    """The rows t, t - s, ..., t - (l - 1) s.

    Args:
        lags: l.
        stride: s.
    """

    lags: int
    stride: int

    @property
    def reach(self) -> int:
        """Rows before the last one on which it looks back."""
        return (self.lags - 1) * self.stride


def check_choice(checks: Checks) -> Checks:
    """Check the window, the ridge, and what chooses them."""
    checks.whole("lags", 1, LARGEST, optional=True).whole("stride", 1, LARGEST, optional=True).flag("increment")
    checks.number("ridge", 0, optional=True).number("validation", 0, 0.9, open_low=True)
    return checks.whole("horizon", 1, optional=True).whole("origins", 1)


def settled(model: Any, names: Sequence[str]) -> dict[str, Any]:
    """The parameters of these names, None where they are to be chosen; one lag has no stride."""
    found = {name: getattr(model, name) for name in names}
    return found | {"stride": 1} if (found["lags"], found["stride"]) == (1, None) else found


def reach_of(model: Any) -> int:
    """Rows before the last one on which a learner looks back: fitted, or by what is given."""
    if hasattr(model, "network_"):
        return model.network_.order - 1
    return Window(model.lags or 1, model.stride or 1).reach


@runtime_checkable
class Path(Protocol):
    """Solutions for every ridge."""

    def solve(self, ridge: float) -> np.ndarray:
        """Coefficients [c, V] for a ridge."""
        ...


@runtime_checkable
class Delayed(Forecaster, Protocol):
    """A forecaster whose state is made of the last rows."""

    def warm(self, state: np.ndarray, inputs: np.ndarray) -> np.ndarray:
        """The state that a batch of input sequences leads to."""
        ...


@dataclass(frozen=True, eq=False)
class Candidate:
    """Settings to try, but for the ridge.

    Args:
        settings: by name, as `history_` shows them.
        path: coefficients for every ridge.
        network: the forecaster of a stack of coefficients.
    """

    settings: dict[str, Any]
    path: Path
    network: Callable[[np.ndarray], Delayed]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Closed-loop problems from held-out origins, the same for every candidate.

    Args:
        train: the series that are trained on while the rest validates.
        origins: what is forecast.
        pause: called before every candidate; may raise, to stop.
    """

    train: list[Scaled]
    origins: Origins
    pause: Callable[[], None]

    @staticmethod
    def of(
        training: TrainingSet, fraction: float, horizon: int | None, count: int, tried: Sequence[Window]
    ) -> "HeldOut":
        """Hold a fraction of the rows out.

        Args:
            training: all of them.
            fraction: that is held out.
            horizon: steps of each forecast; None takes 200, or half of the held-out rows.
            count: number of forecasts.
            tried: windows of the candidates: the origins lie behind the rows that the longest of them sees.
        """
        cuts, reach = training.cuts(fraction), max(window.reach for window in tried)
        held = training.validation(cuts, reach)
        origins = validation_origins(held, reach, horizon, HORIZON, count)
        return HeldOut(training.trained(cuts), origins, training.pause)

    def best(self, candidate: Candidate, ridges: Sequence[float]) -> dict[str, Any]:
        """The settings with the ridge whose closed loop is best, the smallest of equals, and its score.

        All ridges forecast at once.
        """
        self.pause()
        model = candidate.network(np.stack([candidate.path.solve(ridge) for ridge in ridges]))
        state = model.warm(model.initial_state(len(self.origins)), self.origins.warm)
        scores = stack_scores(model, len(ridges), state, self.origins)
        first = int(np.argmin(scores))
        return {**candidate.settings, "ridge": ridges[first], "validation": float(scores[first])}


def decades(exponents: Iterable[int]) -> list[float]:
    """Ridges 10^k.

    >>> decades([-2, 0])
    [0.01, 1.0]
    """
    return [10.0**k for k in exponents]


def beside(ridge: float, step: int) -> list[float]:
    """The power of ten itself, and those nearer to it than the next ones of a grid, so many decades away.

    >>> beside(1e-8, 2)
    [1e-09, 1e-08, 1e-07]
    """
    middle = round(np.log10(ridge))
    return decades(range(middle - step + 1, middle + step))


def windows(
    lags: int | None,
    stride: int | None,
    tried: tuple[Sequence[int], Sequence[int]],
    training: TrainingSet,
    fraction: float,
) -> list[Window]:
    """The windows to try: the given one, or those that the rows suffice for.

    They are to leave some steps to learn from, and as many rows to look forward as back. One lag has no stride.

    Args:
        lags, stride: as given; None tries all.
        tried: all lags and all strides.
        training: the rows.
        fraction: of them that is held out.

    Raises:
        DataError: too few rows for any of them.
    """
    if lags is not None and (stride is not None or lags == 1):
        return [Window(lags, stride or 1)]
    cuts = training.cuts(fraction)
    train = training.trained(cuts)
    longest = max((len(values) for values, _ in train), default=0)

    def fits(window: Window) -> bool:
        held = max(len(values) for values, _ in training.validation(cuts, window.reach))
        long = window.reach <= min(REACH, longest // SHARE) and 2 * (window.reach + 1) <= held
        return long and count_steps(train, window) >= LEAST

    every = {
        Window(each, step if each > 1 else 1)
        for each in (tried[0] if lags is None else [lags])
        for step in (tried[1] if stride is None else [stride])
    }
    found = sorted(window for window in every if fits(window))
    if not found:
        raise DataError(
            f"the rows are too few to choose `lags` and `stride`: each needs {LEAST} steps to learn from and rows that "
            f"validate, and the longest series has {longest} rows beside those. Give more rows, or both numbers"
        )
    return found


def steps_within(
    parts: Iterable[Scaled], window: Window, *, increment: bool, known: Known | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Delay vectors (variables, rows) and targets (rows, channels) of all steps at which nothing is missing.

    Args:
        parts: scaled series.
        window: what a vector is made of.
        increment: the targets are y[t+1] - y[t].
        known: what is known of y[t+1]: the targets are the rest.

    Raises:
        DataError: fewer than 2 steps.
    """
    vectors, targets = [], []
    for values, drive in parts:
        told = _told(values, window)
        if not told.any():
            continue
        inputs = np.concatenate([values[:-1], drive[1:]], axis=1)
        wanted = values[window.reach + 1 :]
        if increment:
            wanted = wanted - values[window.reach : -1]
        wanted = unknown_part(known, inputs[window.reach :][told], wanted[told])
        vectors.append(delay_vectors(inputs, window.lags, window.stride)[:, told])
        targets.append(wanted)
    if sum(map(len, targets)) < 2:
        raise DataError(
            f"fewer than 2 training rows have all of {window.lags} rows at a distance of {window.stride} before them: "
            "give longer series, fewer `lags` or a smaller `stride`"
        )
    return np.concatenate(vectors, axis=1), np.concatenate(targets)


def count_steps(parts: Iterable[Scaled], window: Window) -> int:
    """How many steps `steps_within` finds."""
    return sum(int(np.count_nonzero(_told(values, window))) for values, _ in parts)


def _told(values: np.ndarray, window: Window) -> np.ndarray:
    """For every row with a whole window before it, whether it and that window were measured."""
    rows = max(0, len(values) - window.reach - 1)
    missing = np.asarray(np.isnan(values).any(axis=1))
    taps = [missing[window.reach - k * window.stride :][:rows] for k in range(window.lags)]
    return ~np.logical_or.reduce([missing[window.reach + 1 :][:rows], *taps])


def read_window(model: Any, facts: dict[str, Any]) -> Window:
    """The window that a model file says.

    Raises:
        ModelFileError: numbers that no fit gives, or others than the parameters.
    """
    return Window(*(read_whole(facts, name, LARGEST, getattr(model, name)) for name in ("lags", "stride")))


def read_whole(facts: dict[str, Any], name: str, most: int, given: int | None = None) -> int:
    """A whole number between 1 and `most` that a model file says beside the parameters.

    Raises:
        ModelFileError: it is none, or another than the parameter that was given.
    """
    value: Any = facts.get(name)
    if not whole_number(value) or not 1 <= value <= most or given not in (None, value):
        raise ModelFileError(f"the file says that `{name}` is {value!r}, which does not go with its parameters")
    return int(value)
