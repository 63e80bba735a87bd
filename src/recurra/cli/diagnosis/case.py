"""What is diagnosed: a trained network beside its data, or an equation alone; long rows of both, made once."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from recurra.errors import ConfigError, DataError

_SETTLES = 10  # one row in so many of a free run, at its beginning, is left out
_COMPARED = 5  # times as many steps of an equation: they cost little


@dataclass(frozen=True, eq=False)
class Inside:
    """What is looked into: one network, of which a state is known.

    Args:
        model: a fitted estimator.
        name: of its learner.
        words: which member of several that forecast together it is, or what stands before it; empty for a model of one
            network.
        facts: the same for programs.
    """

    model: Any
    name: str
    words: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def has_step_map(self) -> bool:
        """Whether derivatives of its step can be taken."""
        return _has_step_map(self.model)


@dataclass(frozen=True, eq=False)
class Case:
    """What is diagnosed.

    Args:
        steps: rows of the free run and of a simulated truth, and steps over which exponents are averaged.
        length: longest lag of gradients.
        seed: of simulated rows.
        run: a finished run; None for an equation alone.
        model: its model; None for an equation alone.
        system: the equation that the rows are of, None for measured ones.
    """

    steps: int
    length: int
    seed: int
    run: Any = None
    model: Any = None
    system: Any = None

    @property
    def network(self) -> str:
        """The name of the learner."""
        return self.run.results["learner"]

    @property
    def data(self) -> str:
        """The name of the data."""
        if self.run is None:
            return self.system.name
        return Path(self.run.results["data"].removeprefix("dataset:").removeprefix("system:")).name

    @property
    def dt(self) -> float:
        """The step between rows, in time units."""
        return self.system.default_dt if self.run is None else self.run.series.dt

    @property
    def is_map(self) -> bool:
        """Whether the equation goes in steps, so that there is nothing between two rows."""
        return hasattr(self.system, "map")

    @property
    def step(self) -> float | None:
        """The step for the step map of the equation; None for one that has a map of its own."""
        return None if self.run is None or hasattr(self.system, "step_map") else self.dt

    @property
    def truth_steps(self) -> int:
        """Steps over which the exponents of the equation are averaged."""
        return _COMPARED * self.steps

    @property
    def drive(self) -> tuple[str, ...]:
        """The channels that drive the network, none for one that can be left alone."""
        return () if self.model is None else tuple(self.model.frame_.inputs)

    @cached_property
    def inside(self) -> Inside:
        """The model or, of several that forecast together, the first of which a state is known: the best of `auto`."""
        members = getattr(self.model, "members_", None)
        for number, each in enumerate(members.estimators if members is not None else ()):
            if _has_step_map(each):
                return _member(self.model, number, self.network)
        if members is None and hasattr(self.model, "gain_"):
            return _filtered(self.model, self.network)
        return Inside(self.model, self.network)

    def alone(self, model: Any) -> Any:
        """The model, or one of its members, where it can be left alone.

        Raises:
            ConfigError: it is driven.
        """
        if self.drive:
            raise ConfigError(
                f"the network is driven by {', '.join(self.drive)}: left alone it has no motion of its own"
            )
        return model

    @cached_property
    def truth(self) -> Any:
        """Rows of the truth: of an equation new ones, as many as asked for; else the longest unbroken ones there are.

        Of a driven network those along the known drive, which were forecast.
        """
        if self.drive:
            return self.run.truth
        if self.system is None:
            return max(self.run.series.segments, key=len)
        method = None if self.run is None else self.run.spec.method
        return self.system.simulate(self.steps, dt=self.dt, method=method, seed=self.seed)

    @cached_property
    def free(self) -> Any:
        """The network on its own output from the end of its training on, without the rows in which it settles.

        Raises:
            DataError: it runs away.
        """
        if self.drive:
            return _kept(self.run.forecasts[self.network])
        return self._left_alone(self.model)

    @cached_property
    def free_inside(self) -> Any:
        """The same of what is looked into, by itself."""
        return self.free if self.inside.model is self.model else self._left_alone(self.inside.model)

    def _left_alone(self, model: Any) -> Any:
        return _kept(model.forecast(self.steps + self.steps // _SETTLES)[self.steps // _SETTLES :])

    @property
    def how(self) -> str:
        """What the free run is, in words."""
        if self.drive:
            return f"The network ran on its own output along the known drive, for {len(self.free):,} rows."
        return (
            f"The network ran on its own output for {len(self.free):,} rows, after {self.steps // _SETTLES:,} others."
        )


def _kept(free: Any) -> Any:
    lost = free.provenance.get("lost_after")
    if lost is not None:
        raise DataError(f"the free run of the network runs away: it is lost after {lost} steps")
    return free


def _has_step_map(model: Any) -> bool:
    from recurra.diagnostics.subject import behind
    from recurra.reservoirs import EchoState

    network = behind(model.network_)
    return isinstance(network, EchoState) or hasattr(network, "model")


def _filtered(model: Any, name: str) -> Inside:
    words = (
        f"{name} filters noisy rows by the forecasts of the network behind the filter, {model.of}. Looked into is that "
        "network: on its own output there is nothing to filter, and along the data it sees filtered rows."
    )
    return Inside(model, name, words, {"learner": model.of, "gain": model.gain_})


def _member(model: Any, number: int, name: str) -> Inside:
    member, count = model.member(number), len(model.members_.estimators)
    facts = {"learner": member.kind, "number": number + 1, "members": count}
    if count == 1:
        return Inside(member, member.kind, f"{name} has chosen one model, {member.kind}: it is looked into.", facts)
    place = f"number {number + 1}"
    if name == "auto":  # the best first
        place = "the best" if number == 0 else f"{place}, the best of which a state is known"
    words = f"{name} forecasts with {count} models together. Looked into is {place}: {member.kind}, by itself."
    return Inside(member, member.kind, words, facts)


def known_rows(run: Any, length: int) -> tuple[Any, str]:
    """The rows to look at, and what they are: the test part, or the training part where only that is long enough."""
    parts = {"the test part": run.test, "the training part": run.train}
    longest = {name: max(map(len, part.segments)) for name, part in parts.items()}
    name = next((name for name, rows in longest.items() if rows > length), max(longest, key=lambda n: longest[n]))
    return parts[name], name
