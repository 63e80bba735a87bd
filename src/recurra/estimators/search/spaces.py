"""What is searched of each learner: its space, what grows from rung to rung, and its share of the trials."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import Any

from recurra.estimators.search.space import Choice, Real, Space

ETA = 3  # a rung has so many times the size of the one before, and a third of its trials
_SPEED = 4e9  # multiplications a second that a readout is solved with on one core, roughly: it only sets sizes
_TRIALS = 40  # that the budget should be enough for
_EPOCHS = 90  # of a training at the last rung
_SMALLEST, _LARGEST = 60, 1600  # units
_CENTRES = 150  # of kernels at the first rung, at least


@dataclass(frozen=True)
class Searched:
    """How a learner is searched.

    Args:
        space: the settings that are drawn; with none there is one trial.
        fixed: settings that all trials have.
        resource: the setting that grows from rung to rung; None for one rung.
        sizes: its value at each rung.
        share: of the trials, relative to those of the other learners.
        itself: the first trial leaves the settings to the learner, which chooses them on the same held-out rows.
    """

    space: Space = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    resource: str | None = None
    sizes: tuple[int, ...] = ()
    share: float = 1.0
    itself: bool = False

    @property
    def rungs(self) -> int:
        """How many there are."""
        return max(1, len(self.sizes))

    def at(self, rung: int, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Settings with the size of a rung."""
        size = {self.resource: self.sizes[rung]} if self.resource else {}
        return {**self.fixed, **settings, **size}

    def keeping(self, given: Mapping[str, Any]) -> "Searched":
        """The same with some settings as they are given."""
        space = {name: kind for name, kind in self.space.items() if name not in given}
        grows = self.resource not in given
        return replace(
            self,
            space=space,
            fixed={**self.fixed, **given},
            resource=self.resource if grows else None,
            sizes=self.sizes if grows else (),
        )


@dataclass(frozen=True)
class Rows:
    """What the sizes depend on.

    Args:
        rows: that are trained on.
        washout: of them dropped while a state warms up.
        seconds: of the whole search.
        horizon, origins: of the validation forecasts.
        noise: of the rows, in standard deviations; 0 where none was noticed.
    """

    rows: int
    washout: int
    seconds: float
    horizon: int
    origins: int
    noise: float = 0.0


def _esn(given: Rows) -> Searched:
    space = {
        "spectral_radius": Real(0.05, 1.3),
        "leak": Real(0.1, 1.0, log=True),
        "input_scaling": Real(0.03, 5.0, log=True),
        "bias_scaling": Real(0.05, 3.0, log=True),
        "readout_features": Choice(("states", "squared-half")),
        "lags": Choice(tuple(each for each in (1, 2, 4, 8) if each <= given.washout + 1)),
        "increment": Choice((False, True)),
        "teacher_noise": Choice(_teacher_noise(given.noise)),
        "seed": Choice((0, 1, 2)),
    }
    affordable = sqrt(given.seconds / _TRIALS * _SPEED / (2 * given.rows))
    top = int(max(_SMALLEST, min(_LARGEST, given.rows / 2, affordable)))
    fixed = {"washout": given.washout, **_loops(given)}
    return Searched(space, fixed, "units", _sizes(top, _SMALLEST), 3.0)


def _teacher_noise(found: float) -> tuple[float, ...]:
    """Mostly none; else what steadies closed loops or, where the rows have noise, about as much as they."""
    return (0.0, 0.0, 0.0, *((found / 3, found) if found else (1e-3, 1e-2)))


def _trained(given: Rows, **own: Real | Choice) -> Searched:
    space = {
        "units": Choice((16, 32, 64, 128)),
        "learning_rate": Real(1e-3, 2e-2, log=True),
        "increment": Choice((False, True)),
        "seed": Choice((0, 1, 2)),
        **own,
    }
    fixed = {"final_learning_rate": 1e-5, "stride": 5, **_loops(given)}
    return Searched(space, fixed, "epochs", _sizes(_EPOCHS, 10), 0.5)


def _recurrent(given: Rows) -> Searched:
    own = {"layers": Choice((1, 1, 2)), "bptt_length": Choice((20, 50, 100))}
    return _trained(given, **own, washout=Choice((0, 5, 15)), feeding=Choice(("own", "own", "mixed", "leading")))


def _kernel_ridge(given: Rows) -> Searched:
    space = {
        **_delays(given),
        "kernel": Choice(("gaussian", "gaussian", "matern-5/2")),
        "length_scale": Real(0.3, 8.0, log=True),
    }
    affordable = (given.seconds / _TRIALS * _SPEED / 10) ** (1 / 3)
    top = int(max(_CENTRES, min(2000, given.rows, affordable)))
    return Searched(space, _loops(given), "centres", _sizes(top, _CENTRES), 1.5, itself=True)


def _ng_rc(given: Rows) -> Searched:
    return Searched(_delays(given), _loops(given), share=0.5, itself=True)


def _delays(given: Rows) -> dict[str, Choice]:
    """Lags and strides whose windows the warm-up covers."""
    lags = [each for each in (1, 2, 3, 4, 6, 8, 12, 20) if each - 1 <= given.washout]
    strides = [each for each in (1, 2, 4) if (max(lags) - 1) * each <= given.washout]
    return {"lags": Choice(tuple(lags)), "stride": Choice(tuple(strides))}


def _loops(given: Rows) -> dict[str, Any]:
    return {"horizon": given.horizon, "origins": given.origins}


def _sizes(top: int, least: int) -> tuple[int, ...]:
    """top, a third of it, a ninth, ... down to `least`, the smallest first."""
    sizes = [top]
    while sizes[0] >= ETA * least:
        sizes.insert(0, round(sizes[0] / ETA))
    return tuple(sizes)


SEARCHED = {
    "esn": _esn,
    "kernel-ridge": _kernel_ridge,
    "ng-rc": _ng_rc,
    "rnn": _recurrent,
    "gru": _recurrent,
    "lstm": _recurrent,
    "ffnn": lambda given: _trained(given, order=Choice((2, 5, 10, 20))),
    "cnn": lambda given: _trained(given, layers=Choice((2, 3, 4, 5)), kernel=Choice((2, 3))),
    "linear": lambda given: Searched(share=0.0),
    "nearest": lambda given: Searched(share=0.0),
}


def candidates(of: Sequence[str], given: Rows) -> dict[str, Searched]:
    """How each of these learners is searched on such rows."""
    return {name: SEARCHED[name](given) for name in of}
