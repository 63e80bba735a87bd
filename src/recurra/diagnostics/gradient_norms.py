"""The result of a measurement of gradients through time: norms, rate, bound and verdict."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

LAGS = (1, 10, 50, 100)  # that are shown
DEPTH = 3  # layers of a feed-forward network, for comparison
KEPT = 0.01  # of a gradient: what is left at the longest lag below which it has vanished; above 1 / KEPT it explodes
_ROUNDING = 1e-12  # per step: rates below this are rounding
_REACH = {  # what to try where gradients vanish, by the kind of the network
    "vanilla": "Take a cell with a memory (LSTM or GRU), a W that keeps lengths (orthogonal, or the identity with "
    "ReLUs), or give the network the past as more inputs",
    "gated": "Let the gates keep more: a larger bias of the keep gate, longer windows (`bptt_length`); or give the "
    "network the past as more inputs",
    "finite": "A network without feedback sees the rows of its window and none before them: take a longer one",
    "other": "Take a cell with a memory (LSTM or GRU), or give the network the past as more inputs",
}


@dataclass(frozen=True)
class Recurrence:
    """The recurrent weights of a vanilla layer.

    Args:
        name: of the layer.
        radius: spectral radius of W. Above 1 is necessary for an explosion and not sufficient: slopes below 1 shrink
            every step, and a W that is not normal can do more for a while than its eigenvalues say.
        norm: largest singular value of W.
        steepest: gamma, the largest slope of its activation; None where that is not known.
    """

    name: str
    radius: float
    norm: float
    steepest: float | None


@dataclass(frozen=True, eq=False)
class GradientFlow:
    r"""The norm of dh(T)/dh(k) against the lag T - k, h being all that the cells carry (of an LSTM h and c).

    Args:
        log_norms: natural logarithm of the largest singular value (end points, lags), -inf for exactly zero.
        ends: the steps T, counted from the start of the series.
        states: numbers in the state.
        layers: the vanilla layers.
        log_rate_bound: log(gamma ||W||), the most that the logarithm can grow in a step; None where it is not known.
        no_bound: why it is not known.
        saturated: share of slopes below 0.01, by layer and part; empty where the cells are not known.
        notes: what else the reader has to know, such as a length that was shortened.
        kind: of the network: "vanilla", "gated", "finite" (without feedback) or "other".
    """

    log_norms: np.ndarray
    ends: np.ndarray
    states: int
    layers: tuple[Recurrence, ...]
    log_rate_bound: float | None
    no_bound: str
    saturated: dict[str, float]
    notes: tuple[str, ...] = ()
    kind: str = "other"

    @property
    def lags(self) -> np.ndarray:
        """T - k: 1, 2, ..., length."""
        return np.arange(1, self.log_norms.shape[1] + 1)

    @property
    def length(self) -> int:
        """The longest lag."""
        return self.log_norms.shape[1]

    @cached_property
    def log_norm(self) -> np.ndarray:
        """Mean over the end points (lags,): the logarithm of the geometric mean."""
        return self.log_norms.mean(axis=0)

    @property
    def norms(self) -> np.ndarray:
        """Geometric mean over the end points (lags,); 0 or infinity where float64 ends."""
        with np.errstate(over="ignore", under="ignore"):
            return np.exp(self.log_norm)

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation of the logarithm over the end points (lags,); NaN where a norm is zero."""
        finite = np.isfinite(self.log_norms)
        deviation = np.where(finite, self.log_norms, 0.0).std(axis=0)
        return np.where(finite.all(axis=0), deviation, np.nan)

    def norm_at(self, lag: int) -> float | None:
        """The norm at this lag; None for one that was not measured."""
        return float(self.norms[lag - 1]) if 1 <= lag <= self.length else None

    @property
    def shown_lags(self) -> tuple[int, ...]:
        """1, 10, 50, 100 as far as they were measured, and the longest."""
        return tuple(sorted({*(lag for lag in LAGS if lag <= self.length), self.length}))

    @cached_property
    def _line(self) -> tuple[float, float, float]:
        """Slope, its standard error and height at lag 0 of a line through the logarithms."""
        if not np.isfinite(self.log_norm).all():
            return -np.inf, 0.0, 0.0
        lag = self.lags - self.lags.mean()
        slope = float(lag @ self.log_norm / (lag @ lag))
        mean = float(self.log_norm.mean())
        residual = self.log_norm - mean - slope * lag
        error = float(np.sqrt(residual @ residual / (self.length - 2) / (lag @ lag)))
        return slope, error, mean - slope * float(self.lags.mean())

    @property
    def rate(self) -> float:
        """Growth of the logarithm per step, by least squares over all lags; -inf where a gradient is exactly zero."""
        return self._line[0]

    @property
    def rate_error(self) -> float:
        """Standard error of the rate."""
        return self._line[1]

    @property
    def fitted(self) -> np.ndarray:
        """The fitted line at every lag (lags,)."""
        return self._line[2] + self.rate * self.lags

    @property
    def half_life(self) -> float | None:
        """Steps in which a gradient halves; None where it does not shrink."""
        return float(np.log(2) / -self.rate) if -np.inf < self.rate < -_ROUNDING else None

    @property
    def doubling_time(self) -> float | None:
        """Steps in which a gradient doubles; None where it does not grow."""
        return float(np.log(2) / self.rate) if self.rate > _ROUNDING else None

    @property
    def log_bound(self) -> np.ndarray | None:
        """k log(gamma ||W||), which no product of k Jacobians exceeds (lags,); None where it is not known."""
        return None if self.log_rate_bound is None else self.lags * self.log_rate_bound

    @property
    def depth_ratio(self) -> float:
        """What is left at the longest lag for one that is left at depth 3, as in a feed-forward network."""
        ends = self.log_norm[[min(DEPTH, self.length) - 1, -1]]
        if not np.isfinite(ends).all():
            return 0.0
        with np.errstate(over="ignore", under="ignore"):
            return float(np.exp(ends[1] - ends[0]))

    @property
    def verdict(self) -> str:
        """ "vanishing", "stable" or "exploding": below a hundredth, or above a hundred times, at the longest lag."""
        last = self.log_norm[-1]
        return "vanishing" if last < np.log(KEPT) else "exploding" if last > -np.log(KEPT) else "stable"

    @property
    def words(self) -> str:
        """The verdict in a sentence."""
        far, near = _spelt(self.log_norm[-1]), _spelt(self.log_norm[min(DEPTH, self.length) - 1])
        size = f"over {self.length} steps a gradient is multiplied by {far}, over {DEPTH} by {near}"
        return {
            "vanishing": f"Gradients vanish: {size}. What lies further back is not learned.",
            "exploding": f"Gradients explode: {size}. A single step back can throw the weights far away.",
            "stable": f"Gradients are stable: {size}.",
        }[self.verdict]

    @property
    def advice(self) -> str:
        """What to try."""
        flat = max(self.saturated.values(), default=0.0)
        if self.verdict == "stable":
            return "Nothing has to be done: gradients reach back over the whole length."
        if self.verdict == "exploding":
            return (
                "Limit the gradient (`clip_norm=1.0`), take shorter windows (`bptt_length`), a smaller learning rate "
                "or a penalty on W (`l2`). A network that has learned chaos has growing gradients by necessity."
            )
        if flat > 0.5:
            return "Most slopes are almost zero: smaller weights or inputs, `l2`, or a smaller learning rate first."
        within = "" if self.half_life is None else " What lies within the half-life is learned as it is."
        return f"{_REACH[self.kind]}.{within}"

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data; NaN and infinities as they are."""
        bound = self.log_bound
        return {
            "verdict": self.verdict,
            "words": self.words,
            "advice": self.advice,
            "length": self.length,
            "norms": {str(lag): self.norm_at(lag) for lag in self.shown_lags},
            "depth": {"lag": DEPTH, "norm": self.norm_at(min(DEPTH, self.length)), "ratio": self.depth_ratio},
            "rate": self.rate,
            "rate_error": self.rate_error,
            "half_life": self.half_life,
            "doubling_time": self.doubling_time,
            "log_rate_bound": self.log_rate_bound,
            "no_bound": self.no_bound,
            "layers": [vars(layer) for layer in self.layers],
            "saturated": self.saturated,
            "states": self.states,
            "ends": self.ends.tolist(),
            "log_norm": self.log_norm.tolist(),
            "spread": self.spread.tolist(),
            "log_bound": None if bound is None else bound.tolist(),
            "notes": list(self.notes),
        }


def _spelt(log: float) -> str:
    """A number by its natural logarithm, beyond the ends of float64 too."""
    return f"{np.exp(log):.3g}" if abs(log) < 700 or log == -np.inf else f"1e{log / np.log(10):+.0f}"
