"""The contract of a suite: a published protocol, what is measured under it, and what others have reached."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recurra.errors import ConfigError, unknown

Scores = Mapping[str, Any]  # numbers, or lists of them (one for each start), by the names of the measures


@dataclass(frozen=True)
class Entry:
    """A line of a table: a learner with its settings, under conditions.

    Args:
        name: of the line.
        learner: a name in `recurra.estimators.LEARNERS`, or a method that only the suite knows.
        settings: those that differ from the learner's defaults.
        conditions: what else a row depends on: lengths, steps, noise.
        seeded: whether a row depends on its seed, by the learner or by the data; what does not has one row.
        baseline: whether it is there to be beaten.
    """

    name: str
    learner: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    seeded: bool = True
    baseline: bool = False

    @property
    def given(self) -> dict[str, Any]:
        """Conditions and settings together, as a row keeps them."""
        return {**self.conditions, **self.settings}


@dataclass(frozen=True)
class Measure:
    """A number that is measured.

    Args:
        name: its key in a row.
        title: what it is, with its unit.
        better: "lower", "higher", or nothing where neither is.
        mean: "arithmetic", or "rms" where papers give the root mean square over the runs.
    """

    name: str
    title: str
    better: str = ""
    mean: str = "arithmetic"


@dataclass(frozen=True)
class Published:
    """What others have reached.

    Args:
        who: method and authors.
        measure: name of a `Measure`.
        value: what they give.
        source: where it stands, and what differs from the protocol where something does.
    """

    who: str
    measure: str
    value: float
    source: str


@dataclass(frozen=True)
class Case:
    """One row that is to be measured.

    Args:
        entry: the line that it belongs to.
        seed: of everything random.
        part: one of `Suite.parts`, or nothing.
        data: the file that the suite needs, where it does.
    """

    entry: Entry
    seed: int = 0
    part: str = ""
    data: Path | None = None

    @property
    def key(self) -> tuple[str, int, str]:
        """What tells a row from all others."""
        return self.entry.name, self.seed, self.part

    def build(self, **settings: Any) -> Any:
        """The estimator of this case, unfitted; `settings` are those that the protocol itself fixes.

        A seed among the settings of the entry stands for all seeds: then only the data differ.
        """
        from recurra.estimators import LEARNERS

        learner = LEARNERS[self.entry.learner]
        seed = {"seed": self.seed} if "seed" in learner.build().get_params() else {}
        return learner.build(**{**settings, **seed, **self.entry.settings})


def _one_part(data: Path | None) -> Sequence[str]:
    del data
    return ("",)


@dataclass(frozen=True)
class Suite:
    """A protocol, exactly as published, that anyone can run.

    Args:
        name: of the command line.
        title: one line for people.
        protocol: data, what is learned, what is forecast, how it is scored; a few sentences.
        source: the paper that the protocol is from.
        measures: what a row holds.
        entries: what is measured by default.
        published: what others have reached.
        measure: from a case to its scores; beside the measures it may give "settings" (what was chosen) and "cpu" (the
            processor seconds of the learner alone, where a row needs more than those).
        seeds: how many of each entry by default.
        parts: what a row is one of beside seeds (systems); from the data file to their names.
        drawn: whether the data are drawn anew from every seed.
        any_learner: whether every name in `LEARNERS` can be measured, under the conditions of the first entry.
        needs: what file has to be given, where one has.
    """

    name: str
    title: str
    protocol: str
    source: str
    measures: tuple[Measure, ...]
    entries: tuple[Entry, ...]
    published: tuple[Published, ...]
    measure: Callable[[Case], Scores]
    seeds: int = 1
    parts: Callable[[Path | None], Sequence[str]] = _one_part
    drawn: bool = False
    any_learner: bool = True
    needs: str = ""

    def chosen(self, learners: Sequence[str] = ()) -> tuple[Entry, ...]:
        """The entries of these names or learners; all where none is named.

        Raises:
            ConfigError: a name that is neither an entry nor, where any learner can be measured, a learner.
        """
        found: list[Entry] = []
        for name in learners:
            named = [entry for entry in self.entries if name in (entry.name, entry.learner)]
            found += [entry for entry in named or [self._other(name)] if entry not in found]
        return tuple(found) if learners else self.entries

    def cases(
        self, entries: Sequence[Entry], seeds: int | None = None, first: int = 0, data: Path | None = None
    ) -> list[Case]:
        """The rows of these entries: every seed from `first` on, and every part.

        Raises:
            ConfigError: fewer than one seed, a file that is missing, or one that nobody asks for.
        """
        count = self.seeds if seeds is None else seeds
        if count < 1:
            raise ConfigError(f"`seeds` must be at least 1, got {count}")
        if bool(self.needs) != (data is not None):
            wants = f"needs a file, {self.needs}: name it with --data" if self.needs else "takes no file: omit --data"
            raise ConfigError(f"the suite {self.name} {wants}")
        parts = self.parts(data)
        return [
            Case(entry, first + k, part, data)
            for entry in entries
            for k in range(count if entry.seeded else 1)
            for part in parts
        ]

    def _other(self, name: str) -> Entry:
        from recurra.estimators import LEARNERS

        own = {each for entry in self.entries for each in (entry.name, entry.learner)}
        if not self.any_learner or name not in LEARNERS:
            raise ConfigError(unknown(f"learner of {self.name}", name, own | set(LEARNERS if self.any_learner else ())))
        conditions = self.entries[0].conditions
        label = " ".join([name, *(f"{key}={value}" for key, value in conditions.items())])
        seeded = self.drawn or "seed" in LEARNERS[name].build().get_params()
        return Entry(label, name, {}, conditions, seeded)
