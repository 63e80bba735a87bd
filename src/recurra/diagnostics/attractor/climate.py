"""Whether a free-running forecast has the climate of the truth: every measure beside what the truth has with itself."""

from dataclasses import dataclass, fields
from itertools import permutations, product
from typing import Any

import numpy as np

from recurra.diagnostics.attractor.correlation_dimension import correlation_dimension
from recurra.diagnostics.attractor.marginals import marginal_wasserstein, moment_errors
from recurra.diagnostics.attractor.mixture import mixture_divergence
from recurra.diagnostics.attractor.power_spectrum import power_spectrum_distance
from recurra.diagnostics.attractor.return_map import return_map, return_map_distance
from recurra.diagnostics.attractor.state_space import state_space_divergence
from recurra.diagnostics.attractor.welch import log_spectral_distance
from recurra.diagnostics.tables import pair
from recurra.errors import DataError

_FEWEST = 100  # rows of a stretch
_STRETCHES = 4  # at most, of the truth and of the forecast
_BINNED = 5  # channels: with more hardly two rows share a bin
_MAXIMA = 10  # in each stretch of the truth, for a return map


@dataclass(frozen=True)
class Score:
    """One measure.

    Attributes:
        value: the mean over stretches of the truth and of the forecast; infinity where the forecast has nothing that
            can be compared.
        floor: the mean of the same between different stretches of the truth: a perfect model has this, not 0.
        ceiling: the largest of those.
    """

    value: float
    floor: float
    ceiling: float

    @property
    def passed(self) -> bool:
        """Whether the value is not above the ceiling: the measure cannot tell the forecast from the truth."""
        return self.value <= self.ceiling


@dataclass(frozen=True)
class Climate:
    """How far a forecast is from the truth in all that does not depend on when things happen.

    Attributes:
        divergence: `state_space_divergence`, nats; None beyond five channels, where no two rows share a bin.
        mixture: `mixture_divergence`, nats.
        spectrum: `power_spectrum_distance`, 0 ... 1.
        log_spectrum: `log_spectral_distance`, decibels.
        wasserstein: `marginal_wasserstein`, standard deviations, the mean over channels.
        mean, spread, third, fourth: `moment_errors`, the root mean square over channels.
        return_map: `return_map_distance`, standard deviations, the mean over the channels that have ten maxima in every
            stretch of the truth; None where no channel has.
        dimension: the difference of `correlation_dimension`; None where it was not asked for, or a stretch of the truth
            has no scaling range.
        rows: of each stretch.
        stretches: of the truth, and of the forecast.
    """

    mixture: Score
    spectrum: Score
    log_spectrum: Score
    wasserstein: Score
    mean: Score
    spread: Score
    third: Score
    fourth: Score
    rows: int
    stretches: tuple[int, int]
    divergence: Score | None = None
    return_map: Score | None = None
    dimension: Score | None = None

    @property
    def scores(self) -> dict[str, Score]:
        """The measures that could be taken, by name."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: score for name, score in found.items() if isinstance(score, Score)}

    @property
    def words(self) -> str:
        """One sentence: how many measures cannot tell the forecast from the truth, and which can."""
        failed = [name.replace("_", " ") for name, score in self.scores.items() if not score.passed]
        count = len(self.scores)
        alike = f"measures are as small as between stretches of {self.rows} rows of the truth"
        if not failed:
            return f"All {count} {alike}."
        return f"{count - len(failed)} of {count} {alike}; larger: {', '.join(failed)}."

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON: infinity, and what could not be taken, as None."""
        found: dict[str, Any] = {"rows": self.rows, "stretches": list(self.stretches), "words": self.words}
        for name, score in self.scores.items():
            numbers = {key: getattr(score, key) for key in ("value", "floor", "ceiling")}
            finite = {key: each if np.isfinite(each) else None for key, each in numbers.items()}
            found[name] = {**finite, "passed": score.passed}
        return found


