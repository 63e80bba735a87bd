"""How long the truth itself can be trusted: two solvers from one start."""

from typing import Any, Protocol, runtime_checkable

import numpy as np

from recurra.errors import ConfigError
from recurra.metrics import valid_prediction_time
from recurra.series import Series
from recurra.systems.catalogue import make
from recurra.systems.custom import PREFIX
from recurra.systems.flow import Flow, states
from recurra.systems.integrators import DEFAULT, METHODS, SECOND_OPINION
from recurra.systems.system import System


@runtime_checkable
class Repeatable(Protocol):
    """A system with a second solver of its own."""

    def again(self, series: Series) -> np.ndarray:
        """The rows of a series, or of a part cut in time, once more from the same start."""
        ...


def agreement_time(series: Series, threshold: float = 0.4, scale: Any = None, *, system: System | None = None) -> float:
    """The time for which a simulated series agrees with a second solver from the same start.

    In a chaotic system rounding and truncation grow as exp(lambda t): no forecast can be shown to be right
    for longer than this. The second solver is as tight as the default one and of another order; for a series
    made by any other method it is the default one, so that the answer is how long that method holds. Partial
    differential equations and those with a delay are solved again with half the internal step.

    Args:
        series: rows of `simulate`, or a part of them cut in time.
        threshold: the largest error e(t) that counts as agreement, as in `metrics.valid_prediction_time`.
        scale: standard deviation of each channel. Default: that of the series.
        system: the system. Default: the one that the provenance names.

    Returns:
        A time in time units; the whole length of the series where the two never part.

    Raises:
        ConfigError: no system is known, or it is not integrated.

    >>> system = make("lorenz63")
    >>> agreement_time(system.simulate(steps=500, dt=0.01))
    5.0
    """
    if system is None:
        system = _named(series)
    if not isinstance(system, Flow | Repeatable):
        raise ConfigError(f"{system.name} is not integrated: there is no second solver to compare with")
    if len(series) < 2 or series.times.dtype != np.float64:
        raise ConfigError(f"agreement needs at least 2 rows at numeric times, got {series!r}")
    if isinstance(system, Repeatable):
        again = system.again(series)
    else:
        accurate = series.provenance.get("method") == DEFAULT
        second = SECOND_OPINION if accurate else METHODS[DEFAULT]
        again = states(system, second, series.values[0], series.times, series.dt)
    scale = series.values.std(axis=0) if scale is None else scale
    return valid_prediction_time(series.values[1:], again[1:], threshold, scale, series.dt)


def _named(series: Series) -> System:
    name = series.provenance.get("system")
    if name is None or name.startswith(PREFIX):
        raise ConfigError("the series does not say which built-in system made it: pass `system=`")
    return make(name, **series.provenance["parameters"])
