"""`Hybrid`: an equation that is known in part, and a learner for what it does not say."""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recurra._types import Forecaster, Known
from recurra.errors import ConfigError
from recurra.estimators.base import Estimator
from recurra.estimators.equation import KnownStep
from recurra.estimators.learners import LEARNERS
from recurra.estimators.members import Members
from recurra.estimators.parameters import Checks
from recurra.estimators.training_set import TrainingSet, steps
from recurra.storage import Layout, plain

OF = ("esn", "ng-rc", "kernel-ridge", "ensemble")  # learners that can learn what is left of an equation


@dataclasses.dataclass(kw_only=True, eq=False)
class Hybrid(Estimator):
    r"""A wrong or partial equation, and a network for the rest.

    .. math:: y_{t+1} = \Phi_{\Delta t}(y_t; u_{t+1}) + r(y_t, u_{t+1}, h_t)

    Phi follows the equation from one row to the next; r is a learner, fitted to what the equation leaves of the
    training rows. With a penalty that outweighs the data nothing but the equation and a constant is left. All that the
    learner chooses (a ridge, lags) it chooses by the closed loop of both together.

    Args:
        system: name of a system (`recurra systems`), or a `System`, such as `recurra.systems.custom(...)`: a vector
            field or a map that time itself does not change. Its channels are among those of the data, by name.
        parameters: of the system where it is given by name, such as {"rho": 29.4}.
        of: the learner: "esn", "ng-rc", "kernel-ridge", or an "ensemble" of one of them.
        settings: its parameters.
        substeps: steps of Runge and Kutta from one row to the next.

    Inputs of the data that have the name of a parameter of the system are that parameter (`rho` of Lorenz), and F is
    its force; both are held over a step. The learner sees all inputs. Channels that the equation does not have are
    known to stay as they are, and learnt like the rest.

    Pathak et al. give Phi to the reservoir and its readout as more inputs. Here it has the weight 1 and the readout
    adds to it: the same functions of y and h but for a factor, and what a ridge draws to zero is the correction, not
    the equation.

    A file holds the name and parameters of a system of recurra. It holds no code: one with equations of one's own is
    loaded with them, as `recurra.load(path, system=mine)`.

    Reference: J. Pathak, A. Wikner, R. Fussell, S. Chandra, B. R. Hunt, M. Girvan, E. Ott, Hybrid forecasting of
    chaotic processes: using machine learning in conjunction with a knowledge-based model, Chaos 28 (2018) 041101.

    Example:
        >>> import numpy as np, recurra as rc
        >>> truth = rc.systems.LogisticMap(r=3.8).simulate(steps=60, seed=0)
        >>> model = rc.Hybrid(system="logistic-map", parameters={"r": 3.5}, of="ng-rc").fit(truth[:40])
        >>> bool(np.abs(model.forecast(15).values - truth.values[40:55]).max() < 1e-6)
        True
    """

    kind: ClassVar[str] = "hybrid"
    handed: ClassVar[tuple[str, ...]] = ("system",)

    system: Any = "lorenz63"
    parameters: Mapping[str, float | str] | None = None
    of: str = "esn"
    settings: Mapping[str, Any] | None = None
    substeps: int = 4

    def check(self) -> None:
        checks = Checks(self).choice("of", list(OF)).whole("substeps", 1, 10_000)
        settings, given = ({} if table is None else table for table in (self.settings, self.parameters))
        for name, table in (("settings", settings), ("parameters", given)):
            if not isinstance(table, Mapping) or not all(isinstance(key, str) for key in table):
                checks.problems.append(f"`{name}` must be a table by name or None, got {table!r}")
        if not isinstance(self.system, str) and not hasattr(self.system, "simulate"):
            own = " (no file holds equations of one's own: `recurra.load(path, system=mine)`)"
            checks.problems.append(f"`system` must be the name of a system or a `System`, got {self.system!r}{own}")
        elif not isinstance(self.system, str) and given:
            checks.problems.append("`parameters` are those of a system that is given by name; this one has its own")
        if not checks.problems:
            for name, tried in (("settings", self._checked_learner), ("system", self._system)):
                try:
                    tried()
                except ConfigError as error:
                    checks.problems.append(f"`{name}`: {error}")
        checks.raise_all()

    def _system(self) -> Any:
        from recurra.systems import make

        return make(self.system, **(self.parameters or {})) if isinstance(self.system, str) else self.system

    def _learner(self) -> Any:
        """The learner, which learns the rest as it is."""
        settings = dict(self.settings or {})
        if self.of == "ensemble":
            return LEARNERS[self.of].build(**{**settings, "settings": _plain_rest(settings.get("settings"))})
        return LEARNERS[self.of].build(**_plain_rest(settings))

    def _checked_learner(self) -> None:
        LEARNERS[self.of].build().set_params(**(self.settings or {}))  # says which name is unknown
        learner = self._learner()
        learner.check()
        kind = LEARNERS[learner.of].build(**(learner.settings or {})) if self.of == "ensemble" else learner
        if kind.kind not in OF:
            raise ConfigError(f"an ensemble of {kind.kind!r} cannot learn the rest of an equation: take {OF[:-1]}")
        if kind.increment:
            raise ConfigError("`increment`: what is learnt stands beside the equation, not beside the last row")
        if getattr(kind, "readout", "ridge") == "force":
            raise ConfigError("`readout='force'` learns while the network runs alone, without the equation")
        if getattr(kind, "tune", None) is not None:
            raise ConfigError("`tune` searches the learner without the equation: tune it before, alone")

    def _warmup_rows(self) -> int:
        return max(1, self.learner_._warmup_rows() if hasattr(self, "learner_") else self._learner()._warmup_rows())

    def _learn(self, training: TrainingSet) -> tuple[Forecaster, list[dict[str, Any]]]:
        known = KnownStep.of(self._system(), training.frame, self.substeps)
        for part in training.parts:
            known.check(steps(part)[0])
        self.learner_ = self._learner()
        self.learner_.alarms_ = vars(self).get("alarms_", [])
        network, history = self.learner_._learn(dataclasses.replace(training, known=known))
        self.learner_.network_ = network
        return network, history

    def _saved(self) -> dict[str, Any]:
        """A system of recurra by its name and parameters; of equations of one's own nothing."""
        params = self.get_params()
        if isinstance(self.system, str):
            return params
        from recurra.systems import catalogue

        if type(self.system) is not catalogue().get(self.system.name):
            return {**params, "system": None}
        numbers = self.system.parameters
        return {**params, "system": self.system.name, "parameters": plain(numbers)}

    def _facts(self) -> dict[str, Any]:
        return {"learner": plain(self.learner_._facts())}

    def _tensors(self) -> dict[str, np.ndarray]:
        return self.learner_._tensors()

    def _layout(self, channels: int, features: int, facts: dict[str, Any]) -> Layout:
        return self._learner()._layout(channels, features, facts["learner"])

    def _restore(self, channels: int, features: int, facts: dict[str, Any], tensors: dict[str, np.ndarray]) -> Any:
        self.learner_ = self._learner()
        network = self.learner_._restore(channels, features, facts["learner"], tensors)
        self.learner_.network_ = with_known(network, KnownStep.of(self._system(), self.frame_, self.substeps))
        return self.learner_.network_


def with_known(network: Any, known: Known) -> Any:
    """A network that was read from a file, with what is known of the next row."""
    if isinstance(network, Members):
        for member in network.estimators:
            member.network_ = with_known(member.network_, known)
        return network
    return dataclasses.replace(network, known=known)


def _plain_rest(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Settings of a learner that learns the rest as it is, unless they say otherwise."""
    return {"increment": False, **(settings or {})}