def climate(truth: Any, forecast: Any, *, dimension: bool = False, theiler: int = 0, seed: int = 0) -> Climate:
    """Compare the attractor of a free-running forecast with that of the truth.

    Two finite stretches of one attractor differ too. So the truth is cut into stretches of m rows, the forecast too,
    m = min(rows of the forecast, a quarter of the rows of the truth), at most four of each, evenly spaced; a score is
    the mean over all pairs of a stretch of the truth and one of the forecast, its floor that over all ordered pairs of
    different stretches of the truth. Cut transients off before. Published values are those of whole series: for them
    call the measures themselves. 100,000 rows of three channels take some 30 seconds on one core.

    Args:
        truth: Series or array (time, channels); the longer, the better known is the floor.
        forecast: the same channels, not the same times or number of rows.
        dimension: whether the correlation dimension is measured too.
        theiler: rows of time that it leaves out, see `correlation_dimension`.
        seed: of the points that `mixture_divergence` draws.

    Raises:
        DataError: other channels or another step, a value that is missing or not finite, a break, a channel of the
            truth that does not vary in one of the stretches, less than 400 rows of the truth or 100 of the forecast,
            500 in a stretch for its dimension.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=(4000, 1))
        >>> found = climate(noise[:2000], noise[2000:])
        >>> found.rows, found.wasserstein.passed, climate(noise[:2000], 2 * noise[2000:]).wasserstein.passed
        (500, True, False)
    """
    y, y_hat = pair(truth, forecast, fewest=_FEWEST, unbroken=True)
    if len(y) < _STRETCHES * _FEWEST:
        raise DataError(f"the truth has {len(y)} rows, and {_STRETCHES} stretches of {_FEWEST} are needed at least")
    rows = min(len(y_hat), len(y) // _STRETCHES)
    true, ours = _stretches(y, rows), _stretches(y_hat, rows)
    for part in true:
        pair(part, part)  # each has to vary by itself
    mapped = [c for c in range(y.shape[1]) if all(len(return_map(part, c).heights) >= _MAXIMA for part in true)]

    between = [_measures(a, b, mapped, seed) for a, b in product(true, ours)]
    within = [_measures(a, b, mapped, seed) for a, b in permutations(true, 2)]
    scores = {
        name: Score(
            float(np.mean([found[name] for found in between])),
            float(np.mean([found[name] for found in within])),
            float(max(found[name] for found in within)),
        )
        for name in between[0]
    }
    if dimension and (found := _dimensions(true, ours, theiler)) is not None:
        scores["dimension"] = found
    return Climate(**scores, rows=rows, stretches=(len(true), len(ours)))


def _dimensions(true: list[np.ndarray], ours: list[np.ndarray], theiler: int) -> Score | None:
    """How far the correlation dimensions of the stretches are apart."""

    def of(values: np.ndarray) -> float | None:
        varying = values[:, np.ptp(values, axis=0) > 0]  # a fixed point has the dimension 0
        return correlation_dimension(varying, theiler=theiler).dimension if varying.size else 0.0

    wanted = [each for each in map(of, true) if each is not None]
    if len(wanted) < len(true):
        return None
    found = [float("inf") if each is None else each for each in map(of, ours)]
    between = [abs(a - b) for a, b in product(wanted, found)]
    within = [abs(a - b) for a, b in permutations(wanted, 2)]
    return Score(float(np.mean(between)), float(np.mean(within)), float(max(within)))


def _stretches(values: np.ndarray, rows: int) -> list[np.ndarray]:
    """Stretches of so many rows that do not overlap, evenly spaced from the first row to the last."""
    count = min(_STRETCHES, len(values) // rows)
    starts = np.linspace(0, len(values) - rows, count).astype(int) if count > 1 else [len(values) - rows]
    return [values[start : start + rows] for start in starts]


def _measures(truth: np.ndarray, forecast: np.ndarray, mapped: list[int], seed: int) -> dict[str, float]:
    """Every measure that can be taken of two stretches, by the name of its score."""
    found = {
        "mixture": mixture_divergence(truth, forecast, seed=seed),
        "spectrum": power_spectrum_distance(truth, forecast),
        "log_spectrum": log_spectral_distance(truth, forecast),
        "wasserstein": float(marginal_wasserstein(truth, forecast).mean()),
    }
    moments = np.sqrt((moment_errors(truth, forecast) ** 2).mean(axis=1))
    found |= dict(zip(("mean", "spread", "third", "fourth"), moments.tolist(), strict=True))
    if truth.shape[1] <= _BINNED:
        found["divergence"] = state_space_divergence(truth, forecast)
    if mapped:
        found["return_map"] = float(np.mean([return_map_distance(truth, forecast, c) for c in mapped]))
    return found
